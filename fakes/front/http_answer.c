#include <string.h>

#include "base/json_write.h"
#include "fakes/front/http_state.h"

void http_call_answer(struct http_call *call, const struct http_answer *answer)
{
    struct http_call_inside *inside = call->inside;
    inside->answer = *answer;
    inside->answered = true;
    if (!inside->suspended) {
        return; /* within `whole`: it goes out right after */
    }
    if (http_needs_bytes(answer)) {
        http_bytes_start(inside);
    } else {
        http_resume(inside);
    }
}

void http_call_refuse(struct http_call *call, int status, const char *error, const char *message)
{
    struct http_call_inside *inside = call->inside;
    struct buffer text;
    struct json_writer writer;
    buffer_init_fixed(&text, inside->refusal, sizeof inside->refusal);
    json_writer_init(&writer, &text, 0);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", false);
    json_member_string(&writer, "error", error);
    json_member_string(&writer, "msg", message);
    json_end_object(&writer);
    struct http_answer answer = {
        .status = status,
        .content_type = "application/json",
        .body = {text.data, text.length},
        .length = text.length,
    };
    http_call_answer(call, &answer);
}

static ssize_t read_body(void *context, uint64_t at, char *out, size_t size)
{
    struct http_call_inside *inside = context;
    int64_t count = inside->answer.read(inside->answer.read_context, at, out, size);
    return count < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : (ssize_t)count;
}

/* Adds "Name: value" of one line. */
static void add_header(struct MHD_Response *response, struct span line)
{
    char name[128];
    char value[HTTP_VALUE_SIZE];
    const char *colon = memchr(line.at, ':', line.length);
    if (colon == NULL) {
        return;
    }
    size_t name_length = (size_t)(colon - line.at);
    size_t skip = name_length + 1;
    while (skip < line.length && line.at[skip] == ' ') {
        skip++;
    }
    if (name_length >= sizeof name || line.length - skip >= sizeof value) {
        return;
    }
    memcpy(name, line.at, name_length);
    name[name_length] = '\0';
    memcpy(value, line.at + skip, line.length - skip);
    value[line.length - skip] = '\0';
    (void)MHD_add_response_header(response, name, value);
}

static void add_headers(struct MHD_Response *response, struct span lines)
{
    size_t at = 0;
    while (at < lines.length) {
        const char *end = memchr(lines.at + at, '\r', lines.length - at);
        size_t length = end == NULL ? lines.length - at : (size_t)(end - lines.at) - at;
        add_header(response, (struct span){lines.at + at, length});
        at += length + 2;
    }
}

enum MHD_Result http_queue(struct http_call_inside *inside)
{
    enum { BLOCK_BYTES = 256 * 1024 };
    const struct http_answer *answer = &inside->answer;
    struct MHD_Response *response;
    if (answer->read != NULL) {
        response = MHD_create_response_from_callback(answer->length, BLOCK_BYTES, read_body, inside, NULL);
    } else {
        void *body = (void *)(uintptr_t)answer->body.at; /* only read, and there until `gone` */
        response = MHD_create_response_from_buffer(answer->body.length, body, MHD_RESPMEM_PERSISTENT);
    }
    if (response == NULL) {
        return MHD_NO;
    }
    if (answer->content_type != NULL && answer->content_type[0] != '\0') {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
    }
    add_headers(response, answer->headers);
    enum MHD_Result queued = MHD_queue_response(inside->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return queued;
}
