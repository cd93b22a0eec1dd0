/*
 * Store: the SQL side of the door, as a catalogue of statements rather than free SQL.
 *
 * Each statement exists once, as a row of STORE_STATEMENT_LIST with its SQL; the SQLite store (world/live), later PostgreSQL,
 * and the virtual world's memory store carry out the same catalogue, and one contract test runs against each of them. Failures
 * carry an SQLSTATE in all: a missing table is 42P01 (ERR_STORE_TABLE_MISSING), a store that cannot be reached or is locked is
 * class 08 or 55 (ERR_STORE_UNAVAILABLE), anything else ERR_STORE_REJECTED.
 *
 * Two databases:
 *   ledger  what this client is about to rent and has rented; its tables are made when it is opened. A statement that returned
 *           without error is on disk.
 *   events  lifecycle events and webhooks; its tables come from migrations (`dumont events migrate`), never by themselves.
 */
#ifndef WORLD_STORE_H
#define WORLD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum store_database { STORE_LEDGER, STORE_EVENTS, STORE_DATABASE_COUNT };

/*
 * X(code, database, number of parameters, number of result columns, SQL with ?1 ?2 … )
 * Row order of results is part of the contract: ORDER BY stands in the SQL.
 */
#define STORE_STATEMENT_LIST(X)                                                                                        \
    /* label, run, journey, offer_id, machine_id, price_nusd_per_hour, created_unix_ns: state is 'intended' */         \
    X(INTENT_ADD, LEDGER, 7, 0,                                                                                        \
      "INSERT INTO intents (label, run, journey, offer_id, machine_id, price_nusd_per_hour, "                          \
      "created_unix_ns, state, instance_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'intended', NULL)")                    \
    /* label, state, instance_id (null keeps the former) */                                                            \
    X(INTENT_SET, LEDGER, 3, 0,                                                                                        \
      "UPDATE intents SET state = ?2, instance_id = COALESCE(?3, instance_id) WHERE label = ?1")                       \
    /* -> label, run, journey, offer_id, machine_id, price_nusd_per_hour, created_unix_ns, state, instance_id */       \
    X(INTENTS_OPEN, LEDGER, 0, 9,                                                                                      \
      "SELECT label, run, journey, offer_id, machine_id, price_nusd_per_hour, created_unix_ns, "                       \
      "state, instance_id FROM intents WHERE state <> 'closed' ORDER BY created_unix_ns, label")                       \
    /* -> id, url, events ('*' or names with commas), secret */                                                        \
    X(SUBSCRIBERS, EVENTS, 0, 4, "SELECT id, url, events, secret FROM webhook_configs WHERE enabled = 1 ORDER BY id")  \
    /* event_id, kind, created_unix_ns, payload (JSON); a known event_id changes nothing */                            \
    X(EVENT_ADD, EVENTS, 4, 0,                                                                                         \
      "INSERT INTO lifecycle_events (event_id, kind, created_unix_ns, payload) "                                       \
      "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (event_id) DO NOTHING")                                                     \
    /* event_id, webhook_id: waits for delivery; a known pair changes nothing */                                       \
    X(DELIVERY_ADD, EVENTS, 2, 0,                                                                                      \
      "INSERT INTO webhook_deliveries (event_id, webhook_id, state, attempts) "                                        \
      "VALUES (?1, ?2, 'pending', 0) ON CONFLICT (event_id, webhook_id) DO NOTHING")                                   \
    /* limit (0 or more) -> event_id, kind, created_unix_ns, payload, pending deliveries; newest first */              \
    X(EVENTS_LIST, EVENTS, 1, 5,                                                                                       \
      "SELECT e.event_id, e.kind, e.created_unix_ns, e.payload, (SELECT COUNT(*) FROM "                                \
      "webhook_deliveries d WHERE d.event_id = e.event_id AND d.state = 'pending') "                                   \
      "FROM lifecycle_events e ORDER BY e.created_unix_ns DESC, e.event_id DESC LIMIT ?1")

enum store_statement {
#define STORE_STATEMENT_ENUM(code, database, parameters, columns, sql) STORE_##code,
    STORE_STATEMENT_LIST(STORE_STATEMENT_ENUM)
#undef STORE_STATEMENT_ENUM
        STORE_STATEMENT_COUNT
};

enum { STORE_VALUES_MAX = 9, STORE_SQLSTATE_SIZE = 6 };

enum store_value_kind { STORE_NULL, STORE_INT, STORE_TEXT };

/* A parameter (text borrowed for the call) or a result column (text borrowed until the row callback returns). */
struct store_value {
    enum store_value_kind kind;
    int64_t integer;
    struct span text;
};

/* Called once a row. */
typedef void store_row_function(void *context, const struct store_value *columns, size_t count);

/* What became of a statement. */
struct store_result {
    enum error_code code;
    char sqlstate[STORE_SQLSTATE_SIZE]; /* "00000" when done */
    char message[160];                  /* the database's own words, one line, no values of parameters */
};

const char *store_statement_name(enum store_statement statement); /* "INTENT_ADD" */
const char *store_statement_sql(enum store_statement statement);
enum store_database store_statement_database(enum store_statement statement);
size_t store_statement_parameters(enum store_statement statement);
size_t store_statement_columns(enum store_statement statement);

struct store_value store_null(void);
struct store_value store_int(int64_t value);
struct store_value store_text(const char *text); /* NULL gives null */

/* What a failure with this SQLSTATE means to the client; ERR_OK for "00000". */
enum error_code store_sqlstate_code(const char *sqlstate);

/* Fills `result` from an SQLSTATE and the database's words (line breaks become spaces). Returns the code. */
enum error_code store_result_set(struct store_result *result, const char *sqlstate, const char *message);

/*
 * Migrations of a database in order; each is SQL that runs once, in a transaction of its own, together with the row that
 * STORE_MIGRATION_DONE_SQL adds. The texts mean the same to SQLite and PostgreSQL (but for the mark of a parameter).
 */
size_t store_migration_count(enum store_database database);
const char *store_migration_name(enum store_database database, size_t index); /* "events-0001-webhooks" */
const char *store_migration_sql(enum store_database database, size_t index);

#define STORE_MIGRATIONS_TABLE_SQL                                                                                     \
    "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT NOT NULL PRIMARY KEY, applied_unix_ns BIGINT NOT NULL)"
/* name -> 1 */
#define STORE_MIGRATION_KNOWN_SQL "SELECT 1 FROM schema_migrations WHERE name = ?1"
/* name, applied_unix_ns */
#define STORE_MIGRATION_DONE_SQL "INSERT INTO schema_migrations (name, applied_unix_ns) VALUES (?1, ?2)"

/* Called once for each migration that was applied, after its commit. */
typedef void store_migration_function(void *context, const char *name);

#endif
