/*
 * Vast URL: the base URL of an API (Vast.ai's, and the object store's), as a person gives it, taken apart and judged.
 *
 * Allowed are https://HOST[:PORT] and, on this machine alone, http://HOST[:PORT], each with or without a slash at the end. HOST is
 * a name, an IPv4 address or an IPv6 address in brackets. A user or password in it would end in logs, and is refused; so are a
 * path, a query and a fragment. This machine is 127.0.0.0/8, ::1 and localhost, judged by what is written: no name is looked up.
 */
#ifndef CLI_VAST_URL_H
#define CLI_VAST_URL_H

#include <stdbool.h>

#include "base/error.h"

enum { VAST_ORIGIN_SIZE = 280 };

struct vast_url {
    char origin[VAST_ORIGIN_SIZE]; /* without a slash at the end */
    bool loopback;
};

/* `variable` names where the text came from. ERR_USAGE with what is wrong; the URL itself is not quoted, since it may hold a secret. */
MUST_USE enum error_code vast_url_parse(const char *variable, const char *text, struct vast_url *url,
                                        struct error *error);

#endif
