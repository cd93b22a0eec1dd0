#include <string.h>

#include "base/utf8.h"
#include "report/page.h"

enum { MARGIN = 2, GAP = 2 };

static size_t character_size(const char *at)
{
    size_t size = (unsigned char)at[0] >= 0x80 ? utf8_length(span_of(at), 0) : 1;
    return size == 0 ? 1 : size;
}

size_t page_characters(const char *text)
{
    size_t count = 0;
    for (const char *at = text; *at != '\0'; at += character_size(at)) {
        count++;
    }
    return count;
}

/* Bytes of the first `characters` characters. */
static size_t bytes_of(const char *text, size_t characters)
{
    size_t bytes = 0;
    for (size_t i = 0; i < characters && text[bytes] != '\0'; i++) {
        bytes += character_size(text + bytes);
    }
    return bytes;
}

/* How many bytes of `text` go on a line of `width` characters: up to a blank where there is one, else a hard cut. */
static size_t line_length(const char *text, size_t width)
{
    size_t most = bytes_of(text, width);
    if (text[most] == '\0' || text[most] == ' ') {
        return most;
    }
    for (size_t i = most; i > 0; i--) {
        if (text[i - 1] == ' ') {
            return i - 1;
        }
    }
    return most;
}

/* Writes `text` in lines of `width` characters; lines after the first are indented by `indent`. Ends without a new line. */
static void append_wrapped(struct buffer *out, const char *text, size_t width, size_t indent)
{
    for (;;) {
        size_t length = line_length(text, width);
        buffer_append(out, text, length);
        text += length;
        text += strspn(text, " ");
        if (*text == '\0') {
            return;
        }
        buffer_append_char(out, '\n');
        buffer_append_repeated(out, " ", indent);
    }
}

static void append_rule(struct buffer *out, const char *character)
{
    buffer_append_repeated(out, character, PAGE_WIDTH);
    buffer_append_char(out, '\n');
}

static void append_clipped(struct buffer *out, const char *text, size_t width, bool right)
{
    size_t characters = page_characters(text);
    size_t padding = characters < width ? width - characters : 0;
    buffer_append_repeated(out, " ", right ? padding : 0);
    if (characters > width) {
        buffer_append(out, text, bytes_of(text, width - 1));
        buffer_append_text(out, "\u2026");
    } else {
        buffer_append_text(out, text);
    }
    buffer_append_repeated(out, " ", right ? 0 : padding);
}

/* No line ends in blanks. */
static void end_line(struct buffer *out)
{
    while (!out->failed && out->length > 0 && out->data[out->length - 1] == ' ') {
        out->data[--out->length] = '\0';
    }
    buffer_append_char(out, '\n');
}

static void text_title(struct page *page, const char *title, const char *badge)
{
    append_rule(page->out, "═");
    size_t badge_width = page_characters(badge);
    buffer_append_repeated(page->out, " ", MARGIN);
    append_clipped(page->out, title, PAGE_WIDTH - 2 * MARGIN - badge_width, false);
    buffer_append_text(page->out, badge);
    end_line(page->out);
    append_rule(page->out, "═");
}

static void text_section(struct page *page, const char *title)
{
    buffer_append_char(page->out, '\n');
    buffer_append_text(page->out, "── ");
    buffer_append_text(page->out, title);
    buffer_append_char(page->out, ' ');
    buffer_append_repeated(page->out, "─", PAGE_WIDTH - 4 - page_characters(title));
    buffer_append_text(page->out, "\n\n");
}

static void append_indented(struct page *page, const char *first, const char *text)
{
    size_t indent = MARGIN + page_characters(first);
    buffer_append_repeated(page->out, " ", MARGIN);
    buffer_append_text(page->out, first);
    append_wrapped(page->out, text, PAGE_WIDTH - indent - MARGIN, indent);
    end_line(page->out);
}

/* A blank line in front of a paragraph that follows something other than a heading's blank line. */
static void text_paragraph(struct page *page, const char *text)
{
    const struct buffer *out = page->out;
    bool blank_before = out->length >= 2 && memcmp(out->data + out->length - 2, "\n\n", 2) == 0;
    if (!blank_before) {
        buffer_append_char(page->out, '\n');
    }
    append_indented(page, "", text);
}

static void text_item(struct page *page, const char *text)
{
    append_indented(page, "- ", text);
}

static void nothing(struct page *page)
{
    (void)page;
}

static bool has_titles(const struct page *page)
{
    size_t length = 0;
    for (size_t i = 0; i < page->column_count; i++) {
        length += strlen(page->columns[i].title);
    }
    return length > 0;
}

static void text_row(struct page *page, const struct page_row *row)
{
    buffer_append_repeated(page->out, " ", MARGIN);
    size_t at = MARGIN;
    for (size_t i = 0; i < page->column_count; i++) {
        const struct page_column *column = &page->columns[i];
        if (i + 1 == page->column_count && !column->right) {
            append_wrapped(page->out, row->cells[i], column->width, at);
        } else {
            append_clipped(page->out, row->cells[i], column->width, column->right);
            buffer_append_repeated(page->out, " ", GAP);
        }
        at += column->width + GAP;
    }
    end_line(page->out);
}

static void text_table(struct page *page)
{
    if (!has_titles(page)) {
        return;
    }
    struct buffer *out = page->out;
    buffer_append_repeated(out, " ", MARGIN);
    size_t width = 0;
    for (size_t i = 0; i < page->column_count; i++) {
        append_clipped(out, page->columns[i].title, page->columns[i].width, page->columns[i].right);
        buffer_append_repeated(out, " ", GAP);
        width += page->columns[i].width + GAP;
    }
    end_line(out);
    buffer_append_repeated(out, " ", MARGIN);
    buffer_append_repeated(out, "─", width - GAP);
    buffer_append_char(out, '\n');
}

static void text_alert(struct page *page, const char *label, const char *text)
{
    char first[64];
    (void)text_format(first, sizeof first, "%s: ", label);
    append_indented(page, first, text);
}

static void text_picture(struct page *page, const char *title, const char *file)
{
    (void)page;
    (void)title;
    (void)file;
}

const struct page_style PAGE_TEXT = {
    .title = text_title,
    .section = text_section,
    .paragraph = text_paragraph,
    .item = text_item,
    .end_items = nothing,
    .table = text_table,
    .row = text_row,
    .end_table = nothing,
    .alert = text_alert,
    .picture = text_picture,
};
