#include "fakes/market/answer.h"

#include <string.h>

#include "base/units.h"

enum { MESSAGE_SIZE = 256 };

struct json_writer answer_begin(struct http_reply *reply, int status)
{
    struct json_writer writer;
    reply->status = status;
    json_writer_init(&writer, &reply->body, 0);
    return writer;
}

static struct json_writer begin_error(struct http_reply *reply, int status, const char *code, const char *message)
{
    struct json_writer writer = answer_begin(reply, status);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", false);
    json_member_string(&writer, "error", code);
    json_member_string(&writer, "msg", message);
    return writer;
}

void answer_error(struct http_reply *reply, int status, const char *code, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(message, sizeof message, format, arguments);
    va_end(arguments);
    struct json_writer writer = begin_error(reply, status, code, message);
    json_end_object(&writer);
}

void answer_ask_error(struct http_reply *reply, int status, const char *code, int64_t ask_id, const char *message)
{
    struct json_writer writer = begin_error(reply, status, code, message);
    json_member_int(&writer, "ask_id", ask_id);
    json_end_object(&writer);
}

void answer_success(struct http_reply *reply)
{
    struct json_writer writer = answer_begin(reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_end_object(&writer);
}

cJSON *parse_json(struct span text)
{
    const char *end = NULL;
    cJSON *tree = cJSON_ParseWithLengthOpts(text.at, text.length, &end, false);
    if (tree == NULL) {
        return NULL;
    }
    size_t rest = text.length - (size_t)(end - text.at);
    while (rest > 0 && strchr(" \t\r\n", *end) != NULL && *end != '\0') {
        end++;
        rest--;
    }
    if (rest > 0) {
        cJSON_Delete(tree);
        return NULL;
    }
    return tree;
}

cJSON *answer_parse_body(const struct http_request *request, struct http_reply *reply)
{
    struct span body = request->body.length > 0 ? request->body : span_of("{}");
    cJSON *tree = body.length <= MARKET_BODY_MAX ? parse_json(body) : NULL;
    if (!cJSON_IsObject(tree)) {
        cJSON_Delete(tree);
        answer_error(reply, 400, "invalid_args", "error 400/2101: Invalid args: the body is not a JSON object");
        return NULL;
    }
    return tree;
}

int64_t nano_of_number(double number)
{
    const double limit = 9.2e9;
    if (number >= limit) {
        return INT64_MAX;
    }
    if (number <= -limit) {
        return INT64_MIN;
    }
    int64_t whole = (int64_t)number;
    double fraction = (number - (double)whole) * 1e9;
    return whole * NUSD_PER_USD + (int64_t)(fraction < 0 ? fraction - 0.5 : fraction + 0.5);
}

static int hex_value(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit == '\0' ? NULL : strchr(digits, digit);
    return found == NULL ? -1 : (int)((found - digits) % 16);
}

void query_decode(struct buffer *out, struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == '%' && i + 2 < text.length && hex_value(text.at[i + 1]) >= 0 && hex_value(text.at[i + 2]) >= 0) {
            c = (char)(hex_value(text.at[i + 1]) * 16 + hex_value(text.at[i + 2]));
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        buffer_append_char(out, c);
    }
}

bool query_parameter(const char *path, const char *name, struct buffer *value)
{
    const char *at = strchr(path, '?');
    size_t name_length = strlen(name);
    while (at != NULL && *at != '\0') {
        at++;
        size_t length = strcspn(at, "&");
        if (length > name_length && strncmp(at, name, name_length) == 0 && at[name_length] == '=') {
            buffer_clear(value);
            query_decode(value, (struct span){at + name_length + 1, length - name_length - 1});
            return !value->failed;
        }
        at += length;
    }
    return false;
}
