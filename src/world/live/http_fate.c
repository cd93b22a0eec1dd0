#include "world/live/http_fate.h"

#include <errno.h>
#include <string.h>

static bool says(const struct http_outcome *outcome, const char *words)
{
    return strstr(outcome->text, words) != NULL;
}

static enum transport_fate connect_fate(long os_error)
{
    switch (os_error) {
    case ECONNREFUSED:
        return FATE_REFUSED;
    case ECONNRESET:
        return FATE_RESET;
    case ETIMEDOUT: /* the system gave up before our deadline came: nobody ever answered */
        return FATE_SILENT;
    default:
        return FATE_UNREACHABLE;
    }
}

static bool is_reset(const struct http_outcome *outcome)
{
    return outcome->os_error == ECONNRESET || outcome->os_error == EPIPE || says(outcome, "Connection reset by peer") ||
           says(outcome, "Broken pipe");
}

/* OpenSSL's words for an end without a farewell. */
static bool is_bare_end(const struct http_outcome *outcome)
{
    return says(outcome, "unexpected eof") || says(outcome, "SSL_ERROR_SYSCALL") ||
           says(outcome, "SSL_ERROR_ZERO_RETURN");
}

/* The connection stood and could not be read to the end of the reply. */
static enum transport_fate broken_fate(const struct http_outcome *outcome)
{
    if (outcome->tunnel_refused) {
        return FATE_UNREACHABLE;
    }
    if (is_reset(outcome)) {
        return FATE_RESET;
    }
    if (is_bare_end(outcome)) {
        return outcome->status_came ? FATE_TRUNCATED : FATE_CLOSED_EARLY;
    }
    return FATE_MALFORMED; /* of what curl calls a failure to receive, bad chunks are left */
}

/* The handshake did not come to its end. */
static enum transport_fate handshake_fate(const struct http_outcome *outcome)
{
    static const char *const no_tls[] = {"wrong version number", "http request",    "packet length too long",
                                         "record too small",     "bad record type", "unexpected message"};
    if (is_reset(outcome)) {
        return FATE_RESET;
    }
    if (is_bare_end(outcome)) {
        return FATE_CLOSED_EARLY;
    }
    for (size_t i = 0; i < sizeof no_tls / sizeof no_tls[0]; i++) {
        if (says(outcome, no_tls[i])) {
            return FATE_MALFORMED;
        }
    }
    return FATE_TLS_REFUSED;
}

/* curl is content; what our own callbacks saw decides. */
static enum transport_fate whole_fate(const struct http_outcome *outcome)
{
    if (outcome->head_came) {
        return FATE_DELIVERED;
    }
    return outcome->status_came ? FATE_TRUNCATED : FATE_CLOSED_EARLY;
}

enum transport_fate http_fate(const struct http_outcome *outcome)
{
    if (outcome->beyond_limit) {
        return FATE_TOO_LARGE;
    }
    if (outcome->head_malformed) {
        return FATE_MALFORMED;
    }
    switch (outcome->code) {
    case CURLE_OK:
        return whole_fate(outcome);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_URL_MALFORMAT: /* no host can be read out of it */
        return FATE_NAME_UNKNOWN;
    case CURLE_COULDNT_CONNECT:
        return connect_fate(outcome->os_error);
    case CURLE_GOT_NOTHING:
        return FATE_CLOSED_EARLY;
    case CURLE_PARTIAL_FILE:
        return FATE_TRUNCATED;
    case CURLE_FILESIZE_EXCEEDED:
        return FATE_TOO_LARGE;
    case CURLE_OPERATION_TIMEDOUT:
        return FATE_SILENT;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return broken_fate(outcome);
    case CURLE_SSL_CONNECT_ERROR:
        return handshake_fate(outcome);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return FATE_TLS_REFUSED;
    default: /* "weird server reply", HTTP/0.9, an encoding that nobody knows, and the like */
        return FATE_MALFORMED;
    }
}
