#include "fakes/market/switches.h"

#include <string.h>

#include "base/units.h"

enum { NANO_DIGITS = 9, YEAR_S = 31536000, DAY_S = 86400 };

#define ROW(switch_name, member, switch_kind, default_value, low, high, choice, what)                                  \
    {                                                                                                                  \
        .name = switch_name, .kind = switch_kind, .offset = offsetof(struct market_switches, member),                  \
        .usual = default_value, .least = low, .most = high, .words = choice, .meaning = what                           \
    }
#define TRUTH(name, member, usual, what) ROW(name, member, SWITCH_TRUTH, usual, 0, 1, NULL, what)
#define COUNT(name, member, usual, high, what) ROW(name, member, SWITCH_COUNT, usual, 0, high, NULL, what)
#define SECONDS(name, member, usual_ns, what)                                                                          \
    ROW(name, member, SWITCH_SECONDS, usual_ns, 0, YEAR_S *NS_PER_S, NULL, what)
#define CHOICE(name, member, usual, high, choice, what) ROW(name, member, SWITCH_CHOICE, usual, 0, high, choice, what)

static const struct market_switch switches_table[] = {
    COUNT("rows", usual_rows, 64, 20000, "rows of a search that gives no limit"),
    COUNT("row_cap", row_cap, 64, 20000, "most rows of a search, whatever its limit; 64 and 225 were reported"),
    SECONDS(
        "sample_period_s", sample_period_ns, 20 * NS_PER_S,
        "a search that finds more than row_cap shows a sample of them, a quarter of which changes each period; 0: the "
        "first in order"),
    TRUTH("unknown_keys_ignored", unknown_keys_ignored, 0,
          "a search key that is not known is ignored instead of refused"),
    TRUTH("filters_loose", filters_loose, 0, "filters on id and on network speeds are not honoured, as was reported"),
    TRUTH("relisted_ids", relisted_ids, 1,
          "an offer gets another id when a slice of its machine is taken or given back"),
    CHOICE("low_bid", low_bid, LOW_BID_ERROR_AND_CONTRACT, LOW_BID_SUCCESS, "error_and_contract|error|success",
           "what a create with too low a bid answers; with a contract, it is stopped and bills its disk"),
    SECONDS("visible_after_s", visible_after_ns, 0, "a new instance is missing from show and list for so long"),
    ROW("spend_limit_usd_per_hour", spend_limit_nusd_per_hour, SWITCH_USD, 0, 0, 1000000 * NUSD_PER_USD, NULL,
        "creates beyond this spend rate are refused, as for new accounts; 0: no limit"),
    CHOICE("v0_list", v0_list, V0_LIST_RETIRED, V0_LIST_LEGACY, "retired|retired_200|empty|legacy",
           "GET /api/v0/instances/: 410, the same body with 200, an empty list, or the list as it was"),
    COUNT("label_counts_max", label_counts_max, 1000, 1000000, "most labels in a list's label_counts"),
    SECONDS("start_s", start_ns, 15 * NS_PER_S, "a stopped machine's start until it runs; assumed"),
    SECONDS("reboot_s", reboot_ns, 20 * NS_PER_S, "a reboot until the machine runs again; assumed"),
    TRUTH("stopped_shows_stopped", stopped_shows_stopped, 0, "a stopped machine shows stopped instead of exited"),
    TRUTH("queued_shows_scheduling", queued_shows_scheduling, 0,
          "a start that waits for a GPU shows scheduling instead of what it was"),
    SECONDS("ports_after_s", ports_after_ns, 0, "ports and direct ports appear so long after running"),
    TRUTH("outbid_resumes", outbid_resumes, 0, "an outbid machine runs again by itself once its bid is the highest"),
    SECONDS("outbid_mean_s", outbid_mean_ns, 0, "mean time until somebody outbids a running bid; 0: nobody does"),
    SECONDS("outbid_for_s", outbid_for_ns, 1380 * NS_PER_S, "how long whoever outbid it stays"),
    SECONDS("expired_kept_s", expired_kept_ns, INT64_C(2) * DAY_S * NS_PER_S,
            "a contract past its end_date is stopped, and deleted so much later"),
    TRUTH("bad_images_fail", bad_images_fail, 1,
          "images named no-such-image, no-such-tag, needs-login or breaks-oci fail as such images do"),
    TRUTH("offline_bills_disk", offline_bills_disk, 0, "a machine whose host is offline bills its disk all the same"),
    COUNT("image_pull_mb", image_pull_mb, 0, 10000000, "traffic that the first start bills as download"),
    TRUTH("has_billing", has_billing, 1, "the account has billing set up; without it creates and starts are refused"),
    TRUTH("rate_limits", rate_limits, 0, "calls that follow each other too fast are answered with 429"),
    CHOICE("rate_limit_body", rate_limit_body, RATE_LIMIT_ANY, RATE_LIMIT_STANDARD,
           "any|text|threshold|detail|standard", "the body of a 429; any: each in its turn, by chance"),
    SECONDS("create_penalty_s", create_penalty_ns, 12 * NS_PER_S,
            "how long creates are refused after one came too fast"),
    TRUTH("wrong_key_is_404", wrong_key_is_404, 1, "search and billing answer a wrong key with 404 instead of 401"),
    CHOICE("key_rights", key_rights, KEY_MAY_ALL, KEY_SESSION_EXPIRED, "all|read|expired",
           "what the account's key may do; expired: 404 as when a two-factor session has ended"),
    SECONDS("result_after_s", result_after_ns, NS_PER_S, "a result_url answers 403 until the host has uploaded"),
};

size_t market_switch_count(void)
{
    return ARRAY_LENGTH(switches_table);
}

const struct market_switch *market_switch_at(size_t index)
{
    return &switches_table[index];
}

static void set(struct market_switches *switches, const struct market_switch *row, int64_t value)
{
    memcpy((char *)switches + row->offset, &value, sizeof value);
}

void market_switches_defaults(struct market_switches *switches)
{
    for (size_t i = 0; i < ARRAY_LENGTH(switches_table); i++) {
        set(switches, &switches_table[i], switches_table[i].usual);
    }
}

static bool word_value(const char *words, struct span word, int64_t *value)
{
    for (*value = 0;; ++*value) {
        size_t length = strcspn(words, "|");
        if (length == word.length && memcmp(words, word.at, length) == 0) {
            return true;
        }
        if (words[length] == '\0') {
            return false;
        }
        words += length + 1;
    }
}

static void read_value(struct json_reader *reader, const struct market_switch *row, struct market_switches *switches)
{
    enum json_kind kind;
    struct span raw;
    int64_t value = 0;
    if (!json_read_raw(reader, &kind, &raw)) {
        return;
    }
    bool good = false;
    switch (row->kind) {
    case SWITCH_TRUTH:
        good = kind == JSON_BOOL;
        value = good && raw.at[0] == 't';
        break;
    case SWITCH_CHOICE:
        good = kind == JSON_STRING && word_value(row->words, raw, &value);
        break;
    case SWITCH_COUNT:
        good = kind == JSON_NUMBER && json_number_int64(raw, &value);
        break;
    case SWITCH_SECONDS:
    case SWITCH_USD:
        good = kind == JSON_NUMBER && decimal_parse(raw, NANO_DIGITS, &value);
        break;
    }
    if (!good || value < row->least || value > row->most) {
        json_reject(reader, row->words != NULL ? row->words : row->meaning);
        return;
    }
    set(switches, row, value);
}

void market_switches_read(struct json_reader *reader, struct market_switches *switches)
{
    bool seen[ARRAY_LENGTH(switches_table)] = {false};
    struct span key;
    if (!json_enter_object(reader)) {
        json_reject(reader, "expected the market's switches in braces");
    }
    while (json_next_member(reader, &key)) {
        size_t i = 0;
        while (i < ARRAY_LENGTH(switches_table) && !json_string_is(key, switches_table[i].name)) {
            i++;
        }
        if (i == ARRAY_LENGTH(switches_table)) {
            json_reject(reader, "expected the name of one of the market's switches");
        } else if (seen[i]) {
            json_reject(reader, "this key is given twice");
        } else {
            seen[i] = true;
            read_value(reader, &switches_table[i], switches);
        }
    }
}
