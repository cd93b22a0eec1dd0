/*
 * API key: where the key of the account comes from: VAST_API_KEY, else the files of the official client.
 */
#ifndef CLI_API_KEY_H
#define CLI_API_KEY_H

#include "base/error.h"
#include "base/heap.h"

enum { API_KEY_SIZE = 128 }; /* as much as a history can hide */

/*
 * VAST_API_KEY if it is not empty; else XDG_CONFIG_HOME/vastai/vast_api_key (HOME/.config/vastai/vast_api_key); else
 * HOME/.vast_api_key. White space around it is dropped. ERR_NOT_AUTHENTICATED with advice when there is none, or what there is
 * cannot be one; the message never holds it.
 */
MUST_USE enum error_code api_key_find(struct heap *heap, char key[API_KEY_SIZE], struct error *error);

#endif
