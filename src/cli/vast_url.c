#include "cli/vast_url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/json_read.h"
#include "base/loopback.h"

enum { HOST_SIZE = 254, PORT_MOST = 65535 };

static enum error_code refuse(struct error *error, const char *what)
{
    (void)error_set(error, ERR_USAGE, "%s", what);
    error_advise(error, "expected https://HOST[:PORT], or http://127.0.0.1:PORT as dumont-fake sets it");
    return ERR_USAGE;
}

static bool is_host(const char *host, bool bracketed)
{
    static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    struct in6_addr six;
    if (bracketed) {
        return inet_pton(AF_INET6, host, &six) == 1;
    }
    return host[0] != '\0' && host[0] != '.' && host[0] != '-' && host[strspn(host, name_characters)] == '\0';
}

/* Nothing, or ":PORT". */
static bool is_port(struct span text)
{
    int64_t port;
    if (text.length == 0) {
        return true;
    }
    char digits[8];
    bool fits = text.at[0] == ':' && text.length > 1 && text.length < sizeof digits;
    if (!fits) {
        return false;
    }
    memcpy(digits, text.at + 1, text.length - 1);
    digits[text.length - 1] = '\0';
    return digits[strspn(digits, "0123456789")] == '\0' && json_number_int64(span_of(digits), &port) && port > 0 &&
           port <= PORT_MOST;
}

/* HOST[:PORT], between the slashes. */
static enum error_code parse_authority(struct span authority, bool secure, struct vast_url *url, struct error *error)
{
    char host[HOST_SIZE];
    bool bracketed = authority.length > 0 && authority.at[0] == '[';
    const char *end =
        bracketed ? memchr(authority.at, ']', authority.length) : memchr(authority.at, ':', authority.length);
    if (bracketed && end == NULL) {
        return refuse(error, "a bracket is not closed");
    }
    const char *start = authority.at + (bracketed ? 1 : 0);
    size_t length = end == NULL ? authority.length : (size_t)(end - start);
    if (length >= sizeof host) {
        return refuse(error, "the host is too long");
    }
    memcpy(host, start, length);
    host[length] = '\0';
    size_t used = (size_t)(start - authority.at) + length + (bracketed ? 1 : 0);
    if (!is_host(host, bracketed)) {
        return refuse(error, "the host is none");
    }
    if (!is_port((struct span){authority.at + used, authority.length - used})) {
        return refuse(error, "the port is no number from 1 to 65535");
    }
    url->loopback = host_is_loopback((struct span){authority.at, used});
    if (!secure && !url->loopback) {
        return refuse(error, "http is for this machine alone, and the key would travel in the clear");
    }
    return ERR_OK;
}

static enum error_code parse(const char *text, struct vast_url *url, struct error *error)
{
    static const char secure_scheme[] = "https://";
    static const char plain_scheme[] = "http://";
    bool secure = strncasecmp(text, secure_scheme, strlen(secure_scheme)) == 0;
    if (!secure && strncasecmp(text, plain_scheme, strlen(plain_scheme)) != 0) {
        return refuse(error, "it begins with neither https:// nor http://");
    }
    const char *rest = text + strlen(secure ? secure_scheme : plain_scheme);
    struct span authority = {rest, strcspn(rest, "/?#\\")};
    if (memchr(authority.at, '@', authority.length) != NULL) {
        return refuse(error, "a user or a password does not belong in it; the key has a variable of its own");
    }
    const char *behind = rest + authority.length;
    if (behind[0] != '\0' && strcmp(behind, "/") != 0) {
        return refuse(error, "a path, query or fragment does not belong in it");
    }
    enum error_code code = parse_authority(authority, secure, url, error);
    if (code == ERR_OK && !text_format(url->origin, sizeof url->origin, "%s%.*s", secure ? secure_scheme : plain_scheme,
                                       (int)authority.length, authority.at)) {
        return refuse(error, "it is too long");
    }
    return code;
}

enum error_code vast_url_parse(const char *variable, const char *text, struct vast_url *url, struct error *error)
{
    enum error_code code = parse(text, url, error);
    if (code != ERR_OK) {
        error_wrap(error, "%s", variable);
    }
    return code;
}
