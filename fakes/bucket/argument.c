/* Arguments of calls: members of the JSON body, or parameters of the query. */
#include <string.h>

#include "base/utf8.h"
#include "fakes/bucket/state.h"
#include "fakes/market/answer.h"

const cJSON *argument_value(const struct exchange *exchange, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(exchange->arguments, name);
    return cJSON_IsNull(value) ? NULL : value;
}

bool argument_text(struct exchange *exchange, const char *name, char *out, size_t size)
{
    struct buffer text;
    buffer_init_fixed(&text, out, size);
    out[0] = '\0';
    const cJSON *value = argument_value(exchange, name);
    if (value == NULL) {
        bool there = exchange->arguments == NULL && query_parameter(exchange->head->path, name, &text);
        if (text.failed || strlen(out) != text.length) {
            return bucket_refuse_request(exchange, "%s is too long or no text", name);
        }
        return there;
    }
    if (!cJSON_IsString(value) || !text_copy(out, size, value->valuestring)) {
        return bucket_refuse_request(exchange, "%s is too long or no text", name);
    }
    return true;
}

bool argument_required(struct exchange *exchange, const char *name, char *out, size_t size)
{
    if (argument_text(exchange, name, out, size)) {
        return true;
    }
    return exchange->open.decided ? false : bucket_refuse_request(exchange, "%s is required", name);
}

bool argument_integer(struct exchange *exchange, const char *name, int64_t low, int64_t high, int64_t usual,
                      int64_t *out)
{
    char text[32];
    const cJSON *value = argument_value(exchange, name);
    *out = usual;
    if (cJSON_IsNumber(value)) {
        double number = value->valuedouble;
        if (!(number >= (double)low && number <= (double)high) || number != (double)(int64_t)number) {
            return bucket_refuse_request(exchange, "%s is not a whole number from %lld to %lld", name, (long long)low,
                                         (long long)high);
        }
        *out = (int64_t)number;
        return true;
    }
    if (value != NULL) {
        return bucket_refuse_request(exchange, "%s is no number", name);
    }
    if (argument_text(exchange, name, text, sizeof text) &&
        (!decimal_parse_exact(span_of(text), 0, out) || *out < low || *out > high)) {
        return bucket_refuse_request(exchange, "%s is not a whole number from %lld to %lld", name, (long long)low,
                                     (long long)high);
    }
    return !exchange->open.decided;
}

struct file_bucket *argument_bucket(struct exchange *exchange, const char *name)
{
    char id[FILE_ID_SIZE];
    if (!argument_required(exchange, name, id, sizeof id)) {
        return NULL;
    }
    struct file_bucket *bucket = bucket_by_id(exchange->service, id);
    if (bucket == NULL) {
        (void)bucket_refuse_bucket(exchange, id);
    }
    return bucket;
}

bool argument_version(struct exchange *exchange, const char *name, struct version **out)
{
    char id[256];
    if (!argument_required(exchange, name, id, sizeof id)) {
        return false;
    }
    *out = version_by_id(exchange->service, id);
    return true;
}

bool argument_name(struct exchange *exchange, char name[FILE_NAME_MAX + 1])
{
    if (!argument_required(exchange, "fileName", name, FILE_NAME_MAX + 1)) {
        return false;
    }
    return bucket_file_name_is_good(span_of(name)) ? access_name(exchange, span_of(name))
                                                   : bucket_refuse_request(exchange, "Invalid fileName");
}

bool argument_info(struct exchange *exchange, struct file_info_draft *draft)
{
    const cJSON *info = argument_value(exchange, "fileInfo");
    draft->count = draft->size = 0;
    if (info == NULL) {
        return true;
    }
    if (!cJSON_IsObject(info)) {
        return bucket_refuse_request(exchange, "fileInfo is no object");
    }
    for (const cJSON *pair = info->child; pair != NULL; pair = pair->next) {
        if (!cJSON_IsString(pair) || !file_info_draft_add(draft, span_of(pair->string), span_of(pair->valuestring))) {
            return bucket_refuse_request(exchange, "fileInfo is malformed, or too large");
        }
    }
    return true;
}
