#include "postgres_bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testing.h"

const char *bench_server_url(void)
{
    return getenv("DUMONT_TEST_POSTGRES");
}

void bench_ask(PGconn *session, const char *sql)
{
    PGresult *answer = PQexec(session, sql);
    ExecStatusType status = PQresultStatus(answer);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(session));
    }
    PQclear(answer);
}

int bench_set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->heap = heap_new();
    bench->clock = clock_page_real(bench->heap);
    bench->reactor = reactor_new(bench->heap, bench->clock);
    assert_non_null(bench->reactor);
    if (bench_server_url() != NULL) {
        bench->other = PQconnectdb(bench_server_url());
        bench_ask(bench->other, "SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public; "
                                "ALTER DATABASE postgres RESET default_transaction_read_only");
    }
    *state = bench;
    return 0;
}

int bench_tear_down(void **state)
{
    struct bench *bench = *state;
    postgres_store_close(bench->store);
    reactor_free(bench->reactor);
    clock_page_close(bench->clock);
    assert_int_equal(heap_live_blocks(bench->heap), 0);
    heap_free(bench->heap);
    PQfinish(bench->other);
    free(bench);
    return 0;
}

struct postgres_store *bench_open_store(struct bench *bench, const char *url)
{
    struct error error;
    struct postgres_store *store = NULL;
    if (postgres_store_open(bench->heap, bench->reactor, url, &store, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    return store;
}

/* Opens bench->store on the server; false where there is none. */
bool bench_open_on_server(struct bench *bench)
{
    if (bench_server_url() == NULL) {
        return false;
    }
    bench->store = bench_open_store(bench, bench_server_url());
    return true;
}

static void count_row(void *context, const struct store_value *columns, size_t count)
{
    struct bench *bench = context;
    assert_true(count > 0);
    bench->rows++;
    if (columns[0].kind == STORE_TEXT) {
        size_t length = strlen(bench->texts);
        assert_true(length + columns[0].text.length < sizeof bench->texts);
        memcpy(bench->texts + length, columns[0].text.at, columns[0].text.length);
        bench->texts[length + columns[0].text.length] = '\0';
    }
}

struct trial trial_of(struct bench *bench, enum store_statement statement)
{
    struct trial trial = {.call = {.statement = statement, .row = count_row, .row_context = bench}};
    trial.call.value_count = store_statement_parameters(statement);
    for (size_t i = 0; i < trial.call.value_count; i++) {
        trial.values[i] = store_int(5);
    }
    return trial;
}

void trial_start(struct postgres_store *store, struct trial *trial)
{
    trial->call.values = trial->values;
    trial->call.result = &trial->result;
    postgres_store_start(store, &trial->call);
}

void bench_wait(struct bench *bench, const struct completion *done)
{
    while (!done->finished) {
        reactor_turn(bench->reactor, true);
    }
}

void bench_turn_for(struct bench *bench, int64_t duration_ns)
{
    int64_t end_ns = monotonic_now_ns() + duration_ns;
    while (monotonic_now_ns() < end_ns) {
        reactor_turn(bench->reactor, false);
        (void)usleep(500);
    }
}

struct store_result bench_run(struct bench *bench, struct postgres_store *store, enum store_statement statement)
{
    struct trial trial = trial_of(bench, statement);
    bench->rows = 0;
    bench->texts[0] = '\0';
    trial_start(store, &trial);
    assert_false(trial.call.done.finished); /* nothing happens on the caller's stack */
    bench_wait(bench, &trial.call.done);
    assert_null(trial.call.pending);
    return trial.result;
}

void bench_expect(struct bench *bench, enum store_statement statement, const char *sqlstate)
{
    struct store_result result = bench_run(bench, bench->store, statement);
    if (strcmp(result.sqlstate, sqlstate) != 0) {
        fail_msg("%s: %s, not %s", result.sqlstate, result.message, sqlstate);
    }
}

struct store_result bench_migrate(struct bench *bench, struct postgres_store *store)
{
    struct postgres_migration migration = {.now = bench_now};
    postgres_store_migrate(store, &migration);
    bench_wait(bench, &migration.done);
    return migration.result;
}

void bench_lock_tables(struct bench *bench)
{
    assert_int_equal(bench_migrate(bench, bench->store).code, ERR_OK);
    bench_ask(bench->other, "BEGIN; LOCK TABLE webhook_configs IN ACCESS EXCLUSIVE MODE");
}
