/*
 * A planted journal and planted machines, for tests of the verdict.
 */
#ifndef TESTS_VERDICT_PLANTED_H
#define TESTS_VERDICT_PLANTED_H

#include <string.h>

#include "fakes/verdict/verdict.h"
#include "testing.h"

enum { PLANTED_REQUESTS = 64, PLANTED_MACHINES = 8, LATENCY_MS = 100 };

struct planted {
    struct heap *heap;
    struct verdict_request requests[PLANTED_REQUESTS];
    struct contract_view machines[PLANTED_MACHINES];
    char paths[PLANTED_REQUESTS][64];
    struct expectation expect;
    struct verdict_input input;
    struct verdict *verdict;
};

static inline void planted_begin(struct planted *planted)
{
    memset(planted, 0, sizeof *planted);
    planted->heap = heap_new();
    assert_non_null(planted->heap);
    planted->input = (struct verdict_input){
        .scenario = "planted",
        .command = "client",
        .with_command = true,
        .now_ns = 3600 * NS_PER_S,
        .speed_milli = 1000,
        .requests = planted->requests,
        .machines = planted->machines,
        .expect = &planted->expect,
    };
}

static inline void planted_end(struct planted *planted)
{
    verdict_free(planted->verdict);
    assert_int_equal(heap_live_blocks(planted->heap), 0);
    heap_free(planted->heap);
}

static inline const struct verdict *planted_judge(struct planted *planted)
{
    verdict_free(planted->verdict);
    planted->verdict = verdict_judge(planted->heap, &planted->input);
    assert_non_null(planted->verdict);
    return planted->verdict;
}

/* A request that was answered after LATENCY_MS. `id` is the machine of calls about one, else ignored. */
static inline struct verdict_request *planted_request(struct planted *planted, enum api_call call, int64_t id,
                                                      int64_t at_ms, int status)
{
    size_t index = planted->input.request_count++;
    assert_true(index < PLANTED_REQUESTS);
    char *path = planted->paths[index];
    const size_t size = sizeof planted->paths[index];
    const char *method;
    if (call == API_SEARCH || call == API_LIST) {
        method = call == API_SEARCH ? "POST" : "GET";
        (void)text_copy(path, size, call == API_SEARCH ? "/api/v0/bundles/" : "/api/v1/instances/");
    } else {
        method = call == API_DESTROY ? "DELETE" : call == API_CREATE ? "PUT" : "GET";
        (void)text_format(path, size, "/api/v0/%s/%lld/", call == API_CREATE ? "asks" : "instances", (long long)id);
    }
    planted->requests[index] = (struct verdict_request){
        .ordinal = index + 1,
        .sent_ns = at_ms * NS_PER_MS,
        .answered_ns = (at_ms + LATENCY_MS) * NS_PER_MS,
        .left_ns = TIME_NEVER_NS,
        .call = (size_t)call,
        .endpoint = api_call_name(call),
        .fate = FATE_DELIVERED,
        .status = status,
        .method = method,
        .path = span_of(path),
        .body = {"", 0},
        .contract = VERDICT_NO_CONTRACT,
    };
    return &planted->requests[index];
}

/* The reply never comes, and the client hangs up after that long. */
static inline void planted_lose(struct verdict_request *request, int64_t after_ms)
{
    request->fate = FATE_SILENT;
    request->status = 0;
    request->answered_ns = request->sent_ns;
    request->left_ns = request->sent_ns + after_ms * NS_PER_MS;
}

/* A machine that the create made; it exists until `destroyed_ms`, -1: still. */
static inline struct contract_view *planted_machine(struct planted *planted, struct verdict_request *create, int64_t id,
                                                    int64_t destroyed_ms)
{
    size_t index = planted->input.machine_count++;
    assert_true(index < PLANTED_MACHINES);
    create->contract = create->contracts == 0 ? (uint32_t)index : create->contract;
    create->contracts++;
    planted->machines[index] = (struct contract_view){
        .id = id,
        .contract = (uint32_t)index,
        .label = "",
        .status = ACTUAL_RUNNING,
        .exists = destroyed_ms < 0,
        .created_ns = create->sent_ns + LATENCY_MS / 2 * NS_PER_MS,
        .destroyed_ns = destroyed_ms < 0 ? TIME_NEVER_NS : destroyed_ms * NS_PER_MS,
        .intended_nusd_per_hour = 168900000,
    };
    return &planted->machines[index];
}

static inline const struct verdict_endpoint *planted_endpoint(const struct verdict *verdict, enum api_call call)
{
    for (size_t i = 0; i < verdict->endpoint_count; i++) {
        if (verdict->endpoints[i].call == (size_t)call) {
            return &verdict->endpoints[i];
        }
    }
    fail_msg("no such endpoint: %s", api_call_name(call));
    return NULL;
}

#endif
