/* SSH keys: those of the account, and those that a machine accepts. Only public halves pass here. */
#include <string.h>

#include "vast/exchange.h"

enum error_code vast_keys(struct vast *vast, vast_key_visitor *visit, void *context, struct error *error)
{
    (void)text_copy(vast->path, sizeof vast->path, "/api/v0/ssh/");
    enum error_code code = vast_exchange(vast, HTTP_GET, (struct span){"", 0}, false, NULL, error);
    if (code == ERR_OK) {
        code = decode_keys(vast_reply_body(vast), visit, context, error);
    }
    if (code != ERR_OK) {
        error_wrap(error, "list the account's SSH keys");
    }
    return code;
}

/* The body that names a public key; false when it is too long. */
static bool name_key(struct vast *vast, const char *public_key, struct span *body)
{
    struct buffer text;
    buffer_init_fixed(&text, vast->body, sizeof vast->body);
    encode_key(&text, public_key);
    *body = (struct span){text.data, text.length};
    return !text.failed;
}

/* A refusal because it is so already, which is what was wanted: the first try's reply may have been lost. */
static bool is_so_already(const struct vast_answer *answer, const struct error *error)
{
    return error->http_status == 400 &&
           (strstr(answer->msg.text, "already") != NULL || strstr(answer->error.text, "already") != NULL);
}

enum error_code vast_key_create(struct vast *vast, const char *public_key, int64_t *key_id, struct error *error)
{
    struct vast_answer answer = {0};
    struct span body;
    *key_id = 0;
    if (!name_key(vast, public_key, &body)) {
        return error_set(error, ERR_USAGE, "the SSH key is too long");
    }
    (void)text_copy(vast->path, sizeof vast->path, "/api/v0/ssh/");
    enum error_code code = vast_exchange(vast, HTTP_POST, body, true, &answer, error);
    if (code == ERR_OK) {
        code = decode_key_created(vast_reply_body(vast), key_id, error);
    } else if (is_so_already(&answer, error)) {
        return error_set(error, ERR_OK, "known");
    }
    if (code != ERR_OK && vast_may_have_happened(vast, code, error->http_status)) {
        return vast_unknown_outcome(error, "the creation of an SSH key");
    }
    if (code != ERR_OK) {
        error_wrap(error, "create an SSH key");
    }
    return code;
}

enum error_code vast_attached(struct vast *vast, int64_t instance_id, vast_key_visitor *visit, void *context,
                              struct error *error)
{
    (void)text_format(vast->path, sizeof vast->path, "/api/v0/instances/%lld/ssh/", (long long)instance_id);
    enum error_code code = vast_exchange(vast, HTTP_GET, (struct span){"", 0}, false, NULL, error);
    if (code == ERR_OK) {
        struct buffer inner;
        buffer_init(&inner, vast->world->heap, VAST_REPLY_MAX);
        code = decode_attached(vast_reply_body(vast), &inner, visit, context, error);
        buffer_release(&inner);
    }
    if (code != ERR_OK && code != ERR_NO_SUCH_INSTANCE) {
        error_wrap(error, "list the SSH keys of instance %lld", (long long)instance_id);
    }
    return code;
}

enum error_code vast_attach(struct vast *vast, int64_t instance_id, const char *public_key, struct error *error)
{
    struct vast_answer answer = {0};
    struct span body;
    if (!name_key(vast, public_key, &body)) {
        return error_set(error, ERR_USAGE, "the SSH key is too long");
    }
    (void)text_format(vast->path, sizeof vast->path, "/api/v0/instances/%lld/ssh/", (long long)instance_id);
    enum error_code code = vast_exchange(vast, HTTP_POST, body, true, &answer, error);
    if (code == ERR_OK) {
        code = decode_done(vast_reply_body(vast), error);
    } else if (is_so_already(&answer, error)) {
        return error_set(error, ERR_OK, "attached");
    }
    return vast_end_change(vast, code, "attach an SSH key to", instance_id, error);
}

enum error_code vast_detach(struct vast *vast, int64_t instance_id, int64_t key_id, struct error *error)
{
    (void)text_format(vast->path, sizeof vast->path, "/api/v0/instances/%lld/ssh/%lld/", (long long)instance_id,
                      (long long)key_id);
    struct vast_answer answer = {0};
    enum error_code code = vast_exchange(vast, HTTP_DELETE, span_of("{}"), true, &answer, error);
    if (code == ERR_OK) {
        code = decode_done(vast_reply_body(vast), error);
    } else if (code == ERR_NO_SUCH_INSTANCE && strcmp(answer.error.text, "no_such_instance") != 0) {
        code = error->code =
            ERR_REQUEST_REJECTED; /* not_found: no such key there, or no such call: nothing is known to be detached */
    }
    return vast_end_change(vast, code, "detach an SSH key from", instance_id, error);
}
