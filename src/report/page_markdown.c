#include <ctype.h>
#include <string.h>

#include "report/page.h"

static bool is_word_character(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Escapes what Markdown would take for a mark. An underscore inside a word is none. */
static void append_escaped(struct buffer *out, const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool inside_word = text[i] == '_' && i > 0 && is_word_character(text[i - 1]) && is_word_character(text[i + 1]);
        if (text[i] == '<' || text[i] == '&') {
            buffer_append_text(out, text[i] == '<' ? "&lt;" : "&amp;");
            continue;
        }
        if (strchr("\\`*_[]|~", text[i]) != NULL && !inside_word) {
            buffer_append_char(out, '\\');
        }
        buffer_append_char(out, text[i]);
    }
}

static void markdown_title(struct page *page, const char *title, const char *badge)
{
    buffer_append_text(page->out, "# ");
    append_escaped(page->out, title);
    buffer_append_text(page->out, ": ");
    append_escaped(page->out, badge);
    buffer_append_text(page->out, "\n\n");
}

static void markdown_section(struct page *page, const char *title)
{
    buffer_append_text(page->out, "## ");
    append_escaped(page->out, title);
    buffer_append_text(page->out, "\n\n");
}

/* At the start of a line, these would make a heading, a list or a quotation. */
static void append_line(struct buffer *out, const char *text)
{
    if (text[0] != '\0' && strchr("#+->=", text[0]) != NULL) {
        buffer_append_char(out, '\\');
    }
    append_escaped(out, text);
}

static void markdown_paragraph(struct page *page, const char *text)
{
    append_line(page->out, text);
    buffer_append_text(page->out, "\n\n");
}

static void markdown_item(struct page *page, const char *text)
{
    buffer_append_text(page->out, "- ");
    append_line(page->out, text);
    buffer_append_char(page->out, '\n');
}

static void blank_line(struct page *page)
{
    buffer_append_char(page->out, '\n');
}

static void markdown_table(struct page *page)
{
    struct buffer *out = page->out;
    buffer_append_char(out, '|');
    for (size_t i = 0; i < page->column_count; i++) {
        buffer_append_char(out, ' ');
        append_escaped(out, page->columns[i].title);
        buffer_append_text(out, " |");
    }
    buffer_append_text(out, "\n|");
    for (size_t i = 0; i < page->column_count; i++) {
        buffer_append_text(out, page->columns[i].right ? " ---: |" : " :--- |");
    }
    buffer_append_char(out, '\n');
}

static void markdown_row(struct page *page, const struct page_row *row)
{
    buffer_append_char(page->out, '|');
    for (size_t i = 0; i < page->column_count; i++) {
        buffer_append_char(page->out, ' ');
        append_escaped(page->out, row->cells[i]);
        buffer_append_text(page->out, " |");
    }
    buffer_append_char(page->out, '\n');
}

static void markdown_alert(struct page *page, const char *label, const char *text)
{
    buffer_append_text(page->out, "**");
    append_escaped(page->out, label);
    buffer_append_text(page->out, ":** ");
    append_escaped(page->out, text);
    buffer_append_text(page->out, "\n\n");
}

static void markdown_picture(struct page *page, const char *title, const char *file)
{
    buffer_printf(page->out, "![%s](%s)\n\n", title, file);
}

const struct page_style PAGE_MARKDOWN = {
    .title = markdown_title,
    .section = markdown_section,
    .paragraph = markdown_paragraph,
    .item = markdown_item,
    .end_items = blank_line,
    .table = markdown_table,
    .row = markdown_row,
    .end_table = blank_line,
    .alert = markdown_alert,
    .picture = markdown_picture,
};
