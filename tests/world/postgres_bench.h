/*
 * Bench for the PostgreSQL store: a reactor, a store, and another session of the server that with_postgres.py starts. Each test
 * begins without tables. Without a server bench_open_on_server() says so, and the test has nothing to do.
 */
#ifndef POSTGRES_BENCH_H
#define POSTGRES_BENCH_H

#include <libpq-fe.h>

#include "world/live/postgres_store.h"

enum { URL_SIZE = 512 };

static const struct wall_time bench_now = {INT64_C(1767381138000000000)};

struct bench {
    struct heap *heap;
    struct clock_page *clock;
    struct reactor *reactor;
    struct postgres_store *store;
    PGconn *other; /* another session, of a person or another program; NULL without a server */
    int rows;
    char texts[256]; /* of the first columns of all rows, one behind the other */
};

/* A statement with all that it borrows; its parameters are 5 at first. */
struct trial {
    struct store_call call;
    struct store_result result;
    struct store_value values[4];
};

int bench_set_up(void **state);
int bench_tear_down(void **state);

const char *bench_server_url(void); /* NULL without a server */

/* Runs SQL in a session of libpq's; fails the test when the server refuses. */
void bench_ask(PGconn *session, const char *sql);

struct postgres_store *bench_open_store(struct bench *bench, const char *url);

/* Opens bench->store on the server; false where there is none. */
bool bench_open_on_server(struct bench *bench);

struct trial trial_of(struct bench *bench, enum store_statement statement);
void trial_start(struct postgres_store *store, struct trial *trial);

void bench_wait(struct bench *bench, const struct completion *done);
void bench_turn_for(struct bench *bench, int64_t duration_ns);

/* One statement from its start to its end; its rows are counted. */
struct store_result bench_run(struct bench *bench, struct postgres_store *store, enum store_statement statement);

/* The same on bench->store; fails the test when it ends otherwise. */
void bench_expect(struct bench *bench, enum store_statement statement, const char *sqlstate);

struct store_result bench_migrate(struct bench *bench, struct postgres_store *store);

/* Makes the tables, and lets the other session hold a lock on webhook_configs. */
void bench_lock_tables(struct bench *bench);

#endif
