/* Creates: whether one intent made two machines, and what the client did when it could not know whether it had made one. */
#include <string.h>

#include "base/json_decode.h"
#include "fakes/verdict/judge.h"

/* A create that made a machine: its label, and its body with the label cut out. */
struct intent {
    MAYBE_TEXT(1025) label;
    struct span body;
    const char *label_at; /* within the body, NULL: it has none */
    size_t label_length;
};

struct body_fields {
    MAYBE_TEXT(1025) label;
    struct span raw; /* as it stands in the body */
};

static void read_label(struct json_reader *reader, void *member)
{
    struct body_fields *fields = member;
    enum json_kind kind;
    struct span raw;
    if (json_read_raw(reader, &kind, &raw) && kind == JSON_STRING &&
        json_string_copy(raw, fields->label.text, sizeof fields->label.text)) {
        fields->label.presence = PRESENT;
        fields->raw = raw;
    }
}

static void read_intent(const struct verdict_request *request, struct intent *intent)
{
    static const struct json_field fields[] = {JSON_CUSTOM(struct body_fields, label, "label", read_label)};
    struct json_reader reader;
    struct body_fields given = {.label = {.presence = ABSENT}};
    json_reader_init(&reader, request->body.at, request->body.length);
    (void)json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &given, JSON_TOLERANT);
    *intent = (struct intent){.body = request->body};
    if (given.label.presence == PRESENT && given.label.text[0] != '\0') {
        intent->label.presence = PRESENT;
        memcpy(intent->label.text, given.label.text, sizeof intent->label.text);
        intent->label_at = given.raw.at;
        intent->label_length = given.raw.length;
    }
}

static bool spans_equal(struct span a, struct span b)
{
    return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

/* The same but for the label. */
static bool bodies_alike(const struct intent *a, const struct intent *b)
{
    if (a->label_at == NULL || b->label_at == NULL) {
        return a->label_at == b->label_at && spans_equal(a->body, b->body);
    }
    size_t a_head = (size_t)(a->label_at - a->body.at);
    size_t b_head = (size_t)(b->label_at - b->body.at);
    size_t a_end = a_head + a->label_length;
    size_t b_end = b_head + b->label_length;
    return spans_equal((struct span){a->body.at, a_head}, (struct span){b->body.at, b_head}) &&
           spans_equal((struct span){a->body.at + a_end, a->body.length - a_end},
                       (struct span){b->body.at + b_end, b->body.length - b_end});
}

static bool made_one(const struct verdict_input *input, size_t index)
{
    const struct verdict_request *request = &input->requests[index];
    bool creates = request->call == (size_t)API_CREATE || request->call == (size_t)API_LAUNCH;
    return creates && request->contract < input->machine_count;
}

/* Whether anything that lists machines was read between the two; `to` may be the end. */
static bool looked_between(const struct verdict_input *input, const struct judge_fact *facts, size_t from, size_t to)
{
    for (size_t i = from + 1; i < to; i++) {
        size_t call = input->requests[i].call;
        bool lists = call == (size_t)API_LIST || call == (size_t)API_LIST_V0;
        if (facts[i].success && lists) {
            return true;
        }
    }
    return false;
}

static void compare(struct verdict *verdict, size_t earlier, size_t later)
{
    const struct verdict_input *input = verdict->input;
    const struct verdict_request *first = &input->requests[earlier];
    const struct verdict_request *second = &input->requests[later];
    const struct contract_view *one = &input->machines[first->contract];
    const struct contract_view *two = &input->machines[second->contract];
    struct intent a;
    struct intent b;
    read_intent(first, &a);
    read_intent(second, &b);
    bool labelled = a.label.presence == PRESENT && b.label.presence == PRESENT;
    bool same_label = labelled && strcmp(a.label.text, b.label.text) == 0;
    bool alike = bodies_alike(&a, &b);
    if (same_label || (alike && !labelled)) {
        verdict->creates_doubled++;
        verdict->machines[second->contract].is_double = true;
        judge_find(
            verdict, FINDING_CREATE_DOUBLED, two->id, second->ordinal,
            "request %llu made machine %lld, and its answer was no success; request %llu with the same %s made %lld",
            (unsigned long long)first->ordinal, (long long)one->id, (unsigned long long)second->ordinal,
            same_label ? "label" : "body", (long long)two->id);
    } else if (alike) {
        judge_find(verdict, FINDING_CREATE_PERHAPS_DOUBLED, two->id, second->ordinal,
                   "request %llu made machine %lld, and its answer was no success; request %llu with the same body "
                   "under another label "
                   "made %lld",
                   (unsigned long long)first->ordinal, (long long)one->id, (unsigned long long)second->ordinal,
                   (long long)two->id);
    }
}

/* Each is compared with the latest one before it that the client was not told of and that still existed. */
static void look_back(struct verdict *verdict, const struct judge_fact *facts, size_t later)
{
    const struct verdict_input *input = verdict->input;
    for (size_t i = later; i > 0; i--) {
        if (!made_one(input, i - 1) || facts[i - 1].success) {
            continue;
        }
        const struct contract_view *view = &input->machines[input->requests[i - 1].contract];
        if (view->destroyed_ns > input->requests[later].sent_ns) {
            compare(verdict, i - 1, later);
            return;
        }
    }
}

void judge_creates(struct verdict *verdict, const struct judge_fact *facts)
{
    const struct verdict_input *input = verdict->input;
    for (size_t i = 0; i < input->request_count; i++) {
        if (!made_one(input, i)) {
            continue;
        }
        look_back(verdict, facts, i);
        size_t next = facts[i].next == JUDGE_NO_REQUEST ? input->request_count : facts[i].next;
        if (facts[i].failed && !looked_between(input, facts, i, next)) {
            judge_find(verdict, FINDING_CREATE_LOST, input->machines[input->requests[i].contract].id,
                       input->requests[i].ordinal,
                       "request %llu made machine %lld without a usable answer; no list was read %s",
                       (unsigned long long)input->requests[i].ordinal,
                       (long long)input->machines[input->requests[i].contract].id,
                       next == input->request_count ? "afterwards" : "before the next create");
        }
    }
}
