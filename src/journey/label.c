#include "journey/label.h"

#include <string.h>

#include "vast/retry.h"

enum { LIST_ATTEMPTS = 1000, RETRY_STREAM_LABEL = 20, ORDINAL_DIGITS_MOST = 10 };

/* Whoever rents writes its name into the label. A tool of somebody else's may well begin its labels as we do. */
static const char *const renting_journeys[] = {"check"};

static const int64_t look_again_ns = 5 * NS_PER_S;

void label_make(char label[INTENT_LABEL_SIZE], const char *journey, const char *run_id, uint32_t nth)
{
    (void)text_format(label, INTENT_LABEL_SIZE, INTENT_LABEL_PREFIX "%s-%s-%u", journey, run_id, nth);
}

struct label_visit {
    const struct intent *intent;
    struct label_search *found;
};

/* Moves past `text` when that is what stands there. */
static bool passes(const char **at, const char *text)
{
    size_t length = strlen(text);
    if (strncmp(*at, text, length) != 0) {
        return false;
    }
    *at += length;
    return true;
}

static bool passes_journey(const char **at)
{
    for (size_t i = 0; i < ARRAY_LENGTH(renting_journeys); i++) {
        if (passes(at, renting_journeys[i])) {
            return true;
        }
    }
    return false;
}

/* Nothing but a number as label_make() writes it. */
static bool is_ordinal(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= ORDINAL_DIGITS_MOST && text[digits] == '\0' && (text[0] != '0' || digits == 1);
}

bool label_is_ours(const struct vast_instance *row)
{
    const char *at = row->label.text;
    if (row->label.presence != PRESENT || !passes(&at, INTENT_LABEL_PREFIX) || !passes_journey(&at) ||
        !passes(&at, "-") || strspn(at, "0123456789abcdef") != JOURNEY_RUN_ID_DIGITS) {
        return false;
    }
    at += JOURNEY_RUN_ID_DIGITS;
    return passes(&at, "-") && is_ordinal(at);
}

bool label_is_alike(const struct vast_instance *row)
{
    const char *at = row->label.text;
    return row->label.presence == PRESENT && passes(&at, INTENT_LABEL_PREFIX);
}

bool label_is_unclear(const struct vast_instance *row, const struct intent *intent)
{
    bool other_machine = row->machine_id.presence == PRESENT && row->machine_id.value != intent->machine_id;
    return row->label.presence != PRESENT && !other_machine;
}

static void match(void *context, const struct vast_instance *instance)
{
    struct label_visit *visit = context;
    struct label_search *found = visit->found;
    found->unclear += label_is_unclear(instance, visit->intent) ? 1 : 0;
    if (instance->label.presence != PRESENT || strcmp(instance->label.text, visit->intent->label) != 0) {
        return;
    }
    if (found->count < LABEL_MATCHES_MAX) {
        found->ids[found->count] = instance->id.value;
    }
    found->count++;
}

enum error_code label_find(struct journey *journey, const struct intent *intent, int64_t settle_ns,
                           struct label_search *found, struct error *error)
{
    const char *label = intent->label;
    struct world *world = journey->world;
    int64_t settled_ns = world_deadline_ns(world, settle_ns);
    int64_t deadline_ns = world_deadline_ns(world, LABEL_FIND_LIMIT_NS);
    struct label_visit visit = {intent, found};
    struct retry retry = retry_begin(world, "list", RETRY_STREAM_LABEL, LIST_ATTEMPTS, deadline_ns);
    for (;;) {
        int64_t asked_ns = world_now_ns(world);
        *found = (struct label_search){.count = 0};
        enum error_code code = vast_list(&journey->vast, match, &visit, error);
        if (code == ERR_OK && found->count == 0 && found->unclear > 0) {
            code = error_set(error, ERR_REPLY_UNEXPECTED, "the listing holds a machine whose label cannot be read");
        }
        if (code == ERR_OK && (found->count > 0 || asked_ns >= settled_ns)) {
            return ERR_OK;
        }
        if (code == ERR_OK) {
            code = world_sleep_until(world, world_deadline_ns(world, look_again_ns));
            if (code != ERR_OK) {
                return error_set(error, code, "%s while looking for label %s", error_sentence(code), label);
            }
            continue;
        }
        if (!retry_again(&retry, error)) {
            error_wrap(error, "it is not known whether a machine with label %s exists", label);
            return error->code;
        }
    }
}
