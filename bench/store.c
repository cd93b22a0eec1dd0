/*
 * The object store's speed: a large object up and down, small objects, a long list, and the memory that it takes.
 *
 *     build/release/bench/bench-store build/release/fakes/dumont-fake [MIB [NAMES]] [--json]
 *
 * The large object (1 GiB) goes up in parts of 100 MB and as one upload, and comes down whole, through dumont-fake with its
 * objects in memory and on disk. Beside it the same bytes go to a bare libmicrohttpd handler in a process of its own that does
 * nothing but compute their SHA-1 (as `curl -T` sends them: libcurl's upload), and come from one that sends zeros. All of it is one
 * run on one machine, the best of three rounds each, so what counts is the ratio. A small object has 1 KiB; one connection, one upload at a time.
 */
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/json_write.h"
#include "base/units.h"
#include "store_client.h"

enum { SMALL_BYTES = 1024 };

/* ---- SHA-1 of this machine ------------------------------------------------------------------------------------------------- */

static double sha1_mib_per_s(int64_t bytes)
{
    static char block[BLOCK_BYTES];
    char hex[DIGEST_HEX_SIZE];
    struct digest digest;
    double began = bench_clock_s();
    bool good = digest_start(&digest, bench_heap, DIGEST_SHA1);
    for (int64_t done = 0; done < bytes; done += BLOCK_BYTES) {
        digest_add(&digest, block, sizeof block);
    }
    if (!digest_finish(&digest, hex) || !good) {
        bench_fail("no digest");
    }
    return (double)bytes / MIB_BYTES / (bench_clock_s() - began);
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
        return digest_start(&digest, bench_heap, DIGEST_SHA1) ? MHD_YES : MHD_NO;
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
        bench_fail("no pipe");
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
        bench_fail("the bare handler does not start");
    }
    (void)close(pipes[0]);
    return pid;
}

/* ---- Small ones, and many ------------------------------------------------------------------------------------------------- */

static double upload_small(struct store *store, int count)
{
    char sha1[DIGEST_HEX_SIZE];
    struct upload_url url;
    bench_sha1_of_zeros(SMALL_BYTES, sha1);
    store_upload_url(store, "b2_get_upload_url", "bucketId", store->bucket_id, &url);
    double began = bench_clock_s();
    for (int i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "small/%07d", i);
        store_upload_one(store, &url, name, SMALL_BYTES, sha1);
    }
    return count / (bench_clock_s() - began);
}

static double download_small(struct store *store, int count)
{
    double began = bench_clock_s();
    for (int i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "small/%07d", i);
        (void)store_download(store, name, SMALL_BYTES);
    }
    return count / (bench_clock_s() - began);
}

/* Seconds for the whole list in pages of that size. */
static double list_all(struct store *store, int page, int expected)
{
    char body[4 * TEXT];
    char next[TEXT] = "small/";
    int found = 0;
    double began = bench_clock_s();
    while (next[0] != '\0') {
        char url[2 * TEXT];
        struct curl_slist *headers = bench_header(NULL, "Authorization", store->token);
        (void)snprintf(url, sizeof url, "%s/b2api/v1/b2_list_file_names", store->url);
        (void)snprintf(body, sizeof body,
                       "{\"bucketId\":\"%s\",\"prefix\":\"small/\",\"startFileName\":\"%s\",\"maxFileCount\":%d}",
                       store->bucket_id, next, page);
        bench_begin(url, headers, &store->reply);
        (void)curl_easy_setopt(bench_curl, CURLOPT_POSTFIELDS, body);
        bench_perform("b2_list_file_names");
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
        bench_fail("the list is not whole");
    }
    return bench_clock_s() - began;
}

/* ---- The run -------------------------------------------------------------------------------------------------------------- */

struct figures {
    int64_t bytes;
    int names;
    double sha1, bare_up, bare_down;
    double parts_up, whole_up, down;                /* objects in memory */
    double dumont_up, dumont_down;                  /* by our own client, objects in memory */
    double disk_parts_up, disk_down, disk_peak_mib; /* objects on disk */
    double idle_mib, small_up, small_down, disk_small_up, list_1000_s, list_10000_s, names_mib;
};

enum { ROUNDS = 3 };

static void keep_best(double *best, double now)
{
    *best = now > *best ? now : *best;
}

static void measure_bare(struct figures *figures)
{
    unsigned port;
    char url[64];
    struct reply reply = {.bytes = 0};
    pid_t bare = start_bare(figures->bytes, &port);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    double began = bench_clock_s();
    struct curl_slist *headers = bench_header(NULL, "Expect", "");
    bench_send_zeros(url, headers, false, figures->bytes, NULL, &reply);
    curl_slist_free_all(headers);
    keep_best(&figures->bare_up, (double)figures->bytes / MIB_BYTES / (bench_clock_s() - began));
    keep_best(&figures->bare_down, bench_download(url, NULL, figures->bytes));
    bench_stop(bare, SIGKILL);
}

/* One round of everything large; a machine that does other things as well disturbs all of it alike. */
static void measure_large(struct figures *figures, const char *program)
{
    struct store store;
    keep_best(&figures->sha1, sha1_mib_per_s(figures->bytes));
    measure_bare(figures);
    store_start(&store, program, false);
    keep_best(&figures->parts_up, store_upload_in_parts(&store, "large", figures->bytes));
    keep_best(&figures->down, store_download(&store, "large", figures->bytes));
    store_stop(&store);
    store_start(&store, program, false);
    keep_best(&figures->whole_up, store_upload_whole(&store, "large", figures->bytes));
    store_stop(&store);
    store_start(&store, program, true);
    figures->idle_mib = store_memory_mib(store.pid, "VmRSS:");
    keep_best(&figures->disk_parts_up, store_upload_in_parts(&store, "large", figures->bytes));
    keep_best(&figures->disk_down, store_download(&store, "large", figures->bytes));
    keep_best(&figures->disk_peak_mib, store_memory_mib(store.pid, "VmHWM:"));
    store_stop(&store);
}

/* Our client lies where it was built, beside the fake. */
static void measure_dumont(struct figures *figures, const char *program)
{
    struct store store;
    char dumont[4 * TEXT];
    const char *slash = strrchr(program, '/');
    (void)snprintf(dumont, sizeof dumont, "%.*s../src/cli/dumont", slash == NULL ? 0 : (int)(slash + 1 - program),
                   program);
    store_start(&store, program, false);
    keep_best(&figures->dumont_up, store_put_by_dumont(&store, dumont, figures->bytes));
    if (figures->dumont_up > 0) {
        keep_best(&figures->dumont_down, store_get_by_dumont(&store, dumont, figures->bytes));
    }
    store_stop(&store);
}

static void measure(struct figures *figures, const char *program)
{
    struct store store;
    for (int i = 0; i < ROUNDS; i++) {
        measure_large(figures, program);
        measure_dumont(figures, program);
    }
    store_start(&store, program, true);
    figures->disk_small_up = upload_small(&store, figures->names / 100);
    store_stop(&store);
    store_start(&store, program, false);
    figures->small_up = upload_small(&store, figures->names);
    figures->small_down = download_small(&store, figures->names / 10);
    figures->list_1000_s = list_all(&store, 1000, figures->names);
    figures->list_10000_s = list_all(&store, 10000, figures->names);
    figures->names_mib = store_memory_mib(store.pid, "VmRSS:");
    store_stop(&store);
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
    (void)printf("  dumont store put and get          %7.0f  %7.0f\n", f->dumont_up, f->dumont_down);
    (void)printf("  store on disk, parts, synced      %7.0f  %7.0f\n", f->disk_parts_up, f->disk_down);
    (void)printf("ratios, in memory: up %.2f of the bare handler, %.2f of the slower of it and SHA-1; down %.2f\n",
                 f->parts_up / f->bare_up, f->parts_up / least(f->bare_up, f->sha1), f->down / f->bare_down);
    (void)printf(
        "dumont store: up %.2f and down %.2f of the bare handler, two passes of SHA-1 on its own side included\n",
        f->dumont_up / f->bare_up, f->dumont_down / f->bare_down);
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
    buffer_init(&text, bench_heap, (size_t)64 * 1024);
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
    member(&json, "dumont_up_mib_per_s", f->dumont_up);
    member(&json, "dumont_down_mib_per_s", f->dumont_down);
    member(&json, "dumont_up_of_bare", f->dumont_up / f->bare_up);
    member(&json, "dumont_down_of_bare", f->dumont_down / f->bare_down);
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
    bench_heap = heap_new();
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    bench_curl = curl_easy_init();
    if (bench_heap == NULL || bench_curl == NULL) {
        bench_fail("no memory");
    }
    measure(&figures, argv[1]);
    (as_json ? print_json : print_text)(&figures);
    curl_easy_cleanup(bench_curl);
    heap_free(bench_heap);
    return 0;
}
