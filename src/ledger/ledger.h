/*
 * Ledger: what this client is about to rent and has rented, on disk before it happens.
 *
 * An intent is written, with a unique label, before its create leaves; whatever becomes of the process or of the reply, the label
 * finds the machine. An intent is open until the absence of its machine was seen:
 *
 *     intended -> created -> destroying -> closed        intended -> closed (never came to be)
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "world/world.h"

enum { INTENT_LABEL_SIZE = 64, INTENT_RUN_SIZE = 32, INTENT_JOURNEY_SIZE = 16 };

/* Every label of ours begins with it, and perhaps somebody else's: see journey/label.h. */
#define INTENT_LABEL_PREFIX "dumont-"

enum intent_state { INTENT_INTENDED, INTENT_CREATED, INTENT_DESTROYING, INTENT_CLOSED };

struct intent {
    char label[INTENT_LABEL_SIZE];
    char run[INTENT_RUN_SIZE];
    char journey[INTENT_JOURNEY_SIZE];
    int64_t offer_id;
    int64_t machine_id;
    int64_t price_nusd_per_hour;
    struct wall_time created;
    enum intent_state state;
    int64_t instance_id; /* 0 while unknown */
};

const char *intent_state_name(enum intent_state state);

/* Writes a new intent, state intended. ERR_OK means that it is on disk. ERR_LEDGER_UNWRITABLE otherwise, or ERR_INTERRUPTED. */
MUST_USE enum error_code ledger_intend(struct world *world, const struct intent *intent, struct error *error);

/* Moves an intent on. `instance_id` 0 keeps what is known. */
MUST_USE enum error_code ledger_set(struct world *world, struct intent *intent, enum intent_state state,
                                    int64_t instance_id, struct error *error);

/*
 * Reads the open intents, oldest first, into `out` (at most `capacity`; `count` is the number that there are, which may be
 * more). Rows that this version cannot read are an error, never left out.
 */
MUST_USE enum error_code ledger_open_intents(struct world *world, struct intent *out, size_t capacity, size_t *count,
                                             struct error *error);

#endif
