/*
 * Host keys: the key that a machine showed first is pinned to the machine, and any other is refused from then on.
 *
 * Pinned by instance, never by address: addresses and ports of the proxy pass from renter to renter, and a machine's two addresses (proxy and
 * direct) lead to the same key. One file a machine in the folder `host-keys` of the state folder, 0600: "TYPE BASE64\n".
 */
#ifndef WORLD_LIVE_HOST_KEYS_H
#define WORLD_LIVE_HOST_KEYS_H

#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/heap.h"

enum { HOST_KEY_TEXT_SIZE = 4096, HOST_KEY_ORDER_SIZE = 256 };

/*
 * The key types to ask a machine for, best first: that of its pinned key before all others, so that a server that has several keys shows
 * the one that is known.
 */
void host_key_order(struct heap *heap, const char *state_folder, int64_t instance_id, char order[HOST_KEY_ORDER_SIZE]);

/*
 * Compares what a machine shows ("ssh-ed25519", base64) with its pin; without one, pins it. ERR_OK: it is the pinned one.
 * ERR_SSH_HOST_KEY_CHANGED: it is another, or the pin cannot be read. ERR_CANNOT_WRITE: it is the first, and could not be pinned.
 */
MUST_USE enum error_code host_key_check(struct heap *heap, const char *state_folder, int64_t instance_id,
                                        const char *type, const char *key, struct error *error);

/* The machine is gone: whoever bears its number later is another. */
void host_key_forget(const char *state_folder, int64_t instance_id);

#endif
