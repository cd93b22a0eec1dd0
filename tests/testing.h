/*
 * cmocka with the headers that it wants before itself, and what every test program needs beside it.
 */
#ifndef TESTING_H
#define TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Compares a span with a text, and shows both when they differ. */
#define assert_span_equal(span, text)                                                                                  \
    do {                                                                                                               \
        assert_int_equal((span).length, strlen(text));                                                                 \
        assert_memory_equal((span).at, text, strlen(text));                                                            \
    } while (0)

#endif
