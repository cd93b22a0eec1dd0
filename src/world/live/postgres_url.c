#include <string.h>

#include "world/live/postgres_link.h"

static const char *const schemes[] = {"postgresql://", "postgres://"};

/* What stands behind "postgresql://", or NULL. */
static const char *behind_scheme(const char *url)
{
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0) {
            return url + strlen(schemes[i]);
        }
    }
    return NULL;
}

bool postgres_url_is(const char *url)
{
    return strncmp(url, "postgresql:", strlen("postgresql:")) == 0 ||
           strncmp(url, "postgres:", strlen("postgres:")) == 0;
}

static size_t count_of(struct span text, char character)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) {
        count += text.at[i] == character ? 1 : 0;
    }
    return count;
}

/* "host", "host:5432", "[::1]:5432", "": digits behind a last ':' that is not inside brackets. */
static bool is_host(struct span host)
{
    const char *end = host.at + host.length;
    const char *port = host.at;
    if (host.length > 0 && host.at[0] == '[') {
        port = memchr(host.at, ']', host.length);
        if (port == NULL) {
            return false;
        }
        port++;
    } else {
        while (port < end && *port != ':') {
            port++;
        }
    }
    if (port == end) {
        return true;
    }
    bool digits = *port == ':';
    for (port++; port < end; port++) {
        digits = digits && *port >= '0' && *port <= '9';
    }
    return digits;
}

static bool is_authority(struct span authority)
{
    const char *at = memchr(authority.at, '@', authority.length);
    struct span host = authority;
    if (at != NULL) {
        struct span user = {authority.at, (size_t)(at - authority.at)};
        host = (struct span){at + 1, authority.length - user.length - 1};
        if (count_of(user, ':') > 1) {
            return false;
        }
    }
    return count_of(host, '@') == 0 && count_of(host, ',') == 0 && is_host(host);
}

/* libpq's own reading, whose words may quote the URL and are thrown away; and one host only, for its name is looked up by us. */
static bool libpq_reads(const char *url)
{
    char *words = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &words);
    bool good = options != NULL;
    for (const PQconninfoOption *option = options; good && option->keyword != NULL; option++) {
        good = option->val == NULL || strcmp(option->keyword, "host") != 0 || strchr(option->val, ',') == NULL;
    }
    PQfreemem(words);
    PQconninfoFree(options);
    return good;
}

enum error_code postgres_url_check(const char *url, struct error *error)
{
    const char *authority = behind_scheme(url);
    bool good = authority != NULL;
    if (good) {
        size_t length = strcspn(authority, "/?");
        const char *database = authority + length + (authority[length] == '/' ? 1 : 0);
        struct span name = {database, strcspn(database, "?")};
        good = is_authority((struct span){authority, length}) && count_of(name, '@') == 0 && count_of(name, '/') == 0 &&
               strpbrk(url, "# \t\r\n") == NULL && libpq_reads(url);
    }
    if (good) {
        return ERR_OK;
    }
    (void)error_set(error, ERR_USAGE, "the database's URL is not understood");
    error_advise(error,
                 "write postgresql://USER:PASSWORD@HOST:PORT/NAME, and @ : / # in a password as %%40 %%3A %%2F %%23");
    return error->code;
}
