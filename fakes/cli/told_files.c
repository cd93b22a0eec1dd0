#include "fakes/cli/told_files.h"

#include <unistd.h>

#include "base/json_write.h"
#include "system/files.h"

enum { TEXT_MAX = 64 * 1024 };

static enum error_code write_text(const char *path, struct buffer *text, struct error *error)
{
    enum error_code code =
        text->failed ? error_set(error, ERR_NO_MEMORY, "no memory for %s", path)
                     : file_write_passing(path, (struct span){buffer_text(text), text->length}, FILE_SECRET, error);
    buffer_release(text);
    return code;
}

enum error_code ready_file_write(struct heap *heap, const char *path, const struct told *told, struct error *error)
{
    struct buffer text;
    struct json_writer writer;
    buffer_init(&text, heap, TEXT_MAX);
    json_writer_init(&writer, &text, 2);
    json_begin_object(&writer);
    json_member_int(&writer, "pid", getpid());
    json_member_string(&writer, "vast_url", told->vast_url);
    json_member_string(&writer, "b2_url", told->b2_url);
    json_member_string(&writer, "b2_bucket", told->b2_bucket);
    json_member_string(&writer, "b2_key_id", told->b2_key_id);
    json_member_string(&writer, "b2_key", told->b2_key);
    json_member_string(&writer, "control_url", told->control_url);
    json_member_string(&writer, "api_key", told->api_key);
    json_member_string(&writer, "ssh_key", told->ssh_key);
    json_member_string(&writer, "clock", told->clock);
    json_end_object(&writer);
    buffer_append_char(&text, '\n');
    return write_text(path, &text, error);
}

/* In single quotes a shell changes nothing; a quote itself stands outside of them. */
static void append_quoted(struct buffer *out, const char *value)
{
    buffer_append_char(out, '\'');
    for (; *value != '\0'; value++) {
        if (*value == '\'') {
            buffer_append_text(out, "'\\''");
        } else {
            buffer_append_char(out, *value);
        }
    }
    buffer_append_text(out, "'\n");
}

enum error_code env_file_write(struct heap *heap, const char *path, const struct variables *variables,
                               struct error *error)
{
    struct buffer text;
    buffer_init(&text, heap, TEXT_MAX);
    for (size_t i = 0; i < variables->count; i++) {
        buffer_printf(&text, "export %s=", variables->rows[i].name);
        append_quoted(&text, variables->rows[i].value);
    }
    return write_text(path, &text, error);
}
