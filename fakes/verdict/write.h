/*
 * Write: a verdict as text, as JSON (docs/schema/verdict.schema.json), as JUnit's XML and as one page of HTML that needs nothing else.
 *
 * Labels, paths and names come from the client: whatever they hold, each form stays well-formed and shows them as text.
 */
#ifndef FAKES_VERDICT_WRITE_H
#define FAKES_VERDICT_WRITE_H

#include "base/json_write.h"
#include "fakes/verdict/verdict.h"

/* The verdict, what failed and what was found, in a few lines. */
void verdict_write_short(const struct verdict *verdict, struct buffer *out);

void verdict_write_text(const struct verdict *verdict, struct buffer *out);
void verdict_write_json(const struct verdict *verdict, struct json_writer *writer);

/* A test case for each check; what cannot be judged is skipped, what was found is its output. */
void verdict_write_junit(const struct verdict *verdict, struct buffer *out);

/* Readable on light and dark, without scripts and without anything from elsewhere. */
void verdict_write_html(const struct verdict *verdict, struct buffer *out);

/* ---- What the forms share; private to fakes/verdict ------------------------------------------------------------------------- */

enum { SHOWN_SIZE = 64 };

/* "$0.1689", "1.5 s" or "-": a value of a check, and a duration. */
const char *shown_value(const struct verdict_check *check, int64_t value, char storage[SHOWN_SIZE]);
const char *shown_usd(int64_t nusd, char storage[SHOWN_SIZE]);
const char *shown_seconds(int64_t time_ns, char storage[SHOWN_SIZE]);
const char *shown_outcome(const struct verdict_outcome *outcome, char storage[SHOWN_SIZE]); /* "200", "reset" */
const char *shown_status(const struct contract_view *view); /* "running", "null", "destroyed" */

/* "request 4, machine 29441924: 3 attempts, never answered", and "pace even, jitter none seen": a group of retries. */
void shown_group(const struct verdict_group *group, struct buffer *out);
void shown_group_pace(const struct verdict_group *group, struct buffer *out);

/* "is 0", "is at most 0": what a check wants. */
const char *shown_wanted(const struct verdict_check *check, char storage[SHOWN_SIZE]);

/* Text for HTML and XML 1.0: what either could take for markup is escaped, what XML forbids or a reader would not see is U+FFFD. */
void markup_text(struct buffer *out, struct span text);

#endif
