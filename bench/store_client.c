#include "store_client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "samples.h"

struct heap *bench_heap;

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
static cJSON *store_call(struct store *store, const char *name, const char *body)
{
    char url[2 * TEXT];
    struct curl_slist *headers = bench_header(NULL, "Authorization", store->token);
    (void)snprintf(url, sizeof url, "%s/b2api/v1/%s", fake_ready(&store->fake, "b2_url"), name);
    bench_begin(url, headers, &store->reply);
    (void)curl_easy_setopt(bench_curl, CURLOPT_POSTFIELDS, body);
    bench_perform(name);
    curl_slist_free_all(headers);
    return reply_json(store);
}

static void log_in(struct store *store)
{
    char url[2 * TEXT];
    char body[2 * TEXT];
    (void)snprintf(url, sizeof url, "%s/b2api/v1/b2_authorize_account", fake_ready(&store->fake, "b2_url"));
    bench_begin(url, NULL, &store->reply);
    (void)curl_easy_setopt(bench_curl, CURLOPT_USERNAME, fake_ready(&store->fake, "b2_key_id"));
    (void)curl_easy_setopt(bench_curl, CURLOPT_PASSWORD, fake_ready(&store->fake, "b2_key"));
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
    *store = (struct store){.token = ""};
    buffer_init(&store->reply.text, bench_heap, (size_t)64 * 1024 * 1024);
    fake_start(&store->fake, program, NULL, on_disk);
    log_in(store);
}

void store_stop(struct store *store)
{
    buffer_release(&store->reply.text);
    fake_stop(&store->fake);
}

/* ---- Files, by whole programs --------------------------------------------------------------------------------------------- */

static void path_in(const struct store *store, const char *name, char path[TEXT])
{
    (void)snprintf(path, TEXT, "%s/%s", store->fake.folder, name);
}

void file_make(const struct store *store, int64_t bytes)
{
    static const char block[BLOCK_BYTES];
    char path[TEXT];
    path_in(store, "source", path);
    FILE *file = fopen(path, "w");
    for (int64_t left = bytes; file != NULL && left > 0; left -= BLOCK_BYTES) {
        (void)fwrite(block, 1, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES, file);
    }
    if (file == NULL || fflush(file) != 0 || fsync(fileno(file)) != 0 || fclose(file) != 0) {
        bench_fail("no file to put");
    }
}

/* MiB per second of the program, and of the file's way to the disk when it has made one. */
static double run_program(const struct store *store, const char *const *command, const char *made, int64_t bytes)
{
    int status = 0;
    double began_s = bench_now_s();
    pid_t pid = fork();
    if (pid == 0) {
        (void)setenv("DUMONT_B2_URL", fake_ready(&store->fake, "b2_url"), 1);
        (void)setenv("DUMONT_B2_BUCKET", fake_ready(&store->fake, "b2_bucket"), 1);
        (void)setenv("B2_APPLICATION_KEY_ID", fake_ready(&store->fake, "b2_key_id"), 1);
        (void)setenv("B2_APPLICATION_KEY", fake_ready(&store->fake, "b2_key"), 1);
        (void)setenv("DUMONT_STATE_DIR", store->fake.folder, 1);
        (void)execvp(command[0], (char *const *)command);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        bench_fail(command[0]);
    }
    int file = made == NULL ? -1 : open(made, O_RDONLY | O_CLOEXEC);
    if (made != NULL && (file < 0 || fsync(file) != 0)) {
        bench_fail("a file that was got is not there");
    }
    double speed = (double)bytes / MIB_BYTES / (bench_now_s() - began_s);
    (void)close(file);
    if (made != NULL) {
        (void)unlink(made);
    }
    return speed;
}

double file_put_by_dumont(const struct store *store, const char *dumont, int64_t bytes)
{
    char source[TEXT];
    path_in(store, "source", source);
    const char *const command[] = {dumont, "store", "put", source, "put", "--quiet", NULL};
    return run_program(store, command, NULL, bytes);
}

double file_get_by_dumont(const struct store *store, const char *dumont, int64_t bytes)
{
    char target[TEXT];
    path_in(store, "target", target);
    const char *const command[] = {dumont, "store", "get", "put", target, "--quiet", NULL};
    return run_program(store, command, target, bytes);
}

double file_put_by_curl(const struct store *store, uint16_t port, int64_t bytes)
{
    char source[TEXT];
    char url[64];
    path_in(store, "source", source);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)port);
    const char *const command[] = {
        "curl", "-sf", "--noproxy", "*", "-H", "Expect:", "-o", "/dev/null", "-T", source, url, NULL};
    return run_program(store, command, NULL, bytes);
}

double file_get_by_curl(const struct store *store, uint16_t port, int64_t bytes)
{
    char target[TEXT];
    char url[64];
    path_in(store, "target", target);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/%lld", (unsigned)port, (long long)bytes);
    const char *const command[] = {"curl", "-sf", "--noproxy", "*", "-o", target, url, NULL};
    return run_program(store, command, target, bytes);
}

/* ---- Objects -------------------------------------------------------------------------------------------------------------- */

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
    double began = bench_now_s();
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
    return (double)bytes / MIB_BYTES / (bench_now_s() - began);
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
    double began = bench_now_s();
    store_upload_one(store, &url, name, bytes, sha1);
    return (double)bytes / MIB_BYTES / (bench_now_s() - began);
}

/* Downloads and counts; -1 bytes are refused. */
double bench_download(const char *url, const char *token, int64_t bytes)
{
    struct reply reply = {.bytes = 0};
    struct curl_slist *headers = token == NULL ? NULL : bench_header(NULL, "Authorization", token);
    double began = bench_now_s();
    bench_begin(url, headers, &reply);
    bench_perform(url);
    curl_slist_free_all(headers);
    if (reply.bytes != bytes) {
        bench_fail("a download has another length");
    }
    return (double)bytes / MIB_BYTES / (bench_now_s() - began);
}

double store_download(const struct store *store, const char *name, int64_t bytes)
{
    char url[4 * TEXT];
    (void)snprintf(url, sizeof url, "%s/file/%s/%s", fake_ready(&store->fake, "b2_url"),
                   fake_ready(&store->fake, "b2_bucket"), name);
    return bench_download(url, store->token, bytes);
}
