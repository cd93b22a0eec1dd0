/* What befalls a store on a real PostgreSQL server. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "postgres_bench.h"

static struct store_result add_event(struct bench *bench, struct span id, struct span payload)
{
    struct trial trial = trial_of(bench, STORE_EVENT_ADD);
    trial.values[0] = (struct store_value){.kind = STORE_TEXT, .text = id};
    trial.values[1] = store_text("k");
    trial.values[3] = (struct store_value){.kind = STORE_TEXT, .text = payload};
    trial_start(bench->store, &trial);
    bench_wait(bench, &trial.call.done);
    return trial.result;
}

/* The fault of the recorded run: its SQLSTATE and its words, statement after statement, until the tables are made. */
static void test_a_migration_not_applied_is_42P01(void **state)
{
    struct bench *bench = *state;
    if (!bench_open_on_server(bench)) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        struct store_result result = bench_run(bench, bench->store, STORE_SUBSCRIBERS);
        assert_int_equal(result.code, ERR_STORE_TABLE_MISSING);
        assert_string_equal(result.sqlstate, "42P01");
        assert_string_equal(result.message, "relation \"webhook_configs\" does not exist");
    }
    assert_int_equal(bench_migrate(bench, bench->store).code, ERR_OK);
    bench_expect(bench, STORE_SUBSCRIBERS, "00000");
}

static void count_applied(void *context, const char *name)
{
    (void)name;
    ++*(int *)context;
}

/* Several who migrate at a time apply each migration once between them. */
static void test_migrations_at_a_time_are_applied_once(void **state)
{
    enum { RIVALS = 4 };
    struct bench *bench = *state;
    if (bench_server_url() == NULL) {
        return;
    }
    struct postgres_store *stores[RIVALS];
    struct postgres_migration migrations[RIVALS];
    int applied = 0;
    for (size_t i = 0; i < RIVALS; i++) {
        stores[i] = bench_open_store(bench, bench_server_url());
        migrations[i] = (struct postgres_migration){.now = bench_now, .on_applied = count_applied, .context = &applied};
        postgres_store_migrate(stores[i], &migrations[i]);
    }
    for (size_t i = 0; i < RIVALS; i++) {
        bench_wait(bench, &migrations[i].done);
        assert_string_equal(migrations[i].result.message, "");
        assert_int_equal(migrations[i].result.code, ERR_OK);
        postgres_store_close(stores[i]);
    }
    assert_int_equal(applied, store_migration_count(STORE_EVENTS));
}

/* A migration that fails leaves nothing of itself, and succeeds once its obstacle is gone. */
static void test_a_migration_is_whole_or_absent(void **state)
{
    struct bench *bench = *state;
    if (!bench_open_on_server(bench)) {
        return;
    }
    bench_ask(bench->other, "CREATE TABLE webhook_deliveries (x INTEGER)");
    struct store_result result = bench_migrate(bench, bench->store);
    assert_string_equal(result.sqlstate, "42P07");
    bench_expect(bench, STORE_SUBSCRIBERS, "42P01");
    bench_ask(bench->other, "DROP TABLE webhook_deliveries");
    assert_int_equal(bench_migrate(bench, bench->store).code, ERR_OK);
    bench_expect(bench, STORE_SUBSCRIBERS, "00000");
}

/* A store that may only be read says 25006; once that is over the next statement works, for it comes over a new connection. */
static void test_a_read_only_server_is_left(void **state)
{
    struct bench *bench = *state;
    if (!bench_open_on_server(bench)) {
        return;
    }
    assert_int_equal(bench_migrate(bench, bench->store).code, ERR_OK);
    postgres_store_close(bench->store);
    bench_ask(bench->other, "ALTER DATABASE postgres SET default_transaction_read_only = on");
    (void)bench_open_on_server(bench);
    struct store_result result = add_event(bench, span_of("e1"), span_of("{}"));
    assert_string_equal(result.sqlstate, "25006");
    assert_int_equal(result.code, ERR_STORE_UNAVAILABLE);
    bench_ask(bench->other,
              "SET default_transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only");
    assert_int_equal(add_event(bench, span_of("e1"), span_of("{}")).code, ERR_OK);
}

/* With every connection taken a statement is refused with 53300, and works when one is free again. */
static void test_a_server_full_of_connections_is_unavailable(void **state)
{
    enum { MOST = 64 };
    struct bench *bench = *state;
    if (!bench_open_on_server(bench)) {
        return;
    }
    PGconn *sessions[MOST];
    size_t count = 0;
    do {
        assert_true(count < MOST);
        sessions[count++] = PQconnectdb(bench_server_url());
    } while (PQstatus(sessions[count - 1]) == CONNECTION_OK);
    struct store_result result = bench_run(bench, bench->store, STORE_SUBSCRIBERS);
    assert_string_equal(result.sqlstate, "53300");
    assert_int_equal(result.code, ERR_STORE_UNAVAILABLE);
    assert_string_equal(result.message, "cannot connect: sorry, too many clients already");
    while (count > 0) {
        PQfinish(sessions[--count]);
    }
    int64_t end_ns = monotonic_now_ns() + 10 * NS_PER_S; /* a server process takes a moment to end */
    while (strcmp(result.sqlstate, "53300") == 0 && monotonic_now_ns() < end_ns) {
        result = bench_run(bench, bench->store, STORE_SUBSCRIBERS);
    }
    assert_string_equal(result.sqlstate, "42P01");
}

/* A statement that hangs on a lock can be given up at any time; the next one does not wait for it. */
static void test_a_statement_that_hangs_is_given_up(void **state)
{
    struct bench *bench = *state;
    if (!bench_open_on_server(bench)) {
        return;
    }
    bench_lock_tables(bench);
    struct trial hung = trial_of(bench, STORE_SUBSCRIBERS);
    trial_start(bench->store, &hung);
    bench_turn_for(bench, 50 * NS_PER_MS);
    assert_false(hung.call.done.finished);
    postgres_store_abandon(bench->store, &hung.call);
    assert_null(hung.call.pending);
    hung.call.result = NULL; /* and is not touched again */
    hung.call.row = NULL;
    bench_expect(bench, STORE_EVENTS_LIST, "00000");
    bench_ask(bench->other, "COMMIT");
    bench_turn_for(bench, 20 * NS_PER_MS);
    assert_false(hung.call.done.finished);
}

/* The server's own words count when it ends a session in the middle of a statement; the next statement connects anew. */
static void test_an_ended_session_is_57P01(void **state)
{
    struct bench *bench = *state;
    if (!bench_open_on_server(bench)) {
        return;
    }
    bench_lock_tables(bench);
    struct trial hung = trial_of(bench, STORE_SUBSCRIBERS);
    trial_start(bench->store, &hung);
    bench_turn_for(bench, 50 * NS_PER_MS);
    bench_ask(bench->other, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dumont'");
    bench_wait(bench, &hung.call.done);
    assert_string_equal(hung.result.sqlstate, "57P01");
    assert_int_equal(hung.result.code, ERR_STORE_UNAVAILABLE);
    bench_ask(bench->other, "COMMIT");
    bench_expect(bench, STORE_SUBSCRIBERS, "00000");
}

/* A connection that ended while nobody used it is no failure of the statement that comes next. */
static void test_an_idle_connection_may_end(void **state)
{
    struct bench *bench = *state;
    if (!bench_open_on_server(bench)) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        bench_expect(bench, STORE_SUBSCRIBERS, "42P01");
        bench_ask(bench->other,
                  "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'dumont'");
        bench_turn_for(bench, 10 * NS_PER_MS);
    }
    bench_expect(bench, STORE_SUBSCRIBERS, "42P01");
}

/* What was started together is done in that order; what is given up in the queue is not done. */
static void test_statements_are_done_in_the_order_of_their_start(void **state)
{
    struct bench *bench = *state;
    if (!bench_open_on_server(bench)) {
        return;
    }
    assert_int_equal(bench_migrate(bench, bench->store).code, ERR_OK);
    struct trial trials[5];
    char names[5][2] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < ARRAY_LENGTH(trials); i++) {
        trials[i] = trial_of(bench, STORE_EVENT_ADD);
        trials[i].values[0] = store_text(names[i]);
        trials[i].values[1] = store_text("k");
        trials[i].values[3] = store_text("{}");
        trial_start(bench->store, &trials[i]);
    }
    postgres_store_abandon(bench->store, &trials[1].call);
    postgres_store_abandon(bench->store, &trials[4].call);
    bench_wait(bench, &trials[2].call.done);
    assert_true(trials[0].call.done.finished);
    bench_wait(bench, &trials[3].call.done);
    postgres_store_abandon(bench->store, &trials[3].call); /* harmless: it is done */
    bench_expect(bench, STORE_EVENTS_LIST, "00000");
    assert_int_equal(bench->rows, 3);
    assert_string_equal(bench->texts, "dca"); /* the newest first */
}

/* Texts arrive as they are; one that is no text to the server is refused, whatever follows its NUL. */
static void test_texts_arrive_byte_by_byte(void **state)
{
    struct bench *bench = *state;
    if (!bench_open_on_server(bench)) {
        return;
    }
    assert_int_equal(bench_migrate(bench, bench->store).code, ERR_OK);
    static const char odd[] = "\\x41 'quoted' \"double\" $1 ?1 %s \xc3\xa9\n";
    assert_string_equal(add_event(bench, (struct span){"a\0b", 3}, span_of("{}")).sqlstate, "22021");
    assert_string_equal(add_event(bench, span_of("\xff"), span_of("{}")).sqlstate, "22021");
    assert_int_equal(add_event(bench, span_of(odd), span_of("")).code, ERR_OK);
    bench_expect(bench, STORE_EVENTS_LIST, "00000");
    assert_int_equal(bench->rows, 1);
    assert_string_equal(bench->texts, odd);
}

/* The URL over the port, with another word at `place` in it. */
static void vary_url(char out[URL_SIZE], const char *place, const char *other)
{
    const char *url = getenv("DUMONT_TEST_POSTGRES_TCP");
    const char *at = strstr(url, place);
    assert_non_null(at);
    text_format(out, URL_SIZE, "%.*s%s%s", (int)(at - url), url, other, at + strlen(place));
}

/* A password that is right lets in, by a name that was looked up too; what is refused says so without it. */
static void test_a_password_is_sent_and_never_shown(void **state)
{
    static const struct {
        const char *place, *other, *sqlstate, *message;
    } cases[] = {
        {"/postgres", "/postgres", "42P01", "relation"},
        {"127.0.0.1", "localhost", "42P01", "relation"},
        {"hidden-word", "other-word", "28P01", "cannot connect: password authentication failed for user \"postgres\""},
        {"/postgres", "/nowhere", "3D000", "cannot connect: database \"nowhere\" does not exist"},
        {"hidden-word", "", "08001", "cannot connect: fe_sendauth: no password supplied"},
    };
    struct bench *bench = *state;
    for (size_t i = 0; bench_server_url() != NULL && i < ARRAY_LENGTH(cases); i++) {
        char url[URL_SIZE];
        if (cases[i].place[0] == '/') { /* the last part, not the user */
            const char *given = getenv("DUMONT_TEST_POSTGRES_TCP");
            text_format(url, sizeof url, "%.*s%s", (int)(strrchr(given, '/') - given), given, cases[i].other);
        } else {
            vary_url(url, cases[i].place, cases[i].other);
        }
        struct postgres_store *store = bench_open_store(bench, url);
        struct store_result result = bench_run(bench, store, STORE_SUBSCRIBERS);
        assert_string_equal(result.sqlstate, cases[i].sqlstate);
        if (strstr(result.message, cases[i].message) == NULL || strstr(result.message, "-word") != NULL) {
            fail_msg("%s", result.message);
        }
        postgres_store_close(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, bench_set_up, bench_tear_down)
        LAW(test_a_migration_not_applied_is_42P01),
        LAW(test_migrations_at_a_time_are_applied_once),
        LAW(test_a_migration_is_whole_or_absent),
        LAW(test_a_read_only_server_is_left),
        LAW(test_a_server_full_of_connections_is_unavailable),
        LAW(test_a_statement_that_hangs_is_given_up),
        LAW(test_an_ended_session_is_57P01),
        LAW(test_an_idle_connection_may_end),
        LAW(test_statements_are_done_in_the_order_of_their_start),
        LAW(test_texts_arrive_byte_by_byte),
        LAW(test_a_password_is_sent_and_never_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
