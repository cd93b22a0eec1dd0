/*
 * Whole virtual `check` runs per second on one core: the recorded run, with 8 offers and with 64 full rows in the search's reply.
 *
 *     build/release/bench/bench-check [SECONDS] [--json]
 *
 * A run is everything from an empty cloud to the client's exit, its history included; the report is not part of it. The share of
 * time by part is measured in a second pass, since watching the borders costs a little: each border is a call that the linker
 * wraps (see CMakeLists.txt), and what no border covers is the client's own code with tasks and events.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/rehearsal.h"
#include "system/files.h"

/* ---- Borders ------------------------------------------------------------------------------------------------------------ */

enum part { PART_SETUP, PART_MARKET, PART_HOST, PART_HISTORY, PART_CODEC, PART_STORE, PART_COUNT };

static const char *const part_names[PART_COUNT] = {"set-up", "market", "host", "history", "codec", "store"};

static struct {
    bool on;
    int64_t spent_ns[PART_COUNT];
    enum part stack[16]; /* parts call each other: time belongs to the innermost */
    size_t depth;
    int64_t since_ns;
} watch;

static int64_t clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void charge(void)
{
    int64_t now_ns = clock_ns();
    if (watch.depth > 0) {
        watch.spent_ns[watch.stack[watch.depth - 1]] += now_ns - watch.since_ns;
    }
    watch.since_ns = now_ns;
}

static void enter(enum part part)
{
    if (watch.on) {
        charge();
        watch.stack[watch.depth++] = part;
    }
}

static void leave(void)
{
    if (watch.on) {
        charge();
        watch.depth--;
    }
}

/* BORDER(result type, function, part, parameters, arguments) */
#define BORDER(type, function, part, parameters, arguments)                                                            \
    type __real_##function parameters;                                                                                 \
    type __wrap_##function parameters;                                                                                 \
    type __wrap_##function parameters                                                                                  \
    {                                                                                                                  \
        enter(part);                                                                                                   \
        type outcome = __real_##function arguments;                                                                    \
        leave();                                                                                                       \
        return outcome;                                                                                                \
    }

#define BORDER_WITHOUT_RESULT(function, part, parameters, arguments)                                                   \
    void __real_##function parameters;                                                                                 \
    void __wrap_##function parameters;                                                                                 \
    void __wrap_##function parameters                                                                                  \
    {                                                                                                                  \
        enter(part);                                                                                                   \
        __real_##function arguments;                                                                                   \
        leave();                                                                                                       \
    }

BORDER(struct cloud *, cloud_new, PART_SETUP, (struct heap * heap, const struct cloud_options *options),
       (heap, options))
BORDER_WITHOUT_RESULT(cloud_free, PART_SETUP, (struct cloud * cloud), (cloud))
BORDER(struct cloud_exchange *, cloud_http_begin, PART_MARKET,
       (struct cloud * cloud, int64_t now_ns, const struct http_request *request, uint64_t ordinal),
       (cloud, now_ns, request, ordinal))
BORDER_WITHOUT_RESULT(cloud_http_effect, PART_MARKET,
                      (struct cloud * cloud, int64_t now_ns, struct cloud_exchange *exchange),
                      (cloud, now_ns, exchange))
BORDER_WITHOUT_RESULT(cloud_ssh_effect, PART_HOST,
                      (struct cloud * cloud, int64_t now_ns, struct cloud_session *session), (cloud, now_ns, session))
BORDER_WITHOUT_RESULT(history_add, PART_HISTORY,
                      (struct history * history, int64_t now_ns, enum history_stream stream, const char *actor,
                       const char *kind, struct span ids, struct span data),
                      (history, now_ns, stream, actor, kind, ids, data))
BORDER(enum error_code, decode_account, PART_CODEC,
       (struct span body, struct vast_account *account, struct error *error), (body, account, error))
BORDER(enum error_code, decode_offers, PART_CODEC,
       (struct span body, const struct vast_wish *wish, struct vast_offers *list, struct error *error),
       (body, wish, list, error))
BORDER(enum error_code, decode_instance, PART_CODEC,
       (struct span body, int64_t wanted_id, struct vast_instance *instance, struct error *error),
       (body, wanted_id, instance, error))
BORDER(enum error_code, memory_store_run, PART_STORE,
       (struct memory_store * store, enum store_statement statement, const struct store_value *values, size_t count,
        store_row_function *on_row, void *context, struct store_result *result),
       (store, statement, values, count, on_row, context, result))

/* ---- Runs --------------------------------------------------------------------------------------------------------------- */

static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "bench-check: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

static enum error_code read_recording(void *context, const char *name, struct buffer *out, struct error *error)
{
    (void)context;
    (void)name;
    return file_read(DUMONT_SOURCE_DIR "/recordings/seed-run-2026-01-02.json", out, error);
}

struct measurement {
    size_t offers;
    uint64_t runs;
    int64_t elapsed_ns;
    int64_t simulated_ns;
    size_t client_peak_bytes;
    size_t history_bytes;
    int64_t watched_ns;
    int64_t spent_ns[PART_COUNT];
};

/* Runs for `limit_ns`, each run with luck of its own. */
static uint64_t play_for(struct rehearsal *rehearsal, int64_t limit_ns, struct measurement *measurement,
                         int64_t *elapsed_ns)
{
    uint64_t runs = 0;
    int64_t start_ns = clock_ns();
    do {
        struct rehearsal_variation variation = {.run = (uint32_t)runs};
        struct rehearsal_result result;
        must(rehearsal_run(rehearsal, &variation, &result) == ERR_OK && result.status == EXIT_DONE &&
                 result.machines_left == 0,
             "a run failed");
        measurement->simulated_ns += result.simulated_ns;
        measurement->client_peak_bytes = result.client_peak_bytes;
        measurement->history_bytes = rehearsal_history(rehearsal).length;
        runs++;
        *elapsed_ns = clock_ns() - start_ns;
    } while (*elapsed_ns < limit_ns);
    return runs;
}

static struct measurement measure(struct scenario *scenario, size_t offers, int64_t limit_ns)
{
    struct measurement measurement = {.offers = offers};
    struct rehearsal *rehearsal;
    struct error error;
    scenario->cloud.recording.offers_found = (struct maybe_int64){PRESENT, (int64_t)offers};
    must(rehearsal_new(scenario, (struct span){"", 0}, &rehearsal, &error) == ERR_OK, error.message);
    struct measurement warm_up = {.offers = offers};
    (void)play_for(rehearsal, limit_ns / 10, &warm_up, &warm_up.elapsed_ns);
    measurement.runs = play_for(rehearsal, limit_ns, &measurement, &measurement.elapsed_ns);
    memset(&watch, 0, sizeof watch);
    watch.on = true;
    struct measurement watched = {.offers = offers};
    (void)play_for(rehearsal, limit_ns / 2, &watched, &measurement.watched_ns);
    watch.on = false;
    memcpy(measurement.spent_ns, watch.spent_ns, sizeof measurement.spent_ns);
    rehearsal_free(rehearsal);
    return measurement;
}

/* ---- Tables ------------------------------------------------------------------------------------------------------------- */

static double seconds(int64_t duration_ns)
{
    return (double)duration_ns / (double)NS_PER_S;
}

static double share(const struct measurement *measurement, int64_t spent_ns)
{
    return 100.0 * (double)spent_ns / (double)measurement->watched_ns;
}

static int64_t client_ns(const struct measurement *measurement)
{
    int64_t rest_ns = measurement->watched_ns;
    for (size_t part = 0; part < PART_COUNT; part++) {
        rest_ns -= measurement->spent_ns[part];
    }
    return rest_ns;
}

static void print_table(const struct measurement *measurements, size_t count)
{
    (void)printf("whole virtual check runs on one core (the recorded run, 98.98 simulated seconds each)\n\n");
    (void)printf("%-34s", "offers in the reply");
    for (size_t i = 0; i < count; i++) {
        (void)printf("%14zu", measurements[i].offers);
    }
    (void)printf("\n%-34s", "runs per second");
    for (size_t i = 0; i < count; i++) {
        (void)printf("%14.0f", (double)measurements[i].runs / seconds(measurements[i].elapsed_ns));
    }
    (void)printf("\n%-34s", "simulated seconds per second");
    for (size_t i = 0; i < count; i++) {
        (void)printf("%14.0f", seconds(measurements[i].simulated_ns) / seconds(measurements[i].elapsed_ns));
    }
    (void)printf("\n%-34s", "client's memory per run, KiB");
    for (size_t i = 0; i < count; i++) {
        (void)printf("%14.0f", (double)measurements[i].client_peak_bytes / 1024);
    }
    (void)printf("\n%-34s", "history per run, KiB");
    for (size_t i = 0; i < count; i++) {
        (void)printf("%14.0f", (double)measurements[i].history_bytes / 1024);
    }
    (void)printf("\n\nshare of the time, %%\n");
    for (size_t part = 0; part < PART_COUNT; part++) {
        (void)printf("  %-32s", part_names[part]);
        for (size_t i = 0; i < count; i++) {
            (void)printf("%14.1f", share(&measurements[i], measurements[i].spent_ns[part]));
        }
        (void)printf("\n");
    }
    (void)printf("  %-32s", "client, tasks, events");
    for (size_t i = 0; i < count; i++) {
        (void)printf("%14.1f", share(&measurements[i], client_ns(&measurements[i])));
    }
    (void)printf("\n");
}

static void print_json(const struct measurement *measurements, size_t count)
{
    (void)printf("{\"bench\":\"check\",\"rows\":[");
    for (size_t i = 0; i < count; i++) {
        const struct measurement *row = &measurements[i];
        (void)printf("%s{\"offers\":%zu,\"runs\":%llu,\"runs_per_second\":%.1f,\"simulated_seconds_per_second\":%.0f,"
                     "\"client_peak_bytes\":%zu,\"history_bytes\":%zu,\"share_percent\":{",
                     i == 0 ? "" : ",", row->offers, (unsigned long long)row->runs,
                     (double)row->runs / seconds(row->elapsed_ns),
                     seconds(row->simulated_ns) / seconds(row->elapsed_ns), row->client_peak_bytes, row->history_bytes);
        for (size_t part = 0; part < PART_COUNT; part++) {
            (void)printf("\"%s\":%.1f,", part_names[part], share(row, row->spent_ns[part]));
        }
        (void)printf("\"client\":%.1f}}", share(row, client_ns(row)));
    }
    (void)printf("]}\n");
}

int main(int argc, char **argv)
{
    static const size_t offers[] = {8, 64};
    /* Freed memory is kept for the next run: page faults would measure the kernel. */
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
    bool json = argc > 1 && strcmp(argv[argc - 1], "--json") == 0;
    double limit_s = argc > 1 && argv[1][0] != '-' ? atof(argv[1]) : 3.0;
    must(limit_s > 0 && limit_s < 3600, "usage: bench-check [SECONDS] [--json]");
    struct heap *heap = heap_new();
    struct scenario *scenario = heap == NULL ? NULL : heap_alloc(heap, sizeof *scenario);
    must(scenario != NULL, "no memory");
    struct scenario_files files = {read_recording, NULL, heap};
    struct error error;
    struct measurement measurements[ARRAY_LENGTH(offers)];
    scenario_defaults(scenario);
    must(scenario_use_recording(scenario, "seed-run", &files, &error) == ERR_OK, error.message);
    for (size_t i = 0; i < ARRAY_LENGTH(offers); i++) {
        measurements[i] = measure(scenario, offers[i], (int64_t)(limit_s * (double)NS_PER_S));
    }
    if (json) {
        print_json(measurements, ARRAY_LENGTH(offers));
    } else {
        print_table(measurements, ARRAY_LENGTH(offers));
    }
    heap_free(heap);
    return EXIT_SUCCESS;
}
