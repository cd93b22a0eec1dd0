/*
 * Between the catalogue's values and libpq's: parameters, columns, failures. Private to the PostgreSQL link.
 */
#ifndef WORLD_LIVE_POSTGRES_QUERY_H
#define WORLD_LIVE_POSTGRES_QUERY_H

#include "world/live/postgres_link.h"

/* Queues one statement with its values for sending. 1, or 0 when libpq refuses. */
int postgres_send_statement(PGconn *connection, const struct postgres_query *query);

/* Hands the first row of `row` to the query's function. */
void postgres_give_row(const struct postgres_query *query, const PGresult *row);

/* What an answer that is a failure says: the server's primary message, or that the connection broke. */
void postgres_fill_failure(const PGresult *answer, struct store_result *result);

#endif
