#include "base/fate.h"

#include <assert.h>

const char *fate_name(enum transport_fate fate)
{
    static const char *const names[FATE_COUNT] = {
#define FATE_NAME(code, name, error) [FATE_##code] = name,
        FATE_LIST(FATE_NAME)
#undef FATE_NAME
    };
    assert(fate < FATE_COUNT);
    return names[fate];
}

enum error_code fate_error(enum transport_fate fate)
{
    static const enum error_code errors[FATE_COUNT] = {
#define FATE_ERROR(code, name, error) [FATE_##code] = ERR_##error,
        FATE_LIST(FATE_ERROR)
#undef FATE_ERROR
    };
    assert(fate < FATE_COUNT);
    return errors[fate];
}
