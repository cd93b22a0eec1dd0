/*
 * Exchange: what the calls share: one request, its answer, and what the two prove. Private to src/vast.
 */
#ifndef VAST_EXCHANGE_H
#define VAST_EXCHANGE_H

#include "vast/calls.h"

/* One request to vast->path. ERR_OK: a status of success, its body unread in vast->reply. `answer` may be NULL. */
MUST_USE enum error_code vast_exchange(struct vast *vast, enum http_method method, struct span body, bool changes_state,
                                       struct vast_answer *answer, struct error *error);

struct span vast_reply_body(const struct vast *vast);

/* Could a request that ended so have taken effect? Only if it may have reached the server and no answer denied it. */
bool vast_may_have_happened(const struct vast *vast, enum error_code code, int http_status);

/* ERR_OUTCOME_UNKNOWN, with what failed in its message. */
enum error_code vast_unknown_outcome(struct error *error, const char *what);

/* What the end of a change to an instance means: done, no such instance, unknown, or refused for certain. */
enum error_code vast_end_change(struct vast *vast, enum error_code code, const char *what, int64_t instance_id,
                                struct error *error);

/* A change of an instance by a request to vast->path that answers no more than its success. */
MUST_USE enum error_code vast_change(struct vast *vast, enum http_method method, struct span body, const char *what,
                                     int64_t instance_id, struct error *error);

#endif
