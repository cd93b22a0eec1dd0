#include <string.h>

#include "fakes/host/pattern.h"

static bool in_class(struct span name, char c)
{
    static const struct {
        const char *name;
        const char *characters;
    } classes[] = {
        {"digit", "0123456789"},
        {"space", " \t\n\v\f\r"},
        {"blank", " \t"},
        {"upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {"lower", "abcdefghijklmnopqrstuvwxyz"},
        {"alpha", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {"alnum", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"},
        {"xdigit", "0123456789abcdefABCDEF"},
        {"punct", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(classes); i++) {
        if (span_equals(name, classes[i].name)) {
            return c != '\0' && strchr(classes[i].characters, c) != NULL;
        }
    }
    return false;
}

/* Length of "[:name:]" at `at`, or 0. */
static size_t class_length(struct span set, size_t at, struct span *name)
{
    if (at + 1 >= set.length || set.at[at] != '[' || set.at[at + 1] != ':') {
        return 0;
    }
    for (size_t end = at + 2; end + 1 < set.length; end++) {
        if (set.at[end] == ':' && set.at[end + 1] == ']') {
            *name = (struct span){set.at + at + 2, end - at - 2};
            return end + 2 - at;
        }
    }
    return 0;
}

size_t pattern_set(struct span set, char c, bool *matches)
{
    size_t at = 1;
    bool inverted = at < set.length && (set.at[at] == '!' || set.at[at] == '^');
    at += inverted;
    bool found = false;
    for (size_t first = at; at < set.length && (set.at[at] != ']' || at == first);) {
        struct span name;
        size_t length = class_length(set, at, &name);
        if (length > 0) {
            found = found || in_class(name, c);
            at += length;
            continue;
        }
        unsigned char low = (unsigned char)set.at[at];
        unsigned char high = low;
        bool is_range = at + 2 < set.length && set.at[at + 1] == '-' && set.at[at + 2] != ']';
        if (is_range) {
            high = (unsigned char)set.at[at + 2];
        }
        found = found || (low <= (unsigned char)c && (unsigned char)c <= high);
        at += is_range ? 3 : 1;
    }
    if (at >= set.length) {
        return 0;
    }
    *matches = found != inverted;
    return at + 1;
}

/* Matches one element of the glob, not a star, against one character. Returns the element's length, 0: no match. */
static size_t match_one(struct span glob, char c)
{
    bool matches = false;
    if (glob.at[0] == '?') {
        return 1;
    }
    if (glob.at[0] == '[') {
        size_t length = pattern_set(glob, c, &matches);
        if (length > 0) {
            return matches ? length : 0;
        }
    }
    if (glob.at[0] == '\\' && glob.length > 1) {
        return glob.at[1] == c ? 2 : 0;
    }
    return glob.at[0] == c ? 1 : 0;
}

bool glob_matches(struct span glob, struct span text)
{
    size_t g = 0;
    size_t t = 0;
    size_t star = glob.length + 1; /* behind the last star met; it can always take one character more */
    size_t star_text = 0;
    while (t < text.length) {
        size_t length = 0;
        if (g < glob.length && glob.at[g] == '*') {
            star = ++g;
            star_text = t;
            continue;
        }
        if (g < glob.length) {
            length = match_one((struct span){glob.at + g, glob.length - g}, text.at[t]);
        }
        if (length > 0) {
            g += length;
            t++;
        } else if (star <= glob.length) {
            g = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (g < glob.length && glob.at[g] == '*') {
        g++;
    }
    return g == glob.length;
}

bool glob_has_magic(struct span glob)
{
    for (size_t i = 0; i < glob.length; i++) {
        if (glob.at[i] == '\\') {
            i++;
        } else if (strchr("*?[", glob.at[i]) != NULL) {
            return true;
        }
    }
    return false;
}
