/*
 * Loopback: is a host this machine itself? Judged by its text, before anything is looked up or sent.
 */
#ifndef BASE_LOOPBACK_H
#define BASE_LOOPBACK_H

#include "base/buffer.h"

/*
 * True for 127.0.0.0/8 as four decimal numbers, "localhost" in any case, and "[::1]" with its brackets, also written in full. Everything
 * else is elsewhere, whatever a name server might say of it.
 */
MUST_USE bool host_is_loopback(struct span host);

#endif
