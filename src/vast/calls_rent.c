#include <string.h>

#include "vast/exchange.h"

enum { PAGES_MAX = 400 }; /* 10,000 instances: more is no account of ours but a server that never ends */

enum error_code vast_search(struct vast *vast, const struct vast_wish *wish, struct vast_offers *list,
                            struct error *error)
{
    struct buffer body;
    buffer_init_fixed(&body, vast->body, sizeof vast->body);
    encode_search(&body, wish);
    if (body.failed) {
        return error_set(error, ERR_USAGE, "search: the filters are too long");
    }
    (void)text_copy(vast->path, sizeof vast->path, "/api/v0/bundles/");
    struct span sent = {body.data, body.length};
    enum error_code code = vast_exchange(vast, HTTP_POST, sent, false, NULL, error);
    if (code != ERR_OK) {
        error_wrap(error, "search offers");
        return code;
    }
    return decode_offers(vast_reply_body(vast), wish, list, error);
}

/* Reads the id out of a success. The secret in it goes to the list of what is never written. */
static enum error_code read_created(struct vast *vast, int64_t *instance_id, struct error *error)
{
    char api_key[129] = "";
    enum error_code code = decode_create(vast_reply_body(vast), instance_id, api_key, sizeof api_key, error);
    if (api_key[0] != '\0') {
        world_hide(vast->world, api_key);
    }
    return code;
}

enum error_code vast_create(struct vast *vast, int64_t offer_id, const struct create_wish *wish, int64_t *instance_id,
                            struct error *error)
{
    *instance_id = 0;
    struct buffer body;
    buffer_init_fixed(&body, vast->body, sizeof vast->body);
    encode_create(&body, wish);
    if (body.failed) {
        return error_set(error, ERR_USAGE, "create: image, label or onstart are too long");
    }
    (void)text_format(vast->path, sizeof vast->path, "/api/v0/asks/%lld/", (long long)offer_id);
    struct vast_answer answer = {0};
    struct span sent = {body.data, body.length};
    enum error_code code = vast_exchange(vast, HTTP_PUT, sent, true, &answer, error);
    bool success = code == ERR_OK;
    if (success) {
        code = read_created(vast, instance_id, error);
    } else if (answer.new_contract.presence == PRESENT && answer.new_contract.value > 0) {
        *instance_id = answer.new_contract.value;
    }
    /* A success that names no contract proves nothing, whatever else it says. */
    if (code != ERR_OK && *instance_id == 0 && (success || vast_may_have_happened(vast, code, error->http_status))) {
        return vast_unknown_outcome(error, "create");
    }
    if (code != ERR_OK) {
        error_wrap(error, "create on offer %lld", (long long)offer_id);
    }
    return code;
}

enum error_code vast_show(struct vast *vast, int64_t instance_id, struct vast_instance *instance, struct error *error)
{
    *instance = (struct vast_instance){0};
    (void)text_format(vast->path, sizeof vast->path, "/api/v0/instances/%lld/?owner=me", (long long)instance_id);
    struct vast_answer answer = {0};
    enum error_code code = vast_exchange(vast, HTTP_GET, (struct span){"", 0}, false, &answer, error);
    /* The very word, not a likeness: "not_found" may as well speak of the call, and a machine would be forgotten. */
    if (error->http_status == 404 && strcmp(answer.error.text, "no_such_instance") == 0) {
        instance->gone = true;
        return error_set(error, ERR_OK, "gone");
    }
    if (code != ERR_OK) {
        error_wrap(error, "show instance %lld", (long long)instance_id);
        return code;
    }
    return decode_instance(vast_reply_body(vast), instance_id, instance, error);
}

/* Appends `text` percent-encoded (RFC 3986, unreserved characters stay). */
static void append_percent_encoded(struct buffer *out, const char *text)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr(unreserved, *c) != NULL) {
            buffer_append_char(out, *c);
        } else {
            buffer_printf(out, "%%%02X", (unsigned char)*c);
        }
    }
}

enum error_code vast_list(struct vast *vast, instance_visitor *visit, void *context, struct error *error)
{
    char token[VAST_TOKEN_SIZE] = "";
    for (int page = 0; page < PAGES_MAX; page++) {
        struct buffer path;
        buffer_init_fixed(&path, vast->path, sizeof vast->path);
        buffer_append_text(&path, "/api/v1/instances/?limit=25");
        if (token[0] != '\0') {
            buffer_append_text(&path, "&after_token=");
            append_percent_encoded(&path, token);
        }
        enum error_code code = path.failed ? error_set(error, ERR_REPLY_UNEXPECTED, "the page token is too long")
                                           : vast_exchange(vast, HTTP_GET, (struct span){"", 0}, false, NULL, error);
        if (code == ERR_OK) {
            code = decode_instance_page(vast_reply_body(vast), visit, context, token, error);
        }
        if (code != ERR_OK) {
            error_wrap(error, "list instances, page %d", page + 1);
            return code;
        }
        if (token[0] == '\0') {
            return ERR_OK;
        }
    }
    return error_set(error, ERR_REPLY_UNEXPECTED, "list instances: more than %d pages", PAGES_MAX);
}

enum error_code vast_destroy(struct vast *vast, int64_t instance_id, struct error *error)
{
    (void)text_format(vast->path, sizeof vast->path, "/api/v0/instances/%lld/", (long long)instance_id);
    return vast_change(vast, HTTP_DELETE, span_of("{}"), "destroy", instance_id, error);
}

enum error_code vast_account_read(struct vast *vast, struct vast_account *account, struct error *error)
{
    (void)text_copy(vast->path, sizeof vast->path, "/api/v0/users/current/");
    enum error_code code = vast_exchange(vast, HTTP_GET, (struct span){"", 0}, false, NULL, error);
    if (code != ERR_OK) {
        error_wrap(error, "read the account");
        return code;
    }
    return decode_account(vast_reply_body(vast), account, error);
}
