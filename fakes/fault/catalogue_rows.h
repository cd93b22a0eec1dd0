/*
 * Catalogue rows: what the tables of faults are written in, and the tables beside the catalogue's own. Private to fakes/fault.
 */
#ifndef FAKES_FAULT_CATALOGUE_ROWS_H
#define FAKES_FAULT_CATALOGUE_ROWS_H

#include "fakes/fault/catalogue.h"

#define AT(name) (1U << POINT_##name)
#define FOR_EVER (-1)

#define CHOICE(name, usual_word, all_words, what)                                                                      \
    {                                                                                                                  \
        .key = name, .kind = PARAMETER_CHOICE, .usual = usual_word, .words = all_words, .meaning = what                \
    }
#define NUMBER(name, usual_number, low, high, what)                                                                    \
    {                                                                                                                  \
        .key = name, .kind = PARAMETER_NUMBER, .usual = usual_number, .least = low, .most = high, .meaning = what      \
    }
#define SECONDS(name, usual_seconds, what) NUMBER(name, usual_seconds, 0, 2592000, what)
#define SECONDS_OR_EVER(name, usual_seconds, what)                                                                     \
    {                                                                                                                  \
        .key = name, .kind = PARAMETER_NUMBER, .usual = usual_seconds, .least = 0, .most = 2592000,                    \
        .or_minus_one = true, .meaning = what " (-1: for ever)"                                                        \
    }
#define NAMES(name, usual_names, many, what)                                                                           \
    {                                                                                                                  \
        .key = name, .kind = PARAMETER_NAMES, .usual = usual_names, .several = many, .meaning = what                   \
    }
#define PARAMETERS(...)                                                                                                \
    (const struct fault_parameter[FAULT_OWN_MAX + 1])                                                                  \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define NO_PARAMETERS PARAMETERS({.key = NULL})

/* catalogue_host.c: faults of hosts and their SSH */
size_t host_fault_count(void);
const struct fault_row *host_fault_row(size_t index);

/* catalogue_bucket.c: faults of the object store */
size_t bucket_fault_count(void);
const struct fault_row *bucket_fault_row(size_t index);

#endif
