/*
 * Fates: the ways in which a message can fail to arrive, for HTTP and for SSH, in the live and in the virtual world alike.
 *
 * Each fate gives the client one named error, the same in every world (a test holds both worlds to it).
 */
#ifndef BASE_FATE_H
#define BASE_FATE_H

#include "base/error.h"

/* X(code, name in histories, the client's error) */
#define FATE_LIST(X)                                                                                                   \
    X(DELIVERED, "delivered", OK)                                                                                      \
    X(NAME_UNKNOWN, "name_unknown", NAME_UNKNOWN)                                                                      \
    X(UNREACHABLE, "unreachable", UNREACHABLE)                                                                         \
    X(REFUSED, "refused", CONNECTION_REFUSED)                                                                          \
    X(RESET, "reset", CONNECTION_RESET)                                                                                \
    X(CLOSED_EARLY, "closed_early", CLOSED_EARLY) /* accepted, then closed without an answer */                        \
    X(TRUNCATED, "truncated", REPLY_TRUNCATED)    /* cut at byte n of the body */                                      \
    X(MALFORMED, "malformed", REPLY_MALFORMED)    /* not HTTP, or not SSH */                                           \
    X(TOO_LARGE, "too_large", REPLY_TOO_LARGE)                                                                         \
    X(SILENT, "silent", TIMED_OUT) /* nothing ever comes */                                                            \
    X(TLS_REFUSED, "tls_refused", TLS_REFUSED)                                                                         \
    X(BANNER_SILENT, "banner_silent", SSH_SILENT) /* SSH: accepted, no version line */                                 \
    X(KEY_DENIED, "key_denied", SSH_KEY_DENIED)                                                                        \
    X(HOST_KEY_CHANGED, "host_key_changed", SSH_HOST_KEY_CHANGED)                                                      \
    X(DROPPED, "dropped", SSH_DROPPED) /* SSH: broke while a command ran */

enum transport_fate {
#define FATE_ENUM(code, name, error) FATE_##code,
    FATE_LIST(FATE_ENUM)
#undef FATE_ENUM
        FATE_COUNT
};

const char *fate_name(enum transport_fate fate);
enum error_code fate_error(enum transport_fate fate);

#endif
