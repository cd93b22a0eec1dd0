#include "world/live/sqlite_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "system/files.h"

enum { BUSY_TIMEOUT_MS = 250 };

struct sqlite_store {
    struct heap *heap;
    enum store_database database;
    sqlite3 *connection;
    sqlite3_stmt *prepared[STORE_STATEMENT_COUNT]; /* NULL until first used */
};

static const char SQLITE_SCHEME[] = "sqlite:";
static const char IN_MEMORY[] = ":memory:";

/* Extended codes stand before the primary codes that contain them; the first that fits decides. */
static const struct {
    int code;
    const char *sqlstate;
} sqlstates[] = {
    {SQLITE_CONSTRAINT_UNIQUE, "23505"},
    {SQLITE_CONSTRAINT_PRIMARYKEY, "23505"},
    {SQLITE_CONSTRAINT_ROWID, "23505"},
    {SQLITE_CONSTRAINT_NOTNULL, "23502"},
    {SQLITE_CONSTRAINT_FOREIGNKEY, "23503"},
    {SQLITE_CONSTRAINT_CHECK, "23514"},
    {SQLITE_CONSTRAINT, "23000"},
    {SQLITE_BUSY, "55P03"},
    {SQLITE_LOCKED, "55P03"},
    {SQLITE_CANTOPEN, "08001"},
    {SQLITE_READONLY, "25006"},
    {SQLITE_FULL, "53100"},
    {SQLITE_NOMEM, "53200"},
    {SQLITE_TOOBIG, "54000"},
    {SQLITE_IOERR, "58030"},
    {SQLITE_CORRUPT, "XX001"},
    {SQLITE_NOTADB, "XX001"},
    {SQLITE_PERM, "42501"},
    {SQLITE_AUTH, "42501"},
};

static const char *sqlstate_of(int code, const char *message)
{
    if ((code & 0xff) == SQLITE_ERROR) {
        return strncmp(message, "no such table: ", strlen("no such table: ")) == 0 ? "42P01" : "42000";
    }
    for (size_t i = 0; i < ARRAY_LENGTH(sqlstates); i++) {
        if (code == sqlstates[i].code || (code & 0xff) == sqlstates[i].code) {
            return sqlstates[i].sqlstate;
        }
    }
    return "XX000";
}

/* Translates the connection's latest failure. */
static enum error_code failed(struct sqlite_store *store, struct store_result *result)
{
    const char *message = sqlite3_errmsg(store->connection);
    return store_result_set(result, sqlstate_of(sqlite3_extended_errcode(store->connection), message), message);
}

static enum error_code done(struct store_result *result)
{
    return store_result_set(result, "00000", "");
}

static int bind_value(sqlite3_stmt *prepared, int place, const struct store_value *value)
{
    switch (value->kind) {
    case STORE_INT:
        return sqlite3_bind_int64(prepared, place, value->integer);
    case STORE_TEXT: /* SQLite would take a null pointer for null, also when the length is 0 */
        return sqlite3_bind_text64(prepared, place, value->text.length == 0 ? "" : value->text.at, value->text.length,
                                   SQLITE_STATIC, SQLITE_UTF8);
    case STORE_NULL:
        break;
    }
    return sqlite3_bind_null(prepared, place);
}

static struct store_value column_value(sqlite3_stmt *prepared, int column)
{
    int kind = sqlite3_column_type(prepared, column);
    if (kind == SQLITE_NULL) {
        return store_null();
    }
    if (kind == SQLITE_INTEGER) {
        return store_int(sqlite3_column_int64(prepared, column));
    }
    const unsigned char *text = sqlite3_column_text(prepared, column);
    size_t length = (size_t)sqlite3_column_bytes(prepared, column);
    return (struct store_value){.kind = STORE_TEXT, .text = {(const char *)text, text == NULL ? 0 : length}};
}

/* Binds, steps through all rows and leaves the statement ready for its next use, with nothing borrowed. */
static enum error_code step_through(struct sqlite_store *store, sqlite3_stmt *prepared,
                                    const struct store_value *values, size_t value_count, store_row_function *on_row,
                                    void *context, struct store_result *result)
{
    int code = SQLITE_OK;
    for (size_t i = 0; i < value_count && code == SQLITE_OK; i++) {
        code = bind_value(prepared, (int)i + 1, &values[i]);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_step(prepared);
    }
    while (code == SQLITE_ROW) {
        struct store_value columns[STORE_VALUES_MAX];
        int count = sqlite3_column_count(prepared);
        assert(count <= STORE_VALUES_MAX && on_row != NULL);
        for (int i = 0; i < count; i++) {
            columns[i] = column_value(prepared, i);
        }
        on_row(context, columns, (size_t)count);
        code = sqlite3_step(prepared);
    }
    if (code == SQLITE_DONE) {
        (void)done(result);
    } else {
        (void)failed(store, result);
    }
    (void)sqlite3_reset(prepared);
    (void)sqlite3_clear_bindings(prepared);
    return result->code;
}

enum error_code sqlite_store_run(struct sqlite_store *store, enum store_statement statement,
                                 const struct store_value *values, size_t count, store_row_function *on_row,
                                 void *context, struct store_result *result)
{
    assert(store_statement_database(statement) == store->database);
    assert(store_statement_parameters(statement) == count);
    sqlite3_stmt **prepared = &store->prepared[statement];
    if (*prepared == NULL && sqlite3_prepare_v3(store->connection, store_statement_sql(statement), -1,
                                                SQLITE_PREPARE_PERSISTENT, prepared, NULL) != SQLITE_OK) {
        return failed(store, result);
    }
    return step_through(store, *prepared, values, count, on_row, context, result);
}

/* One statement outside the catalogue. */
static enum error_code run_once(struct sqlite_store *store, const char *sql, const struct store_value *values,
                                size_t count, store_row_function *on_row, void *context, struct store_result *result)
{
    sqlite3_stmt *prepared = NULL;
    if (sqlite3_prepare_v2(store->connection, sql, -1, &prepared, NULL) != SQLITE_OK) {
        return failed(store, result);
    }
    (void)step_through(store, prepared, values, count, on_row, context, result);
    (void)sqlite3_finalize(prepared);
    return result->code;
}

/* Statements without parameters and rows, separated by ';'. */
static enum error_code execute(struct sqlite_store *store, const char *sql, struct store_result *result)
{
    return sqlite3_exec(store->connection, sql, NULL, NULL, NULL) == SQLITE_OK ? done(result) : failed(store, result);
}

static void note_row(void *context, const struct store_value *columns, size_t count)
{
    (void)columns;
    (void)count;
    *(bool *)context = true;
}

/* Inside a transaction that holds the write lock, so that nobody else applies the same one meanwhile. */
static enum error_code apply_if_missing(struct sqlite_store *store, size_t index, struct wall_time now, bool *applied,
                                        struct store_result *result)
{
    const struct store_value values[] = {store_text(store_migration_name(store->database, index)),
                                         store_int(now.unix_ns)};
    bool known = false;
    if (execute(store, STORE_MIGRATIONS_TABLE_SQL, result) != ERR_OK ||
        run_once(store, STORE_MIGRATION_KNOWN_SQL, values, 1, note_row, &known, result) != ERR_OK || known) {
        return result->code;
    }
    if (execute(store, store_migration_sql(store->database, index), result) == ERR_OK) {
        (void)run_once(store, STORE_MIGRATION_DONE_SQL, values, 2, NULL, NULL, result);
    }
    *applied = result->code == ERR_OK;
    return result->code;
}

enum error_code sqlite_store_migrate(struct sqlite_store *store, struct wall_time now,
                                     store_migration_function *on_applied, void *context, struct store_result *result)
{
    (void)done(result);
    for (size_t i = 0; i < store_migration_count(store->database); i++) {
        bool applied = false;
        if (execute(store, "BEGIN IMMEDIATE", result) != ERR_OK) {
            return result->code;
        }
        if (apply_if_missing(store, i, now, &applied, result) != ERR_OK || execute(store, "COMMIT", result) != ERR_OK) {
            struct store_result rollback;
            (void)execute(store, "ROLLBACK", &rollback);
            return result->code;
        }
        if (applied && on_applied != NULL) {
            on_applied(context, store_migration_name(store->database, i));
        }
    }
    return result->code;
}

/*
 * Makes the file itself, so that it never has another mode than 0600. Only if it is missing: opening and closing a file that a
 * connection of this process holds would drop that connection's locks.
 */
static enum error_code make_file(const char *path, struct error *error)
{
    enum error_code code = folder_make_for(path, FOLDER_SECRET, error);
    if (code != ERR_OK) {
        return code;
    }
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)FILE_SECRET);
    int reason = descriptor >= 0 || errno == EEXIST ? 0 : errno;
    if (descriptor >= 0) {
        (void)close(descriptor);
        reason = folder_sync_of(path);
    }
    return reason == 0 ? ERR_OK : error_set(error, ERR_CANNOT_WRITE, "cannot make %s: %s", path, strerror(reason));
}

static enum error_code connect_to(struct sqlite_store *store, const char *path, struct wall_time now,
                                  struct store_result *result)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &store->connection, flags, NULL) != SQLITE_OK) {
        return store->connection == NULL ? store_result_set(result, "53200", "out of memory") : failed(store, result);
    }
    (void)sqlite3_busy_timeout(store->connection, BUSY_TIMEOUT_MS);
    (void)execute(store, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL", result);
    if (result->code == ERR_OK && store->database == STORE_LEDGER) {
        (void)sqlite_store_migrate(store, now, NULL, NULL, result);
    }
    return result->code;
}

/* The path in a URL, or NULL with the reason in `error`. */
static const char *path_of_url(const char *url, struct error *error)
{
    if (strncmp(url, SQLITE_SCHEME, strlen(SQLITE_SCHEME)) == 0 && url[strlen(SQLITE_SCHEME)] != '\0') {
        return url + strlen(SQLITE_SCHEME);
    }
    /* The URL may hold a password, so it is not repeated. */
    (void)error_set(error, ERR_USAGE, "the database's URL has an unknown form");
    error_advise(error, "write sqlite:PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME");
    return NULL;
}

enum error_code sqlite_url_check(const char *url, struct error *error)
{
    return path_of_url(url, error) == NULL ? ERR_USAGE : ERR_OK;
}

enum error_code sqlite_store_open(struct heap *heap, const char *url, enum store_database database,
                                  struct wall_time now, struct sqlite_store **out, struct error *error)
{
    static const char *const names[STORE_DATABASE_COUNT] = {
        [STORE_LEDGER] = "ledger", [STORE_EVENTS] = "events database"};
    const char *path = path_of_url(url, error);
    if (path == NULL) {
        return error->code;
    }
    struct sqlite_store *store = heap_alloc(heap, sizeof *store);
    if (store == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory to open the %s", names[database]);
    }
    store->heap = heap;
    store->database = database;
    struct store_result result;
    if (strcmp(path, IN_MEMORY) != 0 && make_file(path, error) != ERR_OK) {
        (void)store_result_set(&result, "08001", error->message);
    } else {
        (void)connect_to(store, path, now, &result);
    }
    if (result.code == ERR_OK) {
        *out = store;
        return ERR_OK;
    }
    sqlite_store_close(store);
    bool ledger = database == STORE_LEDGER && result.code != ERR_NO_MEMORY;
    enum error_code code = ledger ? ERR_LEDGER_UNWRITABLE : result.code;
    return error_set(error, code, "cannot open the %s %s: %s (SQLSTATE %s)", names[database], path, result.message,
                     result.sqlstate);
}

void sqlite_store_close(struct sqlite_store *store)
{
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < STORE_STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(store->prepared[i]);
    }
    (void)sqlite3_close(store->connection);
    heap_release(store->heap, store);
}
