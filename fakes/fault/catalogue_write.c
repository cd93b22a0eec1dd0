#include <string.h>

#include "fakes/fault/catalogue.h"

/* The names of the calls in either set, as an array. */
static void write_calls(struct json_writer *writer, const char *key, uint64_t calls, uint32_t bucket_calls)
{
    json_key(writer, key);
    json_begin_array(writer);
    for (size_t i = 0; i < API_CALL_COUNT; i++) {
        if ((calls & UINT64_C(1) << i) != 0) {
            json_string(writer, api_call_name((enum api_call)i));
        }
    }
    for (size_t i = 0; i < BUCKET_CALL_COUNT; i++) {
        if ((bucket_calls & UINT32_C(1) << i) != 0) {
            json_string(writer, bucket_call_name((enum bucket_call)i));
        }
    }
    json_end_array(writer);
}

static void write_endpoints(struct json_writer *writer, const struct fault_row *row)
{
    write_calls(writer, "endpoints", row->endpoints, row->bucket_calls);
    json_member_string(writer, "endpoint", row->endpoints == 0 ? NULL : api_call_name(row->endpoint));
    write_calls(writer, "usual", row->endpoints == 0 ? 0 : UINT64_C(1) << row->endpoint, row->bucket_usual);
    json_key(writer, "points");
    json_begin_array(writer);
    for (unsigned i = POINT_CONNECT; i <= POINT_BODY; i++) {
        if ((row->points & 1U << i) != 0) {
            json_string(writer, fault_point_name((enum fault_point)i));
        }
    }
    json_end_array(writer);
    json_member_string(writer, "point", row->points == 0 ? NULL : fault_point_name(row->point));
}

static void write_parameter(struct json_writer *writer, const struct fault_parameter *parameter)
{
    json_begin_object(writer);
    json_member_string(writer, "key", parameter->key);
    json_member_string(writer, "meaning", parameter->meaning);
    json_member_string(writer, "default", parameter->usual[0] == '\0' ? NULL : parameter->usual);
    if (parameter->kind == PARAMETER_CHOICE) {
        json_member_string(writer, "one_of", parameter->words);
    } else if (parameter->kind == PARAMETER_NUMBER) {
        json_member_int(writer, "least", parameter->least);
        json_member_int(writer, "most", parameter->most);
        json_member_bool(writer, "minus_one", parameter->or_minus_one);
    } else {
        json_member_bool(writer, "several", parameter->several);
    }
    json_end_object(writer);
}

static void write_row(struct json_writer *writer, const struct fault_row *row)
{
    json_begin_object(writer);
    json_member_string(writer, "id", row->id);
    json_member_string(writer, "layer", row->layer);
    json_member_string(writer, "description", row->description);
    write_endpoints(writer, row);
    json_member_int(writer, "nth", row->nth);
    json_member_int(writer, "count", row->count);
    json_key(writer, "common");
    json_begin_array(writer);
    for (unsigned i = 0; i < COMMON_PARAMETERS; i++) {
        if (fault_has_common(row, (enum common_parameter)i)) {
            json_string(writer, common_parameter_key((enum common_parameter)i));
        }
    }
    json_end_array(writer);
    json_key(writer, "parameters");
    json_begin_array(writer);
    for (const struct fault_parameter *parameter = row->parameters; parameter->key != NULL; parameter++) {
        write_parameter(writer, parameter);
    }
    json_end_array(writer);
    json_end_object(writer);
}

void catalogue_write_json(struct json_writer *writer)
{
    json_begin_object(writer);
    json_key(writer, "common");
    json_begin_array(writer);
    for (unsigned i = 0; i < COMMON_PARAMETERS; i++) {
        json_begin_object(writer);
        json_member_string(writer, "key", common_parameter_key((enum common_parameter)i));
        json_member_string(writer, "meaning", common_parameter_meaning((enum common_parameter)i));
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "faults");
    json_begin_array(writer);
    for (size_t i = 0; i < catalogue_count(); i++) {
        write_row(writer, catalogue_row(i));
    }
    json_end_array(writer);
    json_end_object(writer);
}

/* Appends `text` in lines of at most 80 columns, each indented by `indent`. */
static void append_wrapped(struct buffer *out, const char *text, size_t indent)
{
    size_t column = 0;
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > 80) {
            buffer_append_char(out, '\n');
            column = 0;
        }
        buffer_append_repeated(out, " ", column == 0 ? indent : 1);
        column += (column == 0 ? indent : 1) + word;
        buffer_append(out, text, word);
        text += word + (text[word] == ' ' ? 1 : 0);
    }
    buffer_append_char(out, '\n');
}

static void append_parameter(struct buffer *out, const struct fault_parameter *parameter)
{
    char line[512];
    const char *joint = parameter->words == NULL ? "" : "; one of ";
    const char *words = parameter->words == NULL ? "" : parameter->words;
    (void)text_format(line, sizeof line, "%s%s%s: %s%s%s", parameter->key, parameter->usual[0] == '\0' ? "" : "=",
                      parameter->usual, parameter->meaning, joint, words);
    append_wrapped(out, line, 4);
}

static void append_common(struct buffer *out)
{
    buffer_append_text(out, "--fault ID:key=value,key=value,...\n\n");
    append_wrapped(out,
                   "Parameters of all faults (machine: not of the events store; endpoint and point: of API calls "
                   "and of the object store):",
                   0);
    for (unsigned i = 0; i < COMMON_PARAMETERS; i++) {
        char line[128];
        (void)text_format(line, sizeof line, "%s: %s", common_parameter_key((enum common_parameter)i),
                          common_parameter_meaning((enum common_parameter)i));
        append_wrapped(out, line, 4);
    }
    append_wrapped(out, "Those of each fault, with what holds when nothing is said:", 0);
}

/* "endpoint=a or b (any: also c) point=request" */
static void append_bucket_calls(struct buffer *out, const struct fault_row *row)
{
    char storage[1024];
    struct buffer line;
    const char *joint = "endpoint=";
    buffer_init_fixed(&line, storage, sizeof storage);
    for (size_t i = 0; i < BUCKET_CALL_COUNT; i++) {
        if ((row->bucket_usual & UINT32_C(1) << i) != 0) {
            buffer_printf(&line, "%s%s", joint, bucket_call_name((enum bucket_call)i));
            joint = " or ";
        }
    }
    joint = "; can also be ";
    for (size_t i = 0; i < BUCKET_CALL_COUNT; i++) {
        if ((row->bucket_calls & ~row->bucket_usual & UINT32_C(1) << i) != 0) {
            buffer_printf(&line, "%s%s", joint, bucket_call_name((enum bucket_call)i));
            joint = ", ";
        }
    }
    buffer_printf(&line, "; point=%s", fault_point_name(row->point));
    append_wrapped(out, buffer_text(&line), 4);
}

void catalogue_write_text(struct buffer *out)
{
    append_common(out);
    for (size_t i = 0; i < catalogue_count(); i++) {
        const struct fault_row *row = catalogue_row(i);
        char line[256];
        buffer_printf(out, "\n%s (%s)\n", row->id, row->layer);
        append_wrapped(out, row->description, 2);
        (void)text_format(line, sizeof line, "nth=%d count=%d", (int)row->nth, (int)row->count);
        if (row->endpoints != 0) {
            (void)text_format(line, sizeof line, "endpoint=%s point=%s nth=%d count=%d", api_call_name(row->endpoint),
                              fault_point_name(row->point), (int)row->nth, (int)row->count);
        }
        append_wrapped(out, line, 4);
        if (row->bucket_calls != 0) {
            append_bucket_calls(out, row);
        }
        for (const struct fault_parameter *parameter = row->parameters; parameter->key != NULL; parameter++) {
            append_parameter(out, parameter);
        }
    }
}
