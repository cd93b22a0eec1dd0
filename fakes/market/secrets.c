/* Secrets: the account's environment variables, which the CLI calls env-vars. */
#include <string.h>

#include "fakes/market/state.h"

enum { SECRETS_MAX = 256, NAME_MAX_CHARS = 256, VALUE_MAX_CHARS = 16384 };

struct secret {
    struct secret *next;
    const char *value; /* behind the name */
    char name[];
};

void secrets_release(struct market *market)
{
    while (market->secrets != NULL) {
        struct secret *next = market->secrets->next;
        heap_release(market->heap, market->secrets);
        market->secrets = next;
    }
}

/* Where the one of that name is, or would be. */
static struct secret **place_of(struct market *market, const char *name)
{
    struct secret **place = &market->secrets;
    while (*place != NULL && strcmp((*place)->name, name) < 0) {
        place = &(*place)->next;
    }
    return place;
}

static bool is_at(struct secret *const *place, const char *name)
{
    return *place != NULL && strcmp((*place)->name, name) == 0;
}

static void remove_at(struct market *market, struct secret **place)
{
    struct secret *gone = *place;
    *place = gone->next;
    heap_release(market->heap, gone);
}

void route_secrets(const struct call *call)
{
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_key(&writer, "secrets");
    json_begin_object(&writer);
    for (const struct secret *each = call->market->secrets; each != NULL; each = each->next) {
        json_member_string(&writer, each->name, each->value);
    }
    json_end_object(&writer);
    json_end_object(&writer);
}

static size_t count(const struct market *market)
{
    size_t found = 0;
    for (const struct secret *each = market->secrets; each != NULL; each = each->next) {
        found++;
    }
    return found;
}

static void answer_done(const struct call *call, const char *message)
{
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_member_string(&writer, "msg", message);
    json_end_object(&writer);
}

static void set(const struct call *call, const char *name, const char *value)
{
    struct market *market = call->market;
    size_t name_size = strlen(name) + 1;
    size_t value_size = strlen(value) + 1;
    struct secret *secret = heap_alloc(market->heap, sizeof *secret + name_size + value_size);
    answer_done(call, "Environment variable saved.");
    if (secret == NULL || call->reply->body.failed) {
        heap_release(market->heap, secret);
        call->reply->body.failed = true;
        return;
    }
    memcpy(secret->name, name, name_size);
    secret->value = memcpy(secret->name + name_size, value, value_size);
    struct secret **place = place_of(market, name);
    if (is_at(place, name)) {
        remove_at(market, place);
    }
    secret->next = *place;
    *place = secret;
}

/* Whether a name that exists may be created, and one that does not be changed, is not known: here both set it. */
void route_secret_set(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    const char *name = text_member(body, "key");
    const char *value = text_member(body, "value");
    if (body != NULL && (name == NULL || *name == '\0' || value == NULL || strlen(name) > NAME_MAX_CHARS ||
                         strlen(value) > VALUE_MAX_CHARS || count(call->market) >= SECRETS_MAX)) {
        answer_error(call->reply, 400, "invalid_args", "error 400/3471: Invalid args: key and value must be texts");
    } else if (body != NULL) {
        set(call, name, value);
    }
    cJSON_Delete(body);
}

void route_secret_delete(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    const char *name = text_member(body, "key");
    if (body != NULL) {
        struct secret **place = name == NULL ? NULL : place_of(call->market, name);
        if (place == NULL || !is_at(place, name)) {
            answer_error(call->reply, 404, "not_found", "There is no such environment variable.");
        } else {
            answer_done(call, "Environment variable deleted.");
            if (!call->reply->body.failed) {
                remove_at(call->market, place);
            }
        }
    }
    cJSON_Delete(body);
}
