/*
 * Run folder: what one run of dumont-fake keeps on disk: clock page, the account's SSH key, the state folder and the events store of
 * the client that rehearses. It is a temporary folder of mode 0700 that goes with the run, or one that was asked for and stays.
 */
#ifndef FAKES_CLI_RUN_FOLDER_H
#define FAKES_CLI_RUN_FOLDER_H

#include "base/units.h"
#include "fakes/fault/plan.h"
#include "system/files.h"

enum { PUBLIC_KEY_SIZE = 256 };

/* Paths within it, "" until made. */
struct run_folder {
    char path[FILE_PATH_SIZE];
    bool stays;
    char clock[FILE_PATH_SIZE];
    char ssh_key[FILE_PATH_SIZE];
    char state[FILE_PATH_SIZE];
    char events[FILE_PATH_SIZE];
    char public_key[PUBLIC_KEY_SIZE]; /* "ssh-ed25519 AAAA... dumont-fake" */
};

/*
 * Makes the folder, `wanted` or (NULL) a temporary one, and a fresh key in it; of an earlier run in the same folder only the client's
 * state stays. ERR_CANNOT_WRITE, ERR_NO_MEMORY. Undone with run_folder_remove(), also after a failure.
 */
MUST_USE enum error_code run_folder_make(struct run_folder *folder, const char *wanted, struct error *error);

/* Lays out the events store with its tables, but for those that a fault of the plan takes away. ERR_CANNOT_WRITE. */
MUST_USE enum error_code run_folder_make_events(const struct run_folder *folder, struct wall_time now,
                                                const struct fault_plan *faults, struct error *error);

/* The clock page goes in any case: its maker is gone. */
void run_folder_remove(struct run_folder *folder);

#endif
