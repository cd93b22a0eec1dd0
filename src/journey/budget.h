/*
 * Budget: what a check may cost at worst, known before anything is rented.
 *
 *     longest   = create + running limit + SSH limit + commands + removal
 *     worst     = price per hour x longest + price of traffic per GB x disk in GB
 *
 * `create` is the time in which a lost answer to a create is cleared up (one request and LABEL_FIND_LIMIT_NS); `commands` and
 * `removal` are BUDGET_COMMANDS_NS and BUDGET_REMOVAL_NS. The guard (journey/guard.h) holds the check to the first four, the
 * removal to the last. The price is the offer's dph_total, its disk included. What a machine downloads by itself, its image
 * above all, is at most what its disk can hold; what a check uploads are kilobytes, and not counted. A price of traffic that the
 * offer does not name is taken as nothing.
 */
#ifndef JOURNEY_BUDGET_H
#define JOURNEY_BUDGET_H

#include "journey/rent.h"

/* All commands of a check together, and the removal of a machine. */
#define BUDGET_COMMANDS_NS (600 * NS_PER_S)
#define BUDGET_REMOVAL_NS (900 * NS_PER_S)

struct budget_bound {
    int64_t use_ns;     /* longest without the removal */
    int64_t longest_ns; /* from the create's leaving to the machine's absence */
    int64_t time_nusd;
    int64_t traffic_nusd;
    int64_t worst_nusd;
};

struct budget_bound budget_bound_of(const struct check_options *options, const struct vast_offer *offer);

/* Whether the cap allows it; it always does when there is none. */
bool budget_allows(const struct check_options *options, const struct budget_bound *bound);

/* The guard of a machine rented on that offer, whose create left at `began_ns`. */
struct guard budget_guard(const struct check_options *options, const struct vast_offer *offer, int64_t began_ns);

/* ERR_BUDGET with both sums and what would help. */
enum error_code budget_refuse(const struct check_options *options, const struct vast_offer *offer, struct error *error);

/* Appends what a person should know before renting it, as whole lines. */
void budget_append_proposal(struct buffer *out, const struct check_options *options, const struct vast_offer *offer);

#endif
