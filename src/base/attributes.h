/*
 * Compiler attributes, under names that say what they ask for.
 */
#ifndef BASE_ATTRIBUTES_H
#define BASE_ATTRIBUTES_H

/* The caller must look at the result. */
#define MUST_USE __attribute__((warn_unused_result))

/* Arguments are checked against a printf format string. */
#define PRINTF_LIKE(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
