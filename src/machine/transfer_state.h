/* The inside of transfers, shared by their three files: transfer.c (commands, attempts), transfer_put.c and transfer_get.c. */
#ifndef MACHINE_TRANSFER_STATE_H
#define MACHINE_TRANSFER_STATE_H

#include "machine/quote.h"
#include "machine/transfer.h"

/* One attempt, or several, at one file. */
struct attempt {
    struct transfer_room *room;
    struct transfer *transfer;
    struct world *world;
    struct world_file file;        /* the local one */
    struct world_file_facts facts; /* put: of the source when it was opened; get: of the remote one, as surveyed */
    char part[TRANSFER_PATH_SIZE]; /* beside the target */
    int64_t done_bytes;            /* of the part, as far as is known */
    int restarts;
    bool surveyed;
};

/* Begins a command in the room's storage. */
struct buffer transfer_command(struct attempt *attempt);

/*
 * Sends the command. ERR_OK: its exit status was 0 and `out` holds what it printed. ERR_DISK_FULL, ERR_COMMAND_FAILED with its words;
 * ERR_FILE_DIFFERS when it failed without a word: what it looked at was not what was expected. Otherwise the connection's errors.
 */
MUST_USE enum error_code transfer_send(struct attempt *attempt, const struct buffer *command, struct span input,
                                       struct buffer *out, int64_t limit_ns, struct error *error);

extern const int64_t transfer_piece_limit_ns;
extern const int64_t transfer_digest_limit_ns;

/* "FOLDER/.dumont-HEX" beside `target`; the same for the same content and name. */
MUST_USE enum error_code transfer_name_part(struct attempt *attempt, const char *target, struct error *error);

/* The digest at the beginning of a line of sha256sum, copied into `hex`. False when it is none. */
bool transfer_read_digest(const char *line, char hex[DIGEST_HEX_SIZE]);

/* Where the next line begins, or NULL. */
const char *transfer_next_line(const char *text);

/* Tells how far it is. */
void transfer_note(struct attempt *attempt);

/* Makes attempts until one succeeds or none can. */
typedef enum error_code attempt_function(struct attempt *attempt, struct error *error);
MUST_USE enum error_code transfer_try(struct attempt *attempt, attempt_function *once, struct error *error);

/* The file that was sent is not the one that was meant: begins again from nothing, unless that was done too often. */
MUST_USE enum error_code transfer_differs(struct attempt *attempt, const char *path, struct error *error);

#endif
