#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world/live/sqlite_store.h"

static const struct wall_time now = {INT64_C(1767381138000000000)};

/* A folder of its own for each test. */
struct place {
    struct heap *heap;
    char folder[64];
    char path[128];
    char url[160];
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    place->heap = heap_new();
    strcpy(place->folder, "/tmp/dumont-sqlite-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    text_format(place->path, sizeof place->path, "%s/state/ledger", place->folder);
    text_format(place->url, sizeof place->url, "sqlite:%s", place->path);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    static const char *const names[] = {"/state/ledger-wal", "/state/ledger-shm", "/state/ledger", "/state"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        char path[160];
        text_format(path, sizeof path, "%s%s", place->folder, names[i]);
        (void)remove(path);
    }
    assert_int_equal(rmdir(place->folder), 0);
    assert_int_equal(heap_live_blocks(place->heap), 0);
    heap_free(place->heap);
    free(place);
    return 0;
}

static struct sqlite_store *open_store(struct place *place, enum store_database database)
{
    struct error error;
    struct sqlite_store *store = NULL;
    if (sqlite_store_open(place->heap, place->url, database, now, &store, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    return store;
}

static enum error_code add_intent(struct sqlite_store *store, int64_t number, struct store_result *result)
{
    char label[32];
    text_format(label, sizeof label, "label-%lld", (long long)number);
    const struct store_value values[] = {store_text(label), store_text("run"),  store_text("check"), store_int(1),
                                         store_int(2),      store_int(1000000), store_int(number)};
    return sqlite_store_run(store, STORE_INTENT_ADD, values, ARRAY_LENGTH(values), NULL, NULL, result);
}

static void count_row(void *context, const struct store_value *columns, size_t count)
{
    (void)columns;
    (void)count;
    ++*(int64_t *)context;
}

static int64_t count_intents(struct sqlite_store *store)
{
    struct store_result result;
    int64_t rows = 0;
    assert_int_equal(sqlite_store_run(store, STORE_INTENTS_OPEN, NULL, 0, count_row, &rows, &result), ERR_OK);
    return rows;
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777U;
}

/* What a ledger knows is nobody else's business: the file and its companions are 0600, the folder made for it 0700. */
static void test_a_new_database_is_private(void **state)
{
    struct place *place = *state;
    struct store_result result;
    mode_t former = umask(0);
    struct sqlite_store *store = open_store(place, STORE_LEDGER);
    assert_int_equal(add_intent(store, 1, &result), ERR_OK);
    umask(former);
    char path[160];
    text_format(path, sizeof path, "%s-wal", place->path);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(mode_of(place->path), 0600);
    text_format(path, sizeof path, "%s/state", place->folder);
    assert_int_equal(mode_of(path), 0700);
    sqlite_store_close(store);
}

/* What was stored is there when the file is opened again, and its migrations are not applied twice. */
static void test_a_reopened_ledger_keeps_its_rows(void **state)
{
    struct place *place = *state;
    struct store_result result;
    for (int64_t i = 0; i < 3; i++) {
        struct sqlite_store *store = open_store(place, STORE_LEDGER);
        assert_int_equal(count_intents(store), i);
        assert_int_equal(add_intent(store, i, &result), ERR_OK);
        sqlite_store_close(store);
    }
}

/* Never returns: adds intents for ever and reports each one that was acknowledged. */
static void add_until_killed(struct place *place, int report)
{
    struct store_result result;
    struct sqlite_store *store = open_store(place, STORE_LEDGER);
    for (int64_t i = 0; add_intent(store, i, &result) == ERR_OK; i++) {
        if (write(report, "+", 1) != 1) {
            break;
        }
    }
    _exit(1);
}

/* A process that is killed in the middle of its work loses nothing that was acknowledged to it. */
static void test_a_kill_loses_nothing_acknowledged(void **state)
{
    struct place *place = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        add_until_killed(place, ends[1]);
    }
    (void)close(ends[1]);
    int64_t acknowledged = 0;
    char mark;
    while (acknowledged < 40 && read(ends[0], &mark, 1) == 1) {
        acknowledged++;
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    while (read(ends[0], &mark, 1) == 1) {
        acknowledged++;
    }
    (void)close(ends[0]);
    assert_true(acknowledged >= 40);
    struct sqlite_store *store = open_store(place, STORE_LEDGER);
    assert_in_range(count_intents(store), acknowledged, acknowledged + 1);
    sqlite_store_close(store);
}

/* While another process holds the write lock, a statement gives up soon, as unavailable, and works again afterwards. */
static void test_a_locked_database_is_unavailable(void **state)
{
    struct place *place = *state;
    struct store_result result;
    struct sqlite_store *store = open_store(place, STORE_LEDGER);
    sqlite3 *other;
    assert_int_equal(sqlite3_open(place->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(add_intent(store, 1, &result), ERR_STORE_UNAVAILABLE);
    assert_string_equal(result.sqlstate, "55P03");
    assert_string_equal(result.message, "database is locked");
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(add_intent(store, 1, &result), ERR_OK);
    sqlite_store_close(store);
}

static void write_file(const char *path, const char *content)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, content, strlen(content)), strlen(content));
    (void)close(descriptor);
}

static void expect_refusal(struct place *place, const char *url, enum store_database database, enum error_code code,
                           const char *words)
{
    struct error error;
    struct sqlite_store *store = NULL;
    assert_int_equal(sqlite_store_open(place->heap, url, database, now, &store, &error), code);
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.message, words));
    assert_null(store);
}

/* A file that is no database is refused with XX001: a ledger as unwritable, events as rejected. */
static void test_a_file_that_is_no_database_is_refused(void **state)
{
    struct place *place = *state;
    char path[128];
    char url[160];
    char content[2000];
    memset(content, 'x', sizeof content - 1);
    content[sizeof content - 1] = '\0';
    text_format(path, sizeof path, "%s/rubbish", place->folder);
    text_format(url, sizeof url, "sqlite:%s", path);
    write_file(path, content);
    expect_refusal(place, url, STORE_LEDGER, ERR_LEDGER_UNWRITABLE, "XX001");
    expect_refusal(place, url, STORE_EVENTS, ERR_STORE_REJECTED, "XX001");
    assert_int_equal(unlink(path), 0);
}

/* A path that cannot be opened is 08001 and names the path; the URL's form is checked first, and a password is not repeated. */
static void test_what_cannot_be_opened_is_said_clearly(void **state)
{
    struct place *place = *state;
    expect_refusal(place, "sqlite:/dev/null/ledger", STORE_EVENTS, ERR_STORE_UNAVAILABLE, "/dev/null/ledger");
    expect_refusal(place, "sqlite:/dev/null/ledger", STORE_LEDGER, ERR_LEDGER_UNWRITABLE, "08001");
    expect_refusal(place, place->folder, STORE_EVENTS, ERR_USAGE, "form");
    expect_refusal(place, "sqlite:", STORE_EVENTS, ERR_USAGE, "form");
    expect_refusal(place, "mysql://u:secret@h/d", STORE_EVENTS, ERR_USAGE, "form");
    char url[200];
    text_format(url, sizeof url, "sqlite:%s", place->folder);
    expect_refusal(place, url, STORE_EVENTS, ERR_STORE_UNAVAILABLE, "08001");
}

/* Never returns. Exit status 0 when a write to a file we may only read gives 25006. */
static void write_as_a_stranger(const char *url)
{
    struct error error;
    struct sqlite_store *store = NULL;
    struct heap *heap = heap_new();
    if (geteuid() == 0 && setuid(65534) != 0) {
        _exit(2);
    }
    enum error_code code = sqlite_store_open(heap, url, STORE_EVENTS, now, &store, &error);
    _exit(code == ERR_STORE_UNAVAILABLE && strstr(error.message, "25006") != NULL ? 0 : 1);
}

/* A file that may only be read is refused with 25006. */
static void test_a_read_only_database_is_refused(void **state)
{
    struct place *place = *state;
    char path[128];
    char url[160];
    text_format(path, sizeof path, "%s/events", place->folder);
    text_format(url, sizeof url, "sqlite:%s", path);
    write_file(path, "");
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(place->folder, 0755), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_as_a_stranger(url);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(unlink(path), 0);
}

static void note_name(void *context, const char *name)
{
    buffer_append_text(context, name);
}

/* A migration that fails half-way leaves nothing of itself, and succeeds once its obstacle is gone. */
static void test_a_migration_is_whole_or_absent(void **state)
{
    struct place *place = *state;
    struct store_result result;
    char names[128];
    char expected[128];
    struct buffer applied;
    buffer_init_fixed(&applied, names, sizeof names);
    struct sqlite_store *store = open_store(place, STORE_EVENTS);
    sqlite3 *other;
    assert_int_equal(sqlite3_open(place->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "CREATE TABLE webhook_deliveries (x)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite_store_migrate(store, now, note_name, &applied, &result), ERR_STORE_REJECTED);
    assert_int_equal(sqlite_store_run(store, STORE_SUBSCRIBERS, NULL, 0, count_row, NULL, &result),
                     ERR_STORE_TABLE_MISSING);
    assert_string_equal(result.message, "no such table: webhook_configs");
    assert_int_equal(sqlite3_exec(other, "DROP TABLE webhook_deliveries", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite_store_migrate(store, now, note_name, &applied, &result), ERR_OK);
    text_format(expected, sizeof expected, "%s%s", store_migration_name(STORE_EVENTS, 0),
                store_migration_name(STORE_EVENTS, 1));
    assert_string_equal(names, expected);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    sqlite_store_close(store);
}

/* Without memory for the store itself, opening says so and leaves nothing. */
static void test_opening_without_memory_fails_cleanly(void **state)
{
    struct place *place = *state;
    heap_fail_at(place->heap, 1, true);
    expect_refusal(place, place->url, STORE_LEDGER, ERR_NO_MEMORY, "memory");
    heap_fail_at(place->heap, 0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_new_database_is_private, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_reopened_ledger_keeps_its_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_kill_loses_nothing_acknowledged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_locked_database_is_unavailable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_no_database_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_opened_is_said_clearly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_read_only_database_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_migration_is_whole_or_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_opening_without_memory_fails_cleanly, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
