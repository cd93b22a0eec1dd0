#include "fakes/timing/api_call.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/attributes.h"

static const char *const names[] = {
#define API_CALL_NAME(code, name) name,
    API_CALL_LIST(API_CALL_NAME)
#undef API_CALL_NAME
};

/* `path` without the slash that may end it; with `has_id`, a slash and a number follow. */
static const struct route {
    enum http_method method;
    const char *path;
    bool has_id;
    enum api_call call;
} routes[] = {
    {HTTP_POST, "/api/v0/bundles", false, API_SEARCH},     {HTTP_PUT, "/api/v0/asks", true, API_CREATE},
    {HTTP_GET, "/api/v0/instances", true, API_SHOW},       {HTTP_GET, "/api/v1/instances", false, API_LIST},
    {HTTP_DELETE, "/api/v0/instances", true, API_DESTROY}, {HTTP_GET, "/api/v0/users/current", false, API_ACCOUNT},
};

/* Reads "/NUMBER"; returns what follows it, or NULL when that is not there or is out of range. */
static const char *read_id(const char *text, int64_t *id)
{
    if (*text++ != '/' || *text < '0' || *text > '9') {
        return NULL;
    }
    int64_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        int64_t digit = *text - '0';
        if (value > (INT64_MAX - digit) / 10) {
            return NULL;
        }
        value = value * 10 + digit;
    }
    *id = value;
    return text;
}

static bool route_fits(const struct route *route, enum http_method method, const char *path, int64_t *id)
{
    size_t length = strlen(route->path);
    if (route->method != method || strncmp(path, route->path, length) != 0) {
        return false;
    }
    const char *rest = path + length;
    if (route->has_id) {
        rest = read_id(rest, id);
        if (rest == NULL) {
            return false;
        }
    }
    rest += *rest == '/';
    return *rest == '\0' || *rest == '?';
}

enum api_call api_call_of(enum http_method method, const char *path, int64_t *id)
{
    for (size_t i = 0; i < ARRAY_LENGTH(routes); i++) {
        int64_t found = -1;
        if (route_fits(&routes[i], method, path, &found)) {
            *id = found;
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

enum api_call api_call_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum api_call)i;
        }
    }
    return API_CALL_COUNT;
}
