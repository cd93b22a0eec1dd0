/*
 * Store: the SQL side of the door, as a catalogue of statements rather than free SQL.
 *
 * Each statement exists once, as a row of STORE_STATEMENT_LIST with its SQL; the SQLite and PostgreSQL stores (world/live) and
 * the virtual world's memory store carry out the same catalogue, and one contract test runs against each of them (of the
 * ledger's statements: SQLite and memory). Failures carry an SQLSTATE in all: a missing table is 42P01 (ERR_STORE_TABLE_MISSING);
 * a store that cannot be reached (class 08), is locked (55), starts, stops or cuts a statement short (57), is full of connections
 * (53300), may only be read (25006) or asks for a repetition (40) is ERR_STORE_UNAVAILABLE; anything else ERR_STORE_REJECTED.
 *
 * Two databases:
 *   ledger  what this client is about to rent and has rented, and the events that the events store has not yet taken; its
 *           tables are made when it is opened. A statement that returned without error is on disk.
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
 * Row order of results is part of the contract: ORDER BY stands in the SQL. Event ids are lower-case hex, which every collation
 * puts in the same order.
 */
#define STORE_STATEMENT_LIST(X) STORE_LEDGER_STATEMENTS(X) STORE_EVENT_STATEMENTS(X) STORE_DELIVERY_STATEMENTS(X)

#define STORE_LEDGER_STATEMENTS(X)                                                                                     \
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
    /* event_id, kind, created_unix_ns, payload: not yet in the events store; a known event_id changes nothing */      \
    X(SPOOL_ADD, LEDGER, 4, 0,                                                                                         \
      "INSERT INTO event_spool (event_id, kind, created_unix_ns, payload) "                                            \
      "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (event_id) DO NOTHING")                                                     \
    /* created_unix_ns, event_id, limit -> event_id, kind, created_unix_ns, payload of the events behind that one */   \
    X(SPOOL_LIST, LEDGER, 3, 4,                                                                                        \
      "SELECT event_id, kind, created_unix_ns, payload FROM event_spool WHERE created_unix_ns > ?1 "                   \
      "OR (created_unix_ns = ?1 AND event_id > ?2) ORDER BY created_unix_ns, event_id LIMIT ?3")                       \
    /* -> how many events wait in the spool */                                                                         \
    X(SPOOL_COUNT, LEDGER, 0, 1, "SELECT COUNT(*) FROM event_spool")                                                   \
    /* event_id: it is in the events store */                                                                          \
    X(SPOOL_DROP, LEDGER, 1, 0, "DELETE FROM event_spool WHERE event_id = ?1")

#define STORE_EVENT_STATEMENTS(X)                                                                                          \
    /* -> id, url, events ('*' or names with commas), secret */                                                            \
    X(SUBSCRIBERS, EVENTS, 0, 4, "SELECT id, url, events, secret FROM webhook_configs WHERE enabled = 1 ORDER BY id")      \
    /* event_id, kind, created_unix_ns, payload (JSON); a known event_id changes nothing */                                \
    X(EVENT_ADD, EVENTS, 4, 0,                                                                                             \
      "INSERT INTO lifecycle_events (event_id, kind, created_unix_ns, payload) "                                           \
      "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (event_id) DO NOTHING")                                                         \
    /* limit (0 or more) -> event_id, kind, created_unix_ns, payload, deliveries pending, delivered, dead; newest first */ \
    X(EVENTS_LIST, EVENTS, 1, 7,                                                                                           \
      "SELECT e.event_id, e.kind, e.created_unix_ns, e.payload, "                                                          \
      "(SELECT COUNT(*) FROM webhook_deliveries d WHERE d.event_id = e.event_id AND d.state = 'pending'), "                \
      "(SELECT COUNT(*) FROM webhook_deliveries d WHERE d.event_id = e.event_id AND d.state = 'delivered'), "              \
      "(SELECT COUNT(*) FROM webhook_deliveries d WHERE d.event_id = e.event_id AND d.state = 'dead') "                    \
      "FROM lifecycle_events e ORDER BY e.created_unix_ns DESC, e.event_id DESC LIMIT ?1")

/* A delivery is due when it is pending, its subscriber enabled, and its next attempt not later than now (or never tried). */
#define STORE_DELIVERY_STATEMENTS(X)                                                                                     \
    /* event_id, webhook_id: waits for delivery; a known pair changes nothing */                                         \
    X(DELIVERY_ADD, EVENTS, 2, 0,                                                                                        \
      "INSERT INTO webhook_deliveries (event_id, webhook_id, state, attempts) "                                          \
      "VALUES (?1, ?2, 'pending', 0) ON CONFLICT (event_id, webhook_id) DO NOTHING")                                     \
    /* now_unix_ns -> webhook_id of those that something is due for */                                                   \
    X(SUBSCRIBERS_DUE, EVENTS, 1, 1,                                                                                     \
      "SELECT DISTINCT d.webhook_id FROM webhook_deliveries d JOIN webhook_configs w ON w.id = d.webhook_id "            \
      "WHERE d.state = 'pending' AND w.enabled = 1 AND COALESCE(d.next_attempt_unix_ns, 0) <= ?1 "                       \
      "ORDER BY d.webhook_id")                                                                                           \
    /* webhook_id, now_unix_ns -> event_id, kind, payload, attempts, url, secret of its oldest event that is due */      \
    X(DELIVERY_NEXT, EVENTS, 2, 6,                                                                                       \
      "SELECT e.event_id, e.kind, e.payload, d.attempts, w.url, w.secret FROM webhook_deliveries d "                     \
      "JOIN lifecycle_events e ON e.event_id = d.event_id JOIN webhook_configs w ON w.id = d.webhook_id "                \
      "WHERE d.webhook_id = ?1 AND d.state = 'pending' AND w.enabled = 1 "                                               \
      "AND COALESCE(d.next_attempt_unix_ns, 0) <= ?2 ORDER BY e.created_unix_ns, e.event_id LIMIT 1")                    \
    /*                                                                                                                 \
     * event_id, webhook_id, attempts as read, until_unix_ns -> the new number of attempts; no row when somebody else  \
     * has taken it. Nobody else tries it before `until_unix_ns`.                                                      \
     */ \
    X(DELIVERY_CLAIM, EVENTS, 4, 1,                                                                                      \
      "UPDATE webhook_deliveries SET attempts = attempts + 1, next_attempt_unix_ns = ?4 WHERE event_id = ?1 "            \
      "AND webhook_id = ?2 AND state = 'pending' AND attempts = ?3 RETURNING attempts")                                  \
    /* event_id, webhook_id, state, next_attempt_unix_ns or null, last_error or null; only if it is pending */           \
    X(DELIVERY_SET, EVENTS, 5, 0,                                                                                        \
      "UPDATE webhook_deliveries SET state = ?3, next_attempt_unix_ns = ?4, last_error = ?5 "                            \
      "WHERE event_id = ?1 AND webhook_id = ?2 AND state = 'pending'")                                                   \
    /* webhook_id, last_error: all that is pending for it is dead */                                                     \
    X(DELIVERIES_BURY, EVENTS, 2, 0,                                                                                     \
      "UPDATE webhook_deliveries SET state = 'dead', next_attempt_unix_ns = NULL, last_error = ?2 "                      \
      "WHERE webhook_id = ?1 AND state = 'pending'")                                                                     \
    /* id: the subscriber is told nothing more */                                                                        \
    X(SUBSCRIBER_DISABLE, EVENTS, 1, 0, "UPDATE webhook_configs SET enabled = 0 WHERE id = ?1")                          \
    /* -> deliveries pending, delivered, dead, next attempt of all (null when none will be tried) */                     \
    X(DELIVERIES_COUNT, EVENTS, 0, 4,                                                                                    \
      "SELECT COUNT(*) FILTER (WHERE d.state = 'pending'), COUNT(*) FILTER (WHERE d.state = 'delivered'), "              \
      "COUNT(*) FILTER (WHERE d.state = 'dead'), MIN(COALESCE(d.next_attempt_unix_ns, 0)) "                              \
      "FILTER (WHERE d.state = 'pending' AND w.enabled = 1) "                                                            \
      "FROM webhook_deliveries d JOIN webhook_configs w ON w.id = d.webhook_id")                                         \
    /* limit -> event_id, webhook_id, state, attempts, next_attempt_unix_ns, last_error of the newest events */          \
    X(DELIVERIES_LIST, EVENTS, 1, 6,                                                                                     \
      "SELECT d.event_id, d.webhook_id, d.state, d.attempts, d.next_attempt_unix_ns, d.last_error "                      \
      "FROM webhook_deliveries d JOIN (SELECT event_id, created_unix_ns FROM lifecycle_events "                          \
      "ORDER BY created_unix_ns DESC, event_id DESC LIMIT ?1) e ON e.event_id = d.event_id "                             \
      "ORDER BY e.created_unix_ns DESC, d.event_id DESC, d.webhook_id")

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
