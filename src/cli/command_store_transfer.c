/* dumont store put and get. Standard input and output go through a file of the state folder: it must be read twice, or verified first. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/store.h"

enum { COPY_BYTES = 16 * 1024 };

struct transfer {
    const char *path; /* of the file here: the user's, or the spool's */
    const char *name;
    bool standard; /* "-" */
    struct b2_upload_result put;
    struct b2_download_result got;
    char spool[FILE_PATH_SIZE];
};

static struct b2_transfer_options options_of(struct store_command *command)
{
    return (struct b2_transfer_options){.part_bytes = command->values->part_bytes,
                                        .parallel = (int)command->values->parallel,
                                        .progress = store_progress,
                                        .progress_context = command};
}

/* ---- Spool --------------------------------------------------------------------------------------------------------------- */

static bool write_all(int to, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = write(to, bytes, size);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        bytes += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool copy(int from, int to)
{
    char chunk[COPY_BYTES];
    for (;;) {
        ssize_t count = read(from, chunk, sizeof chunk);
        if (count == 0) {
            return true;
        }
        if ((count < 0 && errno != EINTR) || (count > 0 && !write_all(to, chunk, (size_t)count))) {
            return false;
        }
    }
}

static enum error_code spool_path(struct transfer *transfer, struct error *error)
{
    char folder[FILE_PATH_SIZE];
    enum error_code code = state_folder_path(folder, error);
    code = code == ERR_OK ? folder_make(folder, FOLDER_SECRET, error) : code;
    if (code == ERR_OK &&
        !text_format(transfer->spool, sizeof transfer->spool, "%s/store-spool-%ld", folder, (long)getpid())) {
        return error_set(error, ERR_CANNOT_WRITE, "the path of the state folder is too long");
    }
    transfer->path = transfer->spool;
    return code;
}

static enum error_code spool_input(struct transfer *transfer, struct error *error)
{
    enum error_code code = spool_path(transfer, error);
    if (code != ERR_OK) {
        return code;
    }
    (void)unlink(transfer->spool);
    int spool = open(transfer->spool, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)FILE_SECRET);
    bool done = spool >= 0 && copy(STDIN_FILENO, spool);
    int reason = errno;
    if (spool >= 0 && close(spool) != 0 && done) {
        reason = errno;
        done = false;
    }
    return done ? ERR_OK
                : error_set(error, ERR_CANNOT_WRITE, "cannot keep standard input in %.150s: %s", transfer->spool,
                            strerror(reason));
}

static enum error_code print_spool(const struct transfer *transfer, struct error *error)
{
    int spool = open(transfer->spool, O_RDONLY | O_CLOEXEC);
    bool done = spool >= 0 && copy(spool, STDOUT_FILENO);
    int reason = errno;
    if (spool >= 0) {
        (void)close(spool);
    }
    return done ? ERR_OK : error_set(error, ERR_CANNOT_WRITE, "cannot write to standard output: %s", strerror(reason));
}

/* The object as it is in the store, null when the transfer failed. */
static void write_file(const struct store_command *command, const struct b2_file *file, struct json_writer *writer)
{
    json_key(writer, "file");
    if (command->error.code != ERR_OK) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    store_write_file(writer, file);
    json_end_object(writer);
}

/* ---- Put ----------------------------------------------------------------------------------------------------------------- */

static enum error_code put(struct store_command *command, struct error *error)
{
    struct transfer *transfer = command->result;
    const struct b2_transfer_options options = options_of(command);
    return b2_upload(&command->b2, transfer->path, transfer->name, &options, &transfer->put, error);
}

static void write_put_json(const struct store_command *command, struct json_writer *writer)
{
    const struct transfer *transfer = command->result;
    write_file(command, &transfer->put.file, writer);
    json_member_int(writer, "parts", transfer->put.parts);
    json_member_int(writer, "parts_resumed", transfer->put.parts_resumed);
    json_member_int(writer, "attempts_lost", transfer->put.attempts_lost);
}

static void write_put_text(const struct store_command *command, struct buffer *out)
{
    const struct transfer *transfer = command->result;
    char name[B2_NAME_SIZE];
    clean_copy(name, sizeof name, transfer->name);
    buffer_printf(out, "put %s: %lld bytes", name, (long long)transfer->put.file.size);
    if (transfer->put.parts > 0) {
        buffer_printf(out, " in %lld parts", (long long)transfer->put.parts);
    }
    if (transfer->put.parts_resumed > 0) {
        buffer_printf(out, ", %lld of them from before", (long long)transfer->put.parts_resumed);
    }
    buffer_append_char(out, '\n');
}

/* Of a path, what stands behind the last slash. */
static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

enum exit_status dumont_store_put(void *context, const struct command_line *line)
{
    struct error error;
    struct transfer transfer = {.path = line->arguments[0],
                                .name = last_part(line->arguments[line->argument_count - 1]),
                                .standard = strcmp(line->arguments[0], "-") == 0};
    struct store_command command = {
        .values = context, .work = put, .json = write_put_json, .text = write_put_text, .result = &transfer};
    if (line->argument_count == 2) {
        transfer.name = line->arguments[1];
    } else if (transfer.standard) {
        (void)error_set(&error, ERR_USAGE, "standard input has no name");
        error_advise(&error, "give one: dumont store put - NAME");
        return say_error(DUMONT_NAME, &error);
    }
    if (transfer.standard && spool_input(&transfer, &error) != ERR_OK) {
        (void)unlink(transfer.spool);
        return say_error(DUMONT_NAME, &error);
    }
    enum exit_status status = store_run(&command);
    if (transfer.standard) {
        (void)unlink(transfer.spool);
    }
    return status;
}

/* ---- Get ----------------------------------------------------------------------------------------------------------------- */

static enum error_code get(struct store_command *command, struct error *error)
{
    struct transfer *transfer = command->result;
    const struct b2_transfer_options options = options_of(command);
    enum error_code code = b2_download(&command->b2, transfer->name, transfer->path, &options, &transfer->got, error);
    return code == ERR_OK && transfer->standard ? print_spool(transfer, error) : code;
}

static void write_get_json(const struct store_command *command, struct json_writer *writer)
{
    const struct transfer *transfer = command->result;
    write_file(command, &transfer->got.file, writer);
    json_member_int(writer, "bytes_fetched", transfer->got.bytes_fetched);
    json_member_bool(writer, "verified", transfer->got.verified);
}

static void write_get_text(const struct store_command *command, struct buffer *out)
{
    const struct transfer *transfer = command->result;
    char name[B2_NAME_SIZE];
    clean_copy(name, sizeof name, transfer->name);
    buffer_printf(out, "got %s: %lld bytes, %s\n", name, (long long)transfer->got.file.size,
                  transfer->got.verified ? "SHA-1 verified" : "of no known digest: only lengths were compared");
}

/* A folder takes the file under its own name. */
static enum error_code choose_target(struct transfer *transfer, const char *given, struct error *error)
{
    struct stat status;
    const char *own = last_part(transfer->name);
    transfer->path = given == NULL ? own : given;
    if (given != NULL && stat(given, &status) == 0 && S_ISDIR(status.st_mode)) {
        transfer->path = transfer->spool;
        if (!text_format(transfer->spool, sizeof transfer->spool, "%s/%s", given, own)) {
            return error_set(error, ERR_USAGE, "the path is too long");
        }
    } else if (given != NULL && stat(given, &status) == 0 && !S_ISREG(status.st_mode)) {
        return error_set(error, ERR_CANNOT_WRITE, "cannot write %.150s: it is no regular file", given);
    }
    bool usable = own[0] != '\0' && strcmp(own, ".") != 0 && strcmp(own, "..") != 0;
    return given != NULL || usable ? ERR_OK : error_set(error, ERR_USAGE, "the name ends in no file's name: give FILE");
}

enum exit_status dumont_store_get(void *context, const struct command_line *line)
{
    struct error error;
    const char *given = line->argument_count == 2 ? line->arguments[1] : NULL;
    struct transfer transfer = {.name = line->arguments[0], .standard = given != NULL && strcmp(given, "-") == 0};
    struct store_command command = {.values = context,
                                    .work = get,
                                    .json = write_get_json,
                                    .text = write_get_text,
                                    .text_on_errors = transfer.standard,
                                    .result = &transfer};
    enum error_code code = transfer.standard ? spool_path(&transfer, &error) : choose_target(&transfer, given, &error);
    if (code != ERR_OK) {
        return say_error(DUMONT_NAME, &error);
    }
    enum exit_status status = store_run(&command);
    if (transfer.standard) {
        (void)unlink(transfer.spool);
    }
    return status;
}
