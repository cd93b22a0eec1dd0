/*
 * The sides of the live world, one file each: what the door's operations call, and how each begins and ends.
 *
 * Opening a side fills its member of struct live_world; closing is harmless when it was not opened, and comes after the tasks have gone.
 */
#ifndef WORLD_LIVE_LIVE_SIDES_H
#define WORLD_LIVE_LIVE_SIDES_H

#include "world/live/live_state.h"

MUST_USE enum error_code live_http_open(struct live_world *live, struct error *error);
void live_http_close(struct live_world *live);
void live_http_start(struct world *world, struct http_exchange *exchange);
void live_http_abandon(struct world *world, struct http_exchange *exchange);

/* Whether one of the requests after that number has gone out. */
bool live_http_has_sent_after(const struct live_world *live, uint64_t ordinal);

MUST_USE enum error_code live_shell_begin(struct live_world *live, struct error *error);
void live_shell_end(struct live_world *live);
void live_shell_open(struct world *world, struct shell_session *shell);
void live_shell_run(struct world *world, struct shell_session *shell);
void live_shell_abandon(struct world *world, struct shell_session *shell);
void live_shell_close(struct world *world, struct shell_session *shell);
void live_shell_forget(struct world *world, int64_t instance_id);

MUST_USE enum error_code live_store_open(struct live_world *live, struct error *error);
void live_store_close(struct live_world *live);
void live_store_start(struct world *world, struct store_call *call);
void live_store_abandon(struct world *world, struct store_call *call);

/* Runs a statement of the ledger at once, from the loop's stack. */
enum error_code live_store_ask_ledger(struct live_world *live, enum store_statement statement, store_row_function *row,
                                      void *context);

/* Files: no state of their own. The two below serve bodies of HTTP, on the loop's stack. */
extern const struct world_file_operations live_file_operations;
/* A failure says why in `trouble` (HTTP_TROUBLE_SIZE). */
bool live_file_put(void *opened, int64_t offset, const char *bytes, size_t size, char *trouble);
size_t live_file_get(void *opened, int64_t offset, char *out, size_t size, char *trouble); /* 0: it failed */

MUST_USE enum error_code live_locks_open(struct live_world *live, struct error *error);
void live_locks_close(struct live_world *live);
bool live_lock(struct world *world, const char *name);
void live_unlock(struct world *world, const char *name);

/* The person: on the terminal of standard input, and on standard error. No state of its own. */
void live_tell(struct world *world, const char *text);
void live_ask_start(struct world *world, struct question *question);
void live_ask_abandon(struct world *world, struct question *question);

MUST_USE enum error_code live_signals_open(struct live_world *live, struct error *error);
void live_signals_close(struct live_world *live);

#endif
