#include "base/loopback.h"

#include <string.h>

/* Moves past a number from 0 to 255 without leading zeros; -1 when there is none. */
static int pass_octet(struct span *text)
{
    int value = 0;
    size_t digits = 0;
    while (digits < text->length && digits < 4 && text->at[digits] >= '0' && text->at[digits] <= '9') {
        value = value * 10 + (text->at[digits++] - '0');
    }
    bool good = digits > 0 && value <= 255 && (digits == 1 || text->at[0] != '0');
    text->at += digits;
    text->length -= digits;
    return good ? value : -1;
}

static bool is_loopback_address(struct span host)
{
    if (pass_octet(&host) != 127) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (host.length == 0 || host.at[0] != '.') {
            return false;
        }
        host.at++;
        host.length--;
        if (pass_octet(&host) < 0) {
            return false;
        }
    }
    return host.length == 0;
}

/* ASCII alone: in another alphabet it would be another name. */
static bool is_localhost(struct span host)
{
    static const char name[] = "localhost";
    if (host.length != strlen(name)) {
        return false;
    }
    for (size_t i = 0; i < host.length; i++) {
        char folded = host.at[i] >= 'A' && host.at[i] <= 'Z' ? (char)(host.at[i] - 'A' + 'a') : host.at[i];
        if (folded != name[i]) {
            return false;
        }
    }
    return true;
}

bool host_is_loopback(struct span host)
{
    return is_loopback_address(host) || is_localhost(host) || span_equals(host, "[::1]") ||
           span_equals(host, "[0:0:0:0:0:0:0:1]");
}
