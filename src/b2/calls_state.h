/*
 * What the files of the calls share.
 */
#ifndef B2_CALLS_STATE_H
#define B2_CALLS_STATE_H

#include "b2/calls.h"

/* A page of 1,000 rows with the longest names, and a finish with 10,000 digests. */
enum { B2_REPLY_MAX = 16 * 1024 * 1024, B2_HEADERS_MAX = 64 * 1024, B2_REQUEST_MAX = 1024 * 1024 };

/* When a call in JSON, begun now, has waited long enough. */
int64_t b2_call_deadline_ns(const struct b2 *b2);

/* One exchange, whose reply lies in call->reply. Headers that memory was refused for are an error too: they say what came. */
MUST_USE enum error_code b2_exchange(struct b2_call *call, const struct http_request *request, int64_t deadline_ns,
                                     struct error *error);

enum error_code b2_find_bucket(struct b2_call *call, struct error *error);

#endif
