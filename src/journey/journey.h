/*
 * Journey: one procedure of the client from its first request to its exit status, and what all of them share.
 *
 * A journey runs in a task of its world. It takes all the memory it needs before it rents anything, writes an intent before
 * each create, and on every way out, an interruption included, destroys what it rented and reads the destruction back, in a shield
 * with a deadline of its own. What could not be destroyed is told in `machines_left`, and the exit status is 8.
 *
 * Journeys: check.h, destroy.h, reap.h, status.h, remote_run.h.
 */
#ifndef JOURNEY_JOURNEY_H
#define JOURNEY_JOURNEY_H

#include "base/json_write.h"
#include "events/events.h"
#include "journey/guard.h"
#include "ledger/ledger.h"
#include "vast/calls.h"
#include "world/world.h"

enum { MACHINES_LEFT_MAX = 32, JOURNEY_RUN_ID_DIGITS = 16 };

/* Of each request to the API. */
#define JOURNEY_REQUEST_LIMIT_NS (30 * NS_PER_S)

/* A machine that may still exist and bill. */
struct machine_left {
    int64_t id; /* 0 when only its label is known */
    int64_t price_nusd_per_hour;
    char label[INTENT_LABEL_SIZE];
};

struct journey {
    struct world *world;
    struct vast vast;
    struct events *events; /* NULL: there was no memory for them */
    const char *name;
    char run_id[INTENT_RUN_SIZE];
    struct guard guard; /* of the machine in use; all zero without one */
    struct error error; /* the first thing that went wrong; ERR_OK while all is well */
    int command_status; /* of a command that was run for somebody: the process ends with it when nothing went wrong */
    struct machine_left machines_left[MACHINES_LEFT_MAX];
    size_t machines_left_count;
};

/* Takes the memory and names the run. On ERR_NO_MEMORY there is nothing to close. */
MUST_USE enum error_code journey_open(struct journey *journey, struct world *world, const char *name,
                                      struct vast_access access);

/* Writes client.report and client.exit, gives the memory back, and says with which status the process should end. */
enum exit_status journey_close(struct journey *journey);

/* Exit status and history entries of a journey that could not even be opened. */
enum exit_status journey_without_memory(struct world *world);

/* Keeps the first error; later ones are consequences. Returns the code it was given. */
enum error_code journey_fail(struct journey *journey, const struct error *error);

/* Records that a machine may be left. `id` 0 when only the label is known. */
void journey_leave_machine(struct journey *journey, int64_t id, const char *label, int64_t price_nusd_per_hour);

/* The members of client.start that every journey has: its name, the program's version, and the world's description. */
void journey_describe(const struct journey *journey, struct json_writer *data);

/* Writes client.start with these members and no others. */
void journey_note_start(struct journey *journey);

/* The begin and end of a named phase; `extra` phases stand outside the eight of a check. */
void phase_begin(struct journey *journey, const char *name, bool extra);
void phase_end(struct journey *journey, const char *name, bool extra, enum error_code outcome);

/* One decision, with its reason, about an instance (0: about the label; "" : about neither). */
void note_decision(struct journey *journey, int64_t instance_id, const char *label, const char *what, const char *why);

/* One observation of an instance. */
void note_instance(struct journey *journey, int64_t instance_id, const struct vast_instance *instance);

/* Moves an intent on; a ledger that does not take it is a warning by now, since the machine matters more. */
void journey_set_intent(struct journey *journey, struct intent *intent, enum intent_state state, int64_t instance_id);

#endif
