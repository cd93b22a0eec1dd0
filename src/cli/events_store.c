#include "cli/events_store.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "system/files.h"
#include "world/live/postgres_store.h"
#include "world/live/sqlite_store.h"

enum { URL_SIZE = FILE_PATH_SIZE + 32 };

/* More than the server's own limits, which have a reason to tell. */
static const int64_t statement_limit_ns = 10 * NS_PER_S;
static const int64_t migration_limit_ns = 120 * NS_PER_S;

struct events_store {
    struct heap *heap;
    struct sqlite_store *sqlite; /* NULL: PostgreSQL is meant */
    struct clock_page *clock;
    struct reactor *reactor;
    struct postgres_store *postgres;
    struct reactor_timer limit;
};

static struct wall_time wall_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall_time){(int64_t)now.tv_sec * NS_PER_S + now.tv_nsec};
}

/* ---- Opening ------------------------------------------------------------------------------------------------------------ */

const char *events_store_url(void)
{
    const char *given = getenv("DUMONT_DATABASE");
    return given == NULL || given[0] == '\0' ? NULL : given;
}

enum error_code events_store_judge(struct error *error)
{
    const char *given = events_store_url();
    if (given == NULL) {
        return ERR_OK;
    }
    enum error_code code = postgres_url_is(given) ? postgres_url_check(given, error) : sqlite_url_check(given, error);
    if (code != ERR_OK) {
        error_wrap(error, "DUMONT_DATABASE");
    }
    return code;
}

static enum error_code open_postgres(struct events_store *store, const char *url, struct error *error)
{
    store->clock = clock_page_real(store->heap);
    store->reactor = store->clock == NULL ? NULL : reactor_new(store->heap, store->clock);
    if (store->reactor == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory to open the events store");
    }
    return postgres_store_open(store->heap, store->reactor, url, &store->postgres, error);
}

static enum error_code open_kind(struct events_store *store, struct error *error)
{
    char url[URL_SIZE];
    char folder[FILE_PATH_SIZE];
    const char *given = events_store_url();
    if (given != NULL && postgres_url_is(given)) {
        return open_postgres(store, given, error);
    }
    if (given == NULL) {
        enum error_code code = state_folder_path(folder, error);
        if (code != ERR_OK) {
            return code;
        }
        (void)text_format(url, sizeof url, "sqlite:%s/events.sqlite", folder);
        given = url;
    }
    return sqlite_store_open(store->heap, given, STORE_EVENTS, wall_now(), &store->sqlite, error);
}

enum error_code events_store_open(struct heap *heap, struct events_store **out, struct error *error)
{
    struct events_store *store = heap_alloc(heap, sizeof *store);
    if (store == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory to open the events store");
    }
    store->heap = heap;
    enum error_code code = events_store_judge(error);
    code = code == ERR_OK ? open_kind(store, error) : code;
    if (code != ERR_OK) {
        events_store_close(store);
        return code;
    }
    *out = store;
    return ERR_OK;
}

void events_store_close(struct events_store *store)
{
    if (store == NULL) {
        return;
    }
    sqlite_store_close(store->sqlite);
    postgres_store_close(store->postgres);
    if (store->reactor != NULL) {
        reactor_disarm(store->reactor, &store->limit);
    }
    reactor_free(store->reactor);
    clock_page_close(store->clock);
    heap_release(store->heap, store);
}

/* ---- Asking ------------------------------------------------------------------------------------------------------------- */

static void pass_limit(void *owner)
{
    *(bool *)owner = true;
}

/* Turns the loop until `done`; false when that takes longer than `limit_ns`. */
static bool wait_for(struct events_store *store, const struct completion *done, int64_t limit_ns)
{
    bool passed = false;
    int64_t due_ns = monotonic_now_ns() + limit_ns;
    bool armed = reactor_arm(store->reactor, &store->limit, REACTOR_REAL, due_ns, pass_limit, &passed);
    while (armed && !passed && !done->finished) {
        reactor_turn(store->reactor, true);
    }
    reactor_disarm(store->reactor, &store->limit);
    return done->finished;
}

enum error_code events_store_run(struct events_store *store, enum store_statement statement,
                                 const struct store_value *values, size_t count, store_row_function *on_row,
                                 void *context, struct store_result *result)
{
    if (store->sqlite != NULL) {
        return sqlite_store_run(store->sqlite, statement, values, count, on_row, context, result);
    }
    struct store_call call = {
        .statement = statement,
        .values = values,
        .value_count = count,
        .row = on_row,
        .row_context = context,
        .result = result,
    };
    postgres_store_start(store->postgres, &call);
    if (!wait_for(store, &call.done, statement_limit_ns)) {
        postgres_store_abandon(store->postgres, &call);
        return store_result_set(result, "08006", "no answer in time");
    }
    return result->code;
}

enum error_code events_store_migrate(struct events_store *store, store_migration_function *on_applied, void *context,
                                     struct store_result *result)
{
    if (store->sqlite != NULL) {
        return sqlite_store_migrate(store->sqlite, wall_now(), on_applied, context, result);
    }
    struct postgres_migration migration = {.now = wall_now(), .on_applied = on_applied, .context = context};
    postgres_store_migrate(store->postgres, &migration);
    if (!wait_for(store, &migration.done, migration_limit_ns)) {
        postgres_store_close(store->postgres); /* which must not touch the migration again */
        store->postgres = NULL;
        return store_result_set(result, "08006", "no answer in time");
    }
    *result = migration.result;
    return result->code;
}

enum error_code events_store_refuse(const struct store_result *result, struct error *error)
{
    (void)error_set(error, result->code, "events store: %s (SQLSTATE %s)", result->message, result->sqlstate);
    if (result->code == ERR_STORE_TABLE_MISSING) {
        error_advise(error, "make its tables: dumont events migrate");
    }
    return result->code;
}

/* ---- The spool ---------------------------------------------------------------------------------------------------------- */

enum error_code events_spool_list(struct heap *heap, store_row_function *on_row, void *context, struct error *error)
{
    char folder[FILE_PATH_SIZE];
    char url[URL_SIZE];
    if (state_folder_path(folder, error) != ERR_OK) {
        return ERR_OK; /* then there is none */
    }
    (void)text_format(url, sizeof url, "sqlite:%s/ledger.sqlite", folder);
    if (access(url + sizeof "sqlite:" - 1, F_OK) != 0) {
        return ERR_OK;
    }
    struct sqlite_store *ledger = NULL;
    struct store_result result;
    const struct store_value from[] = {store_int(INT64_MIN), store_text(""), store_int(INT64_MAX)};
    enum error_code code = sqlite_store_open(heap, url, STORE_LEDGER, wall_now(), &ledger, error);
    if (code != ERR_OK) {
        return code;
    }
    if (sqlite_store_run(ledger, STORE_SPOOL_LIST, from, ARRAY_LENGTH(from), on_row, context, &result) != ERR_OK) {
        code = error_set(error, result.code, "spool of events: %s (SQLSTATE %s)", result.message, result.sqlstate);
    }
    sqlite_store_close(ledger);
    return code;
}
