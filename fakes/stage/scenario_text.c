#include "fakes/stage/scenario_text.h"

#include <string.h>

#include "base/units.h"

enum { EXCERPT_LENGTH = 40 };

static enum error_code invalid(struct span text, size_t at, const char *file, const char *what, struct error *error)
{
    const char *near = text.at + at;
    size_t near_length = 0;
    while (at + near_length < text.length && near_length < EXCERPT_LENGTH && near[near_length] != '\n') {
        near_length++;
    }
    (void)error_set(error, ERR_INPUT_INVALID, "%s:%zu: %s%s%.*s", file, json_line_of(text.at, text.length, at), what,
                    near_length == 0 ? "" : ", at: ", (int)near_length, near);
    error_advise(error, "mend the scenario; docs/schema/scenario.schema.json lists what it may hold");
    return ERR_INPUT_INVALID;
}

enum error_code scenario_mistake(const struct json_reader *reader, const char *file, struct error *error)
{
    return invalid((struct span){reader->text, reader->length}, reader->mistake_at, file, reader->mistake, error);
}

/* Where a member's key stands, for mistakes that are found after reading. */
static size_t key_position(struct span text, const char *key)
{
    char quoted[64];
    (void)text_format(quoted, sizeof quoted, "\"%s\"", key);
    size_t length = strlen(quoted);
    for (size_t at = 0; at + length <= text.length; at++) {
        if (memcmp(text.at + at, quoted, length) == 0) {
            return at;
        }
    }
    return 0;
}

enum error_code scenario_member_mistake(const struct scenario_text *text, const char *key, const char *what,
                                        struct error *error)
{
    return invalid(text->text, key == NULL ? 0 : key_position(text->text, key), text->file, what, error);
}

static enum error_code out_of_range(const struct scenario_text *text, const struct scenario_number *row,
                                    struct error *error)
{
    char storage[128];
    struct buffer what;
    buffer_init_fixed(&what, storage, sizeof storage);
    buffer_append_text(&what, "expected a number from ");
    decimal_append(&what, row->least, row->digits, 0);
    buffer_append_text(&what, " to ");
    decimal_append(&what, row->most, row->digits, 0);
    return scenario_member_mistake(text, row->name, storage, error);
}

enum error_code scenario_take_numbers(const struct scenario_text *text, const struct scenario_number *rows,
                                      size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].given.presence != PRESENT) {
            continue;
        }
        if (rows[i].given.value < rows[i].least || rows[i].given.value > rows[i].most) {
            return out_of_range(text, &rows[i], error);
        }
        *rows[i].target = rows[i].given.value;
    }
    return ERR_OK;
}
