/*
 * Switches: everything about Vast.ai that is uncertain, or that differs between its versions, as numbers with a default each.
 *
 * Reports that disagree, and behaviour that was only inferred, are not decided here but by whoever runs the market: a scenario's
 * `market` object, or the command line. market_switch_at() documents each; the table in switches.c is the only list of them.
 */
#ifndef FAKES_MARKET_SWITCHES_H
#define FAKES_MARKET_SWITCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_read.h"

/* GET /api/v0/instances/: retired with 410, retired with 200, an empty list, or as it was. */
enum v0_list { V0_LIST_RETIRED, V0_LIST_RETIRED_AS_200, V0_LIST_EMPTY, V0_LIST_LEGACY };

/* A bid below the least: an error that makes a contract all the same, an error alone, or a success that stays stopped. */
enum low_bid { LOW_BID_ERROR_AND_CONTRACT, LOW_BID_ERROR, LOW_BID_SUCCESS };

/* The body of a 429. */
enum rate_limit_body { RATE_LIMIT_ANY, RATE_LIMIT_TEXT, RATE_LIMIT_THRESHOLD, RATE_LIMIT_DETAIL, RATE_LIMIT_STANDARD };

/* What the account's key may do. */
enum key_rights { KEY_MAY_ALL, KEY_MAY_READ, KEY_SESSION_EXPIRED };

/* Truths are 0 and 1, times nanoseconds, money nano-dollars, choices the enums above. */
struct market_switches {
    /* search */
    int64_t usual_rows, row_cap;
    int64_t sample_period_ns;
    int64_t unknown_keys_ignored;
    int64_t filters_loose;
    int64_t relisted_ids;
    /* create */
    int64_t low_bid;
    int64_t visible_after_ns;
    int64_t spend_limit_nusd_per_hour;
    /* lists */
    int64_t v0_list;
    int64_t label_counts_max;
    /* states */
    int64_t start_ns, reboot_ns;
    int64_t stopped_shows_stopped;
    int64_t queued_shows_scheduling;
    int64_t ports_after_ns;
    int64_t outbid_resumes;
    int64_t outbid_mean_ns, outbid_for_ns;
    int64_t expired_kept_ns;
    int64_t bad_images_fail;
    /* money */
    int64_t offline_bills_disk;
    int64_t image_pull_mb;
    int64_t has_billing;
    /* access */
    int64_t rate_limits;
    int64_t rate_limit_body;
    int64_t create_penalty_ns;
    int64_t wrong_key_is_404;
    int64_t key_rights;
    int64_t result_after_ns;
};

enum switch_kind { SWITCH_TRUTH, SWITCH_COUNT, SWITCH_SECONDS, SWITCH_USD, SWITCH_CHOICE };

struct market_switch {
    const char *name; /* in a scenario's `market` */
    enum switch_kind kind;
    size_t offset; /* in struct market_switches */
    int64_t usual, least, most;
    const char *words; /* of a choice, in order of its values, with | between */
    const char *meaning;
};

size_t market_switch_count(void);
const struct market_switch *market_switch_at(size_t index);

void market_switches_defaults(struct market_switches *switches);

/*
 * Reads the object that is due over `switches`; what it does not name stays. Strict: an unknown name, a wrong type or a value out
 * of range stops the reader.
 */
void market_switches_read(struct json_reader *reader, struct market_switches *switches);

#endif
