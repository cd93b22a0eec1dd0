#include "fakes/front/http_state.h"

enum error_code http_tls_open(struct http_front *front, const char *cert, const char *key, struct error *error)
{
    (void)front;
    (void)cert;
    (void)key;
    return error_set(error, ERR_NOT_AVAILABLE, "this build serves no HTTPS yet");
}

void http_tls_close(struct http_tls *tls)
{
    (void)tls;
}

void http_tls_reset(struct http_tls *tls, int descriptor)
{
    (void)tls;
    (void)descriptor;
}
