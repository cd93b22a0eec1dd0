/*
 * One contract, four stores: the same statements against SQLite on disk, SQLite in memory, PostgreSQL (its events, on the server that
 * with_postgres.py starts) and the memory store of the virtual world give the same rows in the same order, the same errors and the
 * same SQLSTATEs.
 */
#include "testing.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/store/memory_store.h"
#include "world/live/postgres_store.h"
#include "world/live/sqlite_store.h"

enum store_kind { MEMORY, SQLITE_NAMELESS, SQLITE_FILE, POSTGRES, STORE_KINDS };

enum { TRANSCRIPT_MAX = 65536 };

static const struct wall_time now = {INT64_C(1767381138000000000)};

/* A ledger and an events database of one kind, and all that was seen of them. */
struct stage {
    struct heap *heap;
    struct sqlite_store *sqlite[STORE_DATABASE_COUNT]; /* NULL: another is meant */
    struct memory_store *memory;
    struct clock_page *clock;
    struct reactor *reactor;
    struct postgres_store *postgres;
    char folder[64];
    char events_path[96];
    struct buffer transcript;
};

static struct sqlite_store *open_sqlite(struct stage *stage, enum store_database database, const char *url)
{
    struct error error;
    struct sqlite_store *store = NULL;
    if (sqlite_store_open(stage->heap, url, database, now, &store, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    return store;
}

/* Where with_postgres.py has one, or NULL. */
static const char *postgres_url(void)
{
    return getenv("DUMONT_TEST_POSTGRES");
}

/* What another program does to the database of the PostgreSQL server. */
static void ask_postgres(const char *sql)
{
    PGconn *other = PQconnectdb(postgres_url());
    PGresult *answer = PQexec(other, sql);
    if (PQresultStatus(answer) != PGRES_COMMAND_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(other));
    }
    PQclear(answer);
    PQfinish(other);
}

/* A database without tables. */
static void open_postgres(struct stage *stage)
{
    struct error error;
    ask_postgres("SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    stage->clock = clock_page_real(stage->heap);
    stage->reactor = reactor_new(stage->heap, stage->clock);
    assert_non_null(stage->reactor);
    if (postgres_store_open(stage->heap, stage->reactor, postgres_url(), &stage->postgres, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
}

static void open_stage(struct stage *stage, enum store_kind kind)
{
    *stage = (struct stage){.heap = heap_new()};
    buffer_init(&stage->transcript, stage->heap, TRANSCRIPT_MAX);
    if (kind == MEMORY) {
        stage->memory = memory_store_new(stage->heap);
        assert_non_null(stage->memory);
    } else if (kind == POSTGRES) {
        stage->sqlite[STORE_LEDGER] = open_sqlite(stage, STORE_LEDGER, "sqlite::memory:");
        open_postgres(stage);
    } else if (kind == SQLITE_NAMELESS) {
        stage->sqlite[STORE_LEDGER] = open_sqlite(stage, STORE_LEDGER, "sqlite::memory:");
        stage->sqlite[STORE_EVENTS] = open_sqlite(stage, STORE_EVENTS, "sqlite::memory:");
    } else {
        char url[128];
        strcpy(stage->folder, "/tmp/dumont-store-XXXXXX");
        assert_non_null(mkdtemp(stage->folder));
        text_format(url, sizeof url, "sqlite:%s/ledger", stage->folder);
        stage->sqlite[STORE_LEDGER] = open_sqlite(stage, STORE_LEDGER, url);
        text_format(stage->events_path, sizeof stage->events_path, "%s/events", stage->folder);
        text_format(url, sizeof url, "sqlite:%s", stage->events_path);
        stage->sqlite[STORE_EVENTS] = open_sqlite(stage, STORE_EVENTS, url);
    }
}

static void close_stage(struct stage *stage)
{
    memory_store_free(stage->memory);
    sqlite_store_close(stage->sqlite[STORE_LEDGER]);
    sqlite_store_close(stage->sqlite[STORE_EVENTS]);
    postgres_store_close(stage->postgres);
    reactor_free(stage->reactor);
    clock_page_close(stage->clock);
    static const char *const names[] = {"ledger", "events"};
    for (size_t i = 0; stage->folder[0] != '\0' && i < ARRAY_LENGTH(names); i++) {
        char path[128];
        text_format(path, sizeof path, "%s/%s", stage->folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    if (stage->folder[0] != '\0') {
        assert_int_equal(rmdir(stage->folder), 0);
    }
    buffer_release(&stage->transcript);
    assert_int_equal(heap_live_blocks(stage->heap), 0);
    heap_free(stage->heap);
}

static void note_row(void *context, const struct store_value *columns, size_t count)
{
    struct buffer *transcript = context;
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(transcript, i == 0 ? "  " : " | ");
        switch (columns[i].kind) {
        case STORE_NULL:
            buffer_append_text(transcript, "null");
            break;
        case STORE_INT:
            buffer_printf(transcript, "%lld", (long long)columns[i].integer);
            break;
        case STORE_TEXT:
            buffer_append_char(transcript, '\'');
            buffer_append(transcript, columns[i].text.at, columns[i].text.length);
            buffer_append_char(transcript, '\'');
            break;
        }
    }
    buffer_append_char(transcript, '\n');
}

static enum error_code run_on_postgres(struct stage *stage, enum store_statement statement, size_t count,
                                       const struct store_value *values, struct store_result *result)
{
    struct store_call call = {
        .statement = statement,
        .values = values,
        .value_count = count,
        .row = note_row,
        .row_context = &stage->transcript,
        .result = result,
    };
    postgres_store_start(stage->postgres, &call);
    while (!call.done.finished) {
        reactor_turn(stage->reactor, true);
    }
    assert_null(call.pending);
    return result->code;
}

static void run(struct stage *stage, enum store_statement statement, size_t count, const struct store_value *values)
{
    struct store_result result;
    struct sqlite_store *sqlite = stage->sqlite[store_statement_database(statement)];
    buffer_printf(&stage->transcript, "%s\n", store_statement_name(statement));
    enum error_code code;
    if (sqlite != NULL) {
        code = sqlite_store_run(sqlite, statement, values, count, note_row, &stage->transcript, &result);
    } else if (stage->postgres != NULL) {
        code = run_on_postgres(stage, statement, count, values, &result);
    } else {
        code = memory_store_run(stage->memory, statement, values, count, note_row, &stage->transcript, &result);
    }
    assert_int_equal(code, result.code);
    assert_int_equal(code, store_sqlstate_code(result.sqlstate));
    assert_true((code == ERR_OK) == (result.message[0] == '\0'));
    buffer_printf(&stage->transcript, "= %s %s\n", result.sqlstate, error_name(result.code));
}

#define RUN(stage, statement, ...)                                                                                     \
    run(stage, statement, sizeof((struct store_value[]){__VA_ARGS__}) / sizeof(struct store_value),                    \
        (struct store_value[]){__VA_ARGS__})

#define INT(value) store_int(value)
#define TEXT(value) store_text(value)
#define NIL store_null()

static void note_migration(void *context, const char *name)
{
    buffer_printf(context, "migrated %s\n", name);
}

static enum error_code migrate_postgres(struct stage *stage, struct store_result *result)
{
    struct postgres_migration migration = {.now = now, .on_applied = note_migration, .context = &stage->transcript};
    postgres_store_migrate(stage->postgres, &migration);
    while (!migration.done.finished) {
        reactor_turn(stage->reactor, true);
    }
    *result = migration.result;
    return result->code;
}

static void migrate(struct stage *stage, enum store_database database)
{
    struct store_result result;
    enum error_code code;
    if (stage->sqlite[database] != NULL) {
        code = sqlite_store_migrate(stage->sqlite[database], now, note_migration, &stage->transcript, &result);
    } else if (stage->postgres != NULL) {
        code = migrate_postgres(stage, &result);
    } else {
        code = memory_store_migrate(stage->memory, database, note_migration, &stage->transcript, &result);
    }
    assert_int_equal(code, ERR_OK);
    assert_int_equal(result.code, ERR_OK);
}

/* The program that adds webhooks is not ours; in SQLite it is any that opens the file. */
static void subscribe(struct stage *stage, int64_t id, const char *events, const char *secret, bool enabled)
{
    if (stage->memory != NULL) {
        struct store_result result;
        assert_int_equal(memory_store_subscribe(stage->memory, id, "http://a/", events, secret, enabled, &result),
                         ERR_OK);
        return;
    }
    char sql[256];
    sqlite3 *other;
    text_format(
        sql, sizeof sql,
        "INSERT INTO webhook_configs (id, url, events, secret, enabled) VALUES (%lld, 'http://a/', '%s', %s%s%s, %d)",
        (long long)id, events, secret == NULL ? "NULL" : "'", secret == NULL ? "" : secret, secret == NULL ? "" : "'",
        enabled ? 1 : 0);
    if (stage->postgres != NULL) {
        ask_postgres(sql);
        return;
    }
    assert_int_equal(sqlite3_open(stage->events_path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

/* What an act needs of a store. */
enum act_of { OF_LEDGER, OF_EVENTS, OF_SUBSCRIBERS /* another program cannot reach a database without a name */ };

/* Plays `act` on each kind of store it can be played on; each transcript must be `expected`. */
static void expect_of_all(void (*act)(struct stage *stage), const char *expected, enum act_of what)
{
    for (enum store_kind kind = 0; kind < STORE_KINDS; kind++) {
        if ((kind == SQLITE_NAMELESS && what == OF_SUBSCRIBERS) ||
            (kind == POSTGRES && (what == OF_LEDGER || postgres_url() == NULL))) {
            continue;
        }
        struct stage stage;
        open_stage(&stage, kind);
        act(&stage);
        assert_string_equal(buffer_text(&stage.transcript), expected);
        assert_false(stage.transcript.failed);
        close_stage(&stage);
    }
}

static void add_intent(struct stage *stage, const char *label, int64_t created_unix_ns)
{
    RUN(stage, STORE_INTENT_ADD, TEXT(label), TEXT("run-1"), TEXT("check"), INT(INT64_MAX), NIL, INT(168900000),
        INT(created_unix_ns));
}

static void act_open_intents(struct stage *stage)
{
    run(stage, STORE_INTENTS_OPEN, 0, NULL);
    add_intent(stage, "b", 20);
    add_intent(stage, "c", 10);
    add_intent(stage, "a", 20);
    add_intent(stage, "B", 20);
    add_intent(stage, "ab", 20);
    add_intent(stage, "", INT64_MIN);
    run(stage, STORE_INTENTS_OPEN, 0, NULL);
}

/* Open intents come oldest first, those of one moment by label, bytewise; new ones are 'intended' without an instance. */
static void test_open_intents_come_in_the_order_of_their_creation(void **state)
{
    (void)state;
    expect_of_all(
        act_open_intents,
        "INTENTS_OPEN\n= 00000 ok\n"
        "INTENT_ADD\n= 00000 ok\nINTENT_ADD\n= 00000 ok\nINTENT_ADD\n= 00000 ok\n"
        "INTENT_ADD\n= 00000 ok\nINTENT_ADD\n= 00000 ok\nINTENT_ADD\n= 00000 ok\n"
        "INTENTS_OPEN\n"
        "  '' | 'run-1' | 'check' | 9223372036854775807 | null | 168900000 | -9223372036854775808 | 'intended' | null\n"
        "  'c' | 'run-1' | 'check' | 9223372036854775807 | null | 168900000 | 10 | 'intended' | null\n"
        "  'B' | 'run-1' | 'check' | 9223372036854775807 | null | 168900000 | 20 | 'intended' | null\n"
        "  'a' | 'run-1' | 'check' | 9223372036854775807 | null | 168900000 | 20 | 'intended' | null\n"
        "  'ab' | 'run-1' | 'check' | 9223372036854775807 | null | 168900000 | 20 | 'intended' | null\n"
        "  'b' | 'run-1' | 'check' | 9223372036854775807 | null | 168900000 | 20 | 'intended' | null\n"
        "= 00000 ok\n",
        OF_LEDGER);
}

static void act_life_of_an_intent(struct stage *stage)
{
    add_intent(stage, "x", 1);
    RUN(stage, STORE_INTENT_SET, TEXT("x"), TEXT("created"), INT(7));
    RUN(stage, STORE_INTENT_SET, TEXT("x"), TEXT("destroying"), NIL);
    run(stage, STORE_INTENTS_OPEN, 0, NULL);
    RUN(stage, STORE_INTENT_SET, TEXT("x"), TEXT("closed"), INT(8));
    run(stage, STORE_INTENTS_OPEN, 0, NULL);
    RUN(stage, STORE_INTENT_SET, TEXT("x"), TEXT("created"), NIL);
    RUN(stage, STORE_INTENT_SET, TEXT("stranger"), TEXT("closed"), NIL);
    run(stage, STORE_INTENTS_OPEN, 0, NULL);
}

/* A null instance keeps the former one, a closed intent is no longer listed, an unknown label changes nothing. */
static void test_setting_an_intent_changes_what_is_given(void **state)
{
    (void)state;
    expect_of_all(
        act_life_of_an_intent,
        "INTENT_ADD\n= 00000 ok\nINTENT_SET\n= 00000 ok\nINTENT_SET\n= 00000 ok\n"
        "INTENTS_OPEN\n"
        "  'x' | 'run-1' | 'check' | 9223372036854775807 | null | 168900000 | 1 | 'destroying' | 7\n= 00000 ok\n"
        "INTENT_SET\n= 00000 ok\nINTENTS_OPEN\n= 00000 ok\nINTENT_SET\n= 00000 ok\nINTENT_SET\n= 00000 ok\n"
        "INTENTS_OPEN\n"
        "  'x' | 'run-1' | 'check' | 9223372036854775807 | null | 168900000 | 1 | 'created' | 8\n= 00000 ok\n",
        OF_LEDGER);
}

static void act_refused_intents(struct stage *stage)
{
    add_intent(stage, "x", 1);
    add_intent(stage, "x", 2);
    add_intent(stage, NULL, 3);
    RUN(stage, STORE_INTENT_ADD, TEXT("y"), TEXT("r"), TEXT("check"), NIL, INT(1), INT(1), INT(1));
    RUN(stage, STORE_INTENT_SET, TEXT("x"), TEXT("lost"), INT(5));
    RUN(stage, STORE_INTENT_SET, TEXT("x"), NIL, INT(5));
    RUN(stage, STORE_INTENT_SET, TEXT("stranger"), TEXT("lost"), NIL);
    RUN(stage, STORE_INTENT_SET, NIL, TEXT("closed"), NIL);
    run(stage, STORE_INTENTS_OPEN, 0, NULL);
}

/* A label given twice, a null where none may be, and an unknown state are refused, each with its SQLSTATE, and change nothing. */
static void test_a_refused_statement_changes_nothing(void **state)
{
    (void)state;
    expect_of_all(
        act_refused_intents,
        "INTENT_ADD\n= 00000 ok\nINTENT_ADD\n= 23505 store_rejected\nINTENT_ADD\n= 23502 store_rejected\n"
        "INTENT_ADD\n= 23502 store_rejected\nINTENT_SET\n= 23514 store_rejected\n"
        "INTENT_SET\n= 23502 store_rejected\nINTENT_SET\n= 00000 ok\nINTENT_SET\n= 00000 ok\n"
        "INTENTS_OPEN\n"
        "  'x' | 'run-1' | 'check' | 9223372036854775807 | null | 168900000 | 1 | 'intended' | null\n= 00000 ok\n",
        OF_LEDGER);
}

static void act_before_migration(struct stage *stage)
{
    run(stage, STORE_SUBSCRIBERS, 0, NULL);
    RUN(stage, STORE_EVENT_ADD, TEXT("e1"), TEXT("instance.created"), INT(1), TEXT("{}"));
    RUN(stage, STORE_DELIVERY_ADD, TEXT("e1"), INT(1));
    RUN(stage, STORE_EVENTS_LIST, INT(10));
    migrate(stage, STORE_EVENTS);
    run(stage, STORE_SUBSCRIBERS, 0, NULL);
    RUN(stage, STORE_EVENTS_LIST, INT(10));
    migrate(stage, STORE_EVENTS);
    migrate(stage, STORE_LEDGER);
}

/* Events tables are missing (42P01) until they are migrated, once; a ledger has its tables when it is opened. */
static void test_events_tables_come_with_the_migration_only(void **state)
{
    (void)state;
    expect_of_all(act_before_migration,
                  "SUBSCRIBERS\n= 42P01 store_table_missing\nEVENT_ADD\n= 42P01 store_table_missing\n"
                  "DELIVERY_ADD\n= 42P01 store_table_missing\nEVENTS_LIST\n= 42P01 store_table_missing\n"
                  "migrated events-0001-webhooks\nmigrated events-0002-dead-deliveries\n"
                  "SUBSCRIBERS\n= 00000 ok\nEVENTS_LIST\n= 00000 ok\n",
                  OF_EVENTS);
}

static void act_events(struct stage *stage)
{
    migrate(stage, STORE_EVENTS);
    subscribe(stage, 20, "*", NULL, true);
    subscribe(stage, 3, "instance.created,instance.destroyed", "s3cret", true);
    subscribe(stage, 1, "*", NULL, false);
    run(stage, STORE_SUBSCRIBERS, 0, NULL);
    RUN(stage, STORE_EVENT_ADD, TEXT("e1"), TEXT("instance.created"), INT(100), TEXT("{\"a\": 1}"));
    RUN(stage, STORE_EVENT_ADD, TEXT("e3"), TEXT("instance.running"), INT(200), TEXT("{}"));
    RUN(stage, STORE_EVENT_ADD, TEXT("e2"), TEXT("instance.running"), INT(200), TEXT(""));
    RUN(stage, STORE_EVENT_ADD, TEXT("e1"), TEXT("instance.other"), INT(900), TEXT("other"));
    RUN(stage, STORE_EVENT_ADD, TEXT("e4"), NIL, INT(1), TEXT("{}"));
    RUN(stage, STORE_DELIVERY_ADD, TEXT("e1"), INT(3));
    RUN(stage, STORE_DELIVERY_ADD, TEXT("e1"), INT(20));
    RUN(stage, STORE_DELIVERY_ADD, TEXT("e1"), INT(20));
    RUN(stage, STORE_DELIVERY_ADD, TEXT("e2"), INT(3));
    RUN(stage, STORE_DELIVERY_ADD, TEXT("stranger"), INT(3));
    RUN(stage, STORE_DELIVERY_ADD, TEXT("e1"), INT(99));
    RUN(stage, STORE_DELIVERY_ADD, TEXT("e1"), NIL);
    RUN(stage, STORE_EVENTS_LIST, INT(10));
    RUN(stage, STORE_EVENTS_LIST, INT(2));
    RUN(stage, STORE_EVENTS_LIST, INT(0));
}

/* Events and deliveries that are known change nothing; those of nobody are refused; lists come newest first, up to the limit. */
static void test_events_are_stored_once_and_listed_newest_first(void **state)
{
    (void)state;
    expect_of_all(
        act_events,
        "migrated events-0001-webhooks\nmigrated events-0002-dead-deliveries\n"
        "SUBSCRIBERS\n"
        "  3 | 'http://a/' | 'instance.created,instance.destroyed' | 's3cret'\n"
        "  20 | 'http://a/' | '*' | null\n= 00000 ok\n"
        "EVENT_ADD\n= 00000 ok\nEVENT_ADD\n= 00000 ok\nEVENT_ADD\n= 00000 ok\nEVENT_ADD\n= 00000 ok\n"
        "EVENT_ADD\n= 23502 store_rejected\n"
        "DELIVERY_ADD\n= 00000 ok\nDELIVERY_ADD\n= 00000 ok\nDELIVERY_ADD\n= 00000 ok\nDELIVERY_ADD\n= 00000 ok\n"
        "DELIVERY_ADD\n= 23503 store_rejected\nDELIVERY_ADD\n= 23503 store_rejected\n"
        "DELIVERY_ADD\n= 23502 store_rejected\n"
        "EVENTS_LIST\n"
        "  'e3' | 'instance.running' | 200 | '{}' | 0 | 0 | 0\n"
        "  'e2' | 'instance.running' | 200 | '' | 1 | 0 | 0\n"
        "  'e1' | 'instance.created' | 100 | '{\"a\": 1}' | 2 | 0 | 0\n= 00000 ok\n"
        "EVENTS_LIST\n"
        "  'e3' | 'instance.running' | 200 | '{}' | 0 | 0 | 0\n"
        "  'e2' | 'instance.running' | 200 | '' | 1 | 0 | 0\n= 00000 ok\n"
        "EVENTS_LIST\n= 00000 ok\n",
        OF_SUBSCRIBERS);
}

static void add_event(struct stage *stage, const char *id, int64_t created_unix_ns, int64_t webhook_id)
{
    RUN(stage, STORE_EVENT_ADD, TEXT(id), TEXT("k"), INT(created_unix_ns), TEXT("{}"));
    RUN(stage, STORE_DELIVERY_ADD, TEXT(id), INT(webhook_id));
}

static void act_deliveries(struct stage *stage)
{
    migrate(stage, STORE_EVENTS);
    subscribe(stage, 1, "*", "s", true);
    subscribe(stage, 2, "*", NULL, true);
    subscribe(stage, 3, "*", NULL, false);
    run(stage, STORE_DELIVERIES_COUNT, 0, NULL);
    add_event(stage, "e2", 200, 1);
    add_event(stage, "e1", 100, 1);
    add_event(stage, "e3", 300, 2);
    add_event(stage, "e4", 400, 3);
    buffer_clear(&stage->transcript);
    RUN(stage, STORE_SUBSCRIBERS_DUE, INT(0));
    RUN(stage, STORE_DELIVERY_NEXT, INT(1), INT(0));
    RUN(stage, STORE_DELIVERY_NEXT, INT(3), INT(0));
    RUN(stage, STORE_DELIVERY_CLAIM, TEXT("e1"), INT(1), INT(0), INT(50));
    RUN(stage, STORE_DELIVERY_CLAIM, TEXT("e1"), INT(1), INT(0), INT(50));
    RUN(stage, STORE_DELIVERY_CLAIM, TEXT("e9"), INT(1), INT(0), INT(50));
    RUN(stage, STORE_DELIVERY_NEXT, INT(1), INT(49));
    RUN(stage, STORE_DELIVERY_NEXT, INT(1), INT(50));
    RUN(stage, STORE_DELIVERY_SET, TEXT("e1"), INT(1), TEXT("pending"), INT(70), TEXT("answered 500"));
    RUN(stage, STORE_DELIVERY_SET, TEXT("e2"), INT(1), TEXT("delivered"), NIL, NIL);
    RUN(stage, STORE_DELIVERY_SET, TEXT("e2"), INT(1), TEXT("dead"), NIL, TEXT("too late"));
    RUN(stage, STORE_DELIVERY_SET, TEXT("e3"), INT(2), TEXT("lost"), NIL, NIL);
    RUN(stage, STORE_SUBSCRIBERS_DUE, INT(69));
    run(stage, STORE_DELIVERIES_COUNT, 0, NULL);
    RUN(stage, STORE_DELIVERIES_BURY, INT(2), TEXT("answered 410"));
    RUN(stage, STORE_SUBSCRIBER_DISABLE, INT(1));
    RUN(stage, STORE_SUBSCRIBERS_DUE, INT(INT64_MAX));
    run(stage, STORE_DELIVERIES_COUNT, 0, NULL);
    RUN(stage, STORE_DELIVERIES_LIST, INT(3));
    RUN(stage, STORE_EVENTS_LIST, INT(2));
}

/*
 * A delivery is due when it is pending and its time has come, the oldest event first, for enabled subscribers; one of several claims
 * gets it; what is no longer pending does not change; counts and lists show each state.
 */
static void test_deliveries_are_claimed_once_and_end_once(void **state)
{
    (void)state;
    expect_of_all(act_deliveries,
                  "SUBSCRIBERS_DUE\n  1\n  2\n= 00000 ok\n"
                  "DELIVERY_NEXT\n  'e1' | 'k' | '{}' | 0 | 'http://a/' | 's'\n= 00000 ok\n"
                  "DELIVERY_NEXT\n= 00000 ok\n"
                  "DELIVERY_CLAIM\n  1\n= 00000 ok\nDELIVERY_CLAIM\n= 00000 ok\nDELIVERY_CLAIM\n= 00000 ok\n"
                  "DELIVERY_NEXT\n  'e2' | 'k' | '{}' | 0 | 'http://a/' | 's'\n= 00000 ok\n"
                  "DELIVERY_NEXT\n  'e1' | 'k' | '{}' | 1 | 'http://a/' | 's'\n= 00000 ok\n"
                  "DELIVERY_SET\n= 00000 ok\nDELIVERY_SET\n= 00000 ok\nDELIVERY_SET\n= 00000 ok\n"
                  "DELIVERY_SET\n= 23514 store_rejected\n"
                  "SUBSCRIBERS_DUE\n  2\n= 00000 ok\n"
                  "DELIVERIES_COUNT\n  3 | 1 | 0 | 0\n= 00000 ok\n"
                  "DELIVERIES_BURY\n= 00000 ok\nSUBSCRIBER_DISABLE\n= 00000 ok\n"
                  "SUBSCRIBERS_DUE\n= 00000 ok\n"
                  "DELIVERIES_COUNT\n  2 | 1 | 1 | null\n= 00000 ok\n"
                  "DELIVERIES_LIST\n"
                  "  'e4' | 3 | 'pending' | 0 | null | null\n"
                  "  'e3' | 2 | 'dead' | 0 | null | 'answered 410'\n"
                  "  'e2' | 1 | 'delivered' | 0 | null | null\n= 00000 ok\n"
                  "EVENTS_LIST\n"
                  "  'e4' | 'k' | 400 | '{}' | 1 | 0 | 0\n"
                  "  'e3' | 'k' | 300 | '{}' | 0 | 0 | 1\n= 00000 ok\n",
                  OF_SUBSCRIBERS);
}

static void act_spool(struct stage *stage)
{
    RUN(stage, STORE_SPOOL_ADD, TEXT("b"), TEXT("k"), INT(10), TEXT("{}"));
    RUN(stage, STORE_SPOOL_ADD, TEXT("a"), TEXT("k"), INT(20), TEXT("{}"));
    RUN(stage, STORE_SPOOL_ADD, TEXT("c"), TEXT("k"), INT(10), TEXT("{}"));
    RUN(stage, STORE_SPOOL_ADD, TEXT("c"), TEXT("other"), INT(90), TEXT("other"));
    run(stage, STORE_SPOOL_COUNT, 0, NULL);
    RUN(stage, STORE_SPOOL_LIST, INT(INT64_MIN), TEXT(""), INT(2));
    RUN(stage, STORE_SPOOL_LIST, INT(10), TEXT("b"), INT(9));
    RUN(stage, STORE_SPOOL_DROP, TEXT("c"));
    RUN(stage, STORE_SPOOL_DROP, TEXT("c"));
    run(stage, STORE_SPOOL_COUNT, 0, NULL);
    RUN(stage, STORE_SPOOL_ADD, TEXT("c"), TEXT("k"), INT(5), TEXT("{}"));
    RUN(stage, STORE_SPOOL_LIST, INT(INT64_MIN), TEXT(""), INT(9));
}

/* The spool keeps each event once, lists them from the oldest on behind a given one, and forgets what is dropped. */
static void test_the_spool_keeps_events_in_order_until_they_are_dropped(void **state)
{
    (void)state;
    expect_of_all(
        act_spool,
        "SPOOL_ADD\n= 00000 ok\nSPOOL_ADD\n= 00000 ok\nSPOOL_ADD\n= 00000 ok\nSPOOL_ADD\n= 00000 ok\n"
        "SPOOL_COUNT\n  3\n= 00000 ok\n"
        "SPOOL_LIST\n  'b' | 'k' | 10 | '{}'\n  'c' | 'k' | 10 | '{}'\n= 00000 ok\n"
        "SPOOL_LIST\n  'c' | 'k' | 10 | '{}'\n  'a' | 'k' | 20 | '{}'\n= 00000 ok\n"
        "SPOOL_DROP\n= 00000 ok\nSPOOL_DROP\n= 00000 ok\nSPOOL_COUNT\n  2\n= 00000 ok\nSPOOL_ADD\n= 00000 ok\n"
        "SPOOL_LIST\n  'c' | 'k' | 5 | '{}'\n  'b' | 'k' | 10 | '{}'\n  'a' | 'k' | 20 | '{}'\n= 00000 ok\n",
        OF_LEDGER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_intents_come_in_the_order_of_their_creation),
        cmocka_unit_test(test_setting_an_intent_changes_what_is_given),
        cmocka_unit_test(test_a_refused_statement_changes_nothing),
        cmocka_unit_test(test_events_tables_come_with_the_migration_only),
        cmocka_unit_test(test_events_are_stored_once_and_listed_newest_first),
        cmocka_unit_test(test_deliveries_are_claimed_once_and_end_once),
        cmocka_unit_test(test_the_spool_keeps_events_in_order_until_they_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
