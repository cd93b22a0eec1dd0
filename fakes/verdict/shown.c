#include "fakes/verdict/write.h"

const char *shown_usd(int64_t nusd, char storage[SHOWN_SIZE])
{
    struct buffer out;
    buffer_init_fixed(&out, storage, SHOWN_SIZE);
    buffer_append_char(&out, '$');
    decimal_append_rounded(&out, nusd, 9, 4);
    return storage;
}

const char *shown_seconds(int64_t time_ns, char storage[SHOWN_SIZE])
{
    struct buffer out;
    buffer_init_fixed(&out, storage, SHOWN_SIZE);
    decimal_append_rounded(&out, time_ns, 9, time_ns < 10 * NS_PER_S ? 2 : 1);
    buffer_append_text(&out, " s");
    return storage;
}

const char *shown_value(const struct verdict_check *check, int64_t value, char storage[SHOWN_SIZE])
{
    if (check->is_money) {
        return shown_usd(value, storage);
    }
    (void)text_format(storage, SHOWN_SIZE, "%lld", (long long)value);
    return storage;
}

const char *shown_wanted(const struct verdict_check *check, char storage[SHOWN_SIZE])
{
    char value[SHOWN_SIZE];
    (void)text_format(storage, SHOWN_SIZE, "%s%s", check->at_most ? "at most " : "",
                      shown_value(check, check->wanted, value));
    return storage;
}

const char *shown_outcome(const struct verdict_outcome *outcome, char storage[SHOWN_SIZE])
{
    if (outcome->fate == FATE_DELIVERED) {
        (void)text_format(storage, SHOWN_SIZE, "%d", outcome->status);
    } else {
        (void)text_copy(storage, SHOWN_SIZE, outcome->fate == FATE_COUNT ? "not_waited_for" : fate_name(outcome->fate));
    }
    return storage;
}

const char *shown_status(const struct contract_view *view)
{
    const char *status = view->exists ? actual_status_text(view->status) : "destroyed";
    return status == NULL ? "null" : status;
}

void shown_group(const struct verdict_group *group, struct buffer *out)
{
    buffer_printf(out, "request %llu", (unsigned long long)group->first_ordinal);
    if (group->subject >= 0) {
        buffer_printf(out, ", machine %lld", (long long)group->subject);
    }
    buffer_printf(out, ": %llu attempt%s, %s", (unsigned long long)group->attempts, group->attempts == 1 ? "" : "s",
                  group->answered ? "answered in the end" : "never answered");
}

void shown_group_pace(const struct verdict_group *group, struct buffer *out)
{
    buffer_printf(out, "pace %s, jitter %s%s", verdict_pace_name(group->pace), verdict_jitter_name(group->jitter),
                  group->from_start ? ", counted from when it was sent" : "");
}
