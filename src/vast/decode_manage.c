/* Answers to what is done with an instance that exists, and SSH keys. */
#include <string.h>

#include "vast/decode.h"

/* ---- Start and logs ----------------------------------------------------------------------------------------------------- */

struct started_reply {
    struct maybe_bool success;
    MAYBE_TEXT(64) error;
};

enum error_code decode_started(struct span body, bool *queued, struct error *error)
{
    static const struct json_field fields[] = {
        JSON_BOOLEAN(struct started_reply, success, "success"),
        JSON_TEXT(struct started_reply, error, "error"),
    };
    struct started_reply reply = {.success = {ABSENT, false}};
    enum error_code code = decode_object(body, fields, ARRAY_LENGTH(fields), &reply, &reply.success, "start", error);
    bool readable = code == ERR_OK || code == ERR_REQUEST_REJECTED;
    *queued = readable && strcmp(reply.error.text, "resources_unavailable") == 0;
    return *queued ? error_set(error, ERR_OK, "queued") : code;
}

struct result_reply {
    struct maybe_bool success;
    MAYBE_TEXT(VAST_RESULT_ORIGIN_SIZE + HTTP_PATH_SIZE) result_url;
};

/* Printable, without blanks: what may stand in a request line. */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7F) {
            return false;
        }
    }
    return true;
}

/* Origin and path of an address; false when it is none that we go to. */
static bool split_url(const char *text, const char *own_origin, struct vast_result_url *url)
{
    static const char https[] = "https://";
    size_t own_length = strlen(own_origin);
    bool is_own = strncmp(text, own_origin, own_length) == 0 && text[own_length] == '/';
    bool is_secure = strncmp(text, https, sizeof https - 1) == 0;
    if ((!is_own && !is_secure) || !is_plain(text)) {
        return false;
    }
    size_t scheme = is_own ? 0 : sizeof https - 1;
    size_t length = is_own ? own_length : scheme + strcspn(text + scheme, "/?#");
    bool has_host = is_own || (length > scheme && memchr(text, '@', length) == NULL);
    const char *path = text + length;
    bool fits = length < sizeof url->origin && path[0] == '/' && strchr(path, '#') == NULL;
    if (!has_host || !fits || !text_copy(url->path, sizeof url->path, path)) {
        return false;
    }
    memcpy(url->origin, text, length);
    url->origin[length] = '\0';
    return true;
}

enum error_code decode_result_url(struct span body, const char *own_origin, struct vast_result_url *url,
                                  struct error *error)
{
    static const struct json_field fields[] = {
        JSON_BOOLEAN(struct result_reply, success, "success"),
        JSON_TEXT(struct result_reply, result_url, "result_url"),
    };
    struct result_reply reply = {.success = {ABSENT, false}};
    enum error_code code = decode_object(body, fields, ARRAY_LENGTH(fields), &reply, &reply.success, "logs", error);
    bool whole =
        reply.result_url.presence == PRESENT && strlen(reply.result_url.text) < sizeof reply.result_url.text - 1;
    if (code == ERR_OK && (!whole || !split_url(reply.result_url.text, own_origin, url))) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "logs: the reply's \"result_url\" is no address that we go to");
    }
    return code;
}

/* ---- SSH keys ----------------------------------------------------------------------------------------------------------- */

struct key_row {
    struct vast_key key;
    bool is_deleted;
};

static void read_deletion(struct json_reader *reader, void *member)
{
    enum json_kind kind;
    struct span raw;
    if (json_read_raw(reader, &kind, &raw)) {
        *(bool *)member = kind != JSON_NULL;
    }
}

/* Cut, it would be another key. */
static void read_text(struct json_reader *reader, void *member)
{
    struct vast_key *key = member;
    enum json_kind kind;
    struct span raw;
    if (json_read_raw(reader, &kind, &raw)) {
        bool whole = kind == JSON_STRING && json_string_copy(raw, key->text.text, sizeof key->text.text);
        key->text.presence = whole ? PRESENT : kind == JSON_NULL ? IS_NULL : WRONG_TYPE;
    }
}

static const struct json_field key_fields[] = {
    JSON_INT64(struct key_row, key.id, "id"),
    JSON_CUSTOM(struct key_row, key, "key", read_text),
    JSON_CUSTOM(struct key_row, key, "public_key", read_text),
    JSON_CUSTOM(struct key_row, is_deleted, "deleted_at", read_deletion),
};

/* False when some row bears no id. */
static bool read_key(struct json_reader *reader, struct key_row *row)
{
    *row = (struct key_row){.is_deleted = false};
    return json_decode_object(reader, key_fields, ARRAY_LENGTH(key_fields), row, JSON_TOLERANT) &&
           row->key.id.presence == PRESENT && row->key.id.value > 0;
}

/* The list that is due; false when it is none, or has a row that is no key. */
static bool read_list(struct json_reader *reader, vast_key_visitor *visit, void *context)
{
    bool whole = true;
    if (!json_enter_array(reader)) {
        json_skip(reader);
        return false;
    }
    while (json_next_element(reader)) {
        struct key_row row;
        bool usable = read_key(reader, &row);
        whole = whole && usable;
        if (usable && !row.is_deleted) {
            visit(context, &row.key);
        }
    }
    return whole;
}

static enum error_code read_document(struct span body, const char *what, vast_key_visitor *visit, void *context,
                                     struct error *error)
{
    struct json_reader reader;
    json_reader_init(&reader, body.at, body.length);
    bool whole = read_list(&reader, visit, context);
    if (!json_finish(&reader)) {
        return error_set(error, ERR_REPLY_MALFORMED, "%s: the reply is no JSON: %s at byte %zu", what, reader.mistake,
                         reader.mistake_at);
    }
    return whole ? ERR_OK : error_set(error, ERR_REPLY_UNEXPECTED, "%s: the reply is no complete list", what);
}

enum error_code decode_keys(struct span body, vast_key_visitor *visit, void *context, struct error *error)
{
    size_t at = 0;
    while (at < body.length && strchr(" \t\r\n", body.at[at]) != NULL && body.at[at] != '\0') {
        at++;
    }
    if (at < body.length && body.at[at] == '{') {
        enum error_code code = decode_done(body, error); /* a failure's envelope, or no list */
        return code == ERR_OK ? error_set(error, ERR_REPLY_UNEXPECTED, "SSH keys: the reply is no list") : code;
    }
    return read_document(body, "SSH keys", visit, context, error);
}

struct created_key {
    struct maybe_bool success;
    struct key_row row;
};

static void read_created(struct json_reader *reader, void *member)
{
    (void)read_key(reader, member);
}

enum error_code decode_key_created(struct span body, int64_t *key_id, struct error *error)
{
    static const struct json_field fields[] = {
        JSON_BOOLEAN(struct created_key, success, "success"),
        JSON_CUSTOM(struct created_key, row, "key", read_created),
    };
    struct created_key reply = {.success = {ABSENT, false}};
    enum error_code code = decode_object(body, fields, ARRAY_LENGTH(fields), &reply, &reply.success, "SSH key", error);
    *key_id = code == ERR_OK ? int64_or(reply.row.key.id, 0) : 0;
    if (code == ERR_OK && *key_id <= 0) {
        *key_id = 0;
        return error_set(error, ERR_REPLY_UNEXPECTED, "SSH key: the reply has no key with an id");
    }
    return code;
}

struct attached_reply {
    struct maybe_bool success;
    struct attached_sink {
        enum json_kind kind;
        struct span raw;
        bool given;
    } ssh_keys;
};

static void read_attached(struct json_reader *reader, void *member)
{
    struct attached_sink *sink = member;
    sink->given = json_read_raw(reader, &sink->kind, &sink->raw);
}

enum error_code decode_attached(struct span body, struct buffer *inner, vast_key_visitor *visit, void *context,
                                struct error *error)
{
    static const struct json_field fields[] = {
        JSON_BOOLEAN(struct attached_reply, success, "success"),
        JSON_CUSTOM(struct attached_reply, ssh_keys, "ssh_keys", read_attached),
    };
    struct attached_reply reply = {.success = {ABSENT, false}};
    enum error_code code = decode_object(body, fields, ARRAY_LENGTH(fields), &reply, &reply.success, "SSH keys", error);
    const struct attached_sink *sink = &reply.ssh_keys;
    if (code != ERR_OK) {
        return code;
    }
    if (sink->given && sink->kind == JSON_ARRAY) {
        return read_document(sink->raw, "SSH keys", visit, context, error);
    }
    if (!sink->given || sink->kind != JSON_STRING) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "SSH keys: the reply has no \"ssh_keys\"");
    }
    if (!buffer_reserve(inner, sink->raw.length + 1)) {
        return error_set(error, ERR_NO_MEMORY, "no memory for a list of SSH keys");
    }
    if (!json_string_copy(sink->raw, inner->data, sink->raw.length + 1)) {
        return error_set(error, ERR_REPLY_MALFORMED, "SSH keys: the list cannot be read");
    }
    return read_document(span_of(inner->data), "SSH keys", visit, context, error);
}
