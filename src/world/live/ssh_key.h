/*
 * The private key of the account, read once.
 */
#ifndef WORLD_LIVE_SSH_KEY_H
#define WORLD_LIVE_SSH_KEY_H

#include <libssh/libssh.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/heap.h"

/*
 * Reads a private key without passphrase, in any form that libssh knows. ERR_SSH_KEY_UNUSABLE: no such file, others can read it,
 * no key, or one with a passphrase. On ERR_OK `*out` is the caller's: ssh_key_free().
 */
MUST_USE enum error_code ssh_key_read(struct heap *heap, const char *path, ssh_key *out, struct error *error);

#endif
