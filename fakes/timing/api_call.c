#include "fakes/timing/api_call.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/attributes.h"

static const char *const names[] = {
#define API_CALL_NAME(code, name, threshold_ms) name,
    API_CALL_LIST(API_CALL_NAME)
#undef API_CALL_NAME
};

static const int64_t thresholds_ms[] = {
#define API_CALL_THRESHOLD(code, name, threshold_ms) threshold_ms,
    API_CALL_LIST(API_CALL_THRESHOLD)
#undef API_CALL_THRESHOLD
};

/* The first that fits decides; those that a usual run needs stand first. */
static const struct route {
    enum http_method method;
    enum api_call call;
    const char *pattern;
} routes[] = {
    {HTTP_GET, API_SHOW, "/api/v0/instances/#"},
    {HTTP_POST, API_SEARCH, "/api/v0/bundles"},
    {HTTP_PUT, API_CREATE, "/api/v0/asks/#"},
    {HTTP_DELETE, API_DESTROY, "/api/v0/instances/#"},
    {HTTP_GET, API_ACCOUNT, "/api/v0/users/current"},
    {HTTP_GET, API_LIST, "/api/v1/instances"},
    {HTTP_GET, API_SEARCH, "/api/v0/bundles"},
    {HTTP_PUT, API_SEARCH, "/api/v0/search/asks"},
    {HTTP_PUT, API_STATE, "/api/v0/instances/#"},
    {HTTP_GET, API_LIST_V0, "/api/v0/instances"},
    {HTTP_GET, API_LIST_FILTERS, "/api/v0/instances/filters"},
    {HTTP_PUT, API_STATE_MANY, "/api/v0/instances"},
    {HTTP_DELETE, API_DESTROY_MANY, "/api/v0/instances"},
    {HTTP_PUT, API_BID, "/api/v0/instances/bid_price/#"},
    {HTTP_PUT, API_REBOOT, "/api/v0/instances/reboot/#"},
    {HTTP_PUT, API_RECYCLE, "/api/v0/instances/recycle/#"},
    {HTTP_PUT, API_PREPAY, "/api/v0/instances/prepay/#"},
    {HTTP_GET, API_DEPOSIT, "/api/v0/instances/balance/#"},
    {HTTP_PUT, API_SET_TEMPLATE, "/api/v0/instances/update_template/#"},
    {HTTP_PUT, API_EXECUTE, "/api/v0/instances/command/#"},
    {HTTP_PUT, API_LOGS, "/api/v0/instances/request_logs/#"},
    {HTTP_GET, API_RESULT, "/vast.ai/instance_logs/*"},
    {HTTP_GET, API_KEYS, "/api/v0/ssh"},
    {HTTP_POST, API_KEY_CREATE, "/api/v0/ssh"},
    {HTTP_PUT, API_KEY_CHANGE, "/api/v0/ssh/#"},
    {HTTP_DELETE, API_KEY_DELETE, "/api/v0/ssh/#"},
    {HTTP_GET, API_ATTACHED, "/api/v0/instances/#/ssh"},
    {HTTP_POST, API_ATTACH, "/api/v0/instances/#/ssh"},
    {HTTP_DELETE, API_DETACH, "/api/v0/instances/#/ssh/#"},
    {HTTP_GET, API_GPU_NAMES, "/api/v0/gpu_names/unique"},
    {HTTP_GET, API_INVOICES, "/api/v0/users/me/invoices"},
    {HTTP_GET, API_INVOICES_V1, "/api/v1/invoices"},
    {HTTP_GET, API_CHARGES, "/api/v0/charges"},
    {HTTP_GET, API_SECRETS, "/api/v0/secrets"},
    {HTTP_GET, API_VOLUMES, "/api/v0/volumes"},
    {HTTP_POST, API_VOLUME_SEARCH, "/api/v0/volumes/search"},
    {HTTP_PUT, API_VOLUME_CREATE, "/api/v0/volumes"},
    {HTTP_DELETE, API_VOLUME_DELETE, "/api/v0/volumes"},
    {HTTP_GET, API_TEMPLATES, "/api/v0/template"},
    {HTTP_POST, API_TEMPLATE_CREATE, "/api/v0/template"},
    {HTTP_PUT, API_TEMPLATE_CHANGE, "/api/v0/template"},
    {HTTP_DELETE, API_TEMPLATE_DELETE, "/api/v0/template"},
    {HTTP_POST, API_CREATE_MANY, "/api/v0/asks/bulk"},
    {HTTP_PUT, API_LAUNCH, "/api/v0/launch_instance"},
    {HTTP_POST, API_SECRET_SET, "/api/v0/secrets"},
    {HTTP_PUT, API_SECRET_SET, "/api/v0/secrets"},
    {HTTP_DELETE, API_SECRET_DELETE, "/api/v0/secrets"},
    {HTTP_POST, API_CONTRACTS, "/api/v0/contracts/fetch"},
    {HTTP_GET, API_EXTRAS, "/api/v0/subaccounts"},
    {HTTP_GET, API_EXTRAS, "/api/v0/audit_logs"},
    {HTTP_GET, API_EXTRAS, "/api/v0/users/cloud_integrations"},
    {HTTP_GET, API_EXTRAS, "/api/v0/users/me/ipaddrs"},
    {HTTP_GET, API_EXTRAS, "/api/v0/users/me/machine-earnings"},
    {HTTP_GET, API_EXTRAS, "/api/v0/commands/schedule_job"},
    {HTTP_GET, API_EXTRAS, "/api/v0/instance_backups"},
    {HTTP_GET, API_EXTRAS, "/api/v0/benchmarks"},
    {HTTP_GET, API_EXTRAS, "/api/v0/tfa/status"},
    {HTTP_GET, API_EXTRAS, "/api/v0/machines"},
    {HTTP_POST, API_EXTRAS, "/api/v0/network_volumes/search"},
};

/* Reads digits at `*text` and moves behind them. False when there are none, or too many for 64 bits. */
static bool read_number(const char **text, int64_t *number)
{
    int64_t value = 0;
    const char *at = *text;
    for (; *at >= '0' && *at <= '9'; at++) {
        int64_t digit = *at - '0';
        if (value > (INT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    bool found = at != *text;
    *text = at;
    *number = value;
    return found;
}

bool api_path_fits(const char *path, const char *pattern, struct api_path_parts *parts)
{
    size_t numbers = 0;
    *parts = (struct api_path_parts){.numbers = {-1, -1}};
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '#') {
            if (numbers == API_PATH_NUMBERS_MAX || !read_number(&path, &parts->numbers[numbers++])) {
                return false;
            }
        } else if (*pattern == '*') {
            parts->word = (struct span){path, strcspn(path, "/?")};
            path += parts->word.length;
        } else if (*path++ != *pattern) {
            return false;
        }
    }
    path += *path == '/';
    return *path == '\0' || *path == '?';
}

enum api_call api_call_of(enum http_method method, const char *path, int64_t *id)
{
    for (size_t i = 0; i < ARRAY_LENGTH(routes); i++) {
        struct api_path_parts parts;
        if (routes[i].method == method && api_path_fits(path, routes[i].pattern, &parts)) {
            *id = parts.numbers[0];
            return routes[i].call;
        }
    }
    *id = -1;
    return API_OTHER;
}

const char *api_call_name(enum api_call call)
{
    return names[call];
}

int64_t api_call_threshold_ms(enum api_call call)
{
    return thresholds_ms[call];
}

enum api_call api_call_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum api_call)i;
        }
    }
    return API_CALL_COUNT;
}
