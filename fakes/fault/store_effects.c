#include "fakes/fault/effects.h"

const char *effect_missing_table(const struct fault *fault, const char *table)
{
    return fault_choice_is(fault, "table", table) ? "42P01" : NULL;
}
