/*
 * Keeping: what lies in the object store is removed, swept and added up.
 */
#ifndef B2_KEEPING_H
#define B2_KEEPING_H

#include "b2/calls.h"

/*
 * Deletes every version of a name, and reads back that none is left: a delete that was acknowledged and deleted nothing is asked for
 * again, and is ERR_OUTCOME_UNKNOWN in the end. ERR_NO_SUCH_FILE when there was none.
 */
struct b2_removal {
    int64_t versions, bytes;
};
MUST_USE enum error_code b2_remove(struct b2_call *call, const char *name, struct b2_removal *removal,
                                   struct error *error);

/*
 * Deletes one version of a name, and reads back that it is gone and the others are not: else ERR_OUTCOME_UNKNOWN. ERR_NO_SUCH_FILE when
 * the name has no such version.
 */
MUST_USE enum error_code b2_remove_version(struct b2_call *call, const char *name, const char *id,
                                           struct b2_removal *removal, struct error *error);

/*
 * Cancels large files that were begun by us (their mark says so), with `prefix`, at least `grace_ns` ago by the server's clock, and
 * never finished. `visit` (may be NULL) is told of each; with `dry_run` nothing is cancelled.
 */
struct b2_sweep {
    int64_t grace_ns;
    bool dry_run;
    b2_file_visitor *visit;
    void *context;
    int64_t cancelled, too_young, foreign; /* the result; with `dry_run`, what would be cancelled */
};
MUST_USE enum error_code b2_sweep_unfinished(struct b2_call *call, const char *prefix, struct b2_sweep *sweep,
                                             struct error *error);

/* What costs. Prices are published ones, from 1 May 2026: storage by the byte and the time, the first bytes free, calls free. */
#define B2_PRICES_FROM "published by Backblaze, from 2026-05-01"
enum { B2_FREE_BYTES_GB = 10 };
extern const int64_t b2_storage_nusd_per_gb_30_days;

struct b2_usage {
    int64_t files, bytes;            /* the newest version of each name */
    int64_t old_versions, old_bytes; /* hidden or superseded: they cost the same */
    int64_t hide_markers;
    int64_t unfinished, unfinished_bytes; /* large files never finished, and their parts */
    int64_t nusd_per_30_days;             /* of all of these bytes, as long as they stay */
};
MUST_USE enum error_code b2_measure(struct b2_call *call, const char *prefix, struct b2_usage *usage,
                                    struct error *error);

#endif
