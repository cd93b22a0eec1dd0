#include "fakes/stage/expectation.h"

#include <string.h>

enum { EXPECTED_TOTAL_DIGITS = 6, USD_DIGITS = 9 };

static void read_faults_seen(struct json_reader *reader, void *member)
{
    struct expectation *expect = member;
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected a list of fault ids");
        return;
    }
    while (json_next_element(reader)) {
        enum json_kind kind;
        struct span raw;
        bool fits = json_read_raw(reader, &kind, &raw) && kind == JSON_STRING &&
                    expect->fault_count < EXPECTED_FAULTS_MAX &&
                    json_string_copy(raw, expect->faults_seen[expect->fault_count], FAULT_ID_SIZE);
        if (!fits) {
            json_reject(reader, "expected at most 16 fault ids in quotes");
            return;
        }
        expect->fault_count++;
    }
}

/* Its first member stands for the whole, so that a list can be read into it. */
struct fields {
    struct expectation expect;
};

void expectation_read(struct json_reader *reader, struct expectation *expect)
{
    static const struct json_field fields[] = {
        JSON_INT64(struct fields, expect.exit_status, "exit_status"),
        JSON_INT64(struct fields, expect.machines_left, "machines_left"),
        JSON_INT64(struct fields, expect.machines_created, "machines_created"),
        JSON_DECIMAL(struct fields, expect.max_nusd, "max_usd", USD_DIGITS),
        JSON_DECIMAL(struct fields, expect.total_us, "total_seconds", EXPECTED_TOTAL_DIGITS),
        JSON_TEXT(struct fields, expect.error, "error"),
        JSON_CUSTOM(struct fields, expect, "faults_seen", read_faults_seen),
        JSON_INT64(struct fields, expect.creates_doubled, "creates_doubled"),
        JSON_INT64(struct fields, expect.rate_limits_broken, "rate_limits_broken"),
        JSON_INT64(struct fields, expect.destroyed_unread, "destroyed_unread"),
        JSON_INT64(struct fields, expect.polls_after_gone, "polls_after_gone"),
    };
    struct fields given;
    memset(&given, 0, sizeof given);
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), &given, JSON_STRICT);
    *expect = given.expect;
}
