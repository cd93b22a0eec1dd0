/*
 * Transfer: one file to or from a machine, through commands that every machine's sh has.
 *
 * The bytes go in pieces, one command each, beside the target under a hidden name that is drawn from the
 * content's SHA-256 and the target's name. Only when the digests of both sides agree does it take the target's name, so the target
 * is whole, old or new, at every moment. Whoever comes later, after a broken connection or as another process, goes on from what is
 * there when its digest says that it is the beginning of the file, and from nothing otherwise.
 *
 *     put   survey (part, target), pieces by `cat >>` behind a check of the size, then digest, mode, time and `mv`
 *     get   survey (size, time, mode, digest), pieces by `tail | head`, then digest, mode, time and a rename here
 *
 * A command whose connection broke may have taken effect: nothing is concluded from it, the next attempt surveys again. Attempts
 * without progress are bounded, with pauses that double.
 *
 * A target that holds the content already is not sent again. A local source that changes meanwhile is told when the digests
 * disagree; a remote one is begun again, a bounded number of times.
 */
#ifndef MACHINE_TRANSFER_H
#define MACHINE_TRANSFER_H

#include "machine/machine.h"
#include "world/file.h"

enum {
    TRANSFER_PIECE_BYTES = 8 * 1024 * 1024,
    TRANSFER_PATH_SIZE = 4096,
    TRANSFER_COMMAND_SIZE = 8 * TRANSFER_PATH_SIZE,
    TRANSFER_ATTEMPTS = 8, /* in a row without progress */
    TRANSFER_RESTARTS = 3, /* of a file that was another one at its end */
};

/* What all files of a run share. */
struct transfer_room {
    struct machine *machine; /* reused sessions */
    size_t piece_bytes;
    char *piece; /* and a NUL, on the world's heap */
    char command[TRANSFER_COMMAND_SIZE];
};

/* ERR_NO_MEMORY, or ERR_OK: then transfer_room_release(). */
MUST_USE enum error_code transfer_room_take(struct transfer_room *room, struct machine *machine, size_t piece_bytes);
void transfer_room_release(struct transfer_room *room);

/* One file. `local` and `remote` are the names of files, both borrowed; the rest is what became of it. */
struct transfer {
    const char *local;
    const char *remote;
    int64_t size;
    int64_t resumed_from; /* what was there when the first attempt came */
    int64_t sent_bytes;   /* over the wire */
    int attempts;         /* 1: nothing went wrong */
    char sha256[DIGEST_HEX_SIZE];
};

/*
 * ERR_OK: the target holds the content, with the source's mode (without special bits) and time in whole seconds. ERR_DISK_FULL: the
 * machine's disk is; what was sent is removed. ERR_COMMAND_FAILED: with the machine's own words, or the source there is no regular
 * file. ERR_INPUT_UNREADABLE: the source, or it changed meanwhile. ERR_FILE_DIFFERS: the digests never agreed. ERR_CANNOT_WRITE: on
 * this side. Otherwise why the machine could not be reached.
 */
MUST_USE enum error_code transfer_put(struct transfer_room *room, struct transfer *transfer, struct error *error);
MUST_USE enum error_code transfer_get(struct transfer_room *room, struct transfer *transfer, struct error *error);

/* Whether `path` is a folder on the machine. */
MUST_USE enum error_code transfer_is_folder(struct transfer_room *room, const char *path, bool *is_folder,
                                            struct error *error);

#endif
