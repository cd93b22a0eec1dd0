#include "world/live/postgres_query.h"

#include <assert.h>
#include <string.h>

enum { SQL_SIZE = 4096, NUMBER_SIZE = 24 };

/* "?1" as PostgreSQL writes it, "$1". No statement has a '?' that means anything else. */
static void translate(const char *sql, char out[SQL_SIZE])
{
    bool whole = text_copy(out, SQL_SIZE, sql);
    assert(whole);
    (void)whole;
    for (char *at = out; *at != '\0'; at++) {
        *at = *at == '?' ? '$' : *at;
    }
}

int postgres_send_statement(PGconn *connection, const struct postgres_query *query)
{
    char sql[SQL_SIZE];
    char numbers[STORE_VALUES_MAX][NUMBER_SIZE];
    const char *values[STORE_VALUES_MAX];
    int lengths[STORE_VALUES_MAX];
    int formats[STORE_VALUES_MAX]; /* 1: bytes as they are, so that none ends a text */
    assert(query->value_count <= STORE_VALUES_MAX);
    for (size_t i = 0; i < query->value_count; i++) {
        const struct store_value *value = &query->values[i];
        values[i] = NULL;
        lengths[i] = 0;
        formats[i] = value->kind == STORE_TEXT ? 1 : 0;
        if (value->kind == STORE_INT) {
            (void)text_format(numbers[i], NUMBER_SIZE, "%lld", (long long)value->integer);
            values[i] = numbers[i];
        } else if (value->kind == STORE_TEXT) {
            assert(value->text.length <= INT32_MAX);
            values[i] = value->text.length == 0 ? "" : value->text.at;
            lengths[i] = (int)value->text.length;
        }
    }
    translate(query->sql, sql);
    return PQsendQueryParams(connection, sql, (int)query->value_count, NULL, values, lengths, formats, 0);
}

static struct store_value column_value(const PGresult *row, int column)
{
    enum { INT8 = 20, INT2 = 21, INT4 = 23 }; /* object ids of the types, fixed in pg_type */
    if (PQgetisnull(row, 0, column)) {
        return store_null();
    }
    struct span text = {PQgetvalue(row, 0, column), (size_t)PQgetlength(row, 0, column)};
    Oid type = PQftype(row, column);
    int64_t integer = 0;
    if ((type == INT8 || type == INT4 || type == INT2) && decimal_parse(text, 0, &integer)) {
        return store_int(integer);
    }
    return (struct store_value){.kind = STORE_TEXT, .text = text};
}

void postgres_give_row(const struct postgres_query *query, const PGresult *row)
{
    struct store_value columns[STORE_VALUES_MAX];
    int count = PQnfields(row);
    assert(count <= STORE_VALUES_MAX);
    for (int i = 0; i < count; i++) {
        columns[i] = column_value(row, i);
    }
    if (query->row != NULL) {
        query->row(query->row_context, columns, (size_t)count);
    }
}

/* Of a statement: the server's primary message, or that the connection broke. */
void postgres_fill_failure(const PGresult *answer, struct store_result *result)
{
    const char *sqlstate = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    const char *words = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL || words == NULL) {
        (void)store_result_set(result, "08006", "the connection to the database broke");
    } else {
        (void)store_result_set(result, sqlstate, words);
    }
}
