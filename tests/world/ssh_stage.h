/*
 * SSH stage: a small SSH server (libssh's own, blocking, a thread for each connection) that runs commands with the system's sh, for the
 * tests of the live world's client. A command reads all of its input before it begins.
 *
 * Commands of its own: "DROP" ends the connection without a word, "LEAVE" closes the channel without a status, "HANG" never ends, "KILLED" ends by
 * SIGKILL.
 */
#ifndef TESTS_WORLD_SSH_STAGE_H
#define TESTS_WORLD_SSH_STAGE_H

#include <libssh/libssh.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { SSH_STAGE_VISITS_MAX = 64 };

struct ssh_stage {
    ssh_key host_key;
    ssh_key account_key;  /* whose holder may enter */
    bool denies_everyone; /* the key is not there yet */
    int listener;
    int port;
    size_t visits;
    pthread_t visitors[SSH_STAGE_VISITS_MAX];
    pthread_t thread;
};

/* Makes both keys, and writes the private half of the account's to `key_path`, 0600. */
void ssh_stage_make(struct ssh_stage *stage, const char *key_path);
void ssh_stage_new_host_key(struct ssh_stage *stage, enum ssh_keytypes_e type, int bits);

/* Listens on 127.0.0.1 and serves, until it is stopped; all visitors must have gone by then. */
void ssh_stage_start(struct ssh_stage *stage);
void ssh_stage_stop(struct ssh_stage *stage);

void ssh_stage_release(struct ssh_stage *stage);

#endif
