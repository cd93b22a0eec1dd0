/*
 * SQLite store: carries out the catalogue of world/store.h on a local file.
 *
 * The file is kept with a write-ahead log and full synchronisation, so a statement that returned without error survives the loss
 * of power. A new file has mode 0600, folders made for it 0700. Calls block, for a lock at most a quarter of a second.
 *
 * One store belongs to one thread; several stores, also of several processes, may have the same file open.
 */
#ifndef WORLD_LIVE_SQLITE_STORE_H
#define WORLD_LIVE_SQLITE_STORE_H

#include <stddef.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/units.h"
#include "world/store.h"

struct sqlite_store;

/* Is it a URL of SQLite's? ERR_USAGE with words that do not repeat it. Whether the file can be opened is another question. */
MUST_USE enum error_code sqlite_url_check(const char *url, struct error *error);

/*
 * Opens the database at `url`: `sqlite:PATH`, or `sqlite::memory:` for one that ends with the store. Missing migrations of a
 * ledger are applied (`now` is noted beside them); those of an events database are left to sqlite_store_migrate().
 *
 * ERR_USAGE: no such form of URL (PostgreSQL's are postgres_store.h's). ERR_NO_MEMORY. Else, with an SQLSTATE in the message, for
 * a ledger ERR_LEDGER_UNWRITABLE, for events the code of the SQLSTATE. On ERR_OK `*out` is the caller's: sqlite_store_close().
 */
MUST_USE enum error_code sqlite_store_open(struct heap *heap, const char *url, enum store_database database,
                                           struct wall_time now, struct sqlite_store **out, struct error *error);

void sqlite_store_close(struct sqlite_store *store); /* NULL is allowed */

/*
 * Runs a statement of the store's database; `count` must be store_statement_parameters(). `on_row` is called for each row and
 * must not use the store; rows seen before a failure are to be thrown away. `on_row` may be NULL when no rows can come.
 * Returns result->code.
 */
enum error_code sqlite_store_run(struct sqlite_store *store, enum store_statement statement,
                                 const struct store_value *values, size_t count, store_row_function *on_row,
                                 void *context, struct store_result *result);

/*
 * Applies the migrations that the database lacks, in order, each in a transaction, and reports each by name. After a failure the
 * earlier ones stand and the call can be repeated; so can it by several processes at a time. Returns result->code.
 */
enum error_code sqlite_store_migrate(struct sqlite_store *store, struct wall_time now,
                                     store_migration_function *on_applied, void *context, struct store_result *result);

#endif
