/*
 * JSON decoding by table: an object's members into a struct, one row a field.
 *
 * Three manners:
 *   tolerant  for what a server sends: any field may be missing, null or of another type; each arrives with its presence, and
 *             unknown members are read past;
 *   strict    for what a person writes (scenarios, plans): an unknown member, a member given twice, a wrong type or a
 *             value out of range stops the reader with a mistake that names what was expected;
 *   strict_open  as strict, but unknown members are read past: for documents that may grow (recordings).
 */
#ifndef BASE_JSON_DECODE_H
#define BASE_JSON_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_read.h"

/* What became of a field. Zero-filled structs start ABSENT. */
enum presence {
    ABSENT,     /* not in the object */
    IS_NULL,    /* JSON null */
    WRONG_TYPE, /* there, but of another type, or a number outside the range of the field */
    PRESENT,
};

struct maybe_int64 {
    enum presence presence;
    int64_t value;
};

struct maybe_bool {
    enum presence presence;
    bool value;
};

/* A text of at most size - 1 bytes; a longer one is cut (tolerant) or a mistake (strict). */
#define MAYBE_TEXT(size)                                                                                               \
    struct {                                                                                                           \
        enum presence presence;                                                                                        \
        char text[size];                                                                                               \
    }

enum json_field_kind {
    FIELD_INT64,   /* struct maybe_int64, exact integer */
    FIELD_DECIMAL, /* struct maybe_int64, counts of 10^-digits, rounded */
    FIELD_BOOL,    /* struct maybe_bool */
    FIELD_TEXT,    /* MAYBE_TEXT(size) */
    FIELD_CUSTOM,  /* read() is called with the value due; must read or skip exactly it */
};

struct json_field {
    const char *name;
    size_t name_length;
    enum json_field_kind kind;
    int digits;    /* FIELD_DECIMAL */
    size_t size;   /* FIELD_TEXT: bytes of `text` */
    size_t offset; /* of the member in the struct */
    void (*read)(struct json_reader *reader, void *member);
};

#define JSON_INT64(type, member, json_name)                                                                            \
    {                                                                                                                  \
        .name = json_name, .name_length = sizeof(json_name) - 1, .kind = FIELD_INT64, .offset = offsetof(type, member) \
    }
#define JSON_DECIMAL(type, member, json_name, decimal_digits)                                                          \
    {                                                                                                                  \
        .name = json_name, .name_length = sizeof(json_name) - 1, .kind = FIELD_DECIMAL, .digits = decimal_digits,      \
        .offset = offsetof(type, member)                                                                               \
    }
#define JSON_BOOLEAN(type, member, json_name)                                                                          \
    {                                                                                                                  \
        .name = json_name, .name_length = sizeof(json_name) - 1, .kind = FIELD_BOOL, .offset = offsetof(type, member)  \
    }
#define JSON_TEXT(type, member, json_name)                                                                             \
    {                                                                                                                  \
        .name = json_name, .name_length = sizeof(json_name) - 1, .kind = FIELD_TEXT,                                   \
        .size = sizeof(((type *)0)->member.text), .offset = offsetof(type, member)                                     \
    }
#define JSON_CUSTOM(type, member, json_name, function)                                                                 \
    {                                                                                                                  \
        .name = json_name, .name_length = sizeof(json_name) - 1, .kind = FIELD_CUSTOM,                                 \
        .offset = offsetof(type, member), .read = function                                                             \
    }

enum json_manner { JSON_TOLERANT, JSON_STRICT, JSON_STRICT_OPEN };

/*
 * Reads the object that is due into `out` (zero-filled by the caller), at most 64 fields.
 * False, with the value skipped (tolerant) or refused (strict), when it is no object; false after any mistake.
 */
bool json_decode_object(struct json_reader *reader, const struct json_field *fields, size_t count, void *out,
                        enum json_manner manner);

/* The value of a field, or `otherwise` when it is not PRESENT. */
int64_t int64_or(struct maybe_int64 field, int64_t otherwise);
bool bool_or(struct maybe_bool field, bool otherwise);

#endif
