/*
 * The fake's HTTP front against a bare libmicrohttpd server with a reply of the same size, in one run; its start; its memory.
 *
 *     bench-http [--json] DUMONT_FAKE
 *
 * Every figure that is judged is a ratio of two measured here, one after the other, in turns, the median of the rounds.
 */
#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "load.h"

extern char **environ;

enum {
    CONNECTIONS = 64,
    REQUESTS_EACH = 400,
    ROUNDS = 5,
    MANY_CONNECTIONS = 10000,
    MANY_ROUNDS = 7,
    STARTS = 15,
    PATH_MAX_SIZE = 256,
};

#define LIMIT_NS (INT64_C(120) * 1000000000)

struct fake {
    pid_t process;
    uint16_t port;
    char key[128];
    char folder[PATH_MAX_SIZE];
    int64_t ready_after_ns;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench-http: %s\n", what);
    exit(3);
}

/* ---- The two servers ---------------------------------------------------------------------------------------------------- */

static void write_scenario(const char *path, const char *show_latency)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fail("cannot write the scenario");
    }
    fprintf(file,
            "{\"name\": \"bench\", \"why\": \"nothing takes any time\", \"account\": {\"credit_usd\": 1000000},\n"
            " \"offers\": 64, \"timing\": {\"latency_s\": {\"search\": 0, \"create\": 0, \"show\": %s, \"list\": 0,\n"
            " \"destroy\": 0, \"account\": 0, \"other\": 0}}}\n",
            show_latency);
    (void)fclose(file);
}

static cJSON *read_json(const char *path)
{
    char text[4096];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }
    size_t length = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    return cJSON_Parse(text);
}

static bool take_ready(struct fake *fake, const char *path)
{
    cJSON *ready = read_json(path);
    const char *url = cJSON_GetStringValue(cJSON_GetObjectItem(ready, "vast_url"));
    const char *key = cJSON_GetStringValue(cJSON_GetObjectItem(ready, "api_key"));
    bool good = url != NULL && key != NULL;
    if (good) {
        fake->port = (uint16_t)strtol(strrchr(url, ':') + 1, NULL, 10);
        (void)snprintf(fake->key, sizeof fake->key, "%s", key);
    }
    cJSON_Delete(ready);
    return good;
}

static void start_fake(struct fake *fake, const char *program, const char *show_latency)
{
    char scenario[PATH_MAX_SIZE + 32];
    char ready[PATH_MAX_SIZE + 32];
    (void)snprintf(fake->folder, sizeof fake->folder, "/tmp/dumont-bench-XXXXXX");
    if (mkdtemp(fake->folder) == NULL) {
        fail("cannot make a folder");
    }
    (void)snprintf(scenario, sizeof scenario, "%s/scenario.json", fake->folder);
    (void)snprintf(ready, sizeof ready, "%s/ready.json", fake->folder);
    write_scenario(scenario, show_latency);
    const char *const command[] = {program, "--scenario", scenario, "--ready-file", ready, "--no-ssh", NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int64_t began_ns = load_now_ns();
    if (posix_spawn(&fake->process, program, &actions, NULL, (char *const *)command, environ) != 0) {
        fail("cannot start dumont-fake");
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    while (!take_ready(fake, ready)) {
        (void)nanosleep(&(struct timespec){0, 100000}, NULL);
        if (load_now_ns() - began_ns > LIMIT_NS || waitpid(fake->process, NULL, WNOHANG) != 0) {
            fail("dumont-fake does not get ready");
        }
    }
    fake->ready_after_ns = load_now_ns() - began_ns;
}

static void stop(pid_t process)
{
    (void)kill(process, SIGTERM);
    (void)waitpid(process, NULL, 0);
}

static void stop_fake(struct fake *fake)
{
    static const char *const files[] = {"scenario.json", "ready.json"};
    char path[PATH_MAX_SIZE + 32];
    stop(fake->process);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", fake->folder, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(fake->folder);
}

struct bare_reply {
    char *text;
    size_t length;
};

static enum MHD_Result answer_bare(void *context, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload, size_t *upload_size,
                                   void **state)
{
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    (void)upload_size;
    const struct bare_reply *reply = context;
    if (*state == NULL) {
        *state = connection; /* a reply in the first call would close the connection */
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(reply->length, reply->text, MHD_RESPMEM_PERSISTENT);
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* The least that libmicrohttpd does for a reply of that size, in a process of its own. */
static pid_t start_bare(size_t reply_bytes, uint16_t *port)
{
    int ends[2];
    if (pipe(ends) != 0) {
        fail("cannot make a pipe");
    }
    pid_t process = fork();
    if (process == 0) {
        struct bare_reply reply = {.text = malloc(reply_bytes), .length = reply_bytes};
        memset(reply.text, 'x', reply_bytes);
        struct MHD_Daemon *daemon =
            MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, answer_bare, &reply,
                             MHD_OPTION_CONNECTION_LIMIT, 20000U, MHD_OPTION_END);
        uint16_t own = daemon == NULL ? 0 : MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
        (void)!write(ends[1], &own, sizeof own);
        for (;;) {
            (void)pause();
        }
    }
    if (read(ends[0], port, sizeof *port) != (ssize_t)sizeof *port || *port == 0) {
        fail("the bare server does not start");
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    return process;
}

/* ---- Requests ----------------------------------------------------------------------------------------------------------- */

static char *ask_once(const struct fake *fake, const char *method, const char *path, const char *body)
{
    char command[1024];
    static char reply[1 << 20];
    (void)snprintf(command, sizeof command,
                   "curl -s -X %s -H 'Authorization: Bearer '\"$BENCH_KEY\" -d '%s' http://127.0.0.1:%u%s", method,
                   body, (unsigned)fake->port, path);
    (void)setenv("BENCH_KEY", fake->key, 1);
    FILE *curl = popen(command, "r");
    size_t length = curl == NULL ? 0 : fread(reply, 1, sizeof reply - 1, curl);
    if (curl != NULL) {
        (void)pclose(curl);
    }
    reply[length] = '\0';
    return reply;
}

static int64_t number_in(const char *json, const char *key)
{
    char pattern[64];
    (void)snprintf(pattern, sizeof pattern, "\"%s\":", key);
    const char *at = strstr(json, pattern);
    return at == NULL ? -1 : strtoll(at + strlen(pattern), NULL, 10);
}

/* Rents one machine; its id. */
static int64_t rent(const struct fake *fake)
{
    char path[64];
    int64_t offer = number_in(ask_once(fake, "POST", "/api/v0/bundles/", "{\"limit\":1}"), "id");
    (void)snprintf(path, sizeof path, "/api/v0/asks/%lld/", (long long)offer);
    int64_t id = number_in(ask_once(fake, "PUT", path, "{\"image\":\"nvidia/cuda\",\"disk\":10}"), "new_contract");
    if (id <= 0) {
        fail("cannot rent a machine");
    }
    return id;
}

static void show_request(const struct fake *fake, int64_t id, char *out, size_t size)
{
    (void)snprintf(out, size,
                   "GET /api/v0/instances/%lld/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n",
                   (long long)id, fake->key);
}

/* ---- Figures ------------------------------------------------------------------------------------------------------------ */

static double per_second(const struct load_result *result)
{
    return (double)result->requests * 1e9 / (double)result->elapsed_ns;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return *left < *right ? -1 : *left > *right;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

static void add_row(cJSON *rows, const char *name, double value, const char *unit, double aim)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "name", name);
    cJSON_AddNumberToObject(row, "value", value);
    cJSON_AddStringToObject(row, "unit", unit);
    if (aim > 0) {
        cJSON_AddNumberToObject(row, "aim", aim);
    }
    cJSON_AddItemToArray(rows, row);
}

static void measure_show(const char *program, cJSON *rows)
{
    struct fake fake;
    char request[512];
    char path[64];
    uint16_t bare_port;
    start_fake(&fake, program, "0");
    int64_t id = rent(&fake);
    (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/", (long long)id);
    size_t reply_bytes = strlen(ask_once(&fake, "GET", path, ""));
    pid_t bare = start_bare(reply_bytes, &bare_port);
    show_request(&fake, id, request, sizeof request);
    double ratios[ROUNDS];
    double fakes[ROUNDS];
    double bares[ROUNDS];
    double fake_p99[ROUNDS];
    double bare_p99[ROUNDS];
    int64_t failed = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        struct load_result by_bare = load_run(bare_port, request, CONNECTIONS, REQUESTS_EACH, LIMIT_NS);
        struct load_result by_fake = load_run(fake.port, request, CONNECTIONS, REQUESTS_EACH, LIMIT_NS);
        fakes[i] = per_second(&by_fake);
        bares[i] = per_second(&by_bare);
        ratios[i] = fakes[i] / bares[i];
        fake_p99[i] = (double)by_fake.p99_ns / 1e6;
        bare_p99[i] = (double)by_bare.p99_ns / 1e6;
        failed += by_fake.failed + by_bare.failed;
    }
    add_row(rows, "show-instance: reply", (double)reply_bytes, "bytes", 0);
    add_row(rows, "show-instance: fake", median(fakes, ROUNDS), "requests/s", 0);
    add_row(rows, "show-instance: bare libmicrohttpd", median(bares, ROUNDS), "requests/s", 0);
    add_row(rows, "show-instance: fake / bare", median(ratios, ROUNDS), "ratio", 0.6);
    add_row(rows, "show-instance: p99, fake", median(fake_p99, ROUNDS), "ms", 0);
    add_row(rows, "show-instance: p99, bare", median(bare_p99, ROUNDS), "ms", 0);
    add_row(rows, "show-instance: failed", (double)failed, "requests", 0);
    stop(bare);
    stop_fake(&fake);
}

/* One reply to each of many connections, all asked at once; the first time is not counted, since then memory is new. */
static void measure_many(const char *program, cJSON *rows)
{
    static const char *const latencies[] = {"0", "0.05"};
    struct fake fakes[2];
    char requests[2][512];
    double times_ms[2][MANY_ROUNDS];
    double ratios[MANY_ROUNDS];
    int64_t lost = 0;
    for (size_t i = 0; i < 2; i++) {
        start_fake(&fakes[i], program, latencies[i]);
        show_request(&fakes[i], rent(&fakes[i]), requests[i], sizeof requests[i]);
        lost += load_run(fakes[i].port, requests[i], MANY_CONNECTIONS, 1, LIMIT_NS).failed;
    }
    for (size_t round = 0; round < MANY_ROUNDS; round++) {
        for (size_t i = 0; i < 2; i++) {
            struct load_result result = load_run(fakes[i].port, requests[i], MANY_CONNECTIONS, 1, LIMIT_NS);
            times_ms[i][round] = (double)result.elapsed_ns / 1e6;
            lost += result.failed;
        }
        ratios[round] = times_ms[0][round] / times_ms[1][round];
    }
    add_row(rows, "10,000 replies at once: all there after", median(times_ms[0], MANY_ROUNDS), "ms", 0);
    add_row(rows, "10,000 replies suspended 50 ms: all there after", median(times_ms[1], MANY_ROUNDS), "ms", 0);
    add_row(rows, "10,000 replies: time at 0 ms / time at 50 ms", median(ratios, MANY_ROUNDS), "ratio", 0.9);
    add_row(rows, "10,000 replies: lost", (double)lost, "replies", 0);
    stop_fake(&fakes[0]);
    stop_fake(&fakes[1]);
}

static void measure_start(const char *program, cJSON *rows)
{
    double times_ms[STARTS];
    for (size_t i = 0; i < STARTS; i++) {
        struct fake fake;
        start_fake(&fake, program, "0");
        times_ms[i] = (double)fake.ready_after_ns / 1e6;
        stop_fake(&fake);
    }
    add_row(rows, "start to ready", median(times_ms, STARTS), "ms", 15);
}

int main(int argc, char **argv)
{
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    if (argc != (json ? 3 : 2)) {
        fprintf(stderr, "usage: bench-http [--json] DUMONT_FAKE\n");
        return 2;
    }
    const char *program = argv[argc - 1];
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
    }
    if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < 2 * MANY_CONNECTIONS) {
        fail("cannot have so many descriptors");
    }
    cJSON *rows = cJSON_CreateArray();
    measure_start(program, rows);
    measure_show(program, rows);
    measure_many(program, rows);
    const cJSON *row;
    if (json) {
        char *text = cJSON_Print(rows);
        puts(text);
        free(text);
    } else {
        cJSON_ArrayForEach(row, rows)
        {
            const cJSON *aim = cJSON_GetObjectItem(row, "aim");
            printf("%-52s %12.3f %s", cJSON_GetObjectItem(row, "name")->valuestring,
                   cJSON_GetObjectItem(row, "value")->valuedouble, cJSON_GetObjectItem(row, "unit")->valuestring);
            if (aim != NULL) {
                printf("  (aim %g)", aim->valuedouble);
            }
            putchar('\n');
        }
    }
    cJSON_Delete(rows);
    return 0;
}
