#include "world/live/http_setup.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

#include "base/version.h"

enum { URL_SIZE = HTTP_PATH_SIZE + 1024, LINE_SIZE = 8192 };

static bool has_controls(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == '\x7f') {
            return true;
        }
    }
    return false;
}

/* ---- Headers ------------------------------------------------------------------------------------------------------------ */

static bool add_line(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);
    *headers = longer == NULL ? *headers : longer;
    return longer != NULL;
}

/* A header with a line break in it, or longer than any of ours, is not sent: the server then says what it lacks. */
static bool add_header(struct curl_slist **headers, const char *name, const char *prefix, const char *value)
{
    char line[LINE_SIZE];
    bool empty = prefix[0] == '\0' && value[0] == '\0';
    bool whole = empty ? text_format(line, sizeof line, "%s;", name) /* curl's way of saying "Name:" */
                       : text_format(line, sizeof line, "%s: %s%s", name, prefix, value);
    if (!whole || has_controls(line)) {
        return true;
    }
    bool added = add_line(headers, line);
    memset(line, 0, sizeof line);
    return added;
}

static bool set_headers(struct curl_slist **headers, const struct http_request *request)
{
    /* curl would wait a second for a "100 Continue" that few servers send, and call every body a form. */
    bool added = add_line(headers, "Expect:");
    if (http_request_header(request, "Content-Type") == NULL) {
        added =
            added && add_line(headers, request->body.length > 0 ? "Content-Type: application/json" : "Content-Type:");
    }
    if (request->bearer != NULL) {
        added = added && add_header(headers, "Authorization", "Bearer ", request->bearer);
    }
    for (size_t i = 0; i < request->header_count; i++) {
        added = added && add_header(headers, request->headers[i].name, "", request->headers[i].value);
    }
    return added;
}

/* ---- Options ------------------------------------------------------------------------------------------------------------ */

/* Whether a URL means this very machine, where no proxy of the environment may stand between. */
static bool is_loopback(const char *url)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    struct in_addr address;
    bool loopback = false;
    if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        loopback = curl_strequal(host, "localhost") != 0 || strcmp(host, "[::1]") == 0 ||
                   (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
    }
    curl_free(host);
    curl_url_cleanup(parts);
    return loopback;
}

static bool set_url(CURL *easy, const struct http_request *request)
{
    char url[URL_SIZE];
    size_t origin_length = strlen(request->origin);
    while (origin_length > 0 && request->origin[origin_length - 1] == '/') {
        origin_length--;
    }
    if (!text_format(url, sizeof url, "%.*s%s", (int)origin_length, request->origin, request->path)) {
        url[0] = '\0'; /* curl then says that it is no URL */
    }
    if (is_loopback(url)) {
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
}

static bool set_method(CURL *easy, const struct http_request *request)
{
    if (request->body_file != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_file->length);
        return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_name(request->method)) == CURLE_OK;
    }
    bool has_body = request->body.length > 0 || request->method == HTTP_POST || request->method == HTTP_PUT;
    if (has_body) {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.length > 0 ? request->body.at : "");
    } else if (request->method == HTTP_HEAD) {
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return true;
    }
    return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_name(request->method)) == CURLE_OK;
}

/*
 * curl keeps the parsed authorities in its multi handle for all connections, which takes 20 ms of each: but only where no folder
 * of authorities is searched beside the file.
 */
static bool set_trust(CURL *easy, const char *cacert)
{
    const char *file = cacert != NULL ? cacert : curl_version_info(CURLVERSION_NOW)->cainfo;
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, -1L);
    if (file == NULL) {
        return true; /* this build of curl knows of a folder only */
    }
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    return curl_easy_setopt(easy, CURLOPT_CAINFO, file) == CURLE_OK;
}

static void set_manners(CURL *easy, bool changes_state)
{
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    /* Deadlines are the loop's: 0 would mean curl's own five minutes. */
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)INT_MAX);
    /* A look-up of a name that is no longer wanted is left to end by itself. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    /* curl sends anew by itself what a kept connection lost: right for a question, wrong for a create. */
    (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, changes_state ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, changes_state ? 1L : 0L);
}

bool http_setup(CURL *easy, struct curl_slist **headers, const struct http_request *request, const char *cacert)
{
    set_manners(easy, request->changes_state);
    return set_headers(headers, request) && set_url(easy, request) && set_method(easy, request) &&
           set_trust(easy, cacert) && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "dumont/" DUMONT_VERSION) == CURLE_OK;
}
