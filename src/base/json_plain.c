#include "base/json_plain.h"

const bool json_plain_byte[256] = {
#define PLAIN_8(first)                                                                                                 \
    [first] = true, [first + 1] = true, [first + 2] = true, [first + 3] = true, [first + 4] = true,                    \
    [first + 5] = true, [first + 6] = true, [first + 7] = true
    [' '] = true,  ['!'] = true,  ['#'] = true,  ['$'] = true,  ['%'] = true,  ['&'] = true,
    ['\''] = true, PLAIN_8(0x28), PLAIN_8(0x30), PLAIN_8(0x38), PLAIN_8(0x40), PLAIN_8(0x48),
    PLAIN_8(0x50), ['X'] = true,  ['Y'] = true,  ['Z'] = true,  ['['] = true,  [']'] = true,
    ['^'] = true,  ['_'] = true,  PLAIN_8(0x60), PLAIN_8(0x68), PLAIN_8(0x70), PLAIN_8(0x78),
#undef PLAIN_8
};
