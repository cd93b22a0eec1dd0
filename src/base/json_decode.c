#include "base/json_decode.h"

#include <assert.h>
#include <string.h>

#include "base/units.h"

/* Every MAYBE_TEXT has this beginning. */
struct text_field {
    enum presence presence;
    char text[];
};

enum { FIELDS_MAX = 64, NAME_CLASSES = 64 };

/* Which of 64 classes a name falls in; most unknown members fall in a class that no field of the table has. */
static unsigned name_class(struct span name)
{
    return name.length == 0 ? 0
                            : ((unsigned)name.length * 7 + (unsigned char)name.at[0] +
                               (unsigned char)name.at[name.length - 1] * 3U) %
                                  NAME_CLASSES;
}

/* Where in a table to look for a name: behind all fields of other classes that stand before. */
struct field_index {
    uint64_t classes;                  /* that fields have */
    unsigned char first[NAME_CLASSES]; /* field of each of them */
};

static void index_fields(const struct json_field *fields, size_t count, struct field_index *index)
{
    index->classes = 0;
    for (size_t i = count; i > 0; i--) {
        unsigned class = name_class((struct span){fields[i - 1].name, fields[i - 1].name_length});
        index->classes |= UINT64_C(1) << class;
        index->first[class] = (unsigned char)(i - 1);
    }
}

/* A name with escapes falls in no class. */
static const struct json_field *find_escaped(const struct json_field *fields, size_t count, struct span key)
{
    for (size_t i = 0; i < count; i++) {
        if (json_string_is(key, fields[i].name)) {
            return &fields[i];
        }
    }
    return NULL;
}

static const struct json_field *find_field(const struct json_field *fields, size_t count,
                                           const struct field_index *index, struct span key)
{
    unsigned class = name_class(key);
    if ((index->classes >> class & 1) == 0) {
        return NULL;
    }
    for (size_t i = index->first[class]; i < count; i++) {
        if (fields[i].name_length == key.length && memcmp(fields[i].name, key.at, key.length) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static void read_number(const struct json_field *field, enum json_kind kind, struct span raw, struct maybe_int64 *out)
{
    bool good = kind == JSON_NUMBER && (field->kind == FIELD_INT64 ? json_number_int64(raw, &out->value)
                                                                   : decimal_parse(raw, field->digits, &out->value));
    out->presence = good ? PRESENT : WRONG_TYPE;
}

static bool read_text(const struct json_field *field, enum json_kind kind, struct span raw, struct text_field *out)
{
    if (kind != JSON_STRING) {
        out->presence = WRONG_TYPE;
        return true;
    }
    bool whole = json_string_copy(raw, out->text, field->size);
    out->presence = PRESENT;
    return whole;
}

static const char *expected_text(enum json_field_kind kind)
{
    switch (kind) {
    case FIELD_INT64:
        return "expected a whole number";
    case FIELD_DECIMAL:
        return "expected a number";
    case FIELD_BOOL:
        return "expected true or false";
    case FIELD_TEXT:
        return "expected a text in quotes";
    case FIELD_CUSTOM:
        break;
    }
    return "expected another value";
}

static void read_field(struct json_reader *reader, const struct json_field *field, char *out, enum json_manner manner)
{
    if (field->kind == FIELD_CUSTOM) {
        field->read(reader, out + field->offset);
        return;
    }
    enum json_kind kind;
    struct span raw;
    if (!json_read_raw(reader, &kind, &raw)) {
        return;
    }
    enum presence *presence = (enum presence *)(void *)(out + field->offset);
    bool whole = true;
    if (kind == JSON_NULL) {
        *presence = IS_NULL;
        return;
    }
    switch (field->kind) {
    case FIELD_INT64:
    case FIELD_DECIMAL:
        read_number(field, kind, raw, (struct maybe_int64 *)(void *)presence);
        break;
    case FIELD_BOOL:
        *presence = kind == JSON_BOOL ? PRESENT : WRONG_TYPE;
        ((struct maybe_bool *)(void *)presence)->value = kind == JSON_BOOL && raw.at[0] == 't';
        break;
    case FIELD_TEXT:
        whole = read_text(field, kind, raw, (struct text_field *)(void *)presence);
        break;
    case FIELD_CUSTOM:
        break;
    }
    if (manner != JSON_TOLERANT && *presence == WRONG_TYPE) {
        json_reject(reader, expected_text(field->kind));
    } else if (manner != JSON_TOLERANT && !whole) {
        json_reject(reader, "this text is too long");
    }
}

bool json_decode_object(struct json_reader *reader, const struct json_field *fields, size_t count, void *out,
                        enum json_manner manner)
{
    assert(count <= FIELDS_MAX);
    if (!json_enter_object(reader)) {
        if (manner != JSON_TOLERANT) {
            json_reject(reader, "expected an object in braces");
        } else {
            json_skip(reader);
        }
        return false;
    }
    uint64_t seen = 0; /* one bit a field */
    struct field_index index;
    index_fields(fields, count, &index);
    struct span key;
    while (json_next_member(reader, &key)) {
        const struct json_field *field =
            reader->escaped ? find_escaped(fields, count, key) : find_field(fields, count, &index, key);
        uint64_t bit = field == NULL ? 0 : UINT64_C(1) << (field - fields);
        if (manner == JSON_STRICT && field == NULL) {
            json_reject(reader, "this key is not known here");
        } else if (manner != JSON_TOLERANT && (seen & bit) != 0) {
            json_reject(reader, "this key is given twice");
        } else if (field == NULL) {
            json_skip(reader);
        } else {
            read_field(reader, field, out, manner);
        }
        seen |= bit;
    }
    return reader->mistake == NULL;
}

int64_t int64_or(struct maybe_int64 field, int64_t otherwise)
{
    return field.presence == PRESENT ? field.value : otherwise;
}

bool bool_or(struct maybe_bool field, bool otherwise)
{
    return field.presence == PRESENT ? field.value : otherwise;
}
