#include "world/store.h"

#include <assert.h>
#include <string.h>

struct statement_row {
    const char *name;
    const char *sql;
    enum store_database database;
    size_t parameters;
    size_t columns;
};

static const struct statement_row statements[STORE_STATEMENT_COUNT] = {
#define STATEMENT_ROW(code, database, parameters, columns, sql)                                                        \
    [STORE_##code] = {#code, sql, STORE_##database, parameters, columns},
    STORE_STATEMENT_LIST(STATEMENT_ROW)
#undef STATEMENT_ROW
};

/*
 * Types: those that SQLite and PostgreSQL both know and store without loss. A primary key says NOT NULL because SQLite, by an
 * old mistake that it keeps, would allow null there.
 */
static const char LEDGER_0001[] = /* intents: what is about to be rented, and what became of it */
    "CREATE TABLE intents ("
    "label TEXT NOT NULL PRIMARY KEY, "
    "run TEXT NOT NULL, "
    "journey TEXT NOT NULL, "
    "offer_id BIGINT NOT NULL, "
    "machine_id BIGINT, "
    "price_nusd_per_hour BIGINT NOT NULL, "
    "created_unix_ns BIGINT NOT NULL, "
    "state TEXT NOT NULL CHECK (state IN ('intended', 'created', 'destroying', 'closed')), "
    "instance_id BIGINT);"
    "CREATE INDEX intents_open ON intents (created_unix_ns, label) WHERE state <> 'closed';";

static const char LEDGER_0002[] = /* events that the events store has not yet taken */
    "CREATE TABLE event_spool ("
    "event_id TEXT NOT NULL PRIMARY KEY, "
    "kind TEXT NOT NULL, "
    "created_unix_ns BIGINT NOT NULL, "
    "payload TEXT NOT NULL);"
    "CREATE INDEX event_spool_oldest ON event_spool (created_unix_ns, event_id);";

static const char EVENTS_0001[] = /* webhooks, what happened, and what is still to be told to whom */
    "CREATE TABLE webhook_configs ("
    "id INTEGER NOT NULL PRIMARY KEY, "
    "url TEXT NOT NULL, "
    "events TEXT NOT NULL DEFAULT '*', "
    "secret TEXT, "
    "enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)), "
    "created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);"
    "CREATE TABLE lifecycle_events ("
    "event_id TEXT NOT NULL PRIMARY KEY, "
    "kind TEXT NOT NULL, "
    "created_unix_ns BIGINT NOT NULL, "
    "payload TEXT NOT NULL);"
    "CREATE INDEX lifecycle_events_newest ON lifecycle_events (created_unix_ns, event_id);"
    "CREATE TABLE webhook_deliveries ("
    "event_id TEXT NOT NULL REFERENCES lifecycle_events (event_id), "
    "webhook_id INTEGER NOT NULL REFERENCES webhook_configs (id), "
    "state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')), "
    "attempts INTEGER NOT NULL, "
    "next_attempt_unix_ns BIGINT, "
    "last_error TEXT, "
    "PRIMARY KEY (event_id, webhook_id));";

/* Through a table without constraints, so that those of the new one get the names that it would have had from the start. */
static const char EVENTS_0002[] = /* deliveries that were given up are dead, and those that are due are found quickly */
    "CREATE TABLE webhook_deliveries_0001 AS SELECT event_id, webhook_id, "
    "CASE state WHEN 'failed' THEN 'dead' ELSE state END AS state, attempts, next_attempt_unix_ns, last_error "
    "FROM webhook_deliveries;"
    "DROP TABLE webhook_deliveries;"
    "CREATE TABLE webhook_deliveries ("
    "event_id TEXT NOT NULL REFERENCES lifecycle_events (event_id), "
    "webhook_id INTEGER NOT NULL REFERENCES webhook_configs (id), "
    "state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')), "
    "attempts INTEGER NOT NULL, "
    "next_attempt_unix_ns BIGINT, "
    "last_error TEXT, "
    "PRIMARY KEY (event_id, webhook_id));"
    "INSERT INTO webhook_deliveries (event_id, webhook_id, state, attempts, next_attempt_unix_ns, last_error) "
    "SELECT event_id, webhook_id, state, attempts, next_attempt_unix_ns, last_error FROM webhook_deliveries_0001;"
    "DROP TABLE webhook_deliveries_0001;"
    "CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook_id, next_attempt_unix_ns) "
    "WHERE state = 'pending';";

struct migration {
    const char *name;
    const char *sql;
};

static const struct migration ledger_migrations[] = {
    {"ledger-0001-intents", LEDGER_0001},
    {"ledger-0002-event-spool", LEDGER_0002},
};
static const struct migration events_migrations[] = {
    {"events-0001-webhooks", EVENTS_0001},
    {"events-0002-dead-deliveries", EVENTS_0002},
};

static const struct {
    const struct migration *rows;
    size_t count;
} migrations[STORE_DATABASE_COUNT] = {
    [STORE_LEDGER] = {ledger_migrations, ARRAY_LENGTH(ledger_migrations)},
    [STORE_EVENTS] = {events_migrations, ARRAY_LENGTH(events_migrations)},
};

/* The first row whose prefix fits decides; whole codes stand before their classes. */
static const struct {
    const char *prefix;
    enum error_code code;
} sqlstates[] = {
    {"00", ERR_OK},
    {"42P01", ERR_STORE_TABLE_MISSING},
    {"08", ERR_STORE_UNAVAILABLE},
    {"25006", ERR_STORE_UNAVAILABLE},
    {"40", ERR_STORE_UNAVAILABLE},
    {"53200", ERR_NO_MEMORY},
    {"53300", ERR_STORE_UNAVAILABLE},
    {"55", ERR_STORE_UNAVAILABLE},
    {"57", ERR_STORE_UNAVAILABLE},
    {"", ERR_STORE_REJECTED},
};

static const struct statement_row *row_of(enum store_statement statement)
{
    assert(statement < STORE_STATEMENT_COUNT);
    return &statements[statement];
}

const char *store_statement_name(enum store_statement statement)
{
    return row_of(statement)->name;
}

const char *store_statement_sql(enum store_statement statement)
{
    return row_of(statement)->sql;
}

enum store_database store_statement_database(enum store_statement statement)
{
    return row_of(statement)->database;
}

size_t store_statement_parameters(enum store_statement statement)
{
    return row_of(statement)->parameters;
}

size_t store_statement_columns(enum store_statement statement)
{
    return row_of(statement)->columns;
}

struct store_value store_null(void)
{
    return (struct store_value){.kind = STORE_NULL};
}

struct store_value store_int(int64_t value)
{
    return (struct store_value){.kind = STORE_INT, .integer = value};
}

struct store_value store_text(const char *text)
{
    return text == NULL ? store_null() : (struct store_value){.kind = STORE_TEXT, .text = span_of(text)};
}

enum error_code store_sqlstate_code(const char *sqlstate)
{
    size_t i = 0;
    while (strncmp(sqlstate, sqlstates[i].prefix, strlen(sqlstates[i].prefix)) != 0) {
        i++;
    }
    return sqlstates[i].code;
}

enum error_code store_result_set(struct store_result *result, const char *sqlstate, const char *message)
{
    *result = (struct store_result){.code = store_sqlstate_code(sqlstate)};
    (void)text_copy(result->sqlstate, sizeof result->sqlstate, sqlstate);
    (void)text_copy(result->message, sizeof result->message, message);
    for (char *at = result->message; *at != '\0'; at++) {
        *at = *at == '\n' || *at == '\r' ? ' ' : *at;
    }
    return result->code;
}

size_t store_migration_count(enum store_database database)
{
    assert(database < STORE_DATABASE_COUNT);
    return migrations[database].count;
}

const char *store_migration_name(enum store_database database, size_t index)
{
    assert(index < store_migration_count(database));
    return migrations[database].rows[index].name;
}

const char *store_migration_sql(enum store_database database, size_t index)
{
    assert(index < store_migration_count(database));
    return migrations[database].rows[index].sql;
}
