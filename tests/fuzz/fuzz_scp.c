/* Any bytes at all may come to both directions of scp; its memory stays bounded and all of it comes back. */
#include <assert.h>
#include <string.h>

#include "fakes/host/host_files.h"
#include "fakes/sftp/file_session.h"
#include "fuzz.h"

enum { OUTPUT_READ_MAX = 8 * 1024 * 1024, MEMORY_MAX = 96 * 1024 * 1024 };

static void talk(struct file_session *session, struct span rest)
{
    size_t read = 0;
    bool goes_on = true;
    while (goes_on) {
        struct span output = file_session_output(session);
        size_t taken = rest.length > 0 ? file_session_input(session, rest) : 0;
        rest.at += taken;
        rest.length -= taken;
        output = file_session_output(session);
        read += output.length;
        file_session_sent(session, output.length);
        goes_on = (taken > 0 || output.length > 0) && read < OUTPUT_READ_MAX;
    }
    file_session_end_input(session);
}

/* The first byte says which direction, with which options. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"/etc", ".", "/nowhere"};
    if (size == 0) {
        return 0;
    }
    struct heap *heap = heap_new();
    struct host_facts facts = {.instance_id = 1, .seed = 1, .disk_bytes = INT64_C(64) << 20};
    struct host_files files = {.host = host_new(heap, &facts), .now = {0}};
    struct scp_options options = {
        .sink = (data[0] & 1) != 0,
        .recursive = (data[0] & 2) != 0,
        .preserve = (data[0] & 4) != 0,
        .target_is_directory = (data[0] & 8) != 0,
        .paths = paths,
        .path_count = (data[0] & 1) != 0 ? 1 : ARRAY_LENGTH(paths),
    };
    struct file_session *session = scp_session_new(heap, &host_file_service, &files, &options);
    if (session != NULL) {
        talk(session, (struct span){(const char *)data + 1, size - 1});
    }
    file_session_free(session);
    host_free(files.host);
    assert(heap_live_blocks(heap) == 0 && heap_peak_bytes(heap) < MEMORY_MAX);
    heap_free(heap);
    return 0;
}

bool fuzz_seed(size_t i, struct buffer *out)
{
    static const struct {
        const char *text;
        size_t length;
    } seeds[] = {
        {"\7T1577934245 0 1577934245 0\nD0750 0 d\nC0644 5 f\nhello\0C0400 0 g\n\0E\nC0600 3 h\nabc\0", 78},
        {"\7D0755 0 a\nD0755 0 b\nD0755 0 c\nE\nE\n\1scp: a warning\nE\n", 49},
        {"\1C0644 100 f\nshort", 18},
        {"\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 31},
        {"\2\0\0\0\1scp: no thanks\n\0\0\0\0\0\0\0\0\0\0\0\0\0", 32},
    };
    if (i >= ARRAY_LENGTH(seeds)) {
        return false;
    }
    buffer_append(out, seeds[i].text, seeds[i].length);
    return true;
}
