/* Requests that are kept until they take effect. */
#include <string.h>

#include "fakes/cloud/state.h"

void cloud_request_init(struct cloud_request *copy, struct heap *heap, size_t body_max)
{
    buffer_init(&copy->body, heap, body_max);
    buffer_init(&copy->header_texts, heap, CLOUD_HEADERS_MAX);
}

void cloud_request_release(struct cloud_request *copy)
{
    buffer_release(&copy->body);
    buffer_release(&copy->header_texts);
}

/* Names and values lie one behind the other, each with its NUL. */
static bool copy_headers(struct cloud_request *copy, const struct http_request *request)
{
    size_t count = request->header_count;
    buffer_clear(&copy->header_texts);
    for (size_t i = 0; i < count; i++) {
        buffer_append(&copy->header_texts, request->headers[i].name, strlen(request->headers[i].name) + 1);
        buffer_append(&copy->header_texts, request->headers[i].value, strlen(request->headers[i].value) + 1);
    }
    if (count > CLOUD_REQUEST_HEADERS_MAX || copy->header_texts.failed) {
        return false;
    }
    const char *text = buffer_text(&copy->header_texts);
    for (size_t i = 0; i < count; i++) {
        copy->headers[i].name = text;
        text += strlen(text) + 1;
        copy->headers[i].value = text;
        text += strlen(text) + 1;
    }
    copy->request.headers = copy->headers;
    return true;
}

bool cloud_request_copy(struct cloud_request *copy, const struct http_request *request)
{
    bool fits = text_copy(copy->path, sizeof copy->path, request->path);
    copy->bearer[0] = '\0';
    if (request->bearer != NULL) {
        fits = text_copy(copy->bearer, sizeof copy->bearer, request->bearer) && fits;
    }
    buffer_clear(&copy->body);
    buffer_append(&copy->body, request->body.at, request->body.length);
    copy->request = *request;
    fits = copy_headers(copy, request) && fits;
    copy->request.path = copy->path;
    copy->request.bearer = request->bearer == NULL ? NULL : copy->bearer;
    copy->request.body = (struct span){buffer_text(&copy->body), copy->body.length};
    return fits && !copy->body.failed;
}
