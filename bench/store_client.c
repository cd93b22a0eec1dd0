#include "store_client.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct heap *bench_heap;

void bench_fail(const char *what)
{
    (void)fprintf(stderr, "bench-store: %s\n", what);
    exit(3);
}

double bench_clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_stop(pid_t pid, int signal_number)
{
    (void)kill(pid, signal_number);
    (void)waitpid(pid, NULL, 0);
}

/* ---- Requests ------------------------------------------------------------------------------------------------------------- */

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

CURL *bench_curl;

void bench_begin(const char *url, struct curl_slist *headers, struct reply *reply)
{
    reply->bytes = 0;
    buffer_clear(&reply->text);
    curl_easy_reset(bench_curl);
    (void)curl_easy_setopt(bench_curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(bench_curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(bench_curl, CURLOPT_WRITEFUNCTION, take_reply);
    (void)curl_easy_setopt(bench_curl, CURLOPT_WRITEDATA, reply);
    (void)curl_easy_setopt(bench_curl, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024L);
    (void)curl_easy_setopt(bench_curl, CURLOPT_BUFFERSIZE, 512L * 1024L);
    (void)curl_easy_setopt(bench_curl, CURLOPT_NOPROXY, "*");
}

void bench_perform(const char *what)
{
    long status = 0;
    CURLcode code = curl_easy_perform(bench_curl);
    (void)curl_easy_getinfo(bench_curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || (status != 200 && status != 206)) {
        (void)fprintf(stderr, "%s: %s, status %ld\n", what, curl_easy_strerror(code), status);
        bench_fail("a request failed");
    }
}

/* Sends `bytes` zeros, and a trailer, as curl -T does; by POST when there are headers of the store. */
void bench_send_zeros(const char *url, struct curl_slist *headers, bool post, int64_t bytes, const char *trailer,
                      struct reply *reply)
{
    struct source source = {bytes, trailer};
    bench_begin(url, headers, reply);
    (void)curl_easy_setopt(bench_curl, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(bench_curl, CURLOPT_READFUNCTION, give_body);
    (void)curl_easy_setopt(bench_curl, CURLOPT_READDATA, &source);
    (void)curl_easy_setopt(bench_curl, CURLOPT_INFILESIZE_LARGE,
                           (curl_off_t)bytes + (curl_off_t)(trailer == NULL ? 0 : strlen(trailer)));
    if (post) {
        (void)curl_easy_setopt(bench_curl, CURLOPT_CUSTOMREQUEST, "POST");
    }
    bench_perform(url);
}

struct curl_slist *bench_header(struct curl_slist *list, const char *name, const char *value)
{
    char line[2 * TEXT];
    (void)snprintf(line, sizeof line, "%s: %s", name, value);
    return curl_slist_append(list, line);
}

/* ---- The store ------------------------------------------------------------------------------------------------------------ */

static void text_of(const cJSON *object, const char *key, char out[TEXT])
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    if (text == NULL || !text_copy(out, TEXT, text)) {
        bench_fail("a reply lacks a member");
    }
}

static cJSON *reply_json(const struct store *store)
{
    cJSON *json = cJSON_ParseWithLength(buffer_text(&store->reply.text), store->reply.text.length);
    if (json == NULL) {
        bench_fail("a reply is no JSON");
    }
    return json;
}

/* A call of the API; its answer is to be given to cJSON_Delete(). */
cJSON *store_call(struct store *store, const char *name, const char *body)
{
    char url[2 * TEXT];
    struct curl_slist *headers = bench_header(NULL, "Authorization", store->token);
    (void)snprintf(url, sizeof url, "%s/b2api/v1/%s", store->url, name);
    bench_begin(url, headers, &store->reply);
    (void)curl_easy_setopt(bench_curl, CURLOPT_POSTFIELDS, body);
    bench_perform(name);
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
    bench_begin(url, NULL, &store->reply);
    (void)curl_easy_setopt(bench_curl, CURLOPT_USERNAME, store->key_id);
    (void)curl_easy_setopt(bench_curl, CURLOPT_PASSWORD, store->key);
    bench_perform("b2_authorize_account");
    cJSON *json = reply_json(store);
    char account[TEXT];
    text_of(json, "authorizationToken", store->token);
    text_of(json, "accountId", account);
    cJSON_Delete(json);
    (void)snprintf(body, sizeof body, "{\"accountId\":\"%s\"}", account);
    json = store_call(store, "b2_list_buckets", body);
    text_of(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "buckets"), 0), "bucketId", store->bucket_id);
    cJSON_Delete(json);
}

void store_start(struct store *store, const char *program, bool on_disk)
{
    char ready[TEXT];
    char data[TEXT];
    *store = (struct store){.folder = "/var/tmp/bench-store-XXXXXX"};
    if (mkdtemp(store->folder) == NULL) {
        bench_fail("no folder");
    }
    buffer_init(&store->reply.text, bench_heap, (size_t)64 * 1024 * 1024);
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

void store_stop(struct store *store)
{
    char command[TEXT];
    bench_stop(store->pid, SIGTERM);
    buffer_release(&store->reply.text);
    (void)snprintf(command, sizeof command, "rm -rf %s", store->folder);
    if (system(command) != 0) { // NOLINT(cert-env33-c): a folder of our own making
        bench_fail("the folder stays");
    }
}

static double run_dumont(const struct store *store, const char *dumont, const char *verb, const char *first,
                         const char *second, int64_t bytes)
{
    int status = 0;
    if (access(dumont, X_OK) != 0) {
        return -1;
    }
    double began = bench_clock_s();
    pid_t pid = fork();
    if (pid == 0) {
        (void)setenv("DUMONT_B2_URL", store->url, 1);
        (void)setenv("DUMONT_B2_BUCKET", store->bucket_name, 1);
        (void)setenv("B2_APPLICATION_KEY_ID", store->key_id, 1);
        (void)setenv("B2_APPLICATION_KEY", store->key, 1);
        (void)setenv("DUMONT_STATE_DIR", store->folder, 1);
        (void)execl(dumont, dumont, "store", verb, first, second, "--quiet", (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        bench_fail("dumont store");
    }
    return (double)bytes / MIB_BYTES / (bench_clock_s() - began);
}

double store_put_by_dumont(const struct store *store, const char *dumont, int64_t bytes)
{
    char source[TEXT];
    (void)snprintf(source, sizeof source, "%s/source", store->folder);
    int file = open(source, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, bytes) != 0) {
        bench_fail("no file to put");
    }
    /* A file that is not in memory would show the disk's speed. */
    char block[BLOCK_BYTES];
    while (read(file, block, sizeof block) > 0) {
    }
    (void)close(file);
    return run_dumont(store, dumont, "put", source, "put", bytes);
}

double store_get_by_dumont(const struct store *store, const char *dumont, int64_t bytes)
{
    char target[TEXT];
    (void)snprintf(target, sizeof target, "%s/target", store->folder);
    return run_dumont(store, dumont, "get", "put", target, bytes);
}

/* A line of /proc/PID/status in MiB. */
double store_memory_mib(pid_t pid, const char *line)
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

void store_upload_url(struct store *store, const char *name, const char *key, const char *value, struct upload_url *out)
{
    char body[2 * TEXT];
    (void)snprintf(body, sizeof body, "{\"%s\":\"%s\"}", key, value);
    cJSON *json = store_call(store, name, body);
    text_of(json, "uploadUrl", out->url);
    text_of(json, "authorizationToken", out->token);
    cJSON_Delete(json);
}

void bench_sha1_of_zeros(int64_t bytes, char hex[DIGEST_HEX_SIZE])
{
    static char block[BLOCK_BYTES];
    struct digest digest;
    bool good = digest_start(&digest, bench_heap, DIGEST_SHA1);
    for (int64_t left = bytes; left > 0; left -= BLOCK_BYTES) {
        digest_add(&digest, block, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES);
    }
    if (!digest_finish(&digest, hex) || !good) {
        bench_fail("no digest");
    }
}

/* As a large file; the digests are known before, so that the client spends no time on them. */
double store_upload_in_parts(struct store *store, const char *name, int64_t bytes)
{
    char body[4 * TEXT];
    char file_id[TEXT];
    char whole[DIGEST_HEX_SIZE];
    char rest[DIGEST_HEX_SIZE];
    struct upload_url url;
    bench_sha1_of_zeros(PART_BYTES, whole);
    bench_sha1_of_zeros(bytes % PART_BYTES, rest);
    double began = bench_clock_s();
    (void)snprintf(body, sizeof body, "{\"bucketId\":\"%s\",\"fileName\":\"%s\",\"contentType\":\"a/b\"}",
                   store->bucket_id, name);
    cJSON *json = store_call(store, "b2_start_large_file", body);
    text_of(json, "fileId", file_id);
    cJSON_Delete(json);
    store_upload_url(store, "b2_get_upload_part_url", "fileId", file_id, &url);
    struct buffer sums;
    buffer_init(&sums, bench_heap, 1 << 20);
    buffer_printf(&sums, "{\"fileId\":\"%s\",\"partSha1Array\":[", file_id);
    int number = 0;
    for (int64_t left = bytes; left > 0; left -= PART_BYTES) {
        const char *sha1 = left < PART_BYTES ? rest : whole;
        char text[16];
        (void)snprintf(text, sizeof text, "%d", ++number);
        struct curl_slist *headers = bench_header(NULL, "Authorization", url.token);
        headers = bench_header(headers, "X-Bz-Part-Number", text);
        headers = bench_header(headers, "X-Bz-Content-Sha1", "hex_digits_at_end");
        headers = bench_header(headers, "Expect", "");
        bench_send_zeros(url.url, headers, true, left < PART_BYTES ? left : PART_BYTES, sha1, &store->reply);
        curl_slist_free_all(headers);
        buffer_printf(&sums, "%s\"%s\"", number == 1 ? "" : ",", sha1);
    }
    buffer_append_text(&sums, "]}");
    cJSON_Delete(store_call(store, "b2_finish_large_file", buffer_text(&sums)));
    buffer_release(&sums);
    return (double)bytes / MIB_BYTES / (bench_clock_s() - began);
}

void store_upload_one(struct store *store, const struct upload_url *url, const char *name, int64_t bytes,
                      const char *sha1)
{
    struct curl_slist *headers = bench_header(NULL, "Authorization", url->token);
    headers = bench_header(headers, "X-Bz-File-Name", name);
    headers = bench_header(headers, "Content-Type", "a/b");
    headers = bench_header(headers, "X-Bz-Content-Sha1", sha1);
    headers = bench_header(headers, "Expect", "");
    bench_send_zeros(url->url, headers, true, bytes, NULL, &store->reply);
    curl_slist_free_all(headers);
}

double store_upload_whole(struct store *store, const char *name, int64_t bytes)
{
    char sha1[DIGEST_HEX_SIZE];
    struct upload_url url;
    bench_sha1_of_zeros(bytes, sha1);
    store_upload_url(store, "b2_get_upload_url", "bucketId", store->bucket_id, &url);
    double began = bench_clock_s();
    store_upload_one(store, &url, name, bytes, sha1);
    return (double)bytes / MIB_BYTES / (bench_clock_s() - began);
}

/* Downloads and counts; -1 bytes are refused. */
double bench_download(const char *url, const char *token, int64_t bytes)
{
    struct reply reply = {.bytes = 0};
    struct curl_slist *headers = token == NULL ? NULL : bench_header(NULL, "Authorization", token);
    double began = bench_clock_s();
    bench_begin(url, headers, &reply);
    bench_perform(url);
    curl_slist_free_all(headers);
    if (reply.bytes != bytes) {
        bench_fail("a download has another length");
    }
    return (double)bytes / MIB_BYTES / (bench_clock_s() - began);
}

double store_download(const struct store *store, const char *name, int64_t bytes)
{
    char url[4 * TEXT];
    (void)snprintf(url, sizeof url, "%s/file/%s/%s", store->url, store->bucket_name, name);
    return bench_download(url, store->token, bytes);
}
