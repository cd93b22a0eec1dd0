/*
 * The object store's speed: a large object up and down, small objects, a long list, and the memory that it takes.
 *
 *     build/release/bench/bench-store build/release/fakes/dumont-fake [MIB [NAMES]] [--json]
 *
 * The large object (1 GiB) goes up in parts of 100 MB and as one upload, and comes down whole, through dumont-fake with its
 * objects in memory and on disk. Beside it the same bytes go to a bare libmicrohttpd handler in a process of its own that does
 * nothing but compute their SHA-1 (as `curl -T` sends them: libcurl's upload), and come from one that sends zeros. All of it is one
 * run on one machine, so what counts is the ratio. A small object has 1 KiB; one connection, one upload at a time.
 */
#define _GNU_SOURCE /* memfd_create: nothing here touches the disk but the store itself */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/digest.h"
#include "base/json_write.h"
#include "base/units.h"

enum { TEXT = 1024, PART_BYTES = 100000000, SMALL_BYTES = 1024, BLOCK_BYTES = 1 << 16, MIB_BYTES = 1 << 20 };

static struct heap *heap;

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench-store: %s\n", what);
    exit(3);
}

static double clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- SHA-1 of this machine ------------------------------------------------------------------------------------------------- */

static double sha1_mib_per_s(int64_t bytes)
{
    static char block[BLOCK_BYTES];
    char hex[DIGEST_HEX_SIZE];
    struct digest digest;
    double began = clock_s();
    bool good = digest_start(&digest, heap, DIGEST_SHA1);
    for (int64_t done = 0; done < bytes; done += BLOCK_BYTES) {
        digest_add(&digest, block, sizeof block);
    }
    if (!digest_finish(&digest, hex) || !good) {
        fail("no digest");
    }
    return (double)bytes / MIB_BYTES / (clock_s() - began);
}

/* ---- A bare handler ---------------------------------------------------------------------------------------------------------- */

static ssize_t send_zeros(void *context, uint64_t at, char *out, size_t size)
{
    (void)context;
    (void)at;
    memset(out, 0, size);
    return (ssize_t)size;
}

static enum MHD_Result answer_bare(void *context, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload, size_t *upload_bytes,
                                   void **call)
{
    static int begun;
    static struct digest digest;
    const int64_t *bytes = context;
    char hex[DIGEST_HEX_SIZE];
    (void)url;
    (void)version;
    if (*call == NULL) {
        *call = &begun;
        return digest_start(&digest, heap, DIGEST_SHA1) ? MHD_YES : MHD_NO;
    }
    if (*upload_bytes > 0) {
        digest_add(&digest, upload, *upload_bytes);
        *upload_bytes = 0;
        return MHD_YES;
    }
    if (!digest_finish(&digest, hex)) {
        return MHD_NO;
    }
    struct MHD_Response *response =
        strcmp(method, "GET") == 0
            ? MHD_create_response_from_callback((uint64_t)*bytes, BLOCK_BYTES, send_zeros, NULL, NULL)
            : MHD_create_response_from_buffer(strlen(hex), hex, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

/* A process with the handler; its port. */
static pid_t start_bare(int64_t bytes, unsigned *port)
{
    int pipes[2];
    if (pipe(pipes) != 0) {
        fail("no pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct MHD_Daemon *daemon =
            MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer_bare, &bytes,
                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32 * 1024, MHD_OPTION_END);
        const union MHD_DaemonInfo *info =
            daemon == NULL ? NULL : MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
        unsigned own = info == NULL ? 0 : info->port;
        (void)!write(pipes[1], &own, sizeof own);
        for (;;) {
            (void)pause();
        }
    }
    (void)close(pipes[1]);
    if (pid < 0 || read(pipes[0], port, sizeof *port) != (ssize_t)sizeof *port || *port == 0) {
        fail("the bare handler does not start");
    }
    (void)close(pipes[0]);
    return pid;
}

static void stop(pid_t pid, int signal_number)
{
    (void)kill(pid, signal_number);
    (void)waitpid(pid, NULL, 0);
}

/* ---- Requests ------------------------------------------------------------------------------------------------------------- */

struct reply {
    struct buffer text;
    int64_t bytes;
};

static size_t take_reply(char *bytes, size_t size, size_t count, void *context)
{
    struct reply *reply = context;
    reply->bytes += (int64_t)(size * count);
    if (reply->text.limit > 0) {
        buffer_append(&reply->text, bytes, size * count);
    }
    return size * count;
}

struct source {
    int64_t left;
    const char *trailer; /* sent behind the zeros; NULL: none */
};

static size_t give_body(char *out, size_t size, size_t count, void *context)
{
    struct source *source = context;
    size_t room = size * count;
    if (source->left > 0) {
        size_t part = (int64_t)room < source->left ? room : (size_t)source->left;
        memset(out, 0, part);
        source->left -= (int64_t)part;
        return part;
    }
    if (source->trailer == NULL) {
        return 0;
    }
    size_t length = strlen(source->trailer);
    memcpy(out, source->trailer, length);
    source->trailer = NULL;
    return length;
}

static CURL *curl;

static void begin_request(const char *url, struct curl_slist *headers, struct reply *reply)
{
    reply->bytes = 0;
    buffer_clear(&reply->text);
    curl_easy_reset(curl);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_reply);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024L);
    (void)curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 512L * 1024L);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
}

static void perform(const char *what)
{
    long status = 0;
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || (status != 200 && status != 206)) {
        (void)fprintf(stderr, "%s: %s, status %ld\n", what, curl_easy_strerror(code), status);
        fail("a request failed");
    }
}

/* Sends `bytes` zeros, and a trailer, as curl -T does; by POST when there are headers of the store. */
static void send_zeros_to(const char *url, struct curl_slist *headers, bool post, int64_t bytes, const char *trailer,
                          struct reply *reply)
{
    struct source source = {bytes, trailer};
    begin_request(url, headers, reply);
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, &source);
    (void)curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE,
                           (curl_off_t)bytes + (curl_off_t)(trailer == NULL ? 0 : strlen(trailer)));
    if (post) {
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "POST");
    }
    perform(url);
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
    char line[2 * TEXT];
    (void)snprintf(line, sizeof line, "%s: %s", name, value);
    return curl_slist_append(list, line);
}

/* ---- The store ------------------------------------------------------------------------------------------------------------ */

struct store {
    pid_t pid;
    char folder[64];
    char url[TEXT], key_id[TEXT], key[TEXT], bucket_name[TEXT];
    char token[TEXT], bucket_id[TEXT];
    struct reply reply;
};

static void text_of(const cJSON *object, const char *key, char out[TEXT])
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    if (text == NULL || !text_copy(out, TEXT, text)) {
        fail("a reply lacks a member");
    }
}

static cJSON *reply_json(const struct store *store)
{
    cJSON *json = cJSON_ParseWithLength(buffer_text(&store->reply.text), store->reply.text.length);
    if (json == NULL) {
        fail("a reply is no JSON");
    }
    return json;
}

/* A call of the API; its answer is to be given to cJSON_Delete(). */
static cJSON *call(struct store *store, const char *name, const char *body)
{
    char url[2 * TEXT];
    struct curl_slist *headers = add_header(NULL, "Authorization", store->token);
    (void)snprintf(url, sizeof url, "%s/b2api/v1/%s", store->url, name);
    begin_request(url, headers, &store->reply);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    perform(name);
    curl_slist_free_all(headers);
    return reply_json(store);
}

static void read_ready_file(struct store *store, const char *path)
{
    char text[4 * TEXT] = "";
    for (int i = 0; i < 2000; i++) {
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            (void)!fread(text, 1, sizeof text - 1, file);
            (void)fclose(file);
            break;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    cJSON *ready = cJSON_Parse(text);
    text_of(ready, "b2_url", store->url);
    text_of(ready, "b2_key_id", store->key_id);
    text_of(ready, "b2_key", store->key);
    text_of(ready, "b2_bucket", store->bucket_name);
    cJSON_Delete(ready);
}

static void log_in(struct store *store)
{
    char url[2 * TEXT];
    char body[2 * TEXT];
    (void)snprintf(url, sizeof url, "%s/b2api/v1/b2_authorize_account", store->url);
    begin_request(url, NULL, &store->reply);
    (void)curl_easy_setopt(curl, CURLOPT_USERNAME, store->key_id);
    (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, store->key);
    perform("b2_authorize_account");
    cJSON *json = reply_json(store);
    char account[TEXT];
    text_of(json, "authorizationToken", store->token);
    text_of(json, "accountId", account);
    cJSON_Delete(json);
    (void)snprintf(body, sizeof body, "{\"accountId\":\"%s\"}", account);
    json = call(store, "b2_list_buckets", body);
    text_of(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "buckets"), 0), "bucketId", store->bucket_id);
    cJSON_Delete(json);
}

static void start_store(struct store *store, const char *program, bool on_disk)
{
    char ready[TEXT];
    char data[TEXT];
    *store = (struct store){.folder = "/var/tmp/bench-store-XXXXXX"};
    if (mkdtemp(store->folder) == NULL) {
        fail("no folder");
    }
    buffer_init(&store->reply.text, heap, 64 * 1024 * 1024);
    (void)snprintf(ready, sizeof ready, "%s/ready", store->folder);
    (void)snprintf(data, sizeof data, "%s/data", store->folder);
    store->pid = fork();
    if (store->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(nowhere, STDERR_FILENO);
        (void)execl(program, program, "--no-ssh", "--ready-file", ready, on_disk ? "--data" : NULL, data, (char *)NULL);
        _exit(127);
    }
    read_ready_file(store, ready);
    log_in(store);
}

static void stop_store(struct store *store)
{
    char command[TEXT];
    stop(store->pid, SIGTERM);
    buffer_release(&store->reply.text);
    (void)snprintf(command, sizeof command, "rm -rf %s", store->folder);
    if (system(command) != 0) { // NOLINT(cert-env33-c): a folder of our own making
        fail("the folder stays");
    }
}

/* A line of /proc/PID/status in MiB. */
static double memory_mib(pid_t pid, const char *line)
{
    char path[64];
    char text[256];
    double kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(text, sizeof text, file) != NULL) {
        if (strncmp(text, line, strlen(line)) == 0) {
            kib = strtod(text + strlen(line), NULL);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib / 1024;
}

struct upload_url {
    char url[TEXT], token[TEXT];
};

static void get_upload_url(struct store *store, const char *name, const char *key, const char *value,
                           struct upload_url *out)
{
    char body[2 * TEXT];
    (void)snprintf(body, sizeof body, "{\"%s\":\"%s\"}", key, value);
    cJSON *json = call(store, name, body);
    text_of(json, "uploadUrl", out->url);
    text_of(json, "authorizationToken", out->token);
    cJSON_Delete(json);
}

static void sha1_of_zeros(int64_t bytes, char hex[DIGEST_HEX_SIZE])
{
    static char block[BLOCK_BYTES];
    struct digest digest;
    bool good = digest_start(&digest, heap, DIGEST_SHA1);
    for (int64_t left = bytes; left > 0; left -= BLOCK_BYTES) {
        digest_add(&digest, block, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES);
    }
    if (!digest_finish(&digest, hex) || !good) {
        fail("no digest");
    }
}

/* As a large file; the digests are known before, so that the client spends no time on them. */
static double upload_in_parts(struct store *store, const char *name, int64_t bytes)
{
    char body[4 * TEXT];
    char file_id[TEXT];
    char whole[DIGEST_HEX_SIZE];
    char rest[DIGEST_HEX_SIZE];
    struct upload_url url;
    sha1_of_zeros(PART_BYTES, whole);
    sha1_of_zeros(bytes % PART_BYTES, rest);
    double began = clock_s();
    (void)snprintf(body, sizeof body, "{\"bucketId\":\"%s\",\"fileName\":\"%s\",\"contentType\":\"a/b\"}",
                   store->bucket_id, name);
    cJSON *json = call(store, "b2_start_large_file", body);
    text_of(json, "fileId", file_id);
    cJSON_Delete(json);
    get_upload_url(store, "b2_get_upload_part_url", "fileId", file_id, &url);
    struct buffer sums;
    buffer_init(&sums, heap, 1 << 20);
    buffer_printf(&sums, "{\"fileId\":\"%s\",\"partSha1Array\":[", file_id);
    int number = 0;
    for (int64_t left = bytes; left > 0; left -= PART_BYTES) {
        const char *sha1 = left < PART_BYTES ? rest : whole;
        char text[16];
        (void)snprintf(text, sizeof text, "%d", ++number);
        struct curl_slist *headers = add_header(NULL, "Authorization", url.token);
        headers = add_header(headers, "X-Bz-Part-Number", text);
        headers = add_header(headers, "X-Bz-Content-Sha1", "hex_digits_at_end");
        headers = add_header(headers, "Expect", "");
        send_zeros_to(url.url, headers, true, left < PART_BYTES ? left : PART_BYTES, sha1, &store->reply);
        curl_slist_free_all(headers);
        buffer_printf(&sums, "%s\"%s\"", number == 1 ? "" : ",", sha1);
    }
    buffer_append_text(&sums, "]}");
    cJSON_Delete(call(store, "b2_finish_large_file", buffer_text(&sums)));
    buffer_release(&sums);
    return (double)bytes / MIB_BYTES / (clock_s() - began);
}

static void upload_one(struct store *store, const struct upload_url *url, const char *name, int64_t bytes,
                       const char *sha1)
{
    struct curl_slist *headers = add_header(NULL, "Authorization", url->token);
    headers = add_header(headers, "X-Bz-File-Name", name);
    headers = add_header(headers, "Content-Type", "a/b");
    headers = add_header(headers, "X-Bz-Content-Sha1", sha1);
    headers = add_header(headers, "Expect", "");
    send_zeros_to(url->url, headers, true, bytes, NULL, &store->reply);
    curl_slist_free_all(headers);
}

static double upload_whole(struct store *store, const char *name, int64_t bytes)
{
    char sha1[DIGEST_HEX_SIZE];
    struct upload_url url;
    sha1_of_zeros(bytes, sha1);
    get_upload_url(store, "b2_get_upload_url", "bucketId", store->bucket_id, &url);
    double began = clock_s();
    upload_one(store, &url, name, bytes, sha1);
    return (double)bytes / MIB_BYTES / (clock_s() - began);
}

/* Downloads and counts; -1 bytes are refused. */
static double download(const char *url, const char *token, int64_t bytes)
{
    struct reply reply = {.bytes = 0};
    struct curl_slist *headers = token == NULL ? NULL : add_header(NULL, "Authorization", token);
    double began = clock_s();
    begin_request(url, headers, &reply);
    perform(url);
    curl_slist_free_all(headers);
    if (reply.bytes != bytes) {
        fail("a download has another length");
    }
    return (double)bytes / MIB_BYTES / (clock_s() - began);
}

static double download_from(const struct store *store, const char *name, int64_t bytes)
{
    char url[4 * TEXT];
    (void)snprintf(url, sizeof url, "%s/file/%s/%s", store->url, store->bucket_name, name);
    return download(url, store->token, bytes);
}

/* ---- Small ones, and many ------------------------------------------------------------------------------------------------- */

static double upload_small(struct store *store, int count)
{
    char sha1[DIGEST_HEX_SIZE];
    struct upload_url url;
    sha1_of_zeros(SMALL_BYTES, sha1);
    get_upload_url(store, "b2_get_upload_url", "bucketId", store->bucket_id, &url);
    double began = clock_s();
    for (int i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "small/%07d", i);
        upload_one(store, &url, name, SMALL_BYTES, sha1);
    }
    return count / (clock_s() - began);
}

static double download_small(struct store *store, int count)
{
    double began = clock_s();
    for (int i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "small/%07d", i);
        (void)download_from(store, name, SMALL_BYTES);
    }
    return count / (clock_s() - began);
}

/* Seconds for the whole list in pages of that size. */
static double list_all(struct store *store, int page, int expected)
{
    char body[4 * TEXT];
    char next[TEXT] = "small/";
    int found = 0;
    double began = clock_s();
    while (next[0] != '\0') {
        char url[2 * TEXT];
        struct curl_slist *headers = add_header(NULL, "Authorization", store->token);
        (void)snprintf(url, sizeof url, "%s/b2api/v1/b2_list_file_names", store->url);
        (void)snprintf(body, sizeof body,
                       "{\"bucketId\":\"%s\",\"prefix\":\"small/\",\"startFileName\":\"%s\",\"maxFileCount\":%d}",
                       store->bucket_id, next, page);
        begin_request(url, headers, &store->reply);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        perform("b2_list_file_names");
        curl_slist_free_all(headers);
        /* Parsing is the client's time: rows are only counted. */
        const char *text = buffer_text(&store->reply.text);
        for (const char *row = strstr(text, "\"fileId\""); row != NULL; row = strstr(row + 1, "\"fileId\"")) {
            found++;
        }
        const char *member = strstr(text, "\"nextFileName\":\"");
        next[0] = '\0';
        if (member != NULL) {
            member += strlen("\"nextFileName\":\"");
            (void)snprintf(next, sizeof next, "%.*s", (int)strcspn(member, "\""), member);
        }
    }
    if (found != expected) {
        fail("the list is not whole");
    }
    return clock_s() - began;
}

/* ---- The run -------------------------------------------------------------------------------------------------------------- */

struct figures {
    int64_t bytes;
    int names;
    double sha1, bare_up, bare_down;
    double parts_up, whole_up, down;                /* objects in memory */
    double disk_parts_up, disk_down, disk_peak_mib; /* objects on disk */
    double idle_mib, small_up, small_down, disk_small_up, list_1000_s, list_10000_s, names_mib;
};

static void measure(struct figures *figures, const char *program)
{
    unsigned port;
    char url[64];
    struct store store;
    struct reply reply = {.bytes = 0};
    figures->sha1 = sha1_mib_per_s(figures->bytes);
    pid_t bare = start_bare(figures->bytes, &port);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    double began = clock_s();
    struct curl_slist *headers = add_header(NULL, "Expect", "");
    send_zeros_to(url, headers, false, figures->bytes, NULL, &reply);
    curl_slist_free_all(headers);
    figures->bare_up = (double)figures->bytes / MIB_BYTES / (clock_s() - began);
    figures->bare_down = download(url, NULL, figures->bytes);
    stop(bare, SIGKILL);

    start_store(&store, program, true);
    figures->idle_mib = memory_mib(store.pid, "VmRSS:");
    figures->disk_parts_up = upload_in_parts(&store, "large", figures->bytes);
    figures->disk_down = download_from(&store, "large", figures->bytes);
    figures->disk_peak_mib = memory_mib(store.pid, "VmHWM:");
    figures->disk_small_up = upload_small(&store, figures->names / 100);
    stop_store(&store);

    start_store(&store, program, false);
    figures->parts_up = upload_in_parts(&store, "large", figures->bytes);
    figures->down = download_from(&store, "large", figures->bytes);
    stop_store(&store);
    start_store(&store, program, false);
    figures->whole_up = upload_whole(&store, "large", figures->bytes);
    stop_store(&store);

    start_store(&store, program, false);
    figures->small_up = upload_small(&store, figures->names);
    figures->small_down = download_small(&store, figures->names / 10);
    figures->list_1000_s = list_all(&store, 1000, figures->names);
    figures->list_10000_s = list_all(&store, 10000, figures->names);
    figures->names_mib = memory_mib(store.pid, "VmRSS:");
    stop_store(&store);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void print_text(const struct figures *f)
{
    double mib = (double)f->bytes / MIB_BYTES;
    (void)printf("%.0f MiB, MiB/s                          up     down\n", mib);
    (void)printf("  SHA-1 of this machine             %7.0f\n", f->sha1);
    (void)printf("  bare handler, with SHA-1          %7.0f  %7.0f\n", f->bare_up, f->bare_down);
    (void)printf("  store in memory, parts of 100 MB  %7.0f  %7.0f\n", f->parts_up, f->down);
    (void)printf("  store in memory, one upload + MD5 %7.0f\n", f->whole_up);
    (void)printf("  store on disk, parts, synced      %7.0f  %7.0f\n", f->disk_parts_up, f->disk_down);
    (void)printf("ratios, in memory: up %.2f of the bare handler, %.2f of the slower of it and SHA-1; down %.2f\n",
                 f->parts_up / f->bare_up, f->parts_up / least(f->bare_up, f->sha1), f->down / f->bare_down);
    (void)printf("small objects of 1 KiB: %.0f up and %.0f down per second in memory, %.0f up on disk, each synced\n",
                 f->small_up, f->small_down, f->disk_small_up);
    (void)printf("list of %d names: %.2f s in pages of 1000, %.2f s in pages of 10000\n", f->names, f->list_1000_s,
                 f->list_10000_s);
    (void)printf("memory: %.1f MiB idle, %.1f MiB at most with %.0f MiB through it to disk, %.1f MiB with %d objects\n",
                 f->idle_mib, f->disk_peak_mib, mib, f->names_mib, f->names);
}

static void member(struct json_writer *json, const char *key, double value)
{
    json_member_decimal(json, key, (int64_t)(value * 1000), 3);
}

static void print_json(const struct figures *f)
{
    struct buffer text;
    struct json_writer json;
    buffer_init(&text, heap, 64 * 1024);
    json_writer_init(&json, &text, 2);
    json_begin_object(&json);
    json_member_int(&json, "bytes", f->bytes);
    json_member_int(&json, "names", f->names);
    member(&json, "sha1_mib_per_s", f->sha1);
    member(&json, "bare_up_mib_per_s", f->bare_up);
    member(&json, "bare_down_mib_per_s", f->bare_down);
    member(&json, "memory_parts_up_mib_per_s", f->parts_up);
    member(&json, "memory_one_upload_mib_per_s", f->whole_up);
    member(&json, "memory_down_mib_per_s", f->down);
    member(&json, "disk_parts_up_mib_per_s", f->disk_parts_up);
    member(&json, "disk_down_mib_per_s", f->disk_down);
    member(&json, "up_of_bare", f->parts_up / f->bare_up);
    member(&json, "up_of_slowest_stage", f->parts_up / least(f->bare_up, f->sha1));
    member(&json, "down_of_bare", f->down / f->bare_down);
    member(&json, "small_up_per_s", f->small_up);
    member(&json, "small_down_per_s", f->small_down);
    member(&json, "disk_small_up_per_s", f->disk_small_up);
    member(&json, "list_pages_of_1000_s", f->list_1000_s);
    member(&json, "list_pages_of_10000_s", f->list_10000_s);
    member(&json, "idle_mib", f->idle_mib);
    member(&json, "disk_peak_mib", f->disk_peak_mib);
    member(&json, "names_mib", f->names_mib);
    json_end_object(&json);
    (void)printf("%s\n", buffer_text(&text));
    buffer_release(&text);
}

int main(int argc, char **argv)
{
    bool as_json = argc > 1 && strcmp(argv[argc - 1], "--json") == 0;
    int count = argc - (as_json ? 1 : 0);
    if (count < 2) {
        (void)fprintf(stderr, "usage: bench-store DUMONT_FAKE [MIB [NAMES]] [--json]\n");
        return 2;
    }
    struct figures figures = {
        .bytes = (count > 2 ? strtol(argv[2], NULL, 10) : 1024) * MIB_BYTES,
        .names = count > 3 ? (int)strtol(argv[3], NULL, 10) : 100000,
    };
    heap = heap_new();
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init();
    if (heap == NULL || curl == NULL) {
        fail("no memory");
    }
    measure(&figures, argv[1]);
    (as_json ? print_json : print_text)(&figures);
    curl_easy_cleanup(curl);
    heap_free(heap);
    return 0;
}
