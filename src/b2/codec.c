#include "b2/codec.h"

#include <string.h>

#include "base/json_decode.h"

enum { PART_BYTES_LEAST = 1, PART_BYTES_MOST = 1000000000, CAPABILITY_SIZE = 64, URL_SIZE = 1400 };

static const int64_t size_most = INT64_C(10) * 1000 * 1000 * 1000 * 1000; /* 10 TB: the largest file of the service */

static enum error_code unexpected(struct error *error, const char *what)
{
    return error_set(error, ERR_REPLY_UNEXPECTED, "the store's answer: %s", what);
}

/* ---- Errors -------------------------------------------------------------------------------------------------------------- */

struct error_body {
    MAYBE_TEXT(64) code;
    MAYBE_TEXT(200) message;
};

static void read_error_body(struct span text, struct error_body *body)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct error_body, code, "code"),
        JSON_TEXT(struct error_body, message, "message"),
    };
    struct json_reader reader;
    *body = (struct error_body){.code = {ABSENT, ""}};
    json_reader_init(&reader, text.at, text.length);
    if (!json_decode_object(&reader, fields, ARRAY_LENGTH(fields), body, JSON_TOLERANT) || !json_finish(&reader)) {
        *body = (struct error_body){.code = {ABSENT, ""}};
    }
}

static enum error_code code_of_400(const struct error_body *body)
{
    static const struct {
        const char *code;
        enum error_code error;
    } rows[] = {
        {"no_such_file", ERR_NO_SUCH_FILE},        {"file_not_present", ERR_NO_SUCH_FILE},
        {"already_hidden", ERR_NO_SUCH_FILE},      {"bad_bucket_id", ERR_NO_SUCH_BUCKET},
        {"invalid_bucket_id", ERR_NO_SUCH_BUCKET}, {"auth_token_limit", ERR_SERVER_ERROR},
    };
    if (strstr(body->message.text, "did not match data received") != NULL) {
        return ERR_CHECKSUM_MISMATCH;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(body->code.text, rows[i].code) == 0) {
            return rows[i].error;
        }
    }
    return ERR_REQUEST_REJECTED;
}

static enum error_code code_of(int status, const struct error_body *body)
{
    switch (status) {
    case 400:
        return code_of_400(body);
    case 401:
        return strcmp(body->code.text, "unauthorized") == 0 ? ERR_NOT_PERMITTED : ERR_TOKEN_EXPIRED;
    case 403:
        return strstr(body->code.text, "cap_exceeded") != NULL ? ERR_CAP_EXCEEDED : ERR_NOT_PERMITTED;
    case 404:
        return ERR_NO_SUCH_FILE;
    case 408:
        return ERR_SERVER_ERROR;
    case 429:
        return ERR_RATE_LIMITED;
    default:
        break;
    }
    if (status >= 500) {
        return ERR_SERVER_ERROR;
    }
    return status >= 400 ? ERR_REQUEST_REJECTED : ERR_REPLY_UNEXPECTED;
}

enum error_code b2_decode_error(const struct http_reply *reply, struct error *error)
{
    static const int64_t longest_s = 3600;
    struct error_body body;
    int64_t seconds;
    read_error_body((struct span){buffer_text(&reply->body), reply->body.length}, &body);
    enum error_code code = code_of(reply->status, &body);
    (void)error_set(error, code, "%s (%d%s%s%s%s)", error_sentence(code), reply->status,
                    body.code.text[0] == '\0' ? "" : " ", body.code.text, body.message.text[0] == '\0' ? "" : ": ",
                    body.message.text);
    error->http_status = reply->status;
    struct span wish = http_reply_header(reply, "Retry-After");
    if (wish.at != NULL && json_number_int64(wish, &seconds) && seconds > 0 && seconds <= longest_s) {
        error->retry_after_ns = seconds * NS_PER_S;
    }
    return code;
}

/* ---- The account --------------------------------------------------------------------------------------------------------- */

/* Everything that either shape of the answer may hold; the nested one writes into the same struct. */
struct authorize_answer {
    MAYBE_TEXT(B2_ID_SIZE) account_id;
    MAYBE_TEXT(B2_TOKEN_SIZE) token;
    MAYBE_TEXT(B2_ORIGIN_SIZE) api_url, download_url;
    MAYBE_TEXT(B2_ID_SIZE) bucket_id, bucket_name;
    MAYBE_TEXT(B2_NAME_SIZE + 8) name_prefix;
    struct maybe_int64 recommended, least;
    char capabilities[B2_NAME_SIZE];
    char whole; /* where the functions below find the struct that they lie in */
};

static struct authorize_answer *answer_of(void *member)
{
    return (struct authorize_answer *)(void *)((char *)member - offsetof(struct authorize_answer, whole));
}

static void read_capabilities(struct json_reader *reader, void *member)
{
    struct authorize_answer *answer = answer_of(member);
    struct buffer out;
    buffer_init_fixed(&out, answer->capabilities, sizeof answer->capabilities);
    buffer_append_char(&out, ' ');
    if (!json_enter_array(reader)) {
        json_skip(reader);
        return;
    }
    while (json_next_element(reader)) {
        enum json_kind kind;
        struct span raw;
        char word[CAPABILITY_SIZE];
        if (json_read_raw(reader, &kind, &raw) && kind == JSON_STRING && json_string_copy(raw, word, sizeof word)) {
            buffer_printf(&out, "%s ", word);
        }
    }
}

struct bucket_row {
    MAYBE_TEXT(B2_ID_SIZE) id, name;
};

/* v4: null, or the buckets that the key is for. Of several, none is the one. */
static void read_buckets(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct bucket_row, id, "id"),
        JSON_TEXT(struct bucket_row, name, "name"),
    };
    struct authorize_answer *answer = answer_of(member);
    int count = 0;
    if (!json_enter_array(reader)) {
        json_skip(reader);
        return;
    }
    while (json_next_element(reader)) {
        struct bucket_row row = {.id = {ABSENT, ""}};
        (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), &row, JSON_TOLERANT);
        bool only = ++count == 1;
        (void)text_copy(answer->bucket_id.text, sizeof answer->bucket_id.text, only ? row.id.text : "");
        (void)text_copy(answer->bucket_name.text, sizeof answer->bucket_name.text, only ? row.name.text : "");
    }
}

static void read_allowed(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct authorize_answer, bucket_id, "bucketId"),
        JSON_TEXT(struct authorize_answer, bucket_name, "bucketName"),
        JSON_TEXT(struct authorize_answer, name_prefix, "namePrefix"),
        JSON_CUSTOM(struct authorize_answer, whole, "capabilities", read_capabilities),
        JSON_CUSTOM(struct authorize_answer, whole, "buckets", read_buckets),
    };
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), answer_of(member), JSON_TOLERANT);
}

#define STORAGE_ROWS                                                                                                   \
    JSON_TEXT(struct authorize_answer, api_url, "apiUrl"),                                                             \
        JSON_TEXT(struct authorize_answer, download_url, "downloadUrl"),                                               \
        JSON_INT64(struct authorize_answer, recommended, "recommendedPartSize"),                                       \
        JSON_INT64(struct authorize_answer, least, "absoluteMinimumPartSize"),                                         \
        JSON_CUSTOM(struct authorize_answer, whole, "allowed", read_allowed)

static void read_storage_api(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {
        STORAGE_ROWS,
        JSON_TEXT(struct authorize_answer, bucket_id, "bucketId"),
        JSON_TEXT(struct authorize_answer, bucket_name, "bucketName"),
        JSON_TEXT(struct authorize_answer, name_prefix, "namePrefix"),
        JSON_CUSTOM(struct authorize_answer, whole, "capabilities", read_capabilities),
    };
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), answer_of(member), JSON_TOLERANT);
}

static void read_api_info(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {
        JSON_CUSTOM(struct authorize_answer, whole, "storageApi", read_storage_api),
    };
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), answer_of(member), JSON_TOLERANT);
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* A token must not travel in the clear: https, or a fake on this machine if that is where we were sent. */
static bool is_believable(const char *url, bool secure)
{
    bool safe = starts_with(url, "https://");
    bool here =
        starts_with(url, "http://127.") || starts_with(url, "http://localhost:") || starts_with(url, "http://[::1]:");
    size_t length = strlen(url);
    bool plain = strcspn(url, " @\\#\t\r\n") == length;
    return plain && (safe || (here && !secure));
}

static bool is_header_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static bool take_account(const struct authorize_answer *answer, bool secure, struct b2_account *account)
{
    *account = (struct b2_account){.recommended_part_bytes = int64_or(answer->recommended, 0),
                                   .least_part_bytes = int64_or(answer->least, 0)};
    bool fits = text_copy(account->account_id, sizeof account->account_id, answer->account_id.text) &&
                text_copy(account->token, sizeof account->token, answer->token.text) &&
                text_copy(account->api_origin, sizeof account->api_origin, answer->api_url.text) &&
                text_copy(account->download_origin, sizeof account->download_origin, answer->download_url.text) &&
                text_copy(account->bucket_id, sizeof account->bucket_id, answer->bucket_id.text) &&
                text_copy(account->bucket_name, sizeof account->bucket_name, answer->bucket_name.text) &&
                text_copy(account->name_prefix, sizeof account->name_prefix, answer->name_prefix.text) &&
                text_copy(account->capabilities, sizeof account->capabilities, answer->capabilities);
    return fits && account->account_id[0] != '\0' && account->token[0] != '\0' && is_header_text(account->token) &&
           is_believable(account->api_origin, secure) && is_believable(account->download_origin, secure) &&
           account->least_part_bytes >= PART_BYTES_LEAST &&
           account->recommended_part_bytes >= account->least_part_bytes &&
           account->recommended_part_bytes <= PART_BYTES_MOST;
}

enum error_code b2_decode_authorize(struct span body, bool secure, struct b2_account *account, struct error *error)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct authorize_answer, account_id, "accountId"),
        JSON_TEXT(struct authorize_answer, token, "authorizationToken"),
        JSON_CUSTOM(struct authorize_answer, whole, "apiInfo", read_api_info),
        STORAGE_ROWS,
    };
    struct authorize_answer answer = {.account_id = {ABSENT, ""}};
    struct json_reader reader;
    json_reader_init(&reader, body.at, body.length);
    bool read = json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &answer, JSON_TOLERANT) &&
                json_finish(&reader) && take_account(&answer, secure, account);
    return read ? ERR_OK
                : unexpected(error, "an authorization lacks what it should hold, or names URLs that are not safe");
}

/* ---- Buckets and URLs ---------------------------------------------------------------------------------------------------- */

struct bucket_search {
    const char *name;
    char *id;
    bool is_list;
};

struct listed_bucket {
    MAYBE_TEXT(B2_ID_SIZE) id, name;
};

static void read_bucket_list(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct listed_bucket, id, "bucketId"),
        JSON_TEXT(struct listed_bucket, name, "bucketName"),
    };
    struct bucket_search *search = member;
    if (!json_enter_array(reader)) {
        json_skip(reader);
        return;
    }
    search->is_list = true;
    while (json_next_element(reader)) {
        struct listed_bucket row = {.id = {ABSENT, ""}};
        (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), &row, JSON_TOLERANT);
        if (strcmp(row.name.text, search->name) == 0) {
            (void)text_copy(search->id, B2_ID_SIZE, row.id.text);
        }
    }
}

enum error_code b2_decode_bucket(struct span body, const char *name, char id[B2_ID_SIZE], struct error *error)
{
    static const struct json_field fields[] = {
        {.name = "buckets", .name_length = 7, .kind = FIELD_CUSTOM, .offset = 0, .read = read_bucket_list},
    };
    struct bucket_search search = {.name = name, .id = id};
    struct json_reader reader;
    id[0] = '\0';
    json_reader_init(&reader, body.at, body.length);
    bool read = json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &search, JSON_TOLERANT) &&
                json_finish(&reader) && search.is_list;
    if (!read) {
        return unexpected(error, "it is no list of buckets");
    }
    return id[0] != '\0' ? ERR_OK : error_set(error, ERR_NO_SUCH_BUCKET, "there is no bucket %s", name);
}

struct url_answer {
    MAYBE_TEXT(URL_SIZE) url;
    MAYBE_TEXT(B2_TOKEN_SIZE) token;
};

enum error_code b2_decode_upload_url(struct span body, bool secure, struct b2_upload_url *url, struct error *error)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct url_answer, url, "uploadUrl"),
        JSON_TEXT(struct url_answer, token, "authorizationToken"),
    };
    struct url_answer answer = {.url = {ABSENT, ""}};
    struct json_reader reader;
    json_reader_init(&reader, body.at, body.length);
    bool read = json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &answer, JSON_TOLERANT) &&
                json_finish(&reader) && answer.url.presence == PRESENT && answer.token.presence == PRESENT &&
                answer.token.text[0] != '\0' && is_header_text(answer.token.text) &&
                is_believable(answer.url.text, secure);
    const char *host = read ? strstr(answer.url.text, "://") : NULL;
    const char *path = host == NULL ? NULL : strchr(host + 3, '/');
    read = path != NULL &&
           text_format(url->origin, sizeof url->origin, "%.*s", (int)(path - answer.url.text), answer.url.text) &&
           text_copy(url->path, sizeof url->path, path) && text_copy(url->token, sizeof url->token, answer.token.text);
    if (!read) {
        url->origin[0] = '\0';
        return unexpected(error, "it names no usable upload URL");
    }
    return ERR_OK;
}

/* ---- Files --------------------------------------------------------------------------------------------------------------- */

struct file_answer {
    MAYBE_TEXT(16) action;
    MAYBE_TEXT(B2_ID_SIZE) id;
    MAYBE_TEXT(B2_NAME_SIZE + 8) name;
    MAYBE_TEXT(64) sha1;
    struct maybe_int64 length, size, uploaded;
    struct file_info_answer {
        MAYBE_TEXT(24) modified;
        MAYBE_TEXT(64) large_sha1;
        MAYBE_TEXT(B2_MARK_SIZE) mark;
    } info;
};

static void read_info(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct file_info_answer, modified, "src_last_modified_millis"),
        JSON_TEXT(struct file_info_answer, large_sha1, "large_file_sha1"),
        JSON_TEXT(struct file_info_answer, mark, "dumont"),
    };
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), member, JSON_TOLERANT);
}

static const struct json_field file_fields[] = {
    JSON_TEXT(struct file_answer, action, "action"),
    JSON_TEXT(struct file_answer, id, "fileId"),
    JSON_TEXT(struct file_answer, name, "fileName"),
    JSON_TEXT(struct file_answer, sha1, "contentSha1"),
    JSON_INT64(struct file_answer, length, "contentLength"),
    JSON_INT64(struct file_answer, size, "size"),
    JSON_INT64(struct file_answer, uploaded, "uploadTimestamp"),
    JSON_CUSTOM(struct file_answer, info, "fileInfo", read_info),
};

static enum b2_action action_of(const char *name)
{
    static const struct {
        const char *name;
        enum b2_action action;
    } rows[] = {
        {"upload", B2_UPLOAD}, {"copy", B2_UPLOAD}, {"start", B2_START}, {"hide", B2_HIDE}, {"folder", B2_FOLDER},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return rows[i].action;
        }
    }
    return B2_OTHER;
}

static void take_digests(struct b2_file *file, const char *sha1, const char *large_sha1)
{
    b2_sha1_copy(file->sha1, sha1);
    if (file->sha1[0] == '\0') {
        b2_sha1_copy(file->sha1, large_sha1);
    }
}

static bool take_file(const struct file_answer *answer, struct b2_file *file)
{
    *file = (struct b2_file){.action = action_of(answer->action.text),
                             .size = int64_or(answer->length, int64_or(answer->size, 0)),
                             .uploaded_unix_ms = int64_or(answer->uploaded, 0),
                             .modified_unix_ms = -1};
    bool fits = text_copy(file->id, sizeof file->id, answer->id.text) &&
                text_copy(file->name, sizeof file->name, answer->name.text);
    take_digests(file, answer->sha1.text, answer->info.large_sha1.text);
    (void)text_copy(file->mark, sizeof file->mark, answer->info.mark.text);
    if (!json_number_int64(span_of(answer->info.modified.text), &file->modified_unix_ms)) {
        file->modified_unix_ms = -1;
    }
    bool has_id = file->id[0] != '\0' || file->action == B2_FOLDER;
    return fits && has_id && file->name[0] != '\0' && file->size >= 0 && file->size <= size_most;
}

/* The file object that is due. */
static bool read_file_object(struct json_reader *reader, struct b2_file *file)
{
    struct file_answer answer = {.action = {ABSENT, ""}};
    return json_decode_object(reader, file_fields, ARRAY_LENGTH(file_fields), &answer, JSON_TOLERANT) &&
           take_file(&answer, file);
}

enum error_code b2_decode_file(struct span body, struct b2_file *file, struct error *error)
{
    struct json_reader reader;
    json_reader_init(&reader, body.at, body.length);
    bool read = read_file_object(&reader, file) && json_finish(&reader);
    return read ? ERR_OK : unexpected(error, "it is no file");
}

/* ---- Pages --------------------------------------------------------------------------------------------------------------- */

struct page {
    b2_file_visitor *visit_file;
    b2_part_visitor *visit_part;
    void *context;
    bool is_list, broken, ended;
    MAYBE_TEXT(B2_NAME_SIZE + 8) next_name;
    MAYBE_TEXT(B2_ID_SIZE) next_id;
    struct maybe_int64 next_part;
};

static void read_file_rows(struct json_reader *reader, void *member)
{
    struct page *page = member;
    page->is_list = page->visit_file != NULL && json_enter_array(reader);
    if (!page->is_list) {
        json_skip(reader);
        return;
    }
    while (json_next_element(reader)) {
        struct b2_file file;
        if (!read_file_object(reader, &file)) {
            page->broken = true;
        } else if (!page->ended && !page->broken) {
            page->ended = !page->visit_file(page->context, &file);
        }
    }
}

struct part_answer {
    struct maybe_int64 number, length;
    MAYBE_TEXT(64) sha1;
};

static const struct json_field part_fields[] = {
    JSON_INT64(struct part_answer, number, "partNumber"),
    JSON_INT64(struct part_answer, length, "contentLength"),
    JSON_TEXT(struct part_answer, sha1, "contentSha1"),
};

static bool read_part_object(struct json_reader *reader, struct b2_part *part)
{
    struct part_answer answer = {.number = {ABSENT, 0}};
    bool read = json_decode_object(reader, part_fields, ARRAY_LENGTH(part_fields), &answer, JSON_TOLERANT);
    *part = (struct b2_part){.number = int64_or(answer.number, 0), .size = int64_or(answer.length, -1)};
    b2_sha1_copy(part->sha1, answer.sha1.text);
    return read && part->number >= 1 && part->number <= B2_PARTS_MAX && part->size >= 0;
}

static void read_part_rows(struct json_reader *reader, void *member)
{
    struct page *page = member;
    page->is_list = page->visit_part != NULL && json_enter_array(reader);
    if (!page->is_list) {
        json_skip(reader);
        return;
    }
    while (json_next_element(reader)) {
        struct b2_part part;
        if (!read_part_object(reader, &part)) {
            page->broken = true;
        } else if (!page->ended && !page->broken) {
            page->ended = !page->visit_part(page->context, &part);
        }
    }
}

static enum error_code read_page(struct span body, struct page *page, struct b2_next *next, struct error *error)
{
    static const struct json_field fields[] = {
        {.name = "files", .name_length = 5, .kind = FIELD_CUSTOM, .offset = 0, .read = read_file_rows},
        {.name = "parts", .name_length = 5, .kind = FIELD_CUSTOM, .offset = 0, .read = read_part_rows},
        JSON_TEXT(struct page, next_name, "nextFileName"),
        JSON_TEXT(struct page, next_id, "nextFileId"),
        JSON_INT64(struct page, next_part, "nextPartNumber"),
    };
    struct json_reader reader;
    json_reader_init(&reader, body.at, body.length);
    bool read = json_decode_object(&reader, fields, ARRAY_LENGTH(fields), page, JSON_TOLERANT) && json_finish(&reader);
    if (!read || !page->is_list || page->broken) {
        return unexpected(error, "it is no list, or a row of it cannot be read");
    }
    *next = (struct b2_next){.part = int64_or(page->next_part, 0)};
    (void)text_copy(next->name, sizeof next->name, page->next_name.text);
    (void)text_copy(next->id, sizeof next->id, page->next_id.text);
    return ERR_OK;
}

enum error_code b2_decode_files(struct span body, b2_file_visitor *visit, void *context, struct b2_next *next,
                                struct error *error)
{
    struct page page = {.visit_file = visit, .context = context};
    return read_page(body, &page, next, error);
}

enum error_code b2_decode_parts(struct span body, b2_part_visitor *visit, void *context, struct b2_next *next,
                                struct error *error)
{
    struct page page = {.visit_part = visit, .context = context};
    return read_page(body, &page, next, error);
}

enum error_code b2_decode_part(struct span body, struct b2_part *part, struct error *error)
{
    struct json_reader reader;
    json_reader_init(&reader, body.at, body.length);
    bool read = read_part_object(&reader, part) && json_finish(&reader);
    return read ? ERR_OK : unexpected(error, "it is no part");
}
