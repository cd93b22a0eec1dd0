/*
 * Events store of the command line: the one of DUMONT_DATABASE, else events.sqlite of the state folder, asked one statement at a time; each
 * call returns when it is answered, or after a time that no working database needs.
 */
#ifndef CLI_EVENTS_STORE_H
#define CLI_EVENTS_STORE_H

#include "base/heap.h"
#include "world/store.h"

struct events_store;

/* What DUMONT_DATABASE says, NULL when it is empty, too. Never to be shown: it may hold a password. */
const char *events_store_url(void);

/*
 * ERR_USAGE when DUMONT_DATABASE is no URL of a store: a mistake that is said before anything is rented. A store that is down, or
 * not there, is none.
 */
MUST_USE enum error_code events_store_judge(struct error *error);

/* ERR_USAGE for a URL that is none; else what the kind of store says. PostgreSQL is connected to by the first statement. */
MUST_USE enum error_code events_store_open(struct heap *heap, struct events_store **out, struct error *error);
void events_store_close(struct events_store *store); /* NULL is allowed */

/* As sqlite_store_run() and sqlite_store_migrate(). Return result->code. */
enum error_code events_store_run(struct events_store *store, enum store_statement statement,
                                 const struct store_value *values, size_t count, store_row_function *on_row,
                                 void *context, struct store_result *result);
enum error_code events_store_migrate(struct events_store *store, store_migration_function *on_applied, void *context,
                                     struct store_result *result);

/* Says a failed statement in `error`, with its cure where one is known. Returns its code. */
enum error_code events_store_refuse(const struct store_result *result, struct error *error);

/* Each event that waits in the spool of the state folder, oldest first, as STORE_SPOOL_LIST gives them. Without a spool there are none. */
enum error_code events_spool_list(struct heap *heap, store_row_function *on_row, void *context, struct error *error);

#endif
