/*
 * Memory store: carries out the catalogue of world/store.h in memory, on a simulated disk, for the virtual world.
 *
 * Both databases live in one store. The ledger's tables are there from the start, those of the events database once
 * memory_store_migrate() has made them; before, their statements fail with 42P01 in PostgreSQL's words.
 *
 * Durability: a change is seen by later statements at once, but it is only pending until memory_store_sync(). A crash keeps what
 * is durable and a prefix of what is pending, as a write-ahead log does. A world that keeps the contract syncs before it lets the
 * client see the result.
 *
 * Bounded: all rows together, former versions of pending changes included, hold at most 64 MiB; then inserts and updates fail
 * with 53100 as on a full disk. A statement that fails, also for want of memory (53200), changes nothing.
 *
 * Use a heap of the world, not of the simulated process: what is stored here outlives that process.
 */
#ifndef SIM_STORE_MEMORY_STORE_H
#define SIM_STORE_MEMORY_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/heap.h"
#include "world/store.h"

struct memory_store;

/* An empty store, or NULL without memory. Owned by the caller: memory_store_free(). */
MUST_USE struct memory_store *memory_store_new(struct heap *heap);
void memory_store_free(struct memory_store *store); /* NULL is allowed */

/*
 * Runs a statement. `count` must be store_statement_parameters(), and each value null or of its column's kind. `on_row` is called
 * for each row and must not use the store; it may be NULL when no rows can come. Returns result->code.
 */
enum error_code memory_store_run(struct memory_store *store, enum store_statement statement,
                                 const struct store_value *values, size_t count, store_row_function *on_row,
                                 void *context, struct store_result *result);

/* Applies the migrations that a database lacks and reports each by name; durable at once. Returns result->code. */
enum error_code memory_store_migrate(struct memory_store *store, enum store_database database,
                                     store_migration_function *on_applied, void *context, struct store_result *result);

/* What another program does: a row of webhook_configs, pending like any change. `secret` may be NULL. Returns result->code. */
enum error_code memory_store_subscribe(struct memory_store *store, int64_t id, const char *url, const char *events,
                                       const char *secret, bool enabled, struct store_result *result);

/* Makes all pending changes durable: what fsync does. */
void memory_store_sync(struct memory_store *store);

size_t memory_store_pending(const struct memory_store *store);

/*
 * A crash of the machine: of n pending changes the first `luck` modulo (n + 1) survive, and are durable from now on. A uniform
 * `luck` gives each possible log the same chance; 0 loses all.
 */
void memory_store_crash(struct memory_store *store, uint64_t luck);

/*
 * From now on each statement that touches `table` ("webhook_configs") fails with `sqlstate`, until it is set to NULL.
 * False when there is no such table. memory_store_migrate() is not affected.
 */
bool memory_store_fail_table(struct memory_store *store, const char *table, const char *sqlstate);

#endif
