#include "events/webhook.h"

#include <assert.h>
#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/loopback.h"

enum { REPLY_LIMIT = 4096 };

static const int64_t attempt_limit_ns = 10 * NS_PER_S;

/* ---- Addresses ---------------------------------------------------------------------------------------------------------- */

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool is_letter(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

/* The scheme's length in `url` if it is one of ours, else 0. */
static size_t scheme_length(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        size_t at = 0;
        while (schemes[i][at] != '\0' && lower(url[at]) == schemes[i][at]) {
            at++;
        }
        if (schemes[i][at] == '\0') {
            return at;
        }
    }
    return 0;
}

/* Names and IPv4 addresses, or an IPv6 address in brackets. */
static bool is_host(struct span host)
{
    bool bracketed = host.length > 2 && host.at[0] == '[' && host.at[host.length - 1] == ']';
    size_t from = bracketed ? 1 : 0;
    size_t to = bracketed ? host.length - 1 : host.length;
    bool good = to > from && host.at[from] != '.' && host.at[from] != '-';
    for (size_t i = from; i < to; i++) {
        char character = host.at[i];
        bool plain = is_digit(character) || is_letter(character) || character == '.';
        good = good && (plain || (bracketed ? character == ':' : character == '-' || character == '_'));
    }
    return good;
}

/* 1 to 65535, without leading zeros. */
static bool is_port(struct span port)
{
    int64_t number = 0;
    bool digits = port.length > 0 && port.length <= 5 && port.at[0] != '0';
    for (size_t i = 0; i < port.length; i++) {
        digits = digits && is_digit(port.at[i]);
    }
    return digits && decimal_parse(port, 0, &number) && number <= 65535;
}

static bool is_host_and_port(struct span text)
{
    size_t colon = text.length;
    while (colon > 0 && text.at[colon - 1] != ':' && text.at[colon - 1] != ']') {
        colon--;
    }
    if (colon == 0 || text.at[colon - 1] == ']') {
        return is_host(text);
    }
    return is_host((struct span){text.at, colon - 1}) && is_port((struct span){text.at + colon, text.length - colon});
}

static int hex_value(char digit)
{
    char folded = lower(digit);
    return is_digit(folded) ? folded - '0' : (folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1);
}

/* "user:word", percent-decoded, as basic authentication. */
static bool write_authorization(struct span credentials, char out[WEBHOOK_AUTHORIZATION_SIZE])
{
    char decoded[WEBHOOK_AUTHORIZATION_SIZE / 2];
    size_t length = 0;
    bool has_word = false;
    for (size_t i = 0; i < credentials.length; i++) {
        char character = credentials.at[i];
        has_word = has_word || character == ':';
        if (character == '%') {
            int high = i + 2 < credentials.length ? hex_value(credentials.at[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_value(credentials.at[i + 2]);
            if (low < 0) {
                return false;
            }
            character = (char)(high * 16 + low);
            i += 2;
        }
        if (length + 1 >= sizeof decoded) {
            return false;
        }
        decoded[length++] = character;
    }
    if (!has_word) {
        decoded[length++] = ':';
    }
    struct buffer text;
    buffer_init_fixed(&text, out, WEBHOOK_AUTHORIZATION_SIZE);
    buffer_append_text(&text, "Basic ");
    base64_append(&text, (struct span){decoded, length});
    return !text.failed;
}

/* Printable ASCII without what has no place in a URL, or is read in two ways. */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`{|}#", *text) != NULL) {
            return false;
        }
    }
    return true;
}

bool webhook_split(const char *url, struct webhook_address *out)
{
    size_t scheme = scheme_length(url);
    if (scheme == 0 || !is_plain(url)) {
        return false;
    }
    struct span authority = {url + scheme, strcspn(url + scheme, "/?")};
    const char *rest = authority.at + authority.length;
    out->authorization[0] = '\0';
    const char *at = memchr(authority.at, '@', authority.length);
    if (at != NULL) {
        struct span credentials = {authority.at, (size_t)(at - authority.at)};
        authority = (struct span){at + 1, authority.length - credentials.length - 1};
        if (!write_authorization(credentials, out->authorization)) {
            return false;
        }
    }
    struct buffer origin;
    struct buffer path;
    buffer_init_fixed(&origin, out->origin, sizeof out->origin);
    buffer_init_fixed(&path, out->path, sizeof out->path);
    for (size_t i = 0; i < scheme; i++) {
        buffer_append_char(&origin, lower(url[i]));
    }
    for (size_t i = 0; i < authority.length; i++) {
        buffer_append_char(&origin, lower(authority.at[i]));
    }
    buffer_append_text(&path, rest[0] == '/' ? "" : "/");
    buffer_append_text(&path, rest);
    return is_host_and_port(authority) && !origin.failed && !path.failed;
}

bool webhook_is_local(const char *url)
{
    struct webhook_address address;
    bool local = false;
    if (webhook_split(url, &address)) {
        struct span host = span_of(address.origin + scheme_length(address.origin));
        const char *bracket = memchr(host.at, ']', host.length);
        host.length = bracket != NULL ? (size_t)(bracket + 1 - host.at) : strcspn(host.at, ":");
        local = host_is_loopback(host);
    }
    memset(&address, 0, sizeof address); /* credentials lie in it */
    return local;
}

/* ---- Attempts ----------------------------------------------------------------------------------------------------------- */

/* One attempt with all that its request borrows; too large for a stack that others share. */
struct attempt {
    struct webhook_address address;
    char number[24];
    char timestamp[24];
    char signature[sizeof "sha256=" + DIGEST_HEX_SIZE];
    struct http_header headers[8];
    struct http_request request;
    struct http_reply reply;
};

static void add_header(struct attempt *attempt, const char *name, const char *value)
{
    assert(attempt->request.header_count < ARRAY_LENGTH(attempt->headers));
    attempt->headers[attempt->request.header_count++] = (struct http_header){name, value};
}

/* HMAC over "TIMESTAMP.BODY". False when memory is gone. */
static bool sign(struct heap *heap, const struct webhook_message *message, struct attempt *attempt)
{
    char hex[DIGEST_HEX_SIZE] = "";
    struct buffer text;
    buffer_init(&text, heap, sizeof attempt->timestamp + sizeof message->payload);
    buffer_printf(&text, "%s.", attempt->timestamp);
    buffer_append_text(&text, message->payload);
    bool signed_whole =
        !text.failed && digest_hmac_sha256(heap, span_of(message->secret), buffer_text(&text), text.length, hex);
    buffer_release(&text);
    (void)text_format(attempt->signature, sizeof attempt->signature, "sha256=%s", hex);
    return signed_whole;
}

static bool prepare(struct world *world, const struct webhook_message *message, struct attempt *attempt)
{
    int64_t unix_s = world_real_wall_now(world).unix_ns / NS_PER_S;
    (void)text_format(attempt->timestamp, sizeof attempt->timestamp, "%lld", (long long)unix_s);
    (void)text_format(attempt->number, sizeof attempt->number, "%lld", (long long)message->attempt);
    attempt->request = (struct http_request){
        .method = HTTP_POST,
        .origin = attempt->address.origin,
        .path = attempt->address.path,
        .body = span_of(message->payload),
        .changes_state = true,
        .is_private = true,
        .headers = attempt->headers,
    };
    add_header(attempt, "X-Dumont-Event-Id", message->event_id);
    add_header(attempt, "X-Dumont-Event", message->kind);
    add_header(attempt, "X-Dumont-Attempt", attempt->number);
    add_header(attempt, "X-Dumont-Timestamp", attempt->timestamp);
    if (attempt->address.authorization[0] != '\0') {
        add_header(attempt, "Authorization", attempt->address.authorization);
    }
    if (message->secret[0] == '\0') {
        return true;
    }
    add_header(attempt, "X-Dumont-Signature", attempt->signature);
    return sign(world->heap, message, attempt);
}

static enum webhook_outcome judge_status(int status)
{
    if (status >= 200 && status < 300) {
        return WEBHOOK_TAKEN;
    }
    if (status == 410) {
        return WEBHOOK_GONE;
    }
    bool passing = status == 408 || status == 425 || status == 429 || status >= 500;
    return passing ? WEBHOOK_LATER : WEBHOOK_REFUSED;
}

/* Retry-After in whole seconds; a date is not worth a calendar. Bounded by whoever pauses. */
static int64_t wish_of(const struct http_reply *reply)
{
    int64_t seconds = 0;
    struct span wish = http_reply_header(reply, "Retry-After");
    bool asked = (reply->status == 429 || reply->status == 503) && wish.at != NULL;
    return asked && decimal_parse_exact(wish, 0, &seconds) && seconds > 0 && seconds < INT64_MAX / NS_PER_S
               ? seconds * NS_PER_S
               : 0;
}

static enum webhook_outcome judge(enum error_code code, int status, char reason[WEBHOOK_REASON_SIZE])
{
    if (code == ERR_OK) {
        bool redirect = status >= 300 && status < 400;
        (void)text_format(reason, WEBHOOK_REASON_SIZE, "answered %d%s", status,
                          redirect ? ": redirects are not followed" : "");
        return judge_status(status);
    }
    (void)text_copy(reason, WEBHOOK_REASON_SIZE, error_sentence(code));
    bool cut = code == ERR_INTERRUPTED || code == ERR_DEADLINE || code == ERR_NO_MEMORY;
    return cut ? WEBHOOK_CUT : WEBHOOK_LATER;
}

enum webhook_outcome webhook_send(struct world *world, const struct webhook_message *message,
                                  struct webhook_answer *answer)
{
    char *reason = answer->reason;
    answer->wish_ns = 0;
    struct attempt *attempt = heap_alloc(world->heap, sizeof *attempt);
    if (attempt == NULL) {
        return judge(ERR_NO_MEMORY, 0, reason);
    }
    enum webhook_outcome outcome = WEBHOOK_REFUSED;
    if (!webhook_split(message->url, &attempt->address)) {
        (void)text_copy(reason, WEBHOOK_REASON_SIZE, "its URL is not understood");
    } else if (!prepare(world, message, attempt)) {
        outcome = judge(ERR_NO_MEMORY, 0, reason);
    } else {
        buffer_init(&attempt->reply.body, world->heap, REPLY_LIMIT);
        buffer_init(&attempt->reply.headers, world->heap, REPLY_LIMIT);
        enum error_code code = world_http(world, &attempt->request, &attempt->reply,
                                          world_real_deadline_ns(world, attempt_limit_ns), NULL);
        bool status_known = code == ERR_REPLY_TOO_LARGE && attempt->reply.status != 0; /* nobody reads what it says */
        outcome = judge(status_known ? ERR_OK : code, attempt->reply.status, reason);
        answer->wish_ns = code == ERR_OK || status_known ? wish_of(&attempt->reply) : 0;
        buffer_release(&attempt->reply.headers);
        buffer_release(&attempt->reply.body);
    }
    memset(attempt, 0, sizeof *attempt); /* secrets lie in it */
    heap_release(world->heap, attempt);
    return outcome;
}
