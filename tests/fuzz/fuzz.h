/*
 * Fuzzing: each target is LLVMFuzzerTestOneInput(), so that libFuzzer can drive it; fuzz_main.c drives it without one: the
 * target's own seeds, and so many changed copies of them, by a fixed seed.
 *
 *     cc -fsanitize=fuzzer,address tests/fuzz/fuzz_sftp.c … && ./fuzz_sftp CORPUS    with libFuzzer
 *     fuzz_sftp [ROUNDS [FILE…]]                                                     without
 *     fuzz_market --units 100000                                                     rounds until so many requests were made
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Appends the i-th seed to `out`; false behind the last. */
bool fuzz_seed(size_t i, struct buffer *out);

/* Appends tests/fuzz/corpus/FOLDER/NAME.txt, or ends the program. */
void fuzz_read(const char *folder, const char *name, struct buffer *out);

/* For targets that are driven with --units: how many requests there were so far, and whether they were a fair mixture. */
uint64_t fuzz_units(void);
bool fuzz_was_worth_it(void);

#endif
