/*
 * The stores: the ledger in the state folder, and the events store, which is chosen here by its URL.
 *
 * SQLite's calls block, so they are made on the loop's stack between two turns; each takes what its fsync takes. PostgreSQL's do not
 * (postgres_store.h). The events store is opened by the first statement that wants it, and one that cannot be opened answers every
 * statement with the reason.
 */
#include <string.h>

#include "system/files.h"
#include "world/live/live_sides.h"
#include "world/live/postgres_store.h"
#include "world/live/sqlite_store.h"

enum { URL_SIZE = FILE_PATH_SIZE + 32 };

struct live_store {
    struct sqlite_store *ledger;
    struct sqlite_store *events;
    struct postgres_store *postgres;    /* instead of `events`; NULL: not meant, or not to be opened */
    struct store_result events_refused; /* why there is no events store; code ERR_OK while there is no reason */
};

/* A statement that waits for the loop. */
struct pending_statement {
    struct live_chore chore;
    struct live_world *live;
    struct store_call *call;
};

/* ---- Opening ------------------------------------------------------------------------------------------------------------ */

/* Connects to nothing yet: the first statement does. */
static void open_postgres(struct live_world *live)
{
    const char *url = live->options.events_url;
    struct error error;
    if (url != NULL && postgres_url_is(url) &&
        postgres_store_open(live->heap, live->reactor, url, &live->store->postgres, &error) != ERR_OK) {
        (void)store_result_set(&live->store->events_refused, "08001", error.message);
    }
}

enum error_code live_store_open(struct live_world *live, struct error *error)
{
    struct live_store *store = heap_alloc(live->heap, sizeof *store);
    if (store == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the ledger");
    }
    live->store = store;
    char url[URL_SIZE];
    if (!text_format(url, sizeof url, "sqlite:%s/ledger.sqlite", live->options.state_folder)) {
        return error_set(error, ERR_LEDGER_UNWRITABLE, "the state folder's name is too long");
    }
    open_postgres(live);
    struct wall_time now = clock_page_wall_now(live->clock);
    return sqlite_store_open(live->heap, url, STORE_LEDGER, now, &store->ledger, error);
}

void live_store_close(struct live_world *live)
{
    if (live->store == NULL) {
        return;
    }
    sqlite_store_close(live->store->ledger);
    sqlite_store_close(live->store->events);
    postgres_store_close(live->store->postgres);
    heap_release(live->heap, live->store);
    live->store = NULL;
}

static void open_events(struct live_world *live)
{
    struct live_store *store = live->store;
    char url[URL_SIZE];
    const char *given = live->options.events_url;
    if (given == NULL) {
        (void)text_format(url, sizeof url, "sqlite:%s/events.sqlite", live->options.state_folder);
        given = url;
    }
    struct error error;
    struct wall_time now = clock_page_wall_now(live->clock);
    if (sqlite_store_open(live->heap, given, STORE_EVENTS, now, &store->events, &error) != ERR_OK) {
        (void)store_result_set(&store->events_refused, "08001", error.message);
    }
}

/* ---- Statements --------------------------------------------------------------------------------------------------------- */

static void run(struct live_world *live, struct store_call *call)
{
    struct live_store *store = live->store;
    bool for_ledger = store_statement_database(call->statement) == STORE_LEDGER;
    if (!for_ledger && store->events == NULL && store->events_refused.code == ERR_OK) {
        open_events(live);
    }
    struct sqlite_store *chosen = for_ledger ? store->ledger : store->events;
    if (chosen == NULL) {
        *call->result = store->events_refused;
        return;
    }
    (void)sqlite_store_run(chosen, call->statement, call->values, call->value_count, call->row, call->row_context,
                           call->result);
}

static void run_pending(void *owner)
{
    struct pending_statement *pending = owner;
    struct store_call *call = pending->call;
    run(pending->live, call);
    call->pending = NULL;
    heap_release(pending->live->heap, pending);
    completion_finish(&call->done);
}

static bool goes_to_postgres(const struct live_world *live, const struct store_call *call)
{
    return live->store->postgres != NULL && store_statement_database(call->statement) == STORE_EVENTS;
}

void live_store_start(struct world *world, struct store_call *call)
{
    struct live_world *live = live_of(world);
    if (goes_to_postgres(live, call)) {
        postgres_store_start(live->store->postgres, call);
        return;
    }
    struct pending_statement *pending = heap_alloc(live->heap, sizeof *pending);
    if (pending == NULL) {
        (void)store_result_set(call->result, "53200", "no memory for the statement");
        completion_finish(&call->done);
        return;
    }
    pending->live = live;
    pending->call = call;
    call->pending = pending;
    live_call_soon(live, &pending->chore, run_pending, pending);
}

/* One of SQLite's has not begun yet, or it would be done. */
void live_store_abandon(struct world *world, struct store_call *call)
{
    struct live_world *live = live_of(world);
    if (goes_to_postgres(live, call)) {
        postgres_store_abandon(live->store->postgres, call);
        return;
    }
    struct pending_statement *pending = call->pending;
    if (pending != NULL) {
        live_call_off(&pending->chore);
        heap_release(live->heap, pending);
        call->pending = NULL;
    }
}

enum error_code live_store_ask_ledger(struct live_world *live, enum store_statement statement, store_row_function *row,
                                      void *context)
{
    struct store_result result;
    return sqlite_store_run(live->store->ledger, statement, NULL, 0, row, context, &result);
}
