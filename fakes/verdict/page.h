/*
 * Page: the parts of the HTML page that have a file of their own. Private to fakes/verdict.
 */
#ifndef FAKES_VERDICT_PAGE_H
#define FAKES_VERDICT_PAGE_H

#include "fakes/verdict/write.h"

/* The page's style sheet, in two pieces. */
extern const char page_style_frame[], page_style_parts[];

/* A text, escaped. */
void page_text(struct buffer *out, const char *text);

/* A table in a card of that name, which can be scrolled sideways, with the keyboard too; ends with </table></div>. */
void page_begin_table(struct buffer *out, const char *name);

/* When machines lived and requests were sent, as a picture. */
void page_timeline(const struct verdict *verdict, struct buffer *out);

/* The journal by endpoint, with how failures were followed up; and the requests themselves, folded. */
void page_endpoints(const struct verdict *verdict, struct buffer *out);
void page_journal(const struct verdict *verdict, struct buffer *out);

/* "good", "bad" or "poor": how a request looks. */
const char *page_class_of(const struct verdict_request *request);

#endif
