/* A market's replies and plans of one fault, for the tests of each effect. */
#ifndef TESTS_FAULT_FAULTS_H
#define TESTS_FAULT_FAULTS_H

#include <string.h>

#include "testing.h"

#include "base/units.h"
#include "fakes/fault/injector.h"

/* An injector with its plan, its memory, a reply, and the notices that it gave: "+null-status@0 -null-status@7 ". */
struct bench {
    struct heap *heap;
    struct fault_plan plan;
    struct injector *injector;
    struct http_reply reply;
    struct http_verdict verdict;
    char notices[1024];
};

static inline void bench_notice(void *context, int64_t now_ns, const char *fault_id, bool on)
{
    struct bench *bench = context;
    size_t length = strlen(bench->notices);
    (void)text_format(bench->notices + length, sizeof bench->notices - length, "%s%s@%lld ", on ? "+" : "-", fault_id,
                      (long long)(now_ns / NS_PER_S));
}

static inline void bench_add(struct bench *bench, const char *fault)
{
    struct error error = {0};
    enum error_code code = fault_plan_add(&bench->plan, fault, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(code, ERR_OK);
}

static inline void bench_start(struct bench *bench)
{
    bench->injector = injector_new(bench->heap, &bench->plan, 1, 0, bench_notice, bench);
    assert_non_null(bench->injector);
}

/* A bench with the one fault, ready to be asked. */
static inline struct bench *bench_new(const char *fault)
{
    struct heap *heap = heap_new();
    struct bench *bench = heap_alloc(heap, sizeof *bench);
    assert_non_null(bench);
    bench->heap = heap;
    buffer_init(&bench->reply.body, heap, 65536);
    if (fault != NULL) {
        bench_add(bench, fault);
        bench_start(bench);
    }
    return bench;
}

static inline void bench_free(struct bench *bench)
{
    struct heap *heap = bench->heap;
    injector_free(bench->injector);
    buffer_release(&bench->reply.body);
    assert_int_equal(heap_live_blocks(heap), 1); /* the bench itself */
    heap_free(heap);
}

/* One request; `body` is what the market answers when it is let. Returns the body that the client gets. */
static inline const char *bench_ask(struct bench *bench, int64_t at_s, enum api_call call, int64_t id, const char *body)
{
    buffer_clear(&bench->reply.body);
    bench->reply.status = 0;
    injector_http(bench->injector, at_s * NS_PER_S, call, id, &bench->verdict, &bench->reply);
    if (!bench->verdict.answered) {
        bench->reply.status = 200;
        (void)text_copy(bench->reply.content_type, sizeof bench->reply.content_type, "application/json");
        buffer_append_text(&bench->reply.body, body);
        injector_rewrite(bench->injector, at_s * NS_PER_S, &bench->verdict, call, &bench->reply);
    }
    return buffer_text(&bench->reply.body);
}

/* True when nothing at all happens to the exchange. */
static inline bool bench_untouched(const struct bench *bench)
{
    const struct http_verdict *verdict = &bench->verdict;
    return !verdict->answered && !verdict->pretended && verdict->rewrites == 0 && verdict->extra_delay_ns == 0 &&
           verdict->fate_before == FATE_DELIVERED && verdict->fate_after == FATE_DELIVERED;
}

#endif
