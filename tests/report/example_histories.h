/*
 * Histories written by hand, line for line, for the tests of this folder.
 */
#ifndef TESTS_REPORT_EXAMPLE_HISTORIES_H
#define TESTS_REPORT_EXAMPLE_HISTORIES_H

#include "base/history.h"
#include "report/report.h"

struct example_line {
    int64_t t_us;
    const char *kind;
    const char *ids;
    const char *data;
};

#define EXAMPLE_START                                                                                                  \
    "{\"journey\":\"check\",\"version\":\"0.1.0\",\"world\":\"virtual\",\"seed\":7,\"scenario\":\"seed-run\","         \
    "\"speed\":1,\"started_unix_us\":1767381138173379,\"timing\":\"seed-run-2026-01-02\",\"options\":{"                \
    "\"gpu\":\"RTX 4090\",\"num_gpus\":1,\"max_price_nusd_per_hour\":500000000,\"min_reliability_millionths\":900000," \
    "\"min_inet_down_mbps\":500,\"disk_gb\":20,\"image\":\"nvidia/cuda:12.1.0-base-ubuntu22.04\","                     \
    "\"onstart\":\"apt-get update\",\"limit\":20,\"status_poll_us\":10000000,\"ssh_retry_us\":10000000,"               \
    "\"ssh_attempt_us\":5000000,\"running_limit_us\":600000000,\"ssh_limit_us\":300000000,\"ssh_reuse\":false}}"

#define EXAMPLE_OFFER                                                                                                  \
    "{\"gpu_name\":\"RTX 4090\",\"num_gpus\":1,\"gpu_ram_mib\":24564,\"price_nusd_per_hour\":168900000,"               \
    "\"storage_nusd_per_gb_month\":200000000,\"geolocation\":\"British Columbia, CA\","                                \
    "\"reliability_millionths\":994000,\"driver_version\":\"580.95.05\"}"

#define EXAMPLE_SSH "\"ssh_host\":\"ssh2.vast.ai\",\"ssh_port\":11924"

/* A poll: its request and answer around the observation, as the client writes them. */
#define EXAMPLE_POLL(at, req, status)                                                                                  \
    {(at)-346250, "http.req", "{\"req\":" #req "}",                                                                    \
     "{\"method\":\"GET\",\"path\":\"/api/v0/instances/29441924/\",\"bytes\":0}"},                                     \
        {(at), "http.resp", "{\"req\":" #req "}", "{\"status\":200,\"bytes\":900}"},                                   \
    {                                                                                                                  \
        (at), "inst.seen", "{\"instance\":29441924}", "{\"actual_status\":" status "," EXAMPLE_SSH "}"                 \
    }

#define EXAMPLE_SESSION(at, number, took, outcome)                                                                     \
    {(at), "ssh.open", "{\"instance\":29441924,\"ssh\":" #number "}", "{\"host\":\"ssh2.vast.ai\",\"port\":11924}"},   \
    {                                                                                                                  \
        (at) + (took), "ssh.close", "{\"instance\":29441924,\"ssh\":" #number "}", "{\"outcome\":\"" outcome "\"}"     \
    }

#define EXAMPLE_COMMAND(at, number, took)                                                                              \
    {(at), "ssh.open", "{\"instance\":29441924,\"ssh\":" #number "}", "{\"host\":\"ssh2.vast.ai\",\"port\":11924}"},   \
        {(at) + 1000, "ssh.exec", "{\"instance\":29441924,\"ssh\":" #number "}", "{\"command\":\"true\"}"},            \
    {                                                                                                                  \
        (at) + (took), "ssh.close", "{\"instance\":29441924,\"ssh\":" #number "}",                                     \
            "{\"outcome\":\"ok\",\"exit_status\":0,\"stdout_bytes\":10}"                                               \
    }

#define EXAMPLE_PHASE(name, start, end)                                                                                \
    {(start), "phase.start", "", "{\"name\":\"" name "\",\"extra\":false}"},                                           \
    {                                                                                                                  \
        (end), "phase.end", "", "{\"name\":\"" name "\",\"extra\":false,\"outcome\":\"ok\"}"                           \
    }

#define EXAMPLE_BEGIN(at, name)                                                                                        \
    {                                                                                                                  \
        (at), "phase.start", "", "{\"name\":\"" name "\",\"extra\":false}"                                             \
    }
#define EXAMPLE_END(at, name, outcome)                                                                                 \
    {                                                                                                                  \
        (at), "phase.end", "", "{\"name\":\"" name "\",\"extra\":false,\"outcome\":\"" outcome "\"}"                   \
    }

/* From the start to the machine that was created; the eight phases begin 0.5 s after the run does. */
#define EXAMPLE_CREATED                                                                                                \
    {0, "client.start", "{\"run\":\"run-1\"}", EXAMPLE_START},                                                         \
        {0, "phase.start", "", "{\"name\":\"check_account\",\"extra\":true}"},                                         \
        {400000, "account.seen", "", "{\"credit_nusd\":10000000000}"},                                                 \
        {400000, "phase.end", "", "{\"name\":\"check_account\",\"extra\":true,\"outcome\":\"ok\"}"},                   \
        EXAMPLE_BEGIN(500000, "search_offers"),                                                                        \
        {500000, "http.req", "{\"req\":1}", "{\"method\":\"POST\",\"path\":\"/api/v0/bundles/\",\"bytes\":300}"},      \
        {1760000, "http.resp", "{\"req\":1}", "{\"status\":200,\"bytes\":147000}"},                                    \
        {1760000, "search.result", "", "{\"found\":64,\"fitting\":60}"},                                               \
        {1760000, "offer.chosen", "{\"offer\":29292839,\"machine\":4411}", EXAMPLE_OFFER},                             \
        EXAMPLE_END(1760000, "search_offers", "ok"), EXAMPLE_BEGIN(1760000, "create_instance"),                        \
        {1760000, "http.req", "{\"req\":2}",                                                                           \
         "{\"method\":\"PUT\",\"path\":\"/api/v0/asks/29292839/\",\"bytes\":200}"},                                    \
        {3350000, "http.resp", "{\"req\":2}", "{\"status\":200,\"bytes\":90}"},                                        \
        {3350000, "inst.created", "{\"instance\":29441924}", "{\"label\":\"dumont-run-1\"}"},                          \
        EXAMPLE_END(3350000, "create_instance", "ok"), EXAMPLE_BEGIN(3350000, "wait_running")

/* The recorded run: 1.26 1.59 72.77 12.36 4.18 2.13 4.21 0.48, eight polls, two SSH attempts. */
static const struct example_line SEED_RUN[] = {
    EXAMPLE_CREATED,
    EXAMPLE_POLL(3700000, 3, "null"),
    EXAMPLE_POLL(14040000, 4, "null"),
    EXAMPLE_POLL(24390000, 5, "\"loading\""),
    EXAMPLE_POLL(34730000, 6, "\"loading\""),
    EXAMPLE_POLL(45080000, 7, "\"loading\""),
    EXAMPLE_POLL(55430000, 8, "\"loading\""),
    EXAMPLE_POLL(65770000, 9, "\"loading\""),
    EXAMPLE_POLL(76120000, 10, "\"running\",\"uptime_us\":4000000"),
    EXAMPLE_END(76120000, "wait_running", "ok"),
    EXAMPLE_BEGIN(76120000, "wait_ssh"),
    EXAMPLE_SESSION(76120000, 1, 260000, "connection_refused"),
    EXAMPLE_COMMAND(86380000, 2, 2100000),
    EXAMPLE_END(88480000, "wait_ssh", "ok"),
    EXAMPLE_BEGIN(88480000, "create_file"),
    EXAMPLE_COMMAND(88480000, 3, 2090000),
    EXAMPLE_COMMAND(90570000, 4, 2090000),
    EXAMPLE_END(92660000, "create_file", "ok"),
    EXAMPLE_BEGIN(92660000, "verify_file"),
    EXAMPLE_COMMAND(92660000, 5, 2130000),
    {94790000, "validation", "", "{\"name\":\"the file reads back as it was written\",\"passed\":true}"},
    EXAMPLE_END(94790000, "verify_file", "ok"),
    EXAMPLE_BEGIN(94790000, "collect_gpu_info"),
    EXAMPLE_COMMAND(94790000, 6, 2105000),
    EXAMPLE_COMMAND(96895000, 7, 2105000),
    {99000000, "gpu.info", "{\"instance\":29441924}",
     "{\"name\":\"NVIDIA GeForce RTX 4090\",\"memory_total_mib\":24564,\"driver_version\":\"580.95.05\"}"},
    {99000000, "validation", "", "{\"name\":\"the GPU is the one that was offered\",\"passed\":true}"},
    EXAMPLE_END(99000000, "collect_gpu_info", "ok"),
    EXAMPLE_BEGIN(99000000, "destroy_instance"),
    {99000000, "http.req", "{\"req\":11}", "{\"method\":\"DELETE\",\"path\":\"/api/v0/instances/29441924/\"}"},
    {99480000, "http.resp", "{\"req\":11}", "{\"status\":200,\"bytes\":20}"},
    EXAMPLE_END(99480000, "destroy_instance", "ok"),
    {99480000, "phase.start", "", "{\"name\":\"confirm_destroyed\",\"extra\":true}"},
    {99480000, "http.req", "{\"req\":12}", "{\"method\":\"GET\",\"path\":\"/api/v0/instances/29441924/\"}"},
    {99900000, "http.resp", "{\"req\":12}", "{\"status\":200,\"bytes\":18}"},
    {99900000, "inst.seen", "{\"instance\":29441924}", "{\"gone\":true}"},
    {99900000, "phase.end", "", "{\"name\":\"confirm_destroyed\",\"extra\":true,\"outcome\":\"ok\"}"},
    {99900000, "event.emitted", "{\"event\":\"e-1\"}", "{\"name\":\"instance.destroyed\",\"instance\":29441924}"},
    {99900000, "event.undelivered", "{\"event\":\"e-1\"}",
     "{\"error\":\"store_table_missing\",\"sqlstate\":\"42P01\"}"},
    {99900000, "log.line", "", "{\"level\":\"warning\",\"text\":\"the machine was slow\"}"},
    {99900000, "fault.seen", "", "{\"fault\":\"missing-table\",\"text\":\"webhook_configs is missing\"}"},
    {99900000, "fault.seen", "", "{\"fault\":\"slow-boot\",\"text\":\"the machine was slow\"}"},
    {99900000, "log.line", "", "{\"level\":\"info\",\"text\":\"all done\"}"},
    {100300000, "account.seen", "", "{\"credit_nusd\":9998620269}"},
    {100300000, "client.report", "",
     "{\"outcome\":\"done\",\"error\":null,\"exit_status\":0,\"machines_left\":[],\"events_emitted\":1,"
     "\"events_undelivered\":1}"},
    {100300000, "client.exit", "", "{\"exit_status\":0}"},
};

/* The machine never runs; it is destroyed, but the destruction is not confirmed. */
static const struct example_line FAILED_BOOT[] = {
    EXAMPLE_CREATED,
    EXAMPLE_POLL(13350000, 3, "\"loading\""),
    EXAMPLE_POLL(603350000, 4, "\"loading\""),
    {603350000, "fault.seen", "{\"instance\":29441924}",
     "{\"fault\":\"stuck-loading\",\"text\":\"still loading after 600 s; the machine is destroyed\"}"},
    EXAMPLE_END(603350000, "wait_running", "boot_deadline"),
    EXAMPLE_BEGIN(603350000, "destroy_instance"),
    {603350000, "http.req", "{\"req\":5}", "{\"method\":\"DELETE\",\"path\":\"/api/v0/instances/29441924/\"}"},
    {603850000, "http.resp", "{\"req\":5}", "{\"status\":503,\"bytes\":20,\"error\":\"server_error\"}"},
    EXAMPLE_END(603850000, "destroy_instance", "server_error"),
    {603850000, "client.report", "",
     "{\"outcome\":\"failed\",\"error\":{\"code\":\"machine_left\",\"retry_class\":\"fatal\",\"message\":\"the machine "
     "was "
     "not running in 600 s, and destroying it failed\",\"next_step\":\"run dumont destroy "
     "29441924\"},\"exit_status\":8,"
     "\"machines_left\":[{\"id\":29441924,\"label\":\"dumont-run-1\",\"price_nusd_per_hour\":168900000,\"command\":"
     "\"dumont destroy 29441924\"}],"
     "\"events_emitted\":0,\"events_undelivered\":0}"},
    {603850000, "client.exit", "", "{\"exit_status\":8}"},
};

/* Killed while it waits for the machine; machine running, nothing said. */
static const struct example_line KILLED[] = {
    EXAMPLE_CREATED,
    EXAMPLE_POLL(13350000, 3, "\"loading\""),
    EXAMPLE_POLL(23350000, 4, "\"running\""),
    {25350000, "client.kill", "", "{\"event_index\":31}"},
};

/* Killed between a create and its answer: nobody knows whether there is a machine. */
static const struct example_line KILLED_IN_CREATE[] = {
    {0, "client.start", "{\"run\":\"run-1\"}", EXAMPLE_START},
    {0, "offer.chosen", "{\"offer\":29292839,\"machine\":4411}", EXAMPLE_OFFER},
    {0, "ledger.write", "{\"label\":\"dumont-run-1\"}", "{\"state\":\"intended\"}"},
    EXAMPLE_BEGIN(0, "create_instance"),
    {0, "http.req", "{\"req\":2}", "{\"method\":\"PUT\",\"path\":\"/api/v0/asks/29292839/\",\"bytes\":200}"},
    {1000000, "client.kill", "", "{\"event_index\":9}"},
};

/* A client that removes what a dead run left: one machine is gone afterwards, another one's create is not accounted for. */
static const struct example_line REAP[] = {
    {5000000, "client.start", "{\"run\":\"run-2\"}",
     "{\"journey\":\"reap\",\"version\":\"0.1.0\",\"world\":\"virtual\",\"scenario\":\"seed-run\",\"timing\":"
     "\"defaults\"}"},
    {6000000, "client.decide", "{\"instance\":29441924,\"label\":\"dumont-run-1\"}",
     "{\"what\":\"reap\",\"why\":\"the run that rented it is dead\"}"},
    EXAMPLE_PHASE("destroy_instance", 6000000, 6480000),
    {6480000, "phase.start", "", "{\"name\":\"verify_destroyed\",\"extra\":true}"},
    {6700000, "inst.seen", "{\"instance\":29441924}", "{\"actual_status\":\"running\"}"},
    {6900000, "inst.seen", "{\"instance\":29441924}", "{\"gone\":true}"},
    {6900000, "phase.end", "", "{\"name\":\"verify_destroyed\",\"extra\":true,\"outcome\":\"ok\"}"},
    {7000000, "client.decide", "{\"label\":\"dumont-run-0-0\"}",
     "{\"what\":\"give-up\",\"why\":\"a label cannot be read\"}"},
    {7500000, "client.report", "",
     "{\"outcome\":\"failed\",\"error\":{\"code\":\"reply_unexpected\",\"retry_class\":\"fatal\",\"message\":\"a label "
     "cannot be "
     "read\",\"next_step\":\"look at it\"},\"exit_status\":8,\"machines_left\":[{\"id\":0,\"label\":\"dumont-run-0-0\","
     "\"price_nusd_per_hour\":168950000,\"command\":\"dumont reap "
     "--yes\"}],\"events_emitted\":1,\"events_undelivered\":0}"},
    {8000000, "client.exit", "", "{\"exit_status\":8}"},
};

static inline void add_lines(struct history *history, const struct example_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        history_add(history, lines[i].t_us * 1000, HISTORY_CLIENT, "dumont", lines[i].kind, span_of(lines[i].ids),
                    span_of(lines[i].data));
    }
}

static inline struct span text_of(const struct history *history)
{
    return (struct span){buffer_text(&history->text), history->text.length};
}

#define ADD_LINES(history, lines) add_lines(history, lines, ARRAY_LENGTH(lines))

/* What each test has: a heap, an empty history on it, room for a text, and the report once it is built. */
struct example {
    struct heap *heap;
    struct history history;
    struct buffer out;
    struct report *report;
    struct error error;
};

static inline int example_set_up(void **state)
{
    static struct example example; /* cleared for each test */
    example = (struct example){.heap = heap_new()};
    if (example.heap == NULL) {
        return -1;
    }
    history_init(&example.history, example.heap);
    buffer_init(&example.out, example.heap, (size_t)1 << 22);
    *state = &example;
    return 0;
}

/* Fails the test when anything was leaked. */
static inline int example_tear_down(void **state)
{
    struct example *example = *state;
    report_release(example->heap, example->report);
    buffer_release(&example->out);
    history_release(&example->history);
    size_t leaked = heap_live_blocks(example->heap);
    heap_free(example->heap);
    return leaked == 0 ? 0 : -1;
}

static inline void example_build(struct example *example)
{
    assert_int_equal(report_build(example->heap, text_of(&example->history), &example->report, &example->error),
                     ERR_OK);
}

#define EXAMPLE_TEST(function) cmocka_unit_test_setup_teardown(function, example_set_up, example_tear_down)

#endif
