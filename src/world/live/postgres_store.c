#include "world/live/postgres_store.h"

#include <assert.h>
#include <string.h>

#include "world/live/postgres_state.h"

/* Takes the first job out of the queue. */
static struct store_call *take_first(struct postgres_store *store)
{
    struct postgres_job *job = store->first;
    struct store_call *call = job->call;
    store->first = job->next;
    if (store->first == NULL) {
        store->last = NULL;
    }
    heap_release(store->heap, job);
    return call;
}

static void first_is_done(void *owner)
{
    struct postgres_store *store = owner;
    struct store_call *call = take_first(store);
    store->busy = false;
    call->pending = NULL;
    completion_finish(&call->done);
    /* Not from here: a row of failures would nest. */
    if (store->first != NULL && !postgres_kick(store)) {
        while (store->first != NULL) {
            call = take_first(store);
            (void)store_result_set(call->result, "53200", "out of memory");
            call->pending = NULL;
            completion_finish(&call->done);
        }
    }
}

static void look_at_queue(void *owner)
{
    struct postgres_store *store = owner;
    if (store->dropping) {
        postgres_link_drop(&store->link);
        store->dropping = false;
        store->busy = false;
    }
    if (store->busy || store->first == NULL) {
        return;
    }
    const struct store_call *call = store->first->call;
    const struct postgres_query query = {
        .sql = store_statement_sql(call->statement),
        .values = call->values,
        .value_count = call->value_count,
        .row = store_statement_columns(call->statement) > 0 ? call->row : NULL,
        .row_context = call->row_context,
        .result = call->result,
        .done = first_is_done,
        .owner = store,
    };
    store->busy = true;
    postgres_link_run(&store->link, &query);
}

bool postgres_kick(struct postgres_store *store)
{
    return reactor_is_armed(&store->kick) ||
           reactor_arm(store->reactor, &store->kick, REACTOR_REAL, monotonic_now_ns(), look_at_queue, store);
}

void postgres_store_start(struct postgres_store *store, struct store_call *call)
{
    assert(store_statement_database(call->statement) == STORE_EVENTS);
    assert(store_statement_parameters(call->statement) == call->value_count);
    struct postgres_job *job = heap_alloc(store->heap, sizeof *job);
    if (job == NULL || !postgres_kick(store)) {
        heap_release(store->heap, job);
        (void)store_result_set(call->result, "53200", "out of memory");
        completion_finish(&call->done);
        return;
    }
    job->call = call;
    call->pending = job;
    if (store->last == NULL) {
        store->first = job;
    } else {
        store->last->next = job;
    }
    store->last = job;
}

void postgres_store_abandon(struct postgres_store *store, struct store_call *call)
{
    struct postgres_job *job = call->pending;
    if (job == NULL) {
        return;
    }
    call->pending = NULL;
    if (job == store->first) {
        (void)take_first(store);
        /* The link must not touch the call again, so it goes now; without memory for a kick, with the next statement. */
        if (store->busy) {
            store->dropping = true;
            postgres_link_forget(&store->link);
        }
        (void)postgres_kick(store);
        return;
    }
    struct postgres_job *before = store->first;
    while (before->next != job) {
        before = before->next;
    }
    before->next = job->next;
    if (store->last == job) {
        store->last = before;
    }
    heap_release(store->heap, job);
}

enum error_code postgres_store_open(struct heap *heap, struct reactor *reactor, const char *url,
                                    struct postgres_store **out, struct error *error)
{
    enum error_code code = postgres_url_check(url, error);
    if (code != ERR_OK) {
        return code;
    }
    struct postgres_store *store = heap_alloc(heap, sizeof *store);
    char *copy = store == NULL ? NULL : heap_alloc(heap, strlen(url) + 1);
    if (copy == NULL) {
        heap_release(heap, store);
        return error_set(error, ERR_NO_MEMORY, "no memory for the events store");
    }
    (void)text_copy(copy, strlen(url) + 1, url);
    store->heap = heap;
    store->reactor = reactor;
    store->url = copy;
    postgres_link_init(&store->link, reactor, copy);
    *out = store;
    return ERR_OK;
}

void postgres_store_close(struct postgres_store *store)
{
    if (store == NULL) {
        return;
    }
    while (store->first != NULL) {
        take_first(store)->pending = NULL;
    }
    reactor_disarm(store->reactor, &store->kick);
    postgres_link_drop(&store->link);
    memset(store->url, 0, strlen(store->url)); /* it may hold a password */
    heap_release(store->heap, store->url);
    heap_release(store->heap, store);
}
