/* From a machine. */
#include <string.h>

#include "base/json_read.h"
#include "machine/transfer_state.h"

enum { NUMBERS = 3, DIGITS_MAX = 20 };

/* ---- What is there -------------------------------------------------------------------------------------------------------- */

/* "SIZE SECONDS MODE\n" */
static bool read_facts(const char *line, struct world_file_facts *facts)
{
    int64_t numbers[NUMBERS];
    for (size_t i = 0; i < NUMBERS; i++) {
        size_t digits = strspn(line, "0123456789");
        if (digits == 0 || digits > DIGITS_MAX || line[digits] != (i == NUMBERS - 1 ? '\n' : ' ') ||
            !json_number_int64((struct span){line, digits}, &numbers[i])) {
            return false;
        }
        line += digits + 1;
    }
    facts->size = numbers[0];
    facts->modified_unix_ns = scale_rounded(numbers[1], NS_PER_S, 1);
    facts->mode = (unsigned)(numbers[2] % 1000 / 100 * 64 + numbers[2] % 100 / 10 * 8 + numbers[2] % 10); /* octal */
    return true;
}

/* A device or a pipe may have no end, so nobody reads it; what is not there is for stat to tell. */
static void append_survey(struct buffer *command, const char *path)
{
    buffer_append_text(command, "if test -d ");
    quote_append_path(command, path);
    buffer_append_text(command, "; then echo folder; elif test -e ");
    quote_append_path(command, path);
    buffer_append_text(command, " && ! test -f ");
    quote_append_path(command, path);
    buffer_append_text(command, "; then echo special; else stat -L -c '%s %Y %a' ");
    quote_append_path(command, path);
    buffer_append_text(command, " && sha256sum < ");
    quote_append_path(command, path);
    buffer_append_text(command, "; fi");
}

static enum error_code refuse_kind(const char *path, const char *kind, struct error *error)
{
    if (strcmp(kind, "special\n") == 0) {
        return error_set(error, ERR_COMMAND_FAILED, "%s on the machine is no regular file", path);
    }
    (void)error_set(error, ERR_COMMAND_FAILED, "%s on the machine is a folder", path);
    error_advise(error, "get its files by name, or all of them: dumont run ID -- tar cf - FOLDER | tar xf -");
    return ERR_COMMAND_FAILED;
}

/* Size, time, mode and digest of the source. */
static enum error_code survey(struct attempt *attempt, struct error *error)
{
    struct transfer *transfer = attempt->transfer;
    struct buffer *out = &attempt->room->machine->out;
    struct buffer command = transfer_command(attempt);
    append_survey(&command, transfer->remote);
    enum error_code code = transfer_send(attempt, &command, (struct span){"", 0}, out, transfer_digest_limit_ns, error);
    if (code != ERR_OK) {
        return code;
    }
    if (strcmp(buffer_text(out), "folder\n") == 0 || strcmp(buffer_text(out), "special\n") == 0) {
        return refuse_kind(transfer->remote, buffer_text(out), error);
    }
    const char *second = transfer_next_line(buffer_text(out));
    if (!read_facts(buffer_text(out), &attempt->facts) || second == NULL ||
        !transfer_read_digest(second, transfer->sha256)) {
        return error_set(error, ERR_OUTPUT_UNEXPECTED, "%s: stat and sha256sum on the machine are not understood",
                         transfer->remote);
    }
    transfer->size = attempt->facts.size;
    return ERR_OK;
}

/* ---- The part ----------------------------------------------------------------------------------------------------------------- */

/* Opens the part of this content; another one's is closed. */
static enum error_code open_part(struct attempt *attempt, struct error *error)
{
    char former[TRANSFER_PATH_SIZE];
    memcpy(former, attempt->part, sizeof former);
    enum error_code code = transfer_name_part(attempt, attempt->transfer->local, error);
    if (code != ERR_OK || (attempt->file.opened != NULL && strcmp(former, attempt->part) == 0)) {
        return code;
    }
    if (attempt->file.opened != NULL) { /* the source has become another file */
        world_file_remove(attempt->world, former);
        world_file_close(attempt->world, &attempt->file);
    }
    return world_file_open(attempt->world, attempt->part, WORLD_FILE_FILL, &attempt->file, error);
}

/* The digest of the source's first `size` bytes. */
static enum error_code remote_prefix(struct attempt *attempt, int64_t size, char hex[DIGEST_HEX_SIZE],
                                     struct error *error)
{
    struct buffer *out = &attempt->room->machine->out;
    struct buffer command = transfer_command(attempt);
    buffer_printf(&command, "head -c %lld < ", (long long)size);
    quote_append_path(&command, attempt->transfer->remote);
    buffer_append_text(&command, " | sha256sum");
    enum error_code code = transfer_send(attempt, &command, (struct span){"", 0}, out, transfer_digest_limit_ns, error);
    if (code == ERR_OK && !transfer_read_digest(buffer_text(out), hex)) {
        return error_set(error, ERR_OUTPUT_UNEXPECTED, "%s: sha256sum on the machine is not understood",
                         attempt->transfer->remote);
    }
    return code;
}

/* How many bytes of the part are the source's beginning; a part that is not its beginning is emptied. */
static enum error_code judge_part(struct attempt *attempt, struct error *error)
{
    struct world_file_facts part;
    char here[DIGEST_HEX_SIZE];
    char there[DIGEST_HEX_SIZE];
    enum error_code code = world_file_look(attempt->world, &attempt->file, &part, error);
    if (code != ERR_OK) {
        return code;
    }
    bool fits = part.size > 0 && part.size <= attempt->transfer->size;
    if (fits) {
        code = world_file_digest(attempt->world, &attempt->file, (struct world_file_range){0, part.size}, DIGEST_SHA256,
                                 NULL, here, error);
        code = code == ERR_OK ? remote_prefix(attempt, part.size, there, error) : code;
        if (code != ERR_OK) {
            return code;
        }
    }
    attempt->done_bytes = fits && strcmp(here, there) == 0 ? part.size : 0;
    if (attempt->done_bytes == 0 && part.size > 0) {
        code = world_file_resize(attempt->world, &attempt->file, 0, error);
    }
    if (!attempt->surveyed) {
        attempt->transfer->resumed_from = attempt->done_bytes;
    }
    attempt->surveyed = true;
    return code;
}

/* ---- Pieces ----------------------------------------------------------------------------------------------------------------- */

static enum error_code fetch_piece(struct attempt *attempt, struct error *error)
{
    struct transfer *transfer = attempt->transfer;
    int64_t left = transfer->size - attempt->done_bytes;
    int64_t first_byte = attempt->done_bytes + 1; /* counted from 1 */
    int64_t piece_bytes = (int64_t)attempt->room->piece_bytes;
    int64_t wanted = left < piece_bytes ? left : piece_bytes;
    struct buffer out;
    buffer_init_fixed(&out, attempt->room->piece, attempt->room->piece_bytes + 1);
    struct buffer command = transfer_command(attempt);
    buffer_printf(&command, "tail -c +%lld ", (long long)first_byte);
    quote_append_path(&command, transfer->remote);
    buffer_printf(&command, " | head -c %lld", (long long)wanted);
    enum error_code code = transfer_send(attempt, &command, (struct span){"", 0}, &out, transfer_piece_limit_ns, error);
    if (code == ERR_OK && (int64_t)out.length != wanted) {
        return transfer_differs(attempt, transfer->remote, error);
    }
    if (code == ERR_OK) {
        code = world_file_write(attempt->world, &attempt->file, attempt->done_bytes, out.data, out.length, error);
    }
    if (code == ERR_OK) {
        attempt->done_bytes += wanted;
        transfer->sent_bytes += wanted;
        transfer_note(attempt);
    }
    return code;
}

/* ---- The end ---------------------------------------------------------------------------------------------------------------- */

static enum error_code finish(struct attempt *attempt, struct error *error)
{
    struct transfer *transfer = attempt->transfer;
    char hex[DIGEST_HEX_SIZE];
    enum error_code code = world_file_digest(
        attempt->world, &attempt->file, (struct world_file_range){0, transfer->size}, DIGEST_SHA256, NULL, hex, error);
    if (code == ERR_OK && strcmp(hex, transfer->sha256) != 0) {
        code = world_file_resize(attempt->world, &attempt->file, 0, error);
        return code == ERR_OK ? transfer_differs(attempt, transfer->remote, error) : code;
    }
    code = code == ERR_OK ? world_file_stamp(attempt->world, &attempt->file, &attempt->facts, error) : code;
    code = code == ERR_OK ? world_file_sync(attempt->world, &attempt->file, error) : code;
    return code == ERR_OK ? world_file_rename(attempt->world, attempt->part, transfer->local, error) : code;
}

static enum error_code get_once(struct attempt *attempt, struct error *error)
{
    enum error_code code = survey(attempt, error);
    code = code == ERR_OK ? open_part(attempt, error) : code;
    code = code == ERR_OK ? judge_part(attempt, error) : code;
    while (code == ERR_OK && attempt->done_bytes < attempt->transfer->size) {
        code = fetch_piece(attempt, error);
    }
    return code == ERR_OK ? finish(attempt, error) : code;
}

enum error_code transfer_get(struct transfer_room *room, struct transfer *transfer, struct error *error)
{
    struct attempt attempt = {.room = room, .transfer = transfer, .world = room->machine->world};
    enum error_code code = transfer_try(&attempt, get_once, error);
    world_file_close(attempt.world, &attempt.file);
    return code;
}
