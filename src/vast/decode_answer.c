#include <string.h>

#include "base/units.h"
#include "vast/decode.h"

/* ---- Any answer --------------------------------------------------------------------------------------------------------- */

static const struct json_field answer_fields[] = {
    JSON_BOOLEAN(struct vast_answer, success, "success"),
    JSON_TEXT(struct vast_answer, error, "error"),
    JSON_TEXT(struct vast_answer, msg, "msg"),
    JSON_TEXT(struct vast_answer, message, "message"),
    JSON_TEXT(struct vast_answer, detail, "detail"),
    JSON_INT64(struct vast_answer, new_contract, "new_contract"),
};

/* What a status and a word in the answer stand for; the first row that fits. */
struct meaning {
    int status;       /* 0: any */
    const char *word; /* part of the answer's error code or text; NULL: any */
    enum error_code code;
};

static const struct meaning meanings[] = {
    {429, NULL, ERR_RATE_LIMITED},
    {0, "no_such_ask", ERR_OFFER_TAKEN},
    {0, "deprecated_endpoint", ERR_ENDPOINT_GONE},
    {0, "no_such_instance", ERR_NO_SUCH_INSTANCE},
    {0, "insufficient_credit", ERR_NO_CREDIT},
    {0, "lacks credit", ERR_NO_CREDIT},
    {0, "missing_billing", ERR_NO_CREDIT},
    {0, "spend_rate_limit", ERR_NO_CREDIT},
    {401, NULL, ERR_NOT_AUTHENTICATED},
    {402, NULL, ERR_NO_CREDIT},
    {403, "requires login", ERR_NOT_AUTHENTICATED},
    {403, "auth_error", ERR_NOT_PERMITTED},
    {403, "forbidden", ERR_NOT_PERMITTED},
    {403, NULL, ERR_SERVER_ERROR}, /* the edge's HTML page: short-lived, after bursts */
    {404, "auth_error", ERR_NOT_AUTHENTICATED},
    {404, "not_found", ERR_NO_SUCH_INSTANCE},
    {404, NULL, ERR_REQUEST_REJECTED},
    {408, NULL, ERR_SERVER_ERROR},
    {410, NULL, ERR_ENDPOINT_GONE},
};

static bool answer_has_word(const struct vast_answer *answer, const char *word)
{
    return strstr(answer->error.text, word) != NULL || strstr(answer->msg.text, word) != NULL ||
           strstr(answer->message.text, word) != NULL || strstr(answer->detail.text, word) != NULL;
}

static enum error_code code_for_failure(int status, const struct vast_answer *answer)
{
    for (size_t i = 0; i < ARRAY_LENGTH(meanings); i++) {
        const struct meaning *row = &meanings[i];
        if ((row->status == 0 || row->status == status) && (row->word == NULL || answer_has_word(answer, row->word))) {
            return row->code;
        }
    }
    if (status >= 500) {
        return ERR_SERVER_ERROR;
    }
    return status >= 400 || status < 300 ? ERR_REQUEST_REJECTED : ERR_REPLY_UNEXPECTED;
}

/* The server's words, as far as they can be had; a reply that is no JSON is not quoted: what its status means is said instead. */
static const char *answer_words(const struct vast_answer *answer, enum error_code code)
{
    const char *const texts[] = {answer->msg.text, answer->message.text, answer->detail.text, answer->error.text};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (texts[i][0] != '\0') {
            return texts[i];
        }
    }
    return error_sentence(code);
}

/* "…threshold=4.5" names the seconds between calls that the server allows. */
static int64_t threshold_ns(struct span body)
{
    static const char marker[] = "threshold=";
    size_t marker_length = sizeof marker - 1;
    for (size_t at = 0; at + marker_length < body.length; at++) {
        if (memcmp(body.at + at, marker, marker_length) != 0) {
            continue;
        }
        size_t start = at + marker_length;
        size_t end = start;
        while (end < body.length && end - start < 8 && strchr("0123456789.", body.at[end]) != NULL) {
            end++;
        }
        int64_t value_ns = 0;
        bool read = decimal_parse((struct span){body.at + start, end - start}, 9, &value_ns);
        return read && value_ns < 600 * NS_PER_S ? value_ns : 0;
    }
    return 0;
}

/* True when the body is a JSON object; `answer` is what it says. */
static bool read_answer(struct span body, struct vast_answer *answer)
{
    struct json_reader reader;
    json_reader_init(&reader, body.at, body.length);
    bool object = json_decode_object(&reader, answer_fields, ARRAY_LENGTH(answer_fields), answer, JSON_TOLERANT);
    return json_finish(&reader) && object;
}

static enum error_code refusal(int status, const struct vast_answer *answer, struct error *error)
{
    enum error_code code = code_for_failure(status, answer);
    (void)error_set(error, code, "HTTP %d: %s", status, answer_words(answer, code));
    error->http_status = status;
    return code;
}

static bool is_success(const struct http_reply *reply)
{
    return reply->status >= 200 && reply->status < 300;
}

enum error_code decode_status(const struct http_reply *reply, struct vast_answer *answer, struct error *error)
{
    *answer = (struct vast_answer){0};
    if (is_success(reply)) {
        return error_set(error, ERR_OK, "done");
    }
    struct span body = {buffer_text(&reply->body), reply->body.length};
    if (!read_answer(body, answer)) {
        *answer = (struct vast_answer){0}; /* half an answer is none */
    }
    enum error_code code = refusal(reply->status, answer, error);
    if (code == ERR_RATE_LIMITED) {
        error->retry_after_ns = threshold_ns(body);
    }
    return code;
}

enum error_code decode_object(struct span body, const struct json_field *fields, size_t count, void *out,
                              const struct maybe_bool *success, const char *what, struct error *error)
{
    struct json_reader reader;
    json_reader_init(&reader, body.at, body.length);
    bool object = json_decode_object(&reader, fields, count, out, JSON_TOLERANT);
    if (!json_finish(&reader)) {
        return error_set(error, ERR_REPLY_MALFORMED, "%s: the reply is no JSON: %s at byte %zu", what, reader.mistake,
                         reader.mistake_at);
    }
    if (!object) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "%s: the reply is no JSON object", what);
    }
    if (success->presence == PRESENT && !success->value) {
        struct vast_answer answer = {0};
        (void)read_answer(body, &answer);
        return refusal(200, &answer, error);
    }
    return ERR_OK;
}

enum error_code decode_done(struct span body, struct error *error)
{
    static const struct json_field fields[] = {JSON_BOOLEAN(struct vast_answer, success, "success")};
    struct vast_answer answer = {0};
    return decode_object(body, fields, ARRAY_LENGTH(fields), &answer, &answer.success, "the answer", error);
}
