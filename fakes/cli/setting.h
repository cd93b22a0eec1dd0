/*
 * Setting: the scenario and the offers that the command line asks for.
 */
#ifndef FAKES_CLI_SETTING_H
#define FAKES_CLI_SETTING_H

#include "fakes/cli/fake_cli.h"
#include "fakes/stage/cloud_scenario.h"

/* `heap` is the caller's; what is made lives on it. */
struct setting {
    struct heap *heap;
    struct cloud_scenario scenario;
    struct offer_book *offers;
};

/* ERR_USAGE, ERR_INPUT_UNREADABLE, ERR_INPUT_INVALID, ERR_NO_MEMORY. */
MUST_USE enum error_code setting_make(struct setting *setting, const struct fake_values *values, struct error *error);

#endif
