/*
 * Search: what one asks for, and how it is read from the forms in which clients ask. Private to fakes/market.
 */
#ifndef FAKES_MARKET_SEARCH_H
#define FAKES_MARKET_SEARCH_H

#include "fakes/market/filter.h"
#include "fakes/market/offer_fields.h"
#include "fakes/market/state.h"

enum { ORDER_LEVELS_MAX = 8 };

struct order_level {
    const struct offer_field *field;
    bool descending;
};

enum price_kind { PRICE_ON_DEMAND, PRICE_BID };

struct search {
    const struct market *market;
    const struct offer_book *book;
    enum price_kind kind;
    const cJSON *select_columns; /* NULL: all */
    int64_t book_disk_mgb;       /* that the book was rendered for */
    int64_t disk_mgb;            /* that this search asks for */
    int64_t limit;
    struct order_level order[ORDER_LEVELS_MAX];
    size_t order_count;
    struct filter filter;
};

/* The request's query as one object, whichever form it came in, to be given to cJSON_Delete(); NULL after answering. */
cJSON *search_body(const struct call *call);

/* Reads it into `search`, whose texts it then owns. False after answering. */
bool search_read(struct search *search, const struct call *call, const cJSON *body);

/* The field that filters and orders by `key`, or NULL. */
const struct offer_field *searchable_field(const char *key);

#endif
