#include "fakes/fault/plan.h"

#include <string.h>

#include "base/units.h"
#include "fakes/fault/catalogue.h"
#include "fakes/fault/draft.h"

/* Reads the value that is due; false when it is none of text, number, true and false, or too long. */
static bool read_given(struct json_reader *reader, struct given *given)
{
    enum json_kind kind;
    struct span raw;
    if (!json_read_raw(reader, &kind, &raw)) {
        return true; /* the reader has its mistake */
    }
    if (kind == JSON_NUMBER) {
        given_number(given, raw);
    }
    return (kind == JSON_STRING || kind == JSON_NUMBER || kind == JSON_BOOL) &&
           json_string_copy(raw, given->text, sizeof given->text);
}

/* The id of the fault whose object was entered, wherever in it the id stands. */
static bool look_ahead_for_id(struct json_reader ahead, char *id, size_t size)
{
    struct span key;
    while (json_next_member(&ahead, &key)) {
        enum json_kind kind;
        struct span raw;
        if (!json_read_raw(&ahead, &kind, &raw)) {
            return false;
        }
        if (json_string_is(key, "id")) {
            return kind == JSON_STRING && json_string_copy(raw, id, size);
        }
    }
    return false;
}

static void read_member(struct json_reader *reader, struct draft *draft, struct span key, bool *id_seen)
{
    struct given given = {.nano = {ABSENT, 0}};
    if (json_string_is(key, "id")) {
        if (*id_seen) {
            buffer_printf(&draft->mistake, "%s: id is given twice", draft->row->id);
        }
        *id_seen = true;
        json_skip(reader);
        return;
    }
    if (!json_string_copy(key, given.key, sizeof given.key)) {
        draft_refuse_key(draft, given.key);
    } else if (!read_given(reader, &given)) {
        buffer_printf(&draft->mistake, "%s: %s: expected a short text, a number, true or false", draft->row->id,
                      given.key);
    } else if (reader->mistake == NULL) {
        draft_set(draft, &given);
    }
}

/* The object that is due, of the fault `wanted`, or of whichever its id says when that is NULL. */
static void read_fault(struct json_reader *reader, const char *wanted, struct fault_plan *plan)
{
    struct draft draft;
    char id[FAULT_ID_SIZE] = "";
    draft_start(&draft, plan->mistake, sizeof plan->mistake);
    if (!json_enter_object(reader)) {
        json_reject(reader, "expected a fault, an object in braces");
        return;
    }
    bool named = look_ahead_for_id(*reader, id, sizeof id);
    if (wanted == NULL && !named) {
        json_reject(reader, "expected a fault with an id, a text of the catalogue");
        return;
    }
    if (wanted != NULL && named && strcmp(wanted, id) != 0) {
        json_reject(reader, "the id is another one than the fault's");
        return;
    }
    draft_set_id(&draft, wanted == NULL ? id : wanted);
    struct span key;
    bool id_seen = false;
    while (draft_good(&draft) && json_next_member(reader, &key)) {
        read_member(reader, &draft, key, &id_seen);
    }
    if (reader->mistake == NULL) {
        draft_finish(&draft, plan);
    }
    if (!draft_good(&draft)) {
        json_reject(reader, plan->mistake);
    }
}

void fault_plan_read_one(struct json_reader *reader, const char *id, struct fault_plan *plan)
{
    read_fault(reader, id, plan);
}

void fault_plan_read(struct json_reader *reader, struct fault_plan *plan)
{
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected a list of faults in brackets");
        return;
    }
    while (json_next_element(reader)) {
        read_fault(reader, NULL, plan);
    }
}

/* Where the parameter that begins at `at` ends: at a comma that another "key=" follows, or at the end of the text. */
static const char *end_of_parameter(const char *at)
{
    const char *end = strchr(at, ',');
    while (end != NULL && end[1 + strcspn(end + 1, ",=")] != '=') {
        end = strchr(end + 1, ',');
    }
    return end == NULL ? at + strlen(at) : end;
}

static bool copy_part(char *out, size_t size, const char *at, size_t length)
{
    if (length >= size) {
        out[0] = '\0';
        return false;
    }
    memcpy(out, at, length);
    out[length] = '\0';
    return true;
}

static void add_parameter(struct draft *draft, const char *at, const char *end)
{
    struct given given = {.nano = {ABSENT, 0}};
    size_t key_length = strcspn(at, "=,");
    const char *value = at + key_length + 1;
    if (at[key_length] != '=' || value > end || !copy_part(given.key, sizeof given.key, at, key_length) ||
        !copy_part(given.text, sizeof given.text, value, (size_t)(end - value))) {
        buffer_printf(&draft->mistake, "%s: expected key=value with commas between, each of at most %d characters",
                      draft->row->id, FAULT_VALUE_SIZE - 1);
        return;
    }
    given_number(&given, span_of(given.text));
    draft_set(draft, &given);
}

enum error_code fault_plan_add(struct fault_plan *plan, const char *text, struct error *error)
{
    struct draft draft;
    char mistake[ERROR_MESSAGE_SIZE];
    char id[FAULT_ID_SIZE];
    draft_start(&draft, mistake, sizeof mistake);
    size_t id_length = strcspn(text, ":");
    if (!copy_part(id, sizeof id, text, id_length)) {
        return error_set(error, ERR_USAGE, "expected a fault of the catalogue as ID:key=value,...");
    }
    draft_set_id(&draft, id);
    const char *at = text + id_length + (text[id_length] == ':' ? 1 : 0);
    while (draft_good(&draft) && *at != '\0') {
        const char *end = end_of_parameter(at);
        add_parameter(&draft, at, end);
        at = end + (*end == ',' ? 1 : 0);
    }
    draft_finish(&draft, plan);
    return draft_good(&draft) ? ERR_OK : error_set(error, ERR_USAGE, "%s", mistake);
}

static void write_own(struct json_writer *writer, const struct fault_own *own)
{
    if (own->nano.presence == PRESENT) {
        json_member_decimal(writer, own->key, own->nano.value, 9);
    } else {
        json_member_string(writer, own->key, own->text);
    }
}

void fault_write_members(struct json_writer *writer, const struct fault *fault)
{
    const struct fault_row *row = catalogue_find(fault->id);
    json_member_string(writer, "id", fault->id);
    if (!fault->active) {
        json_member_bool(writer, "active", false);
    }
    if (fault->nth != row->nth) {
        json_member_int(writer, "nth", fault->nth);
    }
    if (fault->count != row->count) {
        json_member_int(writer, "count", fault->count);
    }
    if (fault->probability_millionths != 1000000) {
        json_member_decimal(writer, "probability", fault->probability_millionths, 6);
    }
    if (fault->any_endpoint) {
        json_member_string(writer, "endpoint", "any");
    } else if (fault->endpoint != API_CALL_COUNT) {
        json_member_string(writer, "endpoint", api_call_name(fault->endpoint));
    } else if (fault->bucket_call != BUCKET_CALL_COUNT) {
        json_member_string(writer, "endpoint", bucket_call_name(fault->bucket_call));
    }
    if (fault->machine >= 0) {
        json_member_int(writer, "machine", fault->machine);
    }
    if (fault->from_ns != 0) {
        json_member_decimal(writer, "from_s", fault->from_ns, 9);
    }
    if (fault->to_ns != TIME_NEVER_NS) {
        json_member_decimal(writer, "to_s", fault->to_ns, 9);
    }
    if (fault->point != POINT_DEFAULT) {
        json_member_string(writer, "point", fault_point_name(fault->point));
    }
    for (size_t i = 0; i < fault->own_count; i++) {
        write_own(writer, &fault->own[i]);
    }
}

void fault_plan_write(struct json_writer *writer, const struct fault_plan *plan)
{
    json_begin_array(writer);
    for (size_t i = 0; i < plan->count; i++) {
        json_begin_object(writer);
        fault_write_members(writer, &plan->faults[i]);
        json_end_object(writer);
    }
    json_end_array(writer);
}
