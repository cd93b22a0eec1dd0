/*
 * Patterns: the shell's globs, and regular expressions for grep and sed.
 *
 * Both take time bounded by pattern length times text length: no input makes them hang. A regular expression looks at the
 * first (1 Mi / its length) bytes of a line only.
 */
#ifndef FAKES_HOST_PATTERN_H
#define FAKES_HOST_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "fakes/host/arena.h"

/* True when a whole text matches a glob: * ? [set] [!set] and \c for a plain c. */
bool glob_matches(struct span glob, struct span text);

/* True when the glob has a * ? or [ that means something. */
bool glob_has_magic(struct span glob);

/*
 * Tests a bracket set that begins at set.at[0] == '['. Returns its length, 0 when it has no end (then [ is a plain character).
 * Ranges and classes such as [:digit:] are known; ! and ^ turn it round.
 */
size_t pattern_set(struct span set, char c, bool *matches);

/* ---- regular expressions: POSIX basic or extended, leftmost match, earlier alternatives preferred ---- */

enum { REGEX_GROUPS = 10, REGEX_NO_POSITION = -1 };

struct regex;

struct regex_flags {
    bool extended;
    bool ignore_case;
    bool fixed; /* grep -F: no character is special */
};

/* A compiled expression in the arena, or NULL with *mistake, which stays NULL when memory is gone. */
MUST_USE struct regex *regex_compile(struct arena *arena, struct span text, struct regex_flags flags,
                                     const char **mistake);

/*
 * Looks for a match in `line` at or behind `start`. groups[2n], groups[2n + 1]: begin and end of group n (0: the whole), or
 * REGEX_NO_POSITION. False: no match, or arena->failed.
 */
bool regex_find(struct arena *arena, const struct regex *regex, struct span line, size_t start,
                long groups[2 * REGEX_GROUPS]);

#endif
