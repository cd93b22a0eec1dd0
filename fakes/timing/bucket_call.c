#include "fakes/timing/bucket_call.h"

#include <stddef.h>
#include <string.h>

#include "base/attributes.h"

enum { API_VERSION_MAX = 4 };

static const struct {
    const char *name;
    enum bucket_class class;
} calls[] = {
#define BUCKET_CALL_ROW(code, text, billed) {text, BUCKET_CLASS_##billed},
    BUCKET_CALL_LIST(BUCKET_CALL_ROW)
#undef BUCKET_CALL_ROW
};

static enum bucket_call find(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        if (strlen(calls[i].name) == length && memcmp(calls[i].name, name, length) == 0) {
            return (enum bucket_call)i;
        }
    }
    return BUCKET_CALL_COUNT;
}

enum bucket_call bucket_call_of(const char *path, int *version)
{
    static const char api[] = "/b2api/v";
    static const char files[] = "/file/";
    *version = 0;
    if (strncmp(path, files, sizeof files - 1) == 0) {
        return BUCKET_DOWNLOAD_BY_NAME;
    }
    if (strncmp(path, api, sizeof api - 1) != 0) {
        return BUCKET_OTHER;
    }
    const char *at = path + sizeof api - 1;
    if (at[0] < '1' || at[0] > '0' + API_VERSION_MAX || at[1] != '/') {
        return BUCKET_OTHER;
    }
    *version = at[0] - '0';
    at += 2;
    enum bucket_call call = find(at, strcspn(at, "/?"));
    /* By name is asked for under /file/ alone. */
    return call == BUCKET_CALL_COUNT || call == BUCKET_DOWNLOAD_BY_NAME ? BUCKET_OTHER : call;
}

const char *bucket_call_name(enum bucket_call call)
{
    return calls[call].name;
}

enum bucket_call bucket_call_by_name(const char *name)
{
    return find(name, strlen(name));
}

enum bucket_class bucket_call_class(enum bucket_call call)
{
    return calls[call].class;
}
