#include "base/http.h"

const char *http_method_name(enum http_method method)
{
    static const char *const names[] = {"GET", "POST", "PUT", "DELETE"};
    return names[method];
}
