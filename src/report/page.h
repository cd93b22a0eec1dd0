/*
 * Page: where a report is written to: headings, paragraphs, lists and tables, as plain text of 80 columns or as Markdown.
 *
 * What a report says is decided once (report_page.c); a page decides how it looks. Texts given to a page are plain: a Markdown
 * page escapes them.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum { PAGE_WIDTH = 80, PAGE_COLUMNS_MAX = 6, PAGE_CELL_SIZE = 448 };

struct page_column {
    const char *title; /* all columns of a table without titles: no heading line */
    size_t width;      /* in characters; used by text. The last column wraps, others are cut. */
    bool right;        /* numbers */
};

struct page_row {
    char cells[PAGE_COLUMNS_MAX][PAGE_CELL_SIZE];
};

struct page;

struct page_style {
    void (*title)(struct page *page, const char *title, const char *badge);
    void (*section)(struct page *page, const char *title);
    void (*paragraph)(struct page *page, const char *text);
    void (*item)(struct page *page, const char *text);
    void (*end_items)(struct page *page);
    void (*table)(struct page *page); /* its columns are in the page */
    void (*row)(struct page *page, const struct page_row *row);
    void (*end_table)(struct page *page);
    void (*alert)(struct page *page, const char *label, const char *text);
    void (*picture)(struct page *page, const char *title, const char *file);
};

struct page {
    struct buffer *out;
    const struct page_style *style;
    const struct page_column *columns;
    size_t column_count;
};

extern const struct page_style PAGE_TEXT;
extern const struct page_style PAGE_MARKDOWN;

/* Number of characters (code points) of a UTF-8 text. */
size_t page_characters(const char *text);

#endif
