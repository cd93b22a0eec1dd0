/* Who we are: authorization, shared by all tasks, and what the key may do. */
#include <string.h>

#include "b2/calls_state.h"
#include "base/base64.h"
#include "world/note.h"

enum { WARNING_SIZE = 120, BASIC_SIZE = 512, PAIR_SIZE = 320, SKEW_MINUTES_MOST = 15, FIRST_ATTEMPTS = 5 };

/* A new token may take several attempts. */
static const int64_t waiting_limit_ns = 600 * NS_PER_S;

struct b2_waiter {
    struct completion done;
    struct b2_waiter *next;
};

void b2_call_open(struct b2_call *call, struct b2 *b2)
{
    call->b2 = b2;
    call->reply = (struct http_reply){.status = 0};
    buffer_init(&call->reply.body, b2->world->heap, B2_REPLY_MAX);
    buffer_init(&call->reply.headers, b2->world->heap, B2_HEADERS_MAX);
    buffer_init(&call->body, b2->world->heap, B2_REQUEST_MAX);
}

void b2_call_close(struct b2_call *call)
{
    buffer_release(&call->reply.body);
    buffer_release(&call->reply.headers);
    buffer_release(&call->body);
}

/* ---- The clock ----------------------------------------------------------------------------------------------------------- */

static void compare_clocks(struct b2 *b2, const struct http_reply *reply)
{
    static const int64_t most_ns = INT64_C(60) * SKEW_MINUTES_MOST * NS_PER_S;
    struct wall_time theirs;
    if (!b2_read_date(http_reply_header(reply, "Date"), &theirs)) {
        return;
    }
    b2->clock_skew_ns = theirs.unix_ns - world_wall_now(b2->world).unix_ns;
    bool apart = b2->clock_skew_ns > most_ns || b2->clock_skew_ns < -most_ns;
    if (apart && !b2->clock_warned) {
        b2->clock_warned = true;
        char line[WARNING_SIZE];
        long long minutes = b2->clock_skew_ns / (60 * NS_PER_S);
        (void)text_format(line, sizeof line, "this machine's clock and the store's are %lld minutes apart\n", minutes);
        world_tell(b2->world, line);
        note_log(b2->world, "warning", "%.*s", (int)strlen(line) - 1, line);
    }
}

int64_t b2_server_unix_ms(const struct b2 *b2)
{
    return (world_wall_now(b2->world).unix_ns + b2->clock_skew_ns) / NS_PER_MS;
}

/* ---- Authorization ------------------------------------------------------------------------------------------------------- */

static enum error_code ask_for_token(struct b2_call *call, const char *basic, struct error *error)
{
    struct b2 *b2 = call->b2;
    const struct http_header headers[] = {{"Authorization", basic}};
    const struct http_request request = {.method = HTTP_GET,
                                         .origin = b2->access.origin,
                                         .path = "/b2api/v3/b2_authorize_account",
                                         .headers = headers,
                                         .header_count = ARRAY_LENGTH(headers)};
    enum error_code code = b2_exchange(call, &request, b2_call_deadline_ns(b2), error);
    if (code != ERR_OK) {
        return code;
    }
    if (call->reply.status != 200) {
        code = b2_decode_error(&call->reply, error);
        if (call->reply.status == 401) {
            code = error_set(error, ERR_NOT_AUTHENTICATED, "the application key is not accepted (401)");
            error_advise(error, "check B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY");
        }
        return code;
    }
    struct span body = {buffer_text(&call->reply.body), call->reply.body.length};
    code = b2_decode_authorize(body, b2->secure, &b2->account, error);
    if (code == ERR_OK) {
        world_hide(b2->world, b2->account.token);
        b2->generation++;
        compare_clocks(b2, &call->reply);
    }
    return code;
}

static enum error_code authorize(struct b2_call *call, struct error *error)
{
    struct b2 *b2 = call->b2;
    char pair[PAIR_SIZE];
    char basic[BASIC_SIZE];
    struct buffer header;
    buffer_init_fixed(&header, basic, sizeof basic);
    buffer_append_text(&header, "Basic ");
    bool fits = text_format(pair, sizeof pair, "%s:%s", b2->access.key_id, b2->access.key);
    base64_append(&header, span_of(pair));
    if (!fits || header.failed) {
        return error_set(error, ERR_NOT_AUTHENTICATED, "the key is too long");
    }
    world_hide(b2->world, basic + strlen("Basic "));
    struct retry retry = b2_retry_begin(b2, "authorize", false);
    if (b2->generation == 0) {
        retry.attempts = FIRST_ATTEMPTS; /* nothing is under way yet that a failure would end */
    }
    enum error_code code;
    do {
        code = ask_for_token(call, basic, error);
    } while (code != ERR_OK && retry_again(&retry, error));
    memset(pair, 0, sizeof pair);
    memset(basic, 0, sizeof basic);
    if (code != ERR_OK) {
        error_wrap(error, "authorize");
    }
    return code == ERR_OK ? code : error->code;
}

static void wake_waiters(struct b2 *b2)
{
    while (b2->waiters != NULL) {
        struct b2_waiter *waiter = b2->waiters;
        b2->waiters = waiter->next;
        completion_finish(&waiter->done);
    }
}

static enum error_code wait_for_other(struct b2 *b2, struct error *error)
{
    struct b2_waiter waiter = {.next = b2->waiters};
    b2->waiters = &waiter; // cppcheck-suppress autoVariables ; it is taken out again before this returns
    if (task_wait(b2->world->scheduler, &waiter.done, world_real_deadline_ns(b2->world, waiting_limit_ns)) ==
        WAIT_FINISHED) {
        return ERR_OK;
    }
    struct b2_waiter **link = &b2->waiters;
    while (*link != &waiter) {
        link = &(*link)->next;
    }
    *link = waiter.next;
    bool cancelled = task_is_cancelled(b2->world->scheduler);
    return error_set(error, cancelled ? ERR_INTERRUPTED : ERR_TIMED_OUT, "waiting for a new token ended");
}

enum error_code b2_renew(struct b2_call *call, int64_t generation, struct error *error)
{
    struct b2 *b2 = call->b2;
    if (b2->authorizing) {
        enum error_code code = wait_for_other(b2, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    if (b2->generation != generation || b2->authorizing) {
        return ERR_OK;
    }
    b2->authorizing = true;
    enum error_code code = authorize(call, error);
    b2->authorizing = false;
    wake_waiters(b2);
    return code;
}

/* ---- What the key may do ------------------------------------------------------------------------------------------------- */

enum error_code b2_allows(const struct b2 *b2, const char *capability, struct error *error)
{
    char word[64];
    (void)text_format(word, sizeof word, " %s ", capability);
    if (strstr(b2->account.capabilities, word) != NULL) {
        return ERR_OK;
    }
    (void)error_set(error, ERR_NOT_PERMITTED, "the application key lacks the capability %s", capability);
    error_advise(error, "use a key that has it");
    return ERR_NOT_PERMITTED;
}

enum error_code b2_allows_name(const struct b2 *b2, const char *name, struct error *error)
{
    const char *prefix = b2->account.name_prefix;
    if (strncmp(name, prefix, strlen(prefix)) == 0) {
        return ERR_OK;
    }
    return error_set(error, ERR_NOT_PERMITTED, "the application key is for names that begin with %.100s", prefix);
}

static enum error_code find_bucket(struct b2_call *call, struct error *error)
{
    struct b2 *b2 = call->b2;
    const struct b2_account *account = &b2->account;
    if (account->bucket_id[0] != '\0' && strcmp(account->bucket_name, b2->access.bucket) == 0) {
        (void)text_copy(b2->bucket_id, sizeof b2->bucket_id, account->bucket_id);
        return ERR_OK;
    }
    if (account->bucket_id[0] != '\0') {
        return error_set(error, ERR_NOT_PERMITTED, "the application key is for the bucket %.80s, not for %.80s",
                         account->bucket_name, b2->access.bucket);
    }
    return b2_find_bucket(call, error);
}

enum error_code b2_open(struct b2 *b2, struct world *world, struct b2_access access, struct error *error)
{
    struct b2_call call;
    *b2 = (struct b2){.world = world, .access = access};
    b2->secure = strncmp(access.origin, "https://", strlen("https://")) == 0;
    world_hide(world, access.key);
    b2_call_open(&call, b2);
    enum error_code code = b2_renew(&call, 0, error);
    if (code == ERR_OK) {
        code = find_bucket(&call, error);
    }
    b2_call_close(&call);
    return code;
}
