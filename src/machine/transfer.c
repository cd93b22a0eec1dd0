#include "machine/transfer.h"

#include <string.h>

#include "machine/transfer_state.h"
#include "world/note.h"

enum {
    PART_DIGITS = 16,
    JITTER_STREAM = 60,
    WORDS_MAX = 160,
    KILLED_STATUS = 128
}; /* a signal ended it: that much more */

const int64_t transfer_piece_limit_ns = 900 * NS_PER_S;
const int64_t transfer_digest_limit_ns = 7200 * NS_PER_S;

static const int64_t first_pause_ns = NS_PER_S;
static const int64_t longest_pause_ns = 30 * NS_PER_S;
static const int64_t open_limit_ns = 30 * NS_PER_S;

enum error_code transfer_room_take(struct transfer_room *room, struct machine *machine, size_t piece_bytes)
{
    room->machine = machine;
    room->piece_bytes = piece_bytes;
    room->piece = heap_alloc(machine->world->heap, piece_bytes + 1);
    return room->piece == NULL ? ERR_NO_MEMORY : ERR_OK;
}

void transfer_room_release(struct transfer_room *room)
{
    heap_release(room->machine->world->heap, room->piece);
    room->piece = NULL;
}

/* ---- Commands ----------------------------------------------------------------------------------------------------------- */

struct buffer transfer_command(struct attempt *attempt)
{
    struct buffer command;
    buffer_init_fixed(&command, attempt->room->command, sizeof attempt->room->command);
    return command;
}

/* What a command that failed says, or that it says nothing. */
static enum error_code read_failure(struct attempt *attempt, struct error *error)
{
    struct machine *machine = attempt->room->machine;
    const char *words = buffer_text(&machine->err);
    if (words[0] == '\0' && machine->exit_status == 1) {
        return error_set(error, ERR_FILE_DIFFERS, "%s on the machine is not what it was", attempt->transfer->remote);
    }
    if (words[0] == '\0' && machine->exit_status > KILLED_STATUS) {
        (void)error_set(error, ERR_COMMAND_FAILED, "%s on the machine: the command was killed (status %d)",
                        attempt->transfer->remote, machine->exit_status);
        error_advise(error, "look for what ends commands there: memory that is short, a limit; then run it again");
        return error->code;
    }
    bool full = strstr(words, "No space left on device") != NULL || strstr(words, "quota exceeded") != NULL;
    size_t length = strcspn(words, "\n");
    return error_set(error, full ? ERR_DISK_FULL : ERR_COMMAND_FAILED, "%s on the machine: status %d: %.*s",
                     attempt->transfer->remote, machine->exit_status, (int)(length < WORDS_MAX ? length : WORDS_MAX),
                     words);
}

enum error_code transfer_send(struct attempt *attempt, const struct buffer *command, struct span input,
                              struct buffer *out, int64_t limit_ns, struct error *error)
{
    struct machine *machine = attempt->room->machine;
    const struct machine_order order = {
        .command = {command->data, command->length},
        .input = input,
        .out = out,
        .err = &machine->err,
    };
    if (command->failed) {
        return error_set(error, ERR_USAGE, "%.100s…: the name is too long", attempt->transfer->remote);
    }
    enum error_code code = machine_send(machine, &order, world_deadline_ns(attempt->world, limit_ns));
    if (code != ERR_OK) {
        return error_set(error, code, "%s: %s", attempt->transfer->remote, error_sentence(code));
    }
    return machine->exit_status == 0 ? ERR_OK : read_failure(attempt, error);
}

enum error_code transfer_is_folder(struct transfer_room *room, const char *path, bool *is_folder, struct error *error)
{
    char storage[TRANSFER_COMMAND_SIZE];
    struct buffer command;
    buffer_init_fixed(&command, storage, sizeof storage);
    buffer_append_text(&command, "if test -d ");
    quote_append_path(&command, path);
    buffer_append_text(&command, "; then echo folder; else echo other; fi");
    if (command.failed) {
        return error_set(error, ERR_USAGE, "%.100s…: the name is too long", path);
    }
    enum error_code code = machine_run(room->machine, command.data, error);
    *is_folder = code == ERR_OK && strcmp(buffer_text(&room->machine->out), "folder\n") == 0;
    return code;
}

/* ---- Names and digests ---------------------------------------------------------------------------------------------------- */

enum error_code transfer_name_part(struct attempt *attempt, const char *target, struct error *error)
{
    const char *slash = strrchr(target, '/');
    int folder = slash == NULL ? 0 : (int)(slash + 1 - target);
    struct digest digest;
    char hex[DIGEST_HEX_SIZE];
    (void)digest_start(&digest, attempt->world->heap, DIGEST_SHA256);
    digest_add(&digest, attempt->transfer->sha256, strlen(attempt->transfer->sha256));
    digest_add(&digest, target + folder, strlen(target + folder));
    if (!digest_finish(&digest, hex)) {
        return error_set(error, ERR_NO_MEMORY, "no memory for a digest");
    }
    bool fits = text_format(attempt->part, sizeof attempt->part, "%.*s.dumont-%.*s", folder, target, PART_DIGITS, hex);
    return fits ? ERR_OK : error_set(error, ERR_USAGE, "%.100s…: the name is too long", target);
}

bool transfer_read_digest(const char *line, char hex[DIGEST_HEX_SIZE])
{
    size_t length = digest_hex_length(DIGEST_SHA256);
    bool is_one = strspn(line, "0123456789abcdef") == length;
    memcpy(hex, is_one ? line : "", is_one ? length : 0);
    hex[is_one ? length : 0] = '\0';
    return is_one;
}

const char *transfer_next_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return end == NULL ? NULL : end + 1;
}

void transfer_note(struct attempt *attempt)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "instance", attempt->room->machine->target.instance_id);
    json_member_string(&note.data, "file", attempt->transfer->remote);
    json_member_int(&note.data, "done_bytes", attempt->done_bytes);
    json_member_int(&note.data, "bytes", attempt->transfer->size);
    note_end(attempt->world, &note, "transfer.progress");
}

/* ---- Attempts ----------------------------------------------------------------------------------------------------------- */

/* Whether another attempt may end otherwise. */
static bool is_worth_another(enum error_code code)
{
    return code == ERR_FILE_DIFFERS || (error_retry_class(code) != RETRY_FATAL && code != ERR_NO_MEMORY);
}

enum error_code transfer_differs(struct attempt *attempt, const char *path, struct error *error)
{
    attempt->restarts++;
    attempt->done_bytes = 0;
    return error_set(error, ERR_FILE_DIFFERS, "%s: the copy's digest is not the file's", path);
}

static enum error_code pause(struct attempt *attempt, int failures, struct error *error)
{
    int64_t pause_ns = first_pause_ns;
    for (int i = 1; i < failures && pause_ns < longest_pause_ns; i++) {
        pause_ns *= 2;
    }
    uint64_t bits =
        world_random_bits(attempt->world, RANDOM_RETRY_JITTER, JITTER_STREAM, (uint32_t)attempt->transfer->attempts);
    pause_ns = pause_ns < longest_pause_ns ? pause_ns : longest_pause_ns;
    pause_ns += (int64_t)(bits % (uint64_t)(pause_ns / 4));
    enum error_code code = world_sleep_until(attempt->world, world_deadline_ns(attempt->world, pause_ns));
    return code == ERR_OK ? ERR_OK : error_set(error, code, "%s between two attempts", error_sentence(code));
}

static void tell_failure(struct attempt *attempt, const struct error *error, bool again)
{
    const char *next = again ? "looked at what is there, and went on from that" : "gave up";
    if (error->code == ERR_SSH_DROPPED) {
        note_fault(attempt->world, "ssh-drop-mid-command", "%s; %s", error->message, next);
    } else if (error->code != ERR_INTERRUPTED) {
        note_log(attempt->world, again ? "warning" : "error", "%s; %s", error->message, next);
    }
}

enum error_code transfer_try(struct attempt *attempt, attempt_function *once, struct error *error)
{
    int failures = 0;
    for (;;) {
        int64_t before = attempt->done_bytes;
        attempt->transfer->attempts++;
        enum error_code code = machine_open(attempt->room->machine, open_limit_ns, error);
        code = code == ERR_OK ? once(attempt, error) : code;
        if (code == ERR_OK) {
            return ERR_OK;
        }
        failures = attempt->done_bytes > before ? 1 : failures + 1;
        bool again = is_worth_another(code) && failures < TRANSFER_ATTEMPTS && attempt->restarts < TRANSFER_RESTARTS;
        tell_failure(attempt, error, again);
        if (!again) {
            return code;
        }
        code = pause(attempt, failures, error);
        if (code != ERR_OK) {
            return code;
        }
    }
}
