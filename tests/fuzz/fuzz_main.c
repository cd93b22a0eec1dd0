/* Drives a fuzz target without libFuzzer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "fuzz.h"

enum { INPUT_MAX = 1024 * 1024, CHANGES_MAX = 8, SEED = 20261124 };

static uint64_t draw(uint32_t round, uint32_t *index)
{
    struct random_address address = {.run = round, .index = (*index)++};
    return random_bits(SEED, address);
}

/* One change: a bit, a byte, a number at its limits, a piece left out or doubled, the end cut off. */
static void change(char *bytes, size_t *length, uint32_t round, uint32_t *index)
{
    static const unsigned char edges[] = {0, 1, 0x7f, 0x80, 0xff};
    if (*length == 0) {
        return;
    }
    size_t at = draw(round, index) % *length;
    size_t span = draw(round, index) % (*length - at) % 64;
    switch (draw(round, index) % 6) {
    case 0:
        bytes[at] = (char)(bytes[at] ^ (1 << draw(round, index) % 8));
        break;
    case 1:
        bytes[at] = (char)(draw(round, index) & 0xff);
        break;
    case 2:
        memset(bytes + at, edges[draw(round, index) % sizeof edges], span % 5 + 1 <= *length - at ? span % 5 + 1 : 1);
        break;
    case 3:
        memmove(bytes + at, bytes + at + span, *length - at - span);
        *length -= span;
        break;
    case 4:
        if (*length + span <= INPUT_MAX) {
            memmove(bytes + at + span, bytes + at, *length - at);
            *length += span;
        }
        break;
    default:
        *length = at;
    }
}

static void run_changed(struct buffer *seed, long rounds, uint32_t first_round)
{
    char *bytes = malloc(INPUT_MAX);
    for (long i = 0; bytes != NULL && i < rounds; i++) {
        uint32_t round = first_round + (uint32_t)i;
        uint32_t index = 0;
        size_t length = seed->length;
        memcpy(bytes, seed->data, length);
        for (uint64_t left = draw(round, &index) % CHANGES_MAX + 1; left > 0; left--) {
            change(bytes, &length, round, &index);
        }
        (void)LLVMFuzzerTestOneInput((const uint8_t *)bytes, length);
    }
    free(bytes);
}

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(INPUT_MAX);
    if (file == NULL || bytes == NULL) {
        perror(path);
        return 1;
    }
    size_t length = fread(bytes, 1, INPUT_MAX, file);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)bytes, length);
    (void)fclose(file);
    free(bytes);
    return 0;
}

void fuzz_read(const char *folder, const char *name, struct buffer *out)
{
    char path[1024];
    char bytes[4096];
    (void)text_format(path, sizeof path, DUMONT_SOURCE_DIR "/tests/fuzz/corpus/%s/%s.txt", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    for (size_t count = fread(bytes, 1, sizeof bytes, file); count > 0; count = fread(bytes, 1, sizeof bytes, file)) {
        buffer_append(out, bytes, count);
    }
    (void)fclose(file);
}

#ifdef FUZZ_COUNTS_UNITS
/* Goes through the seeds, each time with other changes, until the target has counted so many units. */
static int run_units(uint64_t units)
{
    enum { ROUNDS = 50 };
    struct heap *heap = heap_new();
    struct buffer seed;
    buffer_init(&seed, heap, INPUT_MAX);
    for (uint32_t pass = 0; fuzz_units() < units; pass++) {
        for (size_t i = 0; fuzz_seed(i, &seed); i++) {
            (void)LLVMFuzzerTestOneInput((const uint8_t *)seed.data, seed.length);
            run_changed(&seed, ROUNDS, (uint32_t)i * 1000000 + pass * ROUNDS);
            buffer_clear(&seed);
        }
    }
    buffer_release(&seed);
    heap_free(heap);
    printf("%llu units, %s\n", (unsigned long long)fuzz_units(),
           fuzz_was_worth_it() ? "a fair mixture" : "nearly all accepted or nearly all refused");
    return !fuzz_was_worth_it();
}
#endif

int main(int argc, char **argv)
{
#ifdef FUZZ_COUNTS_UNITS
    if (argc == 3 && strcmp(argv[1], "--units") == 0) {
        return run_units(strtoull(argv[2], NULL, 10));
    }
#endif
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    struct heap *heap = heap_new();
    struct buffer seed;
    buffer_init(&seed, heap, INPUT_MAX);
    for (size_t i = 0; fuzz_seed(i, &seed); i++) {
        (void)LLVMFuzzerTestOneInput((const uint8_t *)seed.data, seed.length);
        run_changed(&seed, rounds, (uint32_t)i * 1000000);
        buffer_clear(&seed);
    }
    heap_free(heap);
    int status = 0;
    for (int i = 2; i < argc; i++) {
        status |= run_file(argv[i]);
    }
    return status;
}
