/*
 * PostgreSQL link: one connection, kept or made when it is needed, and one piece of SQL at a time over it, through libpq's calls
 * that do not block. Everything here runs on the loop's stack.
 *
 * A connection is made within CONNECT_LIMIT of real time, names looked up included. Its server is told to wait for a lock at most
 * LOCK_LIMIT and to run a statement at most STATEMENT_LIMIT, so that what was given up here does not go on there.
 *
 * A connection is dropped, and made anew for the next piece of SQL, after a failure that says that it is of no use: it broke, the
 * server ends it (class 57), or may only be read (25006: after a switch-over the old one stays so for ever).
 *
 * A connection that breaks while a statement that writes is under way leaves it unknown whether that took effect: 08007, not 08006.
 *
 * Messages are the server's primary message or the system's reason. What libpq says beside them may quote the URL, so it is never
 * passed on; and a message that held the password all the same would be replaced.
 */
#ifndef WORLD_LIVE_POSTGRES_LINK_H
#define WORLD_LIVE_POSTGRES_LINK_H

#include <libpq-fe.h>

#include "reactor/reactor.h"
#include "world/live/name_lookup.h"
#include "world/store.h"

/* A piece of SQL under way; all is borrowed until `done`. */
struct postgres_query {
    const char *sql;                  /* one statement with ?1 ?2 …; or, without values, several separated by ';' */
    const struct store_value *values; /* NULL: the text is sent as it stands, and no row is expected */
    size_t value_count;
    bool is_script;
    store_row_function *row; /* rows seen before a failure are to be thrown away */
    void *row_context;
    struct store_result *result;
    void (*done)(void *owner); /* called once, with `result` filled; may run the next query */
    void *owner;
};

enum postgres_link_state {
    LINK_DOWN,
    LINK_NAMING,
    LINK_CONNECTING,
    LINK_SETTING_UP,
    LINK_READY,
    LINK_BUSY,
    LINK_FORGOTTEN /* works on what nobody waits for: to be closed */
};

struct postgres_link {
    struct reactor *reactor;
    const char *url; /* borrowed, checked by postgres_url_check() */
    PGconn *connection;
    enum postgres_link_state state;
    bool has_query;
    struct postgres_query query;
    struct store_result setup; /* of the settings that a new connection gets */
    bool failed;               /* the answer under way holds an error */
    bool sent;                 /* the query, or a part of it */
    struct name_lookup lookup;
    struct reactor_watch watch;
    struct reactor_timer limit;
};

/* True for a URL that names PostgreSQL, well-formed or not. */
bool postgres_url_is(const char *url);

/*
 * ERR_OK, or ERR_USAGE with the reason, in words that repeat nothing of the URL. Strict where libpq would guess: '@', '/' and ':' of a
 * password must be percent-encoded, or a part of it could be taken for a host, and shown.
 */
MUST_USE enum error_code postgres_url_check(const char *url, struct error *error);

/* A link that is down. Must not move afterwards. */
void postgres_link_init(struct postgres_link *link, struct reactor *reactor, const char *url);

/* Runs `query`, connecting first if need be. Only while no other is under way. `done` may be called before this returns. */
void postgres_link_run(struct postgres_link *link, const struct postgres_query *query);

/* Forgets the query under way, from anywhere: nothing of it is touched again. Must be dropped before the next query. */
void postgres_link_forget(struct postgres_link *link);

/* Ends the connection, and forgets the query under way: its `done` is not called. Harmless while the link is down. */
void postgres_link_drop(struct postgres_link *link);

/* The SQLSTATE in the text of a failed connection, "08001" when there is none; `words` gets what to tell. For tests. */
void postgres_connect_failure(const char *text, const char *password, char sqlstate[STORE_SQLSTATE_SIZE],
                              struct buffer *words);

#endif
