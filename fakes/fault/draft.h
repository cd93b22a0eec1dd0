/*
 * Draft: one fault of a plan while it is being read, whatever the form it is written in: checks each parameter against the
 * catalogue and says in words what is wrong.
 */
#ifndef FAKES_FAULT_DRAFT_H
#define FAKES_FAULT_DRAFT_H

#include "fakes/fault/catalogue.h"

/* A parameter as it was given: the text without quotes, and its value when it is a number. */
struct given {
    char key[FAULT_ID_SIZE];
    char text[FAULT_VALUE_SIZE];
    struct maybe_int64 nano;
};

/* A fault that is being put together; the first mistake stands. */
struct draft {
    struct fault fault;
    const struct fault_row *row;
    unsigned common_seen;
    struct buffer mistake; /* empty while all is well */
};

/* An empty draft; a mistake is written to `mistake` of `size` bytes, which the caller owns. */
void draft_start(struct draft *draft, char *mistake, size_t size);

bool draft_good(const struct draft *draft);

/* First of all: which fault it is. Sets the catalogue's defaults. */
void draft_set_id(struct draft *draft, const char *id);

/* Sets one parameter, or notes why not. */
void draft_set(struct draft *draft, const struct given *given);

/* Notes that the fault has no parameter `key`, and which ones it has. */
void draft_refuse_key(struct draft *draft, const char *key);

/* Last of all: checks the whole and adds it to the plan, unless there is a mistake. */
void draft_finish(struct draft *draft, struct fault_plan *plan);

/* Sets `nano` when `raw` is a number. */
void given_number(struct given *given, struct span raw);

#endif
