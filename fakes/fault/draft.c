#include "fakes/fault/draft.h"

#include <string.h>

#include "base/units.h"

enum { OCCASIONS_MAX = 1000000 };

#define RUN_MAX_NS (NS_PER_HOUR * 24 * 30)

void draft_start(struct draft *draft, char *mistake, size_t size)
{
    *draft = (struct draft){.row = NULL};
    buffer_init_fixed(&draft->mistake, mistake, size);
}

/* Appends what a person wrote, in quotes, with everything that is not plain text replaced. */
static void append_quoted(struct buffer *out, const char *text)
{
    buffer_append_char(out, '"');
    for (; *text != '\0'; text++) {
        buffer_append_char(out, *text >= 0x20 && *text < 0x7F ? *text : '?');
    }
    buffer_append_char(out, '"');
}

void draft_set_id(struct draft *draft, const char *id)
{
    draft->row = catalogue_find(id);
    if (draft->row == NULL) {
        append_quoted(&draft->mistake, id);
        buffer_append_text(&draft->mistake, " is no fault of the catalogue");
        return;
    }
    draft->fault = (struct fault){.active = true,
                                  .nth = draft->row->nth,
                                  .count = draft->row->count,
                                  .probability_millionths = 1000000,
                                  .endpoint = API_CALL_COUNT,
                                  .bucket_call = BUCKET_CALL_COUNT,
                                  .machine = -1,
                                  .to_ns = TIME_NEVER_NS};
    (void)text_copy(draft->fault.id, sizeof draft->fault.id, id);
}

bool draft_good(const struct draft *draft)
{
    return draft->mistake.length == 0;
}

/* Notes "<fault>: <key>: expected <what>, not <text>". Returns false. */
static bool refuse(struct draft *draft, const struct given *given, const char *expected)
{
    if (draft_good(draft)) {
        buffer_printf(&draft->mistake, "%s: %s: expected %s, not ", draft->row->id, given->key, expected);
        append_quoted(&draft->mistake, given->text);
    }
    return false;
}

static bool whole_from_to(const struct given *given, int64_t low, int64_t high, int64_t *out)
{
    int64_t whole = given->nano.value / NS_PER_S;
    if (given->nano.presence != PRESENT || given->nano.value % NS_PER_S != 0 || whole < low || whole > high) {
        return false;
    }
    *out = whole;
    return true;
}

static bool set_count(struct draft *draft, const struct given *given)
{
    return (whole_from_to(given, -1, OCCASIONS_MAX, &draft->fault.count) && draft->fault.count != 0) ||
           refuse(draft, given, "1 to 1000000, or -1 for all further occasions");
}

static bool set_seconds(struct draft *draft, const struct given *given, int64_t *out)
{
    if (given->nano.presence != PRESENT || given->nano.value < 0 || given->nano.value > RUN_MAX_NS) {
        return refuse(draft, given, "seconds from 0 to 2592000");
    }
    *out = given->nano.value;
    return true;
}

static bool set_probability(struct draft *draft, const struct given *given)
{
    if (given->nano.presence != PRESENT || given->nano.value < 0 || given->nano.value > NS_PER_S) {
        return refuse(draft, given, "a probability from 0 to 1");
    }
    draft->fault.probability_millionths = scale_rounded(given->nano.value, 1, 1000);
    return true;
}

static bool set_active(struct draft *draft, const struct given *given)
{
    draft->fault.active = strcmp(given->text, "true") == 0;
    return draft->fault.active || strcmp(given->text, "false") == 0 || refuse(draft, given, "true or false");
}

/* A call of the object store. */
static bool set_bucket_call(struct draft *draft, const struct given *given)
{
    enum bucket_call call = bucket_call_by_name(given->text);
    draft->fault.any_endpoint = strcmp(given->text, "any") == 0;
    if (draft->fault.any_endpoint) {
        return true;
    }
    if (call == BUCKET_CALL_COUNT || (draft->row->bucket_calls & UINT32_C(1) << call) == 0) {
        return refuse(draft, given, "any, or a call of the object store that the catalogue names for it");
    }
    draft->fault.bucket_call = call;
    return true;
}

static bool set_endpoint(struct draft *draft, const struct given *given)
{
    char expected[128];
    struct buffer names;
    buffer_init_fixed(&names, expected, sizeof expected);
    buffer_append_text(&names, "one of any");
    for (size_t i = 0; i < API_CALL_COUNT; i++) {
        if ((draft->row->endpoints & UINT64_C(1) << i) != 0) {
            buffer_printf(&names, ", %s", api_call_name((enum api_call)i));
        }
    }
    if (names.failed) {
        buffer_clear(&names);
        buffer_append_text(&names, "any or a call's name, see dumont-fake faults --json");
    }
    enum api_call call = api_call_by_name(given->text);
    draft->fault.any_endpoint = strcmp(given->text, "any") == 0;
    if (draft->fault.any_endpoint) {
        return true;
    }
    if (call == API_CALL_COUNT || (draft->row->endpoints & UINT64_C(1) << call) == 0) {
        return refuse(draft, given, expected);
    }
    draft->fault.endpoint = call;
    return true;
}

static bool set_point(struct draft *draft, const struct given *given)
{
    char expected[64];
    struct buffer names;
    buffer_init_fixed(&names, expected, sizeof expected);
    for (unsigned i = POINT_CONNECT; i <= POINT_BODY; i++) {
        if ((draft->row->points & 1U << i) != 0) {
            buffer_printf(&names, "%s%s", names.length == 0 ? "" : " or ", fault_point_name((enum fault_point)i));
        }
    }
    enum fault_point point = fault_point_by_name(given->text);
    if ((draft->row->points & 1U << point) == 0) {
        return refuse(draft, given, expected);
    }
    draft->fault.point = point;
    return true;
}

static bool set_common(struct draft *draft, enum common_parameter parameter, const struct given *given)
{
    struct fault *fault = &draft->fault;
    switch (parameter) {
    case COMMON_NTH:
        return whole_from_to(given, 1, OCCASIONS_MAX, &fault->nth) || refuse(draft, given, "1 to 1000000");
    case COMMON_COUNT:
        return set_count(draft, given);
    case COMMON_PROBABILITY:
        return set_probability(draft, given);
    case COMMON_MACHINE:
        return whole_from_to(given, 0, INJECTOR_MACHINES_MAX - 1, &fault->machine) ||
               refuse(draft, given, "0 to 63, the nth machine from 0");
    case COMMON_FROM:
        return set_seconds(draft, given, &fault->from_ns);
    case COMMON_TO:
        return set_seconds(draft, given, &fault->to_ns);
    case COMMON_ACTIVE:
        return set_active(draft, given);
    case COMMON_ENDPOINT:
        return draft->row->bucket_calls != 0 ? set_bucket_call(draft, given) : set_endpoint(draft, given);
    case COMMON_POINT:
        return set_point(draft, given);
    case COMMON_PARAMETERS:
        break;
    }
    return false;
}

/* True when `word` stands in `words`, which are separated by ", ". */
static bool is_among(const char *word, const char *words)
{
    size_t length = strlen(word);
    for (const char *at = words; length > 0 && at != NULL; at = strstr(at, ", ")) {
        at += at == words ? 0 : 2;
        if (strncmp(at, word, length) == 0 && (at[length] == '\0' || at[length] == ',')) {
            return true;
        }
    }
    return false;
}

/* One or several names of [a-z0-9_], commas between. */
static bool are_names(const char *text, bool several)
{
    bool in_name = false;
    for (; *text != '\0'; text++) {
        bool letter = (*text >= 'a' && *text <= 'z') || (*text >= '0' && *text <= '9') || *text == '_';
        if (!letter && (*text != ',' || !several || !in_name)) {
            return false;
        }
        in_name = letter;
    }
    return in_name;
}

static bool check_number(struct draft *draft, const struct fault_parameter *parameter, const struct given *given)
{
    char expected[96];
    (void)text_format(expected, sizeof expected, "%lld to %lld%s", (long long)parameter->least,
                      (long long)parameter->most, parameter->or_minus_one ? ", or -1" : "");
    bool good = given->nano.presence == PRESENT && given->nano.value >= parameter->least * NS_PER_S &&
                given->nano.value <= parameter->most * NS_PER_S;
    bool minus_one = parameter->or_minus_one && given->nano.presence == PRESENT && given->nano.value == -NS_PER_S;
    return good || minus_one || refuse(draft, given, expected);
}

static bool check_own(struct draft *draft, const struct fault_parameter *parameter, const struct given *given)
{
    switch (parameter->kind) {
    case PARAMETER_CHOICE: {
        char expected[128];
        (void)text_format(expected, sizeof expected, "one of %s", parameter->words);
        return is_among(given->text, parameter->words) || refuse(draft, given, expected);
    }
    case PARAMETER_NUMBER:
        return check_number(draft, parameter, given);
    case PARAMETER_NAMES:
        return are_names(given->text, parameter->several) ||
               refuse(draft, given,
                      parameter->several ? "names of a-z, 0-9 and _, commas between" : "one name of a-z, 0-9 and _");
    }
    return false;
}

static void set_own(struct draft *draft, const struct fault_parameter *parameter, const struct given *given)
{
    if (fault_given(&draft->fault, given->key)) {
        buffer_printf(&draft->mistake, "%s: %s is given twice", draft->row->id, given->key);
    } else if (check_own(draft, parameter, given)) {
        struct fault_own *own = &draft->fault.own[draft->fault.own_count++];
        memcpy(own->key, given->key, sizeof own->key);
        memcpy(own->text, given->text, sizeof own->text);
        own->nano = given->nano;
    }
}

void draft_refuse_key(struct draft *draft, const char *key)
{
    buffer_printf(&draft->mistake, "%s: ", draft->row->id);
    append_quoted(&draft->mistake, key);
    buffer_append_text(&draft->mistake, " is not known; it has");
    const char *joint = " ";
    for (size_t i = 0; i < COMMON_PARAMETERS; i++) {
        if (fault_has_common(draft->row, (enum common_parameter)i)) {
            buffer_printf(&draft->mistake, "%s%s", joint, common_parameter_key((enum common_parameter)i));
            joint = ", ";
        }
    }
    for (const struct fault_parameter *own = draft->row->parameters; own->key != NULL; own++) {
        buffer_printf(&draft->mistake, ", %s", own->key);
    }
}

void draft_set(struct draft *draft, const struct given *given)
{
    const struct fault_parameter *own = catalogue_parameter(draft->row, given->key);
    if (own != NULL) {
        set_own(draft, own, given);
        return;
    }
    for (unsigned i = 0; i < COMMON_PARAMETERS; i++) {
        if (strcmp(common_parameter_key((enum common_parameter)i), given->key) != 0 ||
            !fault_has_common(draft->row, (enum common_parameter)i)) {
            continue;
        }
        if ((draft->common_seen & 1U << i) != 0) {
            buffer_printf(&draft->mistake, "%s: %s is given twice", draft->row->id, given->key);
        } else {
            (void)set_common(draft, (enum common_parameter)i, given);
        }
        draft->common_seen |= 1U << i;
        return;
    }
    draft_refuse_key(draft, given->key);
}

void draft_finish(struct draft *draft, struct fault_plan *plan)
{
    if (!draft_good(draft)) {
        return;
    }
    if (draft->fault.from_ns >= draft->fault.to_ns) {
        buffer_printf(&draft->mistake, "%s: expected from_s before to_s", draft->row->id);
    } else if (plan->count == FAULT_PLAN_MAX) {
        buffer_printf(&draft->mistake, "expected at most %d faults", FAULT_PLAN_MAX);
    } else {
        plan->faults[plan->count++] = draft->fault;
    }
}

void given_number(struct given *given, struct span raw)
{
    given->nano.presence = decimal_parse(raw, 9, &given->nano.value) ? PRESENT : ABSENT;
}
