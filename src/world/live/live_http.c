/*
 * HTTP: one exchange is one transfer of curl's. It is begun, read, ended and dropped on the loop's stack; the task that waits for it only
 * queues chores.
 */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h> /* of OpenSSL's and curl's headers; nothing is printed */
#include <string.h>

#include "system/files.h"
#include "world/live/curl_loop.h"
#include "world/live/http_fate.h"
#include "world/live/http_setup.h"
#include "world/live/live_sides.h"

enum {
    HEAD_BYTES_MAX = 64 * 1024,
    HEADER_NAME_SIZE = 128,
    HEADER_VALUE_SIZE = 4096,
    CACERT_BYTES_MAX = 4 * 1024 * 1024
};

struct live_http {
    struct live_world *live;
    struct curl_loop *loop;
    struct http_pending *pendings;
    uint64_t last_ended; /* the highest number among the requests that have ended */
};

/* An exchange under way. */
struct http_pending {
    struct live_chore chore;
    struct live_http *http;
    struct http_pending *next;
    struct http_pending *previous;
    struct http_exchange *exchange; /* NULL once nobody waits */
    CURL *easy;                     /* NULL until it is begun */
    struct curl_slist *headers;
    size_t head_bytes;
    struct http_outcome outcome;
    bool out_of_memory;
    int64_t sent; /* of the body's file */
    char text[CURL_ERROR_SIZE];
};

/* ---- What arrives ------------------------------------------------------------------------------------------------------- */

static bool is_header(struct span line, const char *name)
{
    size_t length = strlen(name);
    return line.length > length && line.at[length] == ':' && curl_strnequal(line.at, name, length) != 0;
}

static struct span without_blanks(struct span text)
{
    while (text.length > 0 && strchr(" \t\r\n", text.at[text.length - 1]) != NULL) {
        text.length--;
    }
    while (text.length > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.length--;
    }
    return text;
}

/* Keeps a header for whoever wants headers; one that is longer than any of use is dropped. */
static void keep_header(struct http_reply *reply, struct span line, size_t colon)
{
    char name[HEADER_NAME_SIZE];
    char value[HEADER_VALUE_SIZE];
    struct span rest = without_blanks((struct span){line.at + colon + 1, line.length - colon - 1});
    bool has_its_own_place = is_header(line, "Content-Type") || is_header(line, "Content-Length");
    if (has_its_own_place || colon >= sizeof name || rest.length >= sizeof value ||
        memchr(line.at, '\0', line.length) != NULL) {
        return;
    }
    memcpy(name, line.at, colon);
    name[colon] = '\0';
    memcpy(value, rest.at, rest.length);
    value[rest.length] = '\0';
    http_reply_add_header(reply, name, value);
}

/* A line of the head. Interim replies (1xx) have heads of their own, which the next status line begins anew. */
static void take_head_line(struct http_pending *pending, struct span line)
{
    struct http_outcome *outcome = &pending->outcome;
    struct http_reply *reply = pending->exchange->reply;
    bool continues = line.length > 0 && (line.at[0] == ' ' || line.at[0] == '\t');
    const char *colon = memchr(line.at, ':', line.length);
    if (line.length >= 5 && memcmp(line.at, "HTTP/", 5) == 0) {
        outcome->status_came = true;
        buffer_clear(&reply->headers);
    } else if (without_blanks(line).length == 0) {
        long status = 0;
        (void)curl_easy_getinfo(pending->easy, CURLINFO_RESPONSE_CODE, &status);
        outcome->head_came = status >= 200;
    } else if (colon == NULL && !continues) {
        outcome->head_malformed = true;
    } else if (!continues) {
        keep_header(reply, line, (size_t)(colon - line.at));
    }
}

/* A return other than the size makes curl end the transfer. */
static size_t head_arrives(const char *bytes, size_t size, size_t count, void *context)
{
    struct http_pending *pending = context;
    struct span line = {bytes, size * count};
    pending->head_bytes += line.length;
    pending->outcome.beyond_limit = pending->outcome.beyond_limit || pending->head_bytes > HEAD_BYTES_MAX;
    if (pending->exchange == NULL || pending->outcome.beyond_limit) {
        return 0;
    }
    if (!pending->outcome.head_came) { /* what comes later is a trailer */
        take_head_line(pending, line);
    }
    return pending->outcome.head_malformed ? 0 : line.length;
}

/* ---- Bodies from and to files ------------------------------------------------------------------------------------------- */

static bool goes_to_file(struct http_pending *pending)
{
    const struct http_body_file *file = pending->exchange->reply->body_file;
    long status = 0;
    (void)curl_easy_getinfo(pending->easy, CURLINFO_RESPONSE_CODE, &status);
    return file != NULL && status == file->status;
}

static size_t body_to_file(struct http_pending *pending, const char *bytes, size_t length)
{
    struct http_exchange *exchange = pending->exchange;
    const struct http_body_file *file = exchange->reply->body_file;
    if ((int64_t)length > file->length - exchange->reply->file_bytes) {
        pending->outcome.beyond_limit = true;
        return 0;
    }
    if (!live_file_put(file->opened, file->offset + exchange->reply->file_bytes, bytes, length,
                       exchange->reply->file_trouble)) {
        exchange->file_failed = true;
        return 0;
    }
    exchange->reply->file_bytes += (int64_t)length;
    exchange->moved += (int64_t)length;
    return length;
}

/* curl wants the next bytes of the request's body. */
static size_t body_wanted(char *out, size_t size, size_t count, void *context)
{
    struct http_pending *pending = context;
    struct http_exchange *exchange = pending->exchange;
    if (exchange == NULL) {
        return CURL_READFUNC_ABORT;
    }
    const struct http_body_file *file = exchange->request->body_file;
    int64_t left = file->length - pending->sent;
    size_t wanted = left < (int64_t)(size * count) ? (size_t)left : size * count;
    if (wanted == 0) {
        return 0;
    }
    size_t got = live_file_get(file->opened, file->offset + pending->sent, out, wanted, exchange->reply->file_trouble);
    if (got == 0) {
        exchange->file_failed = true; /* it is shorter than it was, or cannot be read */
        return CURL_READFUNC_ABORT;
    }
    pending->sent += (int64_t)got;
    exchange->moved += (int64_t)got;
    return got;
}

/* curl would send it anew: right while nothing was sent, never afterwards. */
static int body_rewound(void *context, curl_off_t offset, int origin)
{
    const struct http_pending *pending = context;
    return pending->sent == 0 && offset == 0 && origin == SEEK_SET ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static void set_up_files(struct http_pending *pending)
{
    static const long chunk_bytes = 512L * 1024;
    const struct http_exchange *exchange = pending->exchange;
    if (exchange->request->body_file != NULL) {
        (void)curl_easy_setopt(pending->easy, CURLOPT_READFUNCTION, body_wanted);
        (void)curl_easy_setopt(pending->easy, CURLOPT_READDATA, pending);
        (void)curl_easy_setopt(pending->easy, CURLOPT_SEEKFUNCTION, body_rewound);
        (void)curl_easy_setopt(pending->easy, CURLOPT_SEEKDATA, pending);
        (void)curl_easy_setopt(pending->easy, CURLOPT_UPLOAD_BUFFERSIZE, chunk_bytes);
    }
    if (exchange->reply->body_file != NULL) {
        (void)curl_easy_setopt(pending->easy, CURLOPT_BUFFERSIZE, chunk_bytes);
    }
}

static size_t body_arrives(const char *bytes, size_t size, size_t count, void *context)
{
    struct http_pending *pending = context;
    size_t length = size * count;
    if (pending->exchange == NULL) {
        return 0;
    }
    struct buffer *body = &pending->exchange->reply->body;
    if (goes_to_file(pending)) {
        return body_to_file(pending, bytes, length);
    }
    if (length > body->limit - body->length) {
        pending->outcome.beyond_limit = true;
        return 0;
    }
    buffer_append(body, bytes, length);
    pending->out_of_memory = body->failed;
    return body->failed ? 0 : length;
}

/* ---- The end ------------------------------------------------------------------------------------------------------------ */

static void drop(struct http_pending *pending)
{
    struct live_http *http = pending->http;
    live_call_off(&pending->chore);
    curl_easy_cleanup(pending->easy);
    curl_slist_free_all(pending->headers);
    if (pending->previous != NULL) {
        pending->previous->next = pending->next;
    } else {
        http->pendings = pending->next;
    }
    if (pending->next != NULL) {
        pending->next->previous = pending->previous;
    }
    heap_release(http->live->heap, pending);
}

static void read_outcome(struct http_pending *pending, CURLcode code)
{
    struct http_outcome *outcome = &pending->outcome;
    long connect_status = 0;
    (void)curl_easy_getinfo(pending->easy, CURLINFO_OS_ERRNO, &outcome->os_error);
    (void)curl_easy_getinfo(pending->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    outcome->tunnel_refused = connect_status >= 300;
    outcome->code = code;
    outcome->text = pending->text;
}

/* What the reply holds must not depend on how far a lost one had come. */
static void settle_reply(struct http_pending *pending)
{
    struct http_exchange *exchange = pending->exchange;
    struct http_reply *reply = exchange->reply;
    if (exchange->fate != FATE_DELIVERED && exchange->fate != FATE_TRUNCATED) {
        buffer_clear(&reply->body);
    }
    if (exchange->fate != FATE_DELIVERED && exchange->fate != FATE_TRUNCATED && exchange->fate != FATE_TOO_LARGE) {
        buffer_clear(&reply->headers);
        return;
    }
    long status = 0;
    const char *content_type = NULL;
    (void)curl_easy_getinfo(pending->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(pending->easy, CURLINFO_CONTENT_TYPE, &content_type);
    reply->status = (int)status;
    if (content_type != NULL) {
        (void)text_copy(reply->content_type, sizeof reply->content_type, content_type);
    }
}

static void finish(struct http_exchange *exchange)
{
    exchange->pending = NULL;
    completion_finish(&exchange->done);
}

static void transfer_ended(void *owner, CURLcode code)
{
    struct http_pending *pending = owner;
    struct http_exchange *exchange = pending->exchange;
    if (exchange != NULL) {
        struct live_http *http = pending->http;
        http->last_ended = exchange->ordinal > http->last_ended ? exchange->ordinal : http->last_ended;
        read_outcome(pending, code);
        /* A head line longer than curl's own bound is what curl calls lack of memory. */
        if (code == CURLE_OUT_OF_MEMORY && pending->outcome.status_came && !pending->outcome.head_came) {
            pending->outcome.beyond_limit = true;
        }
        exchange->out_of_memory =
            pending->out_of_memory || (code == CURLE_OUT_OF_MEMORY && !pending->outcome.beyond_limit);
        exchange->fate = http_fate(&pending->outcome);
        settle_reply(pending);
        finish(exchange);
    }
    drop(pending);
}

/* ---- The beginning ------------------------------------------------------------------------------------------------------ */

static void begin(void *owner)
{
    struct http_pending *pending = owner;
    struct http_exchange *exchange = pending->exchange;
    struct live_http *http = pending->http;
    pending->easy = curl_easy_init();
    bool begun = pending->easy != NULL &&
                 http_setup(pending->easy, &pending->headers, exchange->request, http->live->options.cacert);
    if (begun) {
        (void)curl_easy_setopt(pending->easy, CURLOPT_PRIVATE, pending);
        (void)curl_easy_setopt(pending->easy, CURLOPT_ERRORBUFFER, pending->text);
        (void)curl_easy_setopt(pending->easy, CURLOPT_HEADERFUNCTION, head_arrives);
        (void)curl_easy_setopt(pending->easy, CURLOPT_HEADERDATA, pending);
        (void)curl_easy_setopt(pending->easy, CURLOPT_WRITEFUNCTION, body_arrives);
        (void)curl_easy_setopt(pending->easy, CURLOPT_WRITEDATA, pending);
        set_up_files(pending);
        begun = curl_loop_add(http->loop, pending->easy);
    }
    if (!begun) {
        exchange->out_of_memory = true;
        finish(exchange);
        drop(pending);
    }
}

void live_http_start(struct world *world, struct http_exchange *exchange)
{
    struct live_world *live = live_of(world);
    struct live_http *http = live->http;
    struct http_pending *pending = heap_alloc(live->heap, sizeof *pending);
    exchange->ordinal = ++live->requests;
    if (pending == NULL) {
        exchange->out_of_memory = true;
        completion_finish(&exchange->done);
        return;
    }
    pending->http = http;
    pending->exchange = exchange;
    exchange->pending = pending;
    pending->next = http->pendings;
    if (http->pendings != NULL) {
        http->pendings->previous = pending;
    }
    http->pendings = pending;
    live_call_soon(live, &pending->chore, begin, pending);
}

static void take_back(void *owner)
{
    struct http_pending *pending = owner;
    curl_loop_remove(pending->http->loop, pending->easy);
    drop(pending);
}

void live_http_abandon(struct world *world, struct http_exchange *exchange)
{
    struct http_pending *pending = exchange->pending;
    if (pending == NULL) {
        return;
    }
    exchange->pending = NULL;
    pending->exchange = NULL;
    buffer_clear(&exchange->reply->body); /* of a reply that did not come in time, nothing came */
    buffer_clear(&exchange->reply->headers);
    if (pending->easy == NULL) {
        drop(pending); /* not begun: curl knows nothing of it */
    } else {
        live_call_soon(live_of(world), &pending->chore, take_back, pending);
    }
}

bool live_http_has_sent_after(const struct live_world *live, uint64_t ordinal)
{
    bool sent = live->http->last_ended > ordinal;
    for (const struct http_pending *pending = live->http->pendings; pending != NULL && !sent; pending = pending->next) {
        long bytes = 0;
        if (pending->exchange != NULL && pending->exchange->ordinal > ordinal && pending->easy != NULL) {
            (void)curl_easy_getinfo(pending->easy, CURLINFO_REQUEST_SIZE, &bytes);
        }
        sent = bytes > 0;
    }
    return sent;
}

/* ---- Opening and closing ------------------------------------------------------------------------------------------------ */

/* Says what is wrong with a file of authorities now, rather than at the first connection. */
static enum error_code check_cacert(struct live_world *live, struct error *error)
{
    const char *path = live->options.cacert;
    struct buffer text;
    buffer_init(&text, live->heap, CACERT_BYTES_MAX);
    enum error_code code = file_read(path, &text, error);
    if (code == ERR_OK) {
        BIO *bio = BIO_new_mem_buf(buffer_text(&text), (int)text.length);
        X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (certificate == NULL) {
            code = error_set(error, ERR_INPUT_INVALID, "%s holds no certificate in PEM form", path);
        }
        X509_free(certificate);
        BIO_free(bio);
    }
    buffer_release(&text);
    return code;
}

enum error_code live_http_open(struct live_world *live, struct error *error)
{
    if (live->options.cacert != NULL) {
        enum error_code code = check_cacert(live, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    struct live_http *http = heap_alloc(live->heap, sizeof *http);
    if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        heap_release(live->heap, http);
        return error_set(error, ERR_NO_MEMORY, "no memory for HTTP");
    }
    http->live = live;
    live->http = http;
    http->loop = curl_loop_new(live->heap, live->reactor, transfer_ended);
    return http->loop == NULL ? error_set(error, ERR_NO_MEMORY, "no memory for HTTP") : ERR_OK;
}

void live_http_close(struct live_world *live)
{
    struct live_http *http = live->http;
    if (http == NULL) {
        return;
    }
    while (http->pendings != NULL) {
        struct http_pending *pending = http->pendings;
        pending->exchange = NULL;
        if (pending->easy != NULL) {
            curl_loop_remove(http->loop, pending->easy);
        }
        drop(pending);
    }
    curl_loop_free(http->loop);
    heap_release(live->heap, http);
    live->http = NULL;
    curl_global_cleanup();
}
