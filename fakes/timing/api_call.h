/*
 * API calls: which of Vast.ai's endpoints a request is for. Timing, faults and the journal name endpoints by these.
 */
#ifndef FAKES_TIMING_API_CALL_H
#define FAKES_TIMING_API_CALL_H

#include <stdint.h>

#include "base/http.h"

/* X(code, name in fault plans, scenarios and journals) */
#define API_CALL_LIST(X)                                                                                               \
    X(SEARCH, "search")   /* POST /api/v0/bundles/ */                                                                  \
    X(CREATE, "create")   /* PUT /api/v0/asks/{id}/ */                                                                 \
    X(SHOW, "show")       /* GET /api/v0/instances/{id}/ */                                                            \
    X(LIST, "list")       /* GET /api/v1/instances/ */                                                                 \
    X(DESTROY, "destroy") /* DELETE /api/v0/instances/{id}/ */                                                         \
    X(ACCOUNT, "account") /* GET /api/v0/users/current/ */                                                             \
    X(OTHER, "other")

enum api_call {
#define API_CALL_ENUM(code, name) API_##code,
    API_CALL_LIST(API_CALL_ENUM)
#undef API_CALL_ENUM
        API_CALL_COUNT
};

/* The call that method and path (query allowed, slash at the end or not) ask for; its id in `id`, -1 when it has none. */
enum api_call api_call_of(enum http_method method, const char *path, int64_t *id);

const char *api_call_name(enum api_call call);
enum api_call api_call_by_name(const char *name); /* API_CALL_COUNT when there is none */

#endif
