/*
 * The fake's HTTP front against a bare libmicrohttpd server with a reply of the same size; replies that are suspended against replies
 * that are not; and the time from start to ready.
 *
 *     bench-http DUMONT_FAKE [--quick]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bare.h"
#include "fake.h"
#include "load.h"
#include "samples.h"

#define LIMIT_NS (INT64_C(120) * 1000000000)

struct plan {
    const char *program;
    size_t rounds, starts;
    size_t connections; /* of the comparison with the bare server */
    int64_t requests_each;
    size_t many; /* connections whose replies are suspended */
    int64_t many_each;
};

static const struct plan usual = {
    .rounds = 5, .starts = 15, .connections = 64, .requests_each = 400, .many = 10000, .many_each = 4};
static const struct plan quick = {
    .rounds = 2, .starts = 2, .connections = 8, .requests_each = 20, .many = 100, .many_each = 3};

static void start(struct fake *fake, const struct plan *plan, const char *show_latency_s)
{
    char scenario[512];
    (void)snprintf(
        scenario, sizeof scenario,
        "{\"name\": \"bench\", \"why\": \"nothing takes any time\", \"account\": {\"credit_usd\": 1000000},\n"
        " \"offers\": 64, \"timing\": {\"latency_s\": {\"search\": 0, \"create\": 0, \"show\": %s, \"list\": 0,\n"
        " \"destroy\": 0, \"account\": 0, \"other\": 0}}}\n",
        show_latency_s);
    fake_start(fake, plan->program, scenario, false);
}

/* ---- Requests ----------------------------------------------------------------------------------------------------------- */

static const char *ask_once(const struct fake *fake, const char *method, const char *path, const char *body)
{
    static char reply[1 << 20];
    char command[1024];
    (void)snprintf(command, sizeof command, "curl -s -X %s -H 'Authorization: Bearer '\"$BENCH_KEY\" -d '%s' %s%s",
                   method, body, fake_ready(fake, "vast_url"), path);
    (void)setenv("BENCH_KEY", fake_ready(fake, "api_key"), 1);
    FILE *curl = popen(command, "r"); // NOLINT(cert-env33-c): a command of our own making
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
        bench_fail("cannot rent a machine");
    }
    return id;
}

static void show_request(const struct fake *fake, int64_t id, char *out, size_t size)
{
    (void)snprintf(out, size,
                   "GET /api/v0/instances/%lld/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n",
                   (long long)id, fake_ready(fake, "api_key"));
}

static void bare_request(size_t reply_bytes, char *out, size_t size)
{
    (void)snprintf(out, size, "GET /%zu HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", reply_bytes);
}

/* ---- Figures ------------------------------------------------------------------------------------------------------------ */

static double per_second(const struct load_result *result)
{
    return (double)result->requests * 1e9 / (double)result->elapsed_ns;
}

static void measure_show(const struct plan *plan, struct samples *samples)
{
    struct fake fake;
    char request[512];
    char plain[512];
    char path[64];
    uint16_t bare_port;
    start(&fake, plan, "0");
    int64_t id = rent(&fake);
    (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/", (long long)id);
    size_t reply_bytes = strlen(ask_once(&fake, "GET", path, ""));
    pid_t bare = bare_start(0, &bare_port);
    show_request(&fake, id, request, sizeof request);
    bare_request(reply_bytes, plain, sizeof plain);
    uint16_t port = fake_port(&fake, "vast_url");
    for (size_t i = 0; i < plan->rounds; i++) {
        struct load_result by_bare = load_run(bare_port, plain, plan->connections, plan->requests_each, LIMIT_NS);
        struct load_result by_fake = load_run(port, request, plan->connections, plan->requests_each, LIMIT_NS);
        samples_add(samples, "show_fake_per_s", per_second(&by_fake));
        samples_add(samples, "show_bare_per_s", per_second(&by_bare));
        samples_add(samples, "show_fake_p99_ms", (double)by_fake.p99_ns / 1e6);
        samples_add(samples, "show_bare_p99_ms", (double)by_bare.p99_ns / 1e6);
        samples_add(samples, "show_failed", (double)(by_fake.failed + by_bare.failed));
    }
    bench_stop(bare, SIGKILL);
    fake_stop(&fake);
}

/*
 * Many connections that all ask at once, against a fake that answers at once and one that answers after 50 ms: some requests each, one
 * after the other, so that the wait of one falls into the work of the others; and a single one each, where the 50 ms are part of the
 * time. A bare server does the same, with and without the wait. The first load is not counted, since then memory is new.
 */
enum side { AT_ONCE, SUSPENDED, BARE_AT_ONCE, BARE_SUSPENDED, SIDE_COUNT };

struct side_state {
    struct fake fake;
    pid_t server;
    uint16_t port;
    char request[512];
};

static void open_sides(const struct plan *plan, struct side_state sides[SIDE_COUNT])
{
    static const char *const latencies_s[] = {"0", "0.05"};
    static const int64_t delays_ns[] = {0, 50000000};
    char path[64];
    size_t reply_bytes = 0;
    for (size_t i = 0; i < 2; i++) {
        struct side_state *side = &sides[AT_ONCE + i];
        start(&side->fake, plan, latencies_s[i]);
        int64_t id = rent(&side->fake);
        show_request(&side->fake, id, side->request, sizeof side->request);
        side->server = side->fake.pid;
        side->port = fake_port(&side->fake, "vast_url");
        (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/", (long long)id);
        reply_bytes = strlen(ask_once(&side->fake, "GET", path, ""));
    }
    for (size_t i = 0; i < 2; i++) {
        struct side_state *side = &sides[BARE_AT_ONCE + i];
        side->server = bare_start(delays_ns[i], &side->port);
        bare_request(reply_bytes, side->request, sizeof side->request);
    }
}

static void measure_many(const struct plan *plan, struct samples *samples)
{
    static const char *const keys[SIDE_COUNT] = {"many_at_once_per_s", "many_suspended_per_s", "bare_at_once_per_s",
                                                 "bare_suspended_per_s"};
    static const char *const cpu_keys[SIDE_COUNT] = {"at_once_cpu_us", "suspended_cpu_us", "bare_at_once_cpu_us",
                                                     "bare_suspended_cpu_us"};
    static const char *const single_keys[] = {"single_at_once_ms", "single_suspended_ms"};
    static struct side_state sides[SIDE_COUNT];
    open_sides(plan, sides);
    for (size_t i = 0; i < SIDE_COUNT; i++) {
        (void)load_run(sides[i].port, sides[i].request, plan->many, 1, LIMIT_NS);
    }
    for (size_t round = 0; round < plan->rounds; round++) {
        int64_t lost = 0;
        for (size_t i = 0; i < SIDE_COUNT; i++) {
            double before_s = bench_cpu_s(sides[i].server);
            struct load_result many = load_run(sides[i].port, sides[i].request, plan->many, plan->many_each, LIMIT_NS);
            double cpu_s = bench_cpu_s(sides[i].server) - before_s;
            samples_add(samples, keys[i], per_second(&many));
            samples_add(samples, cpu_keys[i], cpu_s * 1e6 / (double)many.requests);
            lost += many.failed;
        }
        for (size_t i = 0; i < 2; i++) {
            struct load_result single = load_run(sides[i].port, sides[i].request, plan->many, 1, LIMIT_NS);
            samples_add(samples, single_keys[i], (double)single.elapsed_ns / 1e6);
            lost += single.failed;
        }
        samples_add(samples, "many_lost", (double)lost);
    }
    for (size_t i = 0; i < 2; i++) {
        fake_stop(&sides[AT_ONCE + i].fake);
        bench_stop(sides[BARE_AT_ONCE + i].server, SIGKILL);
    }
}

static void measure_start(const struct plan *plan, struct samples *samples)
{
    for (size_t i = 0; i < plan->starts; i++) {
        struct fake fake;
        start(&fake, plan, "0");
        samples_add(samples, "start_ready_ms", (double)fake.ready_after_ns / 1e6);
        fake_stop(&fake);
        samples_add(samples, "start_version_ms", (double)fake_version_ns(plan->program) / 1e6);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench-http DUMONT_FAKE [--quick]\n");
        return 2;
    }
    struct plan plan = bench_asked(argc, argv, "--quick") ? quick : usual;
    struct samples samples = {.bench = "http"};
    struct rlimit files;
    plan.program = argv[1];
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
    }
    if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < 2 * plan.many) {
        bench_fail("the limit of open files is too low for so many connections: ulimit -n");
    }
    measure_start(&plan, &samples);
    measure_show(&plan, &samples);
    measure_many(&plan, &samples);
    samples_print(&samples);
    return 0;
}
