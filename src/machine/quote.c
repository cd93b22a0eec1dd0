#include "machine/quote.h"

void quote_append(struct buffer *out, const char *word)
{
    buffer_append_char(out, '\'');
    for (const char *c = word; *c != '\0'; c++) {
        if (*c == '\'') {
            buffer_append_text(out, "'\\''");
        } else {
            buffer_append_char(out, *c);
        }
    }
    buffer_append_char(out, '\'');
}

void quote_append_path(struct buffer *out, const char *path)
{
    if (path[0] == '-') {
        buffer_append_text(out, "./");
    }
    quote_append(out, path);
}

void quote_append_command(struct buffer *out, char *const words[], size_t count)
{
    if (count == 1) {
        buffer_append_text(out, words[0]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(out, i == 0 ? "" : " ");
        quote_append(out, words[i]);
    }
}
