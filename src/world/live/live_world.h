/*
 * Live world: the door of world/world.h onto the real outside: libcurl, libssh, SQLite, the state folder, the machine's clocks or the
 * clock of a rehearsal (reactor/clock_page.h).
 *
 * One thread turns one loop. Everything that the client waits for is a completion finished on the loop's stack; deadlines are the
 * loop's own and count in stage time, so a rehearsal at sixty times the speed, or a frozen one, needs nothing else. Libraries are
 * entered on the loop's stack only, and their own timeouts are off.
 *
 *     struct live_world *live;
 *     if (live_world_open(&options, &live, &error) == ERR_OK) {
 *         enum exit_status cut = live_world_run(live, procedure, &argument);   runs in a task of live_world_door(live)
 *         live_world_close(live);
 *     }
 *
 * Signals: while the world is open, SIGINT, SIGTERM, SIGQUIT, SIGHUP and the others that would end the program are its own (they are
 * blocked); SIGPIPE is ignored. The first cancels the main task, which cleans up; `interrupted_by` of the door says so. A
 * second SIGINT, SIGTERM or SIGQUIT cuts: one line on standard error, and the run ends where it stands. A second SIGHUP does not (a lost
 * terminal may bring several), nor one that comes within a tenth of a second and before the clean-up has sent anything: that is
 * the first, come on two ways.
 *
 * In the state folder (0700) lie: ledger.sqlite, events.sqlite (unless options say otherwise), host-keys/ID (the host key that machine ID
 * showed first, 0600), and run-NAME.lock of the locks held now.
 *
 * Memory: the client's heap is the door's own, to be tested for leaks; what the world needs lies elsewhere.
 */
#ifndef WORLD_LIVE_LIVE_WORLD_H
#define WORLD_LIVE_LIVE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/history.h"
#include "world/world.h"

struct live_world;

/* Called for each event after it is in the history; secrets are hidden in it. The spans end with the call. */
typedef void live_noted_function(void *context, const struct history_event *event);

/* Texts and the history are borrowed until live_world_close(). */
struct live_world_options {
    struct world_description description; /* seed, speed, and what a clock page tells are filled in by the world */
    const char *clock_page_path;          /* NULL: the machine's clocks */
    const char *cacert; /* PEM file of the authorities to trust instead of the system's; NULL: the system's */
    const char
        *ssh_key_path; /* private key without passphrase, that nobody else can read; NULL: every machine denies us */
    const char *state_folder; /* made if it is missing; see state_folder_path() of files.h */
    const char *events_url;   /* "sqlite:PATH", "postgresql://..."; NULL: events.sqlite of the state folder */
    bool has_seed; /* draws come from `seed`, so a second run draws the same labels: for tests; else from the system */
    uint64_t seed;
    bool tell_on_output;     /* what is shown goes to standard output, not to standard error; questions never do */
    struct history *history; /* where notes go */
    const char
        *history_path; /* a file to which each event is also appended at once, so that kill -9 leaves it; NULL: none */
    live_noted_function *noted; /* NULL: nobody */
    void *noted_context;
};

/*
 * Opens the world; sends nothing anywhere. With the message for a person:
 * ERR_INPUT_UNREADABLE  clock page or authorities cannot be read
 * ERR_INPUT_INVALID     ... or is none
 * ERR_SSH_KEY_UNUSABLE  the key file cannot be read, or is none, or others can read it, or it is protected by a passphrase
 * ERR_CANNOT_WRITE      state folder or history file
 * ERR_LEDGER_UNWRITABLE, ERR_NO_MEMORY
 * A missing or broken events store is no error: its statements fail, each with its reason.
 */
MUST_USE enum error_code live_world_open(const struct live_world_options *options, struct live_world **out,
                                         struct error *error);

/* NULL is allowed. Gives back all that is left: tasks, sessions, the client's heap. Signals are what they were before. */
void live_world_close(struct live_world *live);

struct world *live_world_door(struct live_world *live);

/*
 * Runs `run` in the main task, until it and every task that it started have returned. Returns EXIT_DONE then: what became of it is for
 * `argument` to say. Otherwise how the process should end: EXIT_MACHINE_LEFT (a create is in the ledger that no destruction
 * closed), else EXIT_INTERRUPTED or EXIT_TERMINATED, when a second signal cut it; EXIT_ENVIRONMENT when there was no memory to start it.
 */
enum exit_status live_world_run(struct live_world *live, task_function *run, void *argument);

/* How many blocks of memory the world itself holds, for tests: equal before and after whatever was done and undone. */
size_t live_world_blocks(const struct live_world *live);

/* True when the history file could not take every event; live_world_run() has said so on standard error. */
bool live_world_history_cut(const struct live_world *live);

#endif
