#include <string.h>

#include "base/json_read.h"
#include "fakes/fault/effects.h"

/* One member of an object as it stands in the text: the key without its quotes, the value with them. */
struct member {
    struct span key;
    enum json_kind kind;
    struct span value;
};

/* A text that is being written from parts of another; `put` members so far, for the commas. */
struct rewritten {
    struct buffer text;
    size_t put;
};

/* Writes a member changed, unchanged, or not at all. */
typedef void member_edit(const struct fault *fault, struct rewritten *out, const struct member *member);

/* Reads the value that is due as it stands, a string with its quotes. */
static bool read_value(struct json_reader *reader, enum json_kind *kind, struct span *value)
{
    if (!json_read_raw(reader, kind, value)) {
        return false;
    }
    if (*kind == JSON_STRING) {
        *value = (struct span){value->at - 1, value->length + 2};
    }
    return true;
}

/* Steps to the next member of the object that was entered. */
static bool next_member(struct json_reader *reader, struct member *member)
{
    return json_next_member(reader, &member->key) && read_value(reader, &member->kind, &member->value);
}

static void put_span(struct rewritten *out, struct span span)
{
    buffer_append(&out->text, span.at, span.length);
}

static void put_key(struct rewritten *out, struct span key)
{
    buffer_append_text(&out->text, out->put++ == 0 ? "\"" : ",\"");
    put_span(out, key);
    buffer_append_text(&out->text, "\":");
}

static void put_member(struct rewritten *out, struct span key, struct span value)
{
    put_key(out, key);
    put_span(out, value);
}

/* True when the instance is to be changed. */
static bool is_meant(struct span object, const struct rewrite *rewrite)
{
    struct json_reader reader;
    struct member member;
    json_reader_init(&reader, object.at, object.length);
    (void)json_enter_object(&reader);
    while (rewrite->one_contract && next_member(&reader, &member)) {
        int64_t id;
        if (json_string_is(member.key, "id") && member.kind == JSON_NUMBER) {
            return json_number_int64(member.value, &id) && id == rewrite->contract_id;
        }
    }
    return !rewrite->one_contract;
}

static void put_instance(const struct fault *fault, const struct rewrite *rewrite, struct rewritten *out,
                         struct span object, member_edit *edit)
{
    if (!is_meant(object, rewrite)) {
        put_span(out, object);
        return;
    }
    struct json_reader reader;
    struct member member;
    size_t outside = out->put;
    json_reader_init(&reader, object.at, object.length);
    (void)json_enter_object(&reader);
    buffer_append_char(&out->text, '{');
    out->put = 0;
    while (next_member(&reader, &member)) {
        edit(fault, out, &member);
    }
    buffer_append_char(&out->text, '}');
    out->put = outside;
}

static void put_instances(const struct fault *fault, const struct rewrite *rewrite, struct rewritten *out,
                          const struct member *member, member_edit *edit)
{
    put_key(out, member->key);
    if (member->kind == JSON_OBJECT) {
        put_instance(fault, rewrite, out, member->value, edit);
        return;
    }
    struct json_reader reader;
    json_reader_init(&reader, member->value.at, member->value.length);
    if (!json_enter_array(&reader)) {
        put_span(out, member->value);
        return;
    }
    const char *opening = "[";
    enum json_kind kind;
    struct span row;
    while (json_next_element(&reader) && read_value(&reader, &kind, &row)) {
        buffer_append_text(&out->text, opening);
        opening = ",";
        if (kind == JSON_OBJECT) {
            put_instance(fault, rewrite, out, row, edit);
        } else {
            put_span(out, row);
        }
    }
    buffer_append_text(&out->text, *opening == '[' ? "[]" : "]");
}

static struct span body_of(const struct http_reply *reply)
{
    return (struct span){buffer_text(&reply->body), reply->body.length};
}

/* Starts a text beside the reply's body, whose bound it shares. */
static void start_rewritten(struct rewritten *out, const struct rewrite *rewrite, const struct http_reply *reply)
{
    out->put = 0;
    buffer_init(&out->text, rewrite->heap, reply->body.limit);
}

/* Puts the new text in the place of the body. */
static void finish_rewritten(struct rewritten *out, struct http_reply *reply)
{
    buffer_clear(&reply->body);
    buffer_append(&reply->body, buffer_text(&out->text), out->text.length);
    reply->body.failed = reply->body.failed || out->text.failed;
    buffer_release(&out->text);
}

/* Applies `edit` to every member of every instance in the reply. A body that is no JSON object stays as it is. */
static void edit_instances(const struct fault *fault, const struct rewrite *rewrite, struct http_reply *reply,
                           member_edit *edit)
{
    struct span body = body_of(reply);
    struct json_reader reader;
    struct member member;
    struct rewritten out;
    json_reader_init(&reader, body.at, body.length);
    if (!json_enter_object(&reader)) {
        return;
    }
    start_rewritten(&out, rewrite, reply);
    buffer_append_char(&out.text, '{');
    while (next_member(&reader, &member)) {
        if (json_string_is(member.key, "instances")) {
            put_instances(fault, rewrite, &out, &member, edit);
        } else {
            put_member(&out, member.key, member.value);
        }
    }
    buffer_append_char(&out.text, '}');
    if (json_finish(&reader)) {
        finish_rewritten(&out, reply);
    } else {
        buffer_release(&out.text);
    }
}

static void null_status(const struct fault *fault, struct rewritten *out, const struct member *member)
{
    (void)fault;
    bool concerned = json_string_is(member->key, "actual_status") || json_string_is(member->key, "status_msg");
    put_member(out, member->key, concerned ? span_of("null") : member->value);
}

void effect_null_status(const struct fault *fault, const struct rewrite *rewrite, struct http_reply *reply)
{
    edit_instances(fault, rewrite, reply, null_status);
}

/* A value of another type: a text becomes a number, anything else a text. */
static struct span of_another_type(const struct member *member)
{
    return span_of(member->kind == JSON_STRING ? "7" : "\"7\"");
}

static void put_with_line_break(struct rewritten *out, const struct member *member)
{
    if (member->kind != JSON_STRING) {
        put_member(out, member->key, member->value);
        return;
    }
    put_member(out, member->key, (struct span){member->value.at, member->value.length - 1});
    buffer_append_text(&out->text, "\\n\"");
}

static void spoil_field(const struct fault *fault, struct rewritten *out, const struct member *member)
{
    char key[FAULT_VALUE_SIZE];
    if (!json_string_copy(member->key, key, sizeof key) || !fault_choice_is(fault, "fields", key)) {
        put_member(out, member->key, member->value);
    } else if (fault_choice_is(fault, "as", "null")) {
        put_member(out, member->key, span_of("null"));
    } else if (fault_choice_is(fault, "as", "-1")) {
        put_member(out, member->key, span_of("-1"));
    } else if (fault_choice_is(fault, "as", "type")) {
        put_member(out, member->key, of_another_type(member));
    } else if (fault_choice_is(fault, "as", "newline")) {
        put_with_line_break(out, member);
    } /* else absent */
}

void effect_nullable_fields(const struct fault *fault, const struct rewrite *rewrite, struct http_reply *reply)
{
    edit_instances(fault, rewrite, reply, spoil_field);
}

static void unknown_status(const struct fault *fault, struct rewritten *out, const struct member *member)
{
    (void)fault;
    bool concerned = json_string_is(member->key, "actual_status");
    put_member(out, member->key, concerned ? span_of("\"thawing\"") : member->value);
}

static void status_number(const struct fault *fault, struct rewritten *out, const struct member *member)
{
    (void)fault;
    bool concerned = json_string_is(member->key, "actual_status");
    put_member(out, member->key, concerned ? span_of("3") : member->value);
}

/* Another body with status 200. */
static void replace_body(struct http_reply *reply, const char *type, const char *text)
{
    reply->status = 200;
    (void)text_copy(reply->content_type, sizeof reply->content_type, type);
    buffer_clear(&reply->body);
    buffer_append_text(&reply->body, text);
}

static bool is_json(struct span body)
{
    struct json_reader reader;
    json_reader_init(&reader, body.at, body.length);
    json_skip(&reader);
    return json_finish(&reader);
}

/* The member of a reply's envelope that holds what was asked for. */
static bool find_content(struct span body, struct member *content)
{
    struct json_reader reader;
    json_reader_init(&reader, body.at, body.length);
    if (!json_enter_object(&reader)) {
        return false;
    }
    while (next_member(&reader, content)) {
        if (json_string_is(content->key, "instances") || json_string_is(content->key, "offers")) {
            return true;
        }
    }
    return false;
}

/* The first element of an array, as it stands; "{}" when it has none. */
static struct span first_element(struct span array)
{
    struct json_reader reader;
    struct member element = {.value = span_of("{}")};
    json_reader_init(&reader, array.at, array.length);
    if (json_enter_array(&reader) && json_next_element(&reader) && json_peek(&reader) == JSON_OBJECT) {
        (void)json_read_raw(&reader, &element.kind, &element.value);
    }
    return element.value;
}

/* Object and list exchanged: {"instances":{...}} becomes {"instances":[{...}]} and back; a reply without envelope, a list. */
static void exchange_list(const struct rewrite *rewrite, struct http_reply *reply)
{
    struct span body = body_of(reply);
    struct member content = {.kind = JSON_INVALID};
    struct rewritten out;
    if (!is_json(body)) {
        return;
    }
    start_rewritten(&out, rewrite, reply);
    if (!find_content(body, &content)) {
        content = (struct member){.kind = JSON_OBJECT, .value = body};
    } else {
        buffer_append_char(&out.text, '{');
        put_key(&out, content.key);
    }
    if (content.kind == JSON_ARRAY) {
        put_span(&out, first_element(content.value));
    } else {
        buffer_append_char(&out.text, '[');
        put_span(&out, content.kind == JSON_NULL ? span_of("") : content.value);
        buffer_append_char(&out.text, ']');
    }
    if (content.key.at != NULL) {
        buffer_append_char(&out.text, '}');
    }
    finish_rewritten(&out, reply);
}

/* What the envelope holds becomes the whole reply; a reply without envelope gets one. */
static void exchange_envelope(const struct rewrite *rewrite, struct http_reply *reply)
{
    struct span body = body_of(reply);
    struct member content;
    struct rewritten out;
    if (!is_json(body)) {
        return;
    }
    start_rewritten(&out, rewrite, reply);
    if (find_content(body, &content)) {
        put_span(&out, content.value);
    } else {
        buffer_append_char(&out.text, '{');
        put_member(&out, span_of("result"), body);
        buffer_append_char(&out.text, '}');
    }
    finish_rewritten(&out, reply);
}

static void unknown_statuses(const struct rewrite *rewrite, struct http_reply *reply)
{
    edit_instances(NULL, rewrite, reply, unknown_status);
}

static void status_numbers(const struct rewrite *rewrite, struct http_reply *reply)
{
    edit_instances(NULL, rewrite, reply, status_number);
}

static void empty_object(const struct rewrite *rewrite, struct http_reply *reply)
{
    (void)rewrite;
    replace_body(reply, "application/json", "{}");
}

static void success_false(const struct rewrite *rewrite, struct http_reply *reply)
{
    (void)rewrite;
    replace_body(reply, "application/json",
                 "{\"success\":false,\"error\":\"not_available\",\"msg\":\"This call is not available now.\"}");
}

static void html_page(const struct rewrite *rewrite, struct http_reply *reply)
{
    (void)rewrite;
    replace_body(reply, "text/html", "<html><head><title>Vast.ai</title></head><body>Console</body></html>");
}

void effect_schema_drift(const struct fault *fault, const struct rewrite *rewrite, struct http_reply *reply)
{
    static const struct {
        const char *shape;
        void (*apply)(const struct rewrite *rewrite, struct http_reply *reply);
    } shapes[] = {
        {"list", exchange_list},
        {"top-level", exchange_envelope},
        {"empty-object", empty_object},
        {"unknown-status", unknown_statuses},
        {"status-number", status_numbers},
        {"success-false", success_false},
        {"html", html_page},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(shapes); i++) {
        if (fault_choice_is(fault, "shape", shapes[i].shape)) {
            shapes[i].apply(rewrite, reply);
        }
    }
}
