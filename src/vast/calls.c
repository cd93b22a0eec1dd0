#include "vast/exchange.h"

enum error_code vast_open(struct vast *vast, struct world *world, struct vast_access access, int64_t request_limit_ns)
{
    vast->world = world;
    vast->access = access;
    vast->request_limit_ns = request_limit_ns;
    vast->ordinal = 0;
    vast->reply = (struct http_reply){0};
    buffer_init(&vast->reply.body, world->heap, VAST_REPLY_MAX);
    if (access.api_key != NULL && access.api_key[0] == '\0') {
        vast->access.api_key = NULL;
    }
    if (vast->access.api_key != NULL) {
        world_hide(world, vast->access.api_key);
    }
    return buffer_reserve(&vast->reply.body, VAST_REPLY_FIRST_SIZE) ? ERR_OK : ERR_NO_MEMORY;
}

void vast_close(struct vast *vast)
{
    buffer_release(&vast->reply.body);
}

struct span vast_reply_body(const struct vast *vast)
{
    return (struct span){buffer_text(&vast->reply.body), vast->reply.body.length};
}

enum error_code vast_exchange(struct vast *vast, enum http_method method, struct span body, bool changes_state,
                              struct vast_answer *answer, struct error *error)
{
    struct http_request request = {
        .method = method,
        .origin = vast->access.origin,
        .path = vast->path,
        .bearer = vast->access.api_key,
        .body = body,
        .changes_state = changes_state,
    };
    int64_t deadline_ns = world_deadline_ns(vast->world, vast->request_limit_ns);
    enum error_code code = world_http(vast->world, &request, &vast->reply, deadline_ns, &vast->ordinal);
    if (code != ERR_OK) {
        return error_set(error, code, "%s", error_sentence(code));
    }
    struct vast_answer ignored;
    return decode_status(&vast->reply, answer == NULL ? &ignored : answer, error);
}

bool vast_may_have_happened(const struct vast *vast, enum error_code code, int http_status)
{
    if (vast->ordinal == 0) {
        return false;
    }
    switch (code) {
    case ERR_CONNECTION_RESET:
    case ERR_CLOSED_EARLY:
    case ERR_REPLY_TRUNCATED:
    case ERR_REPLY_TOO_LARGE:
    case ERR_REPLY_MALFORMED:
    case ERR_REPLY_UNEXPECTED:
    case ERR_TIMED_OUT:
    case ERR_NO_MEMORY:
    case ERR_INTERRUPTED:
        return true;
    case ERR_SERVER_ERROR:
        return http_status == 0 || http_status >= 500;
    default:
        return false;
    }
}

enum error_code vast_unknown_outcome(struct error *error, const char *what)
{
    error_wrap(error, "%s got no usable answer", what);
    return error->code = ERR_OUTCOME_UNKNOWN;
}

enum error_code vast_end_change(struct vast *vast, enum error_code code, const char *what, int64_t instance_id,
                                struct error *error)
{
    if (code == ERR_OK || code == ERR_NO_SUCH_INSTANCE) {
        return code;
    }
    if (vast_may_have_happened(vast, code, error->http_status)) {
        return vast_unknown_outcome(error, what);
    }
    error_wrap(error, "%s instance %lld", what, (long long)instance_id);
    return code;
}

enum error_code vast_change(struct vast *vast, enum http_method method, struct span body, const char *what,
                            int64_t instance_id, struct error *error)
{
    enum error_code code = vast_exchange(vast, method, body, true, NULL, error);
    if (code == ERR_OK) {
        code = decode_done(vast_reply_body(vast), error);
    }
    return vast_end_change(vast, code, what, instance_id, error);
}
