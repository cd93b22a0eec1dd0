/*
 * Columns of the lists of instances: what filters and order may name. Private to fakes/market.
 */
#ifndef FAKES_MARKET_LIST_COLUMNS_H
#define FAKES_MARKET_LIST_COLUMNS_H

#include "fakes/market/state.h"

/* Contract columns, that filters and order may name. `nano`: numbers and truths in counts of 10^-9. */
struct column_value {
    bool is_null;
    int64_t nano;
    const char *text;
};

struct column {
    const char *key;
    bool is_text;
    void (*get)(const struct market *market, const struct contract *contract, struct column_value *value);
};

/* The column of that name, or NULL. */
const struct column *list_column(const char *key);

/* The two that lists look things up by. */
bool column_is_id(const struct column *column);
bool column_is_label(const struct column *column);

#endif
