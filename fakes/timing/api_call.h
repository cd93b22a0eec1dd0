/*
 * API calls: which of Vast.ai's endpoints a request is for. Timing, faults and the journal name endpoints by these.
 */
#ifndef FAKES_TIMING_API_CALL_H
#define FAKES_TIMING_API_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/http.h"

/*
 * X(code, name in fault plans, scenarios and journals, milliseconds that Vast.ai wants between two calls, 0: any)
 *
 * Thresholds are documented for create, bid, volumes, destroy, templates, invoices, show, prepay, detach, execute, list, state,
 * reboot, recycle, key create and charges, and quoted for search (10 a minute); the others are assumed to be like their neighbours.
 * Draws are addressed by place: new calls go to the end.
 */
#define API_CALL_LIST(X)                                                                                               \
    X(SEARCH, "search", 6000)   /* POST /api/v0/bundles/, GET /api/v0/bundles/?q=, PUT /api/v0/search/asks/ */         \
    X(CREATE, "create", 4500)   /* PUT /api/v0/asks/{id}/ */                                                           \
    X(SHOW, "show", 2000)       /* GET /api/v0/instances/{id}/ */                                                      \
    X(LIST, "list", 1000)       /* GET /api/v1/instances/ */                                                           \
    X(DESTROY, "destroy", 3000) /* DELETE /api/v0/instances/{id}/ */                                                   \
    X(ACCOUNT, "account", 1000) /* GET /api/v0/users/current/ */                                                       \
    X(OTHER, "other", 1000)     /* whatever is none of these */                                                        \
    X(LIST_V0, "list_v0", 1000) /* GET /api/v0/instances/ */                                                           \
    X(LIST_FILTERS, "list_filters", 1000)       /* GET /api/v0/instances/filters/ */                                   \
    X(STATE, "state", 1000)                     /* PUT /api/v0/instances/{id}/: start, stop, label */                  \
    X(STATE_MANY, "state_many", 1000)           /* PUT /api/v0/instances/ */                                           \
    X(DESTROY_MANY, "destroy_many", 3000)       /* DELETE /api/v0/instances/ */                                        \
    X(BID, "bid", 5500)                         /* PUT /api/v0/instances/bid_price/{id}/ */                            \
    X(REBOOT, "reboot", 1000)                   /* PUT /api/v0/instances/reboot/{id}/ */                               \
    X(RECYCLE, "recycle", 1000)                 /* PUT /api/v0/instances/recycle/{id}/ */                              \
    X(PREPAY, "prepay", 2000)                   /* PUT /api/v0/instances/prepay/{id}/ */                               \
    X(DEPOSIT, "deposit", 3000)                 /* GET /api/v0/instances/balance/{id}/ */                              \
    X(SET_TEMPLATE, "set_template", 3000)       /* PUT /api/v0/instances/update_template/{id}/ */                      \
    X(EXECUTE, "execute", 1500)                 /* PUT /api/v0/instances/command/{id}/ */                              \
    X(LOGS, "logs", 1500)                       /* PUT /api/v0/instances/request_logs/{id}/ */                         \
    X(RESULT, "result", 0)                      /* GET of a result_url */                                              \
    X(KEYS, "keys", 1000)                       /* GET /api/v0/ssh/ */                                                 \
    X(KEY_CREATE, "key_create", 1000)           /* POST /api/v0/ssh/ */                                                \
    X(KEY_CHANGE, "key_change", 1000)           /* PUT /api/v0/ssh/{id}/ */                                            \
    X(KEY_DELETE, "key_delete", 1000)           /* DELETE /api/v0/ssh/{id}/ */                                         \
    X(ATTACHED, "attached", 1000)               /* GET /api/v0/instances/{id}/ssh/ */                                  \
    X(ATTACH, "attach", 1000)                   /* POST /api/v0/instances/{id}/ssh/ */                                 \
    X(DETACH, "detach", 2000)                   /* DELETE /api/v0/instances/{id}/ssh/{key}/ */                         \
    X(GPU_NAMES, "gpu_names", 0)                /* GET /api/v0/gpu_names/unique/ */                                    \
    X(INVOICES, "invoices", 3000)               /* GET /api/v0/users/me/invoices */                                    \
    X(INVOICES_V1, "invoices_v1", 3000)         /* GET /api/v1/invoices/ */                                            \
    X(CHARGES, "charges", 1000)                 /* GET /api/v0/charges/ */                                             \
    X(SECRETS, "secrets", 1000)                 /* GET /api/v0/secrets/ */                                             \
    X(VOLUMES, "volumes", 5500)                 /* GET /api/v0/volumes */                                              \
    X(VOLUME_SEARCH, "volume_search", 5500)     /* POST /api/v0/volumes/search/ */                                     \
    X(VOLUME_CREATE, "volume_create", 5500)     /* PUT /api/v0/volumes/ */                                             \
    X(VOLUME_DELETE, "volume_delete", 5500)     /* DELETE /api/v0/volumes/?id= */                                      \
    X(TEMPLATES, "templates", 3000)             /* GET /api/v0/template/ */                                            \
    X(TEMPLATE_CREATE, "template_create", 3000) /* POST /api/v0/template/ */                                           \
    X(TEMPLATE_CHANGE, "template_change", 3000) /* PUT /api/v0/template/ */                                            \
    X(TEMPLATE_DELETE, "template_delete", 3000) /* DELETE /api/v0/template/ */                                         \
    X(CREATE_MANY, "create_many", 4500)         /* POST /api/v0/asks/bulk/ */                                          \
    X(LAUNCH, "launch", 5000)                   /* PUT /api/v0/launch_instance/ */                                     \
    X(SECRET_SET, "secret_set", 1000)           /* POST, PUT /api/v0/secrets/ */                                       \
    X(SECRET_DELETE, "secret_delete", 1000)     /* DELETE /api/v0/secrets/ */                                          \
    X(CONTRACTS, "contracts", 1000)             /* POST /api/v0/contracts/fetch/ */                                    \
    X(EXTRAS, "extras", 1000)                   /* what a plain account has none of: fakes/market/extras.c */

enum api_call {
#define API_CALL_ENUM(code, name, threshold_ms) API_##code,
    API_CALL_LIST(API_CALL_ENUM)
#undef API_CALL_ENUM
        API_CALL_COUNT
};

enum { API_PATH_NUMBERS_MAX = 2 };

/* What stands in a path: numbers (-1: not there) and a word, which is borrowed from the path. */
struct api_path_parts {
    int64_t numbers[API_PATH_NUMBERS_MAX];
    struct span word;
};

/* True when the path is the pattern, in which # stands for a number and * for a word; a slash and a query may follow. */
bool api_path_fits(const char *path, const char *pattern, struct api_path_parts *parts);

/* The call that method and path (query allowed, slash at the end or not) ask for; its first number in `id`, -1 for none. */
enum api_call api_call_of(enum http_method method, const char *path, int64_t *id);

const char *api_call_name(enum api_call call);
enum api_call api_call_by_name(const char *name); /* API_CALL_COUNT when there is none */

int64_t api_call_threshold_ms(enum api_call call);

#endif
