/*
 * Rig: one market with a book, a recorder of its events and a way to ask it things, for the tests of this folder.
 */
#ifndef TESTS_MARKET_RIG_H
#define TESTS_MARKET_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <string.h>

#include "fakes/market/market.h"
#include "fakes/market/offer_book.h"

#define RIG_KEY "the-key-of-the-account"
#define RIG_EPOCH_S INT64_C(1767381138)

enum { RIG_EVENTS_MAX = 4096, RIG_BODY_MAX = 1 << 24 };

struct rig {
    struct heap *heap;
    struct offer_book *book;
    struct market *market;
    struct machine_timeline timeline; /* of each new machine */
    struct market_event events[RIG_EVENTS_MAX];
    size_t event_count;
    struct http_reply reply;
};

static inline void rig_on_event(void *context, const struct market_event *event)
{
    struct rig *rig = context;
    assert_true(rig->event_count < RIG_EVENTS_MAX);
    rig->events[rig->event_count++] = *event;
}

static inline void rig_on_timeline(void *context, int64_t now_ns, uint32_t contract, struct machine_timeline *out)
{
    const struct rig *rig = context;
    (void)now_ns;
    (void)contract;
    *out = rig->timeline;
}

static inline struct market_options rig_options(struct rig *rig)
{
    struct market_options options = {
        .seed = 7,
        .epoch = {RIG_EPOCH_S * NS_PER_S},
        .api_key = RIG_KEY,
        .ssh_public_key = "ssh-ed25519 AAAA someone@example",
        .credit_nusd = 10 * NUSD_PER_USD,
        .offers = rig->book,
        .timeline = rig_on_timeline,
        .event = rig_on_event,
        .context = rig,
    };
    market_switches_defaults(&options.switches);
    options.switches.sample_period_ns = 0;
    return options;
}

static inline struct offer_book_options rig_book_options(uint64_t seed)
{
    return (struct offer_book_options){.seed = seed, .listed_at = {RIG_EPOCH_S * NS_PER_S}};
}

/* created at 2 s, loading at 5 s, running at 60 s. */
static inline struct machine_timeline rig_usual_life(void)
{
    return (struct machine_timeline){
        .statuses = {{2 * NS_PER_S, ACTUAL_CREATED, NULL},
                     {5 * NS_PER_S, ACTUAL_LOADING, NULL},
                     {60 * NS_PER_S, ACTUAL_RUNNING, NULL}},
        .status_count = 3,
    };
}

static inline void rig_start(struct rig *rig, size_t offers)
{
    memset(rig, 0, sizeof *rig);
    rig->heap = heap_new();
    assert_non_null(rig->heap);
    struct offer_book_options options = rig_book_options(7);
    rig->book = offer_book_generate(rig->heap, &options, offers);
    assert_non_null(rig->book);
    rig->timeline = rig_usual_life();
    struct market_options market = rig_options(rig);
    rig->market = market_new(rig->heap, &market);
    assert_non_null(rig->market);
    buffer_init(&rig->reply.body, rig->heap, RIG_BODY_MAX);
}

/* The market anew with other options; the book stays. */
static inline void rig_restart(struct rig *rig, struct market_options options)
{
    market_free(rig->market);
    rig->event_count = 0;
    rig->market = market_new(rig->heap, &options);
    assert_non_null(rig->market);
}

static inline void rig_end(struct rig *rig)
{
    buffer_release(&rig->reply.body);
    market_free(rig->market);
    offer_book_free(rig->book);
    assert_int_equal(heap_live_blocks(rig->heap), 0);
    heap_free(rig->heap);
}

static inline int rig_ask(struct rig *rig, int64_t now_ns, enum http_method method, const char *path,
                          const char *bearer, struct span body)
{
    struct http_request request = {.method = method, .path = path, .bearer = bearer, .body = body};
    buffer_clear(&rig->reply.body);
    rig->reply.status = 0;
    market_handle(rig->market, now_ns, &request, &rig->reply);
    assert_string_equal(rig->reply.content_type, "application/json");
    return rig->reply.status;
}

/* Asks with the account's key; the answer must be JSON of that status. Freed by cJSON_Delete(). */
static inline cJSON *rig_json(struct rig *rig, int64_t now_ns, enum http_method method, const char *path,
                              const char *body, int status)
{
    assert_int_equal(rig_ask(rig, now_ns, method, path, RIG_KEY, span_of(body)), status);
    cJSON *json = cJSON_Parse(buffer_text(&rig->reply.body));
    assert_non_null(json);
    return json;
}

static inline const cJSON *rig_member(const cJSON *object, const char *key)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    if (member == NULL) {
        fail_msg("there is no %s", key);
    }
    return member;
}

static inline const char *rig_text(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(rig_member(object, key));
    assert_non_null(text);
    return text;
}

/* Asks and compares one text of the answer. */
static inline void rig_expect(struct rig *rig, int64_t now_ns, enum http_method method, const char *path,
                              const char *body, int status, const char *key, const char *value)
{
    cJSON *json = rig_json(rig, now_ns, method, path, body, status);
    assert_string_equal(rig_text(json, key), value);
    cJSON_Delete(json);
}

/* The nth that can be rented and has a machine of its own. */
static inline const struct offer *rig_rentable_offer(const struct rig *rig, size_t nth)
{
    for (size_t i = 0;; i++) {
        const struct offer *offer = offer_book_at(rig->book, i);
        bool alone = offer_book_machine(rig->book, offer_book_machine_of(rig->book, i))->slices == 1;
        if (alone && offer->rentable != 0 && nth-- == 0) {
            return offer;
        }
    }
}

/* Rents the offer with 20 GB; the contract's id. */
static inline int64_t rig_rent(struct rig *rig, int64_t now_ns, const struct offer *offer, const char *label)
{
    char path[64];
    char body[2048];
    (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)offer->id);
    (void)text_format(body, sizeof body,
                      "{\"image\":\"nvidia/cuda:12.1.0\",\"disk\":20,\"label\":\"%s\",\"onstart\":\"true\"}", label);
    cJSON *json = rig_json(rig, now_ns, HTTP_PUT, path, body, 200);
    int64_t id = (int64_t)rig_member(json, "new_contract")->valuedouble;
    cJSON_Delete(json);
    return id;
}

static inline const char *rig_instance_path(int64_t id)
{
    static _Thread_local char path[64];
    (void)text_format(path, sizeof path, "/api/v0/instances/%lld/", (long long)id);
    return path;
}

static inline cJSON *rig_show(struct rig *rig, int64_t now_ns, int64_t id)
{
    cJSON *json = rig_json(rig, now_ns, HTTP_GET, rig_instance_path(id), "", 200);
    cJSON *instance = cJSON_DetachItemFromObjectCaseSensitive(json, "instances");
    assert_true(cJSON_IsObject(instance));
    cJSON_Delete(json);
    return instance;
}

static inline void rig_destroy(struct rig *rig, int64_t now_ns, int64_t id)
{
    cJSON_Delete(rig_json(rig, now_ns, HTTP_DELETE, rig_instance_path(id), "{}", 200));
}

#endif
