#include <string.h>

#include "base/random.h"
#include "fakes/bucket/state.h"

/* Most tokens of a kind that are valid at the same time. */
static const size_t ring_rooms[TOKEN_KINDS] = {[TOKEN_ACCOUNT] = 1024, [TOKEN_UPLOAD] = 8192, [TOKEN_DOWNLOAD] = 1024};
static const char *const kind_names[TOKEN_KINDS] = {
    [TOKEN_ACCOUNT] = "acct", [TOKEN_UPLOAD] = "upld", [TOKEN_DOWNLOAD] = "dnld"};

/* "4_<key id>_<serial>_<life>_<kind>_<proof>=" */
enum { KEY_AT = 2, SERIAL_AT = 28, LIFE_AT = 37, KIND_AT = 44, TOKEN_LENGTH = 66, SERIAL_DIGITS = 8, LIFE_DIGITS = 6 };

static void write_token(const struct bucket_service *service, enum token_kind kind, const char *key_id, uint32_t serial,
                        uint32_t life, char text[TOKEN_SIZE])
{
    struct random_address address = {
        .run = life, .purpose = RANDOM_BUCKET, .entity = BUCKET_DRAW_TOKEN + 256 * (unsigned)kind, .index = serial};
    (void)text_format(text, TOKEN_SIZE, "4_%s_%08x_%06x_%s_%016llx=", key_id, serial, life & 0xFFFFFF, kind_names[kind],
                      (unsigned long long)random_bits(service->options.seed, address));
}

static bool ring_grow(struct heap *heap, struct token_ring *ring, size_t most)
{
    enum { FIRST = 16 };
    size_t room = ring->room == 0 ? FIRST : 2 * ring->room;
    if (ring->given + 1 < ring->room || ring->room == most) {
        return true;
    }
    struct token *tokens = heap_resize(heap, ring->tokens, room * sizeof *tokens);
    if (tokens == NULL) {
        return false;
    }
    memset(&tokens[ring->room], 0, (room - ring->room) * sizeof *tokens);
    ring->tokens = tokens;
    ring->room = room;
    return true;
}

struct token *token_give(struct bucket_service *service, enum token_kind kind, const struct access_key *key,
                         int64_t expires_ns, char text[TOKEN_SIZE])
{
    struct token_ring *ring = &service->access.rings[kind];
    if (!ring_grow(service->heap, ring, ring_rooms[kind])) {
        return NULL;
    }
    uint32_t serial = ++ring->given;
    struct token *token = &ring->tokens[serial % ring->room];
    heap_release(service->heap, token->prefix);
    *token = (struct token){.serial = serial, .key_number = key->number, .expires_ns = expires_ns};
    write_token(service, kind, key->id, serial, service->life, text);
    return token;
}

static bool read_hex(const char *text, size_t digits, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out = value;
    return true;
}

/* Whether the text is a token that this service, in this or in an earlier life, gave out. */
static bool is_ours(const struct bucket_service *service, enum token_kind kind, const char *text, uint32_t *serial,
                    uint32_t *life)
{
    char key_id[BUCKET_KEY_ID_SIZE];
    char expected[TOKEN_SIZE];
    if (strlen(text) != TOKEN_LENGTH || !read_hex(text + SERIAL_AT, SERIAL_DIGITS, serial) ||
        !read_hex(text + LIFE_AT, LIFE_DIGITS, life)) {
        return false;
    }
    memcpy(key_id, text + KEY_AT, sizeof key_id - 1);
    key_id[sizeof key_id - 1] = '\0';
    write_token(service, kind, key_id, *serial, *life, expected);
    return strcmp(text, expected) == 0;
}

struct token *token_check(struct exchange *exchange, enum token_kind kind, const char *text)
{
    struct bucket_service *service = exchange->service;
    struct token_ring *ring = &service->access.rings[kind];
    uint32_t serial;
    uint32_t life;
    struct token *token = NULL;
    if (!is_ours(service, kind, text, &serial, &life)) {
        (void)bucket_refuse(exchange, 401, "bad_auth_token", "Invalid authorization token");
        return NULL;
    }
    if (life == (service->life & 0xFFFFFF) && ring->room > 0 && ring->tokens[serial % ring->room].serial == serial) {
        token = &ring->tokens[serial % ring->room];
    }
    if (token == NULL || token->revoked || token->expires_ns <= service->now_ns) {
        (void)bucket_refuse(exchange, 401, "expired_auth_token", "Authorization token has expired");
        return NULL;
    }
    if (bucket_key_by_number(service, token->key_number) == NULL) {
        (void)bucket_refuse(exchange, 401, "bad_auth_token", "Invalid authorization token");
        return NULL;
    }
    return token;
}

static void revoke_all(struct token_ring *ring)
{
    for (size_t i = 0; i < ring->room; i++) {
        ring->tokens[i].revoked = true;
    }
}

void bucket_expire_account_tokens(struct bucket_service *service)
{
    revoke_all(&service->access.rings[TOKEN_ACCOUNT]);
}

void bucket_expire_upload_tokens(struct bucket_service *service)
{
    revoke_all(&service->access.rings[TOKEN_UPLOAD]);
}
