/*
 * What the files of a download share: what is fetched, and the two files beside the target: the bytes, and the record of which ranges of
 * them are whole.
 */
#ifndef B2_DOWNLOAD_STATE_H
#define B2_DOWNLOAD_STATE_H

#include "b2/transfer.h"

enum { DOWNLOAD_PATH_SIZE = 4200 };

struct download {
    struct b2 *b2;
    const struct b2_transfer_options *options;
    struct b2_download_result *result;
    const char *name;
    const char *target;
    char temporary[DOWNLOAD_PATH_SIZE];
    char record_path[DOWNLOAD_PATH_SIZE];
    struct world_file file;
    struct world_file record;
    int64_t record_size;
    int64_t range_bytes, range_count;
    bool *range_done;
    /* shared by the workers */
    int64_t next_range;
    int64_t bytes_done;
    bool failed;
    struct error error;
};

int64_t download_range_size(const struct download *download, int64_t index);

/* Opens both files: ERR_STATE_LOCKED when another process fetches to that target. */
MUST_USE enum error_code download_open_files(struct download *download, struct error *error);

/* Goes on with what an earlier run left of the same version of the file, or begins with nothing. */
MUST_USE enum error_code download_take_up(struct download *download, struct error *error);
enum error_code download_start_anew(struct download *download, struct error *error);

/* That range is in the file: it is counted, and recorded for a later run. */
MUST_USE enum error_code download_note_range(struct download *download, int64_t index, struct error *error);

/* What came gets its mode and time, is synced, and takes the target's place. */
MUST_USE enum error_code download_put_in_place(struct download *download, struct error *error);

/* After an error: what nobody could go on with is taken away; the rest stays for the same command. */
void download_leave_files(struct download *download, const struct error *error);

#endif
