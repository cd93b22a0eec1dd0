#include "base/http.h"

#include <string.h>

static const char *const method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT", [HTTP_DELETE] = "DELETE", [HTTP_HEAD] = "HEAD",
};

const char *http_method_name(enum http_method method)
{
    return method_names[method];
}

enum http_method http_method_by_name(const char *name)
{
    enum http_method method = HTTP_GET;
    while (method < HTTP_METHOD_COUNT && strcmp(method_names[method], name) != 0) {
        method++;
    }
    return method;
}

static int lower(char character)
{
    return character >= 'A' && character <= 'Z' ? character - 'A' + 'a' : character;
}

/* Whether `text` begins with `name`, without regard to case. */
static bool begins_with(const char *text, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    if (length < name_length) {
        return false;
    }
    for (size_t i = 0; i < name_length; i++) {
        if (lower(text[i]) != lower(name[i])) {
            return false;
        }
    }
    return true;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (strlen(header->name) == strlen(name) && begins_with(header->name, strlen(name), name)) {
            return header->value;
        }
    }
    return NULL;
}

void http_reply_add_header(struct http_reply *reply, const char *name, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == '\x7f') {
            return;
        }
    }
    buffer_printf(&reply->headers, "%s: %s\r\n", name, value);
}

struct span http_reply_header(const struct http_reply *reply, const char *name)
{
    const char *line = buffer_text(&reply->headers);
    size_t name_length = strlen(name);
    for (const char *end = strstr(line, "\r\n"); end != NULL; line = end + 2, end = strstr(line, "\r\n")) {
        size_t length = (size_t)(end - line);
        if (begins_with(line, length, name) && length > name_length && line[name_length] == ':') {
            const char *value = line + name_length + 1;
            while (value < end && *value == ' ') {
                value++;
            }
            return (struct span){value, (size_t)(end - value)};
        }
    }
    return (struct span){NULL, 0};
}
