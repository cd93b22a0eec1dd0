/* To a machine. */
#include <string.h>

#include "base/json_read.h"
#include "machine/transfer_state.h"
#include "world/note.h"

/* ---- What is there -------------------------------------------------------------------------------------------------------- */

/* Prints "SIZE\nDIGEST  -\n" or "none\n"; of a file of another size than `size` (unless -1) no digest is taken. */
static void append_look(struct buffer *command, const char *path, int64_t size)
{
    buffer_append_text(command, "if test -f ");
    quote_append_path(command, path);
    if (size >= 0) {
        buffer_append_text(command, " && test \"$(stat -L -c %s ");
        quote_append_path(command, path);
        buffer_printf(command, ")\" = %lld", (long long)size);
    }
    buffer_append_text(command, "; then stat -L -c %s ");
    quote_append_path(command, path);
    buffer_append_text(command, " && sha256sum < ");
    quote_append_path(command, path);
    buffer_append_text(command, "; else echo none; fi");
}

/* What a look found. */
struct sighting {
    bool there;
    int64_t size;
    char sha256[DIGEST_HEX_SIZE];
};

/* Reads one; where the next begins, or NULL when it is none. */
static const char *read_sighting(const char *text, struct sighting *sighting)
{
    *sighting = (struct sighting){.there = false};
    if (strncmp(text, "none\n", 5) == 0) {
        return text + 5;
    }
    size_t digits = strspn(text, "0123456789");
    const char *second = transfer_next_line(text);
    sighting->there = digits > 0 && text[digits] == '\n' &&
                      json_number_int64((struct span){text, digits}, &sighting->size) &&
                      transfer_read_digest(second, sighting->sha256);
    return sighting->there ? transfer_next_line(second) : NULL;
}

/* How many bytes of the part are the file's beginning; a part that is not its beginning counts for nothing. */
static enum error_code judge_part(struct attempt *attempt, const struct sighting *part, struct error *error)
{
    char hex[DIGEST_HEX_SIZE];
    attempt->done_bytes = 0;
    if (!part->there || part->size == 0 || part->size > attempt->transfer->size) {
        return ERR_OK;
    }
    enum error_code code = world_file_digest(attempt->world, &attempt->file, (struct world_file_range){0, part->size},
                                             DIGEST_SHA256, NULL, hex, error);
    attempt->done_bytes = code == ERR_OK && strcmp(hex, part->sha256) == 0 ? part->size : 0;
    return code;
}

/* Looks at the part and the target. `*there`: the target holds the content already. */
static enum error_code survey(struct attempt *attempt, bool *there, struct error *error)
{
    struct buffer *out = &attempt->room->machine->out;
    struct buffer command = transfer_command(attempt);
    append_look(&command, attempt->part, -1);
    buffer_append_text(&command, "; ");
    append_look(&command, attempt->transfer->remote, attempt->transfer->size);
    enum error_code code = transfer_send(attempt, &command, (struct span){"", 0}, out, transfer_digest_limit_ns, error);
    if (code != ERR_OK) {
        return code;
    }
    struct sighting part;
    struct sighting target;
    const char *second = read_sighting(buffer_text(out), &part);
    if (second == NULL || read_sighting(second, &target) == NULL) {
        return error_set(error, ERR_OUTPUT_UNEXPECTED, "%s: stat and sha256sum on the machine are not understood",
                         attempt->transfer->remote);
    }
    *there = target.there && strcmp(target.sha256, attempt->transfer->sha256) == 0;
    code = *there ? ERR_OK : judge_part(attempt, &part, error);
    if (!attempt->surveyed) {
        attempt->transfer->resumed_from = *there ? attempt->transfer->size : attempt->done_bytes;
    }
    attempt->surveyed = true;
    return code;
}

/* ---- Pieces ----------------------------------------------------------------------------------------------------------------- */

/* The first piece makes the part anew; each other goes behind what must be there. Both print the size that the part has now. */
static void append_piece_command(struct attempt *attempt, struct buffer *command)
{
    if (attempt->done_bytes == 0) {
        buffer_append_text(command, "rm -f ");
        quote_append_path(command, attempt->part);
        buffer_append_text(command, "; : > ");
        quote_append_path(command, attempt->part);
        buffer_append_text(command, " && chmod 600 ");
        quote_append_path(command, attempt->part);
        buffer_append_text(command, " && cat > ");
    } else {
        buffer_append_text(command, "test \"$(stat -c %s ");
        quote_append_path(command, attempt->part);
        buffer_printf(command, ")\" = %lld && cat >> ", (long long)attempt->done_bytes);
    }
    quote_append_path(command, attempt->part);
    buffer_append_text(command, " && stat -c %s ");
    quote_append_path(command, attempt->part);
}

static enum error_code send_piece(struct attempt *attempt, struct error *error)
{
    struct transfer *transfer = attempt->transfer;
    struct buffer *out = &attempt->room->machine->out;
    int64_t left = transfer->size - attempt->done_bytes;
    size_t wanted = left < (int64_t)attempt->room->piece_bytes ? (size_t)left : attempt->room->piece_bytes;
    size_t got = 0;
    enum error_code code =
        world_file_read(attempt->world, &attempt->file, attempt->done_bytes, attempt->room->piece, wanted, &got, error);
    if (code == ERR_OK && got < wanted) {
        return error_set(error, ERR_INPUT_UNREADABLE, "%s became shorter while it was sent", transfer->local);
    }
    struct buffer command = transfer_command(attempt);
    append_piece_command(attempt, &command);
    if (code == ERR_OK) {
        code = transfer_send(attempt, &command, (struct span){attempt->room->piece, got}, out, transfer_piece_limit_ns,
                             error);
    }
    char expected[24];
    int64_t behind = attempt->done_bytes + (int64_t)got;
    (void)text_format(expected, sizeof expected, "%lld\n", (long long)behind);
    if (code == ERR_OK && strcmp(buffer_text(out), expected) != 0) {
        return error_set(error, ERR_FILE_DIFFERS, "%s on the machine has another size than was sent", attempt->part);
    }
    if (code == ERR_OK) {
        attempt->done_bytes += (int64_t)got;
        transfer->sent_bytes += (int64_t)got;
        transfer_note(attempt);
    }
    return code;
}

/* ---- The end ---------------------------------------------------------------------------------------------------------------- */

/* "chmod MODE FILE && touch -d @SECONDS FILE" */
static void append_stamp(struct attempt *attempt, struct buffer *command, const char *path)
{
    buffer_printf(command, "chmod %o ", attempt->facts.mode & 0777U);
    quote_append_path(command, path);
    buffer_printf(command, " && touch -d @%lld ", (long long)(attempt->facts.modified_unix_ns / NS_PER_S));
    quote_append_path(command, path);
}

static enum error_code stamp_target(struct attempt *attempt, struct error *error)
{
    struct buffer command = transfer_command(attempt);
    append_stamp(attempt, &command, attempt->transfer->remote);
    buffer_append_text(&command, " && rm -f ");
    quote_append_path(&command, attempt->part);
    return transfer_send(attempt, &command, (struct span){"", 0}, &attempt->room->machine->out, transfer_piece_limit_ns,
                         error);
}

/* Compares the digests on the machine, and gives the part the target's name when they agree. */
static enum error_code finish(struct attempt *attempt, struct error *error)
{
    struct buffer *out = &attempt->room->machine->out;
    struct buffer command = transfer_command(attempt);
    buffer_append_text(&command, "if test \"$(sha256sum < ");
    quote_append_path(&command, attempt->part);
    buffer_printf(&command, " | cut -c 1-64)\" = %s; then ", attempt->transfer->sha256);
    append_stamp(attempt, &command, attempt->part);
    buffer_append_text(&command, " && mv -f ");
    quote_append_path(&command, attempt->part);
    buffer_append_char(&command, ' ');
    quote_append_path(&command, attempt->transfer->remote);
    buffer_append_text(&command, " && echo moved; else rm -f ");
    quote_append_path(&command, attempt->part);
    buffer_append_text(&command, "; echo differs; fi");
    enum error_code code = transfer_send(attempt, &command, (struct span){"", 0}, out, transfer_digest_limit_ns, error);
    if (code != ERR_OK || strcmp(buffer_text(out), "moved\n") == 0) {
        return code;
    }
    return transfer_differs(attempt, attempt->transfer->remote, error);
}

/* Nobody wants what is left of it on a full disk. */
static void remove_part(struct attempt *attempt)
{
    struct error ignored;
    struct buffer command = transfer_command(attempt);
    buffer_append_text(&command, "rm -f ");
    quote_append_path(&command, attempt->part);
    if (transfer_send(attempt, &command, (struct span){"", 0}, &attempt->room->machine->out, transfer_piece_limit_ns,
                      &ignored) != ERR_OK) {
        note_log(attempt->world, "warning", "%s is left on the machine: %s", attempt->part, ignored.message);
    }
    attempt->done_bytes = 0;
}

/* Before another attempt the source must still be what its digest says. */
static enum error_code check_source(struct attempt *attempt, struct error *error)
{
    struct world_file_facts now;
    enum error_code code = world_file_look(attempt->world, &attempt->file, &now, error);
    if (code == ERR_OK &&
        (now.size != attempt->facts.size || now.modified_unix_ns != attempt->facts.modified_unix_ns)) {
        return error_set(error, ERR_INPUT_UNREADABLE, "%s changed while it was sent", attempt->transfer->local);
    }
    return code;
}

static enum error_code put_once(struct attempt *attempt, struct error *error)
{
    bool there = false;
    enum error_code code = check_source(attempt, error);
    code = code == ERR_OK ? survey(attempt, &there, error) : code;
    if (code != ERR_OK || there) {
        return code == ERR_OK ? stamp_target(attempt, error) : code;
    }
    bool empty = attempt->transfer->size == 0;
    while (code == ERR_OK && (empty || attempt->done_bytes < attempt->transfer->size)) {
        code = send_piece(attempt, error);
        empty = false;
    }
    if (code == ERR_DISK_FULL) {
        remove_part(attempt);
    }
    return code == ERR_OK ? finish(attempt, error) : code;
}

static enum error_code put_open(struct attempt *attempt, struct error *error)
{
    struct transfer *transfer = attempt->transfer;
    enum error_code code = world_file_look(attempt->world, &attempt->file, &attempt->facts, error);
    transfer->size = attempt->facts.size;
    if (code == ERR_OK) {
        code = world_file_digest(attempt->world, &attempt->file, (struct world_file_range){0, transfer->size},
                                 DIGEST_SHA256, NULL, transfer->sha256, error);
    }
    code = code == ERR_OK ? transfer_name_part(attempt, transfer->remote, error) : code;
    code = code == ERR_OK ? transfer_try(attempt, put_once, error) : code;
    return code;
}

enum error_code transfer_put(struct transfer_room *room, struct transfer *transfer, struct error *error)
{
    struct attempt attempt = {.room = room, .transfer = transfer, .world = room->machine->world};
    enum error_code code = world_file_open(attempt.world, transfer->local, WORLD_FILE_READ, &attempt.file, error);
    if (code == ERR_OK) {
        code = put_open(&attempt, error);
        world_file_close(attempt.world, &attempt.file);
    }
    return code;
}
