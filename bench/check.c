/*
 * Whole virtual `check` runs per second on one core: the recorded run, with 8 offers and with 64 full rows in the search's reply.
 *
 *     bench-check [--quick]
 *
 * A run is everything from an empty cloud to the client's exit, its history included; the report is not part of it. The share of
 * time by part is measured in a second pass, since watching the borders costs a little: each border is a call that the linker
 * wraps (see CMakeLists.txt), and what no border covers is the client's own code with tasks and events.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"
#include "sim/rehearsal.h"
#include "system/files.h"
#include "yardstick.h"

/* ---- Borders ------------------------------------------------------------------------------------------------------------ */

enum part { PART_SETUP, PART_MARKET, PART_HOST, PART_HISTORY, PART_CODEC, PART_STORE, PART_COUNT };

static struct {
    bool on;
    int64_t spent_ns[PART_COUNT];
    enum part stack[16]; /* parts call each other: time belongs to the innermost */
    size_t depth;
    int64_t since_ns;
} watch;

static void charge(void)
{
    int64_t now_ns = bench_now_ns();
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
        bench_fail(what);
    }
}

static enum error_code read_recording(void *context, const char *name, struct buffer *out, struct error *error)
{
    (void)context;
    (void)name;
    return file_read(DUMONT_SOURCE_DIR "/recordings/seed-run-2026-01-02.json", out, error);
}

struct measurement {
    uint64_t runs;
    int64_t elapsed_ns;
    int64_t simulated_ns;
    size_t client_peak_bytes;
    int64_t watched_ns;
    int64_t spent_ns[PART_COUNT];
};

/* Runs for `limit_ns`, each run with luck of its own. */
static uint64_t play_for(struct rehearsal *rehearsal, int64_t limit_ns, struct measurement *measurement,
                         int64_t *elapsed_ns)
{
    uint64_t runs = 0;
    int64_t start_ns = bench_now_ns();
    do {
        struct rehearsal_variation variation = {.run = (uint32_t)runs};
        struct rehearsal_result result;
        must(rehearsal_run(rehearsal, &variation, &result) == ERR_OK && result.status == EXIT_DONE &&
                 result.machines_left == 0,
             "a run failed");
        measurement->simulated_ns += result.simulated_ns;
        measurement->client_peak_bytes = result.client_peak_bytes;
        runs++;
        *elapsed_ns = bench_now_ns() - start_ns;
    } while (*elapsed_ns < limit_ns);
    return runs;
}

static struct measurement measure(struct scenario *scenario, size_t offers, int64_t limit_ns)
{
    struct measurement measurement = {0};
    struct rehearsal *rehearsal;
    struct error error;
    scenario->cloud.recording.offers_found = (struct maybe_int64){PRESENT, (int64_t)offers};
    must(rehearsal_new(scenario, (struct span){"", 0}, &rehearsal, &error) == ERR_OK, error.message);
    struct measurement warm_up = {0};
    (void)play_for(rehearsal, limit_ns / 10, &warm_up, &warm_up.elapsed_ns);
    measurement.runs = play_for(rehearsal, limit_ns, &measurement, &measurement.elapsed_ns);
    memset(&watch, 0, sizeof watch);
    watch.on = true;
    struct measurement watched = {0};
    (void)play_for(rehearsal, limit_ns / 2, &watched, &measurement.watched_ns);
    watch.on = false;
    memcpy(measurement.spent_ns, watch.spent_ns, sizeof measurement.spent_ns);
    rehearsal_free(rehearsal);
    return measurement;
}

/* ---- What is told ------------------------------------------------------------------------------------------------------- */

static const char *const keys[][PART_COUNT + 4] = {
    {"runs_8_per_s", "simulated_8_s_per_s", "client_8_kib", "share_8_client", "share_8_setup", "share_8_market",
     "share_8_host", "share_8_history", "share_8_codec", "share_8_store"},
    {"runs_64_per_s", "simulated_64_s_per_s", "client_64_kib", "share_64_client", "share_64_setup", "share_64_market",
     "share_64_host", "share_64_history", "share_64_codec", "share_64_store"},
};

static void tell(struct samples *samples, const char *const *key, const struct measurement *measurement)
{
    double elapsed_s = (double)measurement->elapsed_ns / (double)NS_PER_S;
    double watched_ns = (double)measurement->watched_ns;
    double parts_ns = 0;
    for (size_t part = 0; part < PART_COUNT; part++) {
        parts_ns += (double)measurement->spent_ns[part];
        samples_add(samples, key[4 + part], (double)measurement->spent_ns[part] / watched_ns);
    }
    samples_add(samples, key[0], (double)measurement->runs / elapsed_s);
    samples_add(samples, key[1], (double)measurement->simulated_ns / (double)NS_PER_S / elapsed_s);
    samples_add(samples, key[2], (double)measurement->client_peak_bytes / 1024);
    samples_add(samples, key[3], 1 - parts_ns / watched_ns);
}

int main(int argc, char **argv)
{
    static const size_t offers[] = {8, 64};
    /* Freed memory is kept for the next run: page faults would measure the kernel. */
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
    struct samples samples = {.bench = "check"};
    bool quick = bench_asked(argc, argv, "--quick");
    struct heap *heap = heap_new();
    struct scenario *scenario = heap == NULL ? NULL : heap_alloc(heap, sizeof *scenario);
    must(scenario != NULL, "no memory");
    struct scenario_files files = {read_recording, NULL, heap};
    struct error error;
    scenario_defaults(scenario);
    must(scenario_use_recording(scenario, "seed-run", &files, &error) == ERR_OK, error.message);
    for (int round = 0; round < (quick ? 2 : 5); round++) {
        samples_add(&samples, "sha1_mib_per_s", yardstick_sha1((quick ? 8 : 512) * INT64_C(1048576)));
        for (size_t i = 0; i < ARRAY_LENGTH(offers); i++) {
            struct measurement measurement = measure(scenario, offers[i], quick ? NS_PER_S / 20 : NS_PER_S);
            tell(&samples, keys[i], &measurement);
        }
    }
    samples_print(&samples);
    heap_free(heap);
    return EXIT_SUCCESS;
}
