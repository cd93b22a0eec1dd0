/*
 * A list of instances: what is asked for, as list_request.c reads it and list.c answers it. Private to fakes/market.
 */
#ifndef FAKES_MARKET_LIST_H
#define FAKES_MARKET_LIST_H

#include "fakes/market/filter.h"
#include "fakes/market/list_columns.h"

enum { LIST_PAGE_MAX = 25, LIST_TOKEN_SIZE = 8192, LIST_PARAMETERS = 4, LIST_LEVELS_MAX = 6 };

struct list_level {
    const struct column *column;
    bool descending;
};

struct list {
    const struct market *market;
    struct list_level levels[LIST_LEVELS_MAX]; /* of the order; the id, ascending, decides between equals */
    size_t level_count;
    bool has_after;
    int64_t after_id;
    struct column_value after[LIST_LEVELS_MAX]; /* of the order's columns: the place behind which the page begins */
    int64_t limit;
    const cJSON *select_columns;   /* NULL: all */
    cJSON *trees[LIST_PARAMETERS]; /* the filter's texts lie in them */
    cJSON *token;
    struct filter filter;
    const struct label *label; /* when only one is wanted */
    bool by_label;
};

/* Reads the request's query. False after answering. list_release() is due either way. */
bool list_read(struct list *list, const struct market *market, const char *path, struct http_reply *reply);
void list_release(struct list *list);

#endif
