/* Any bytes at all may come to an SFTP server; its memory stays bounded and all of it comes back. */
#include <assert.h>
#include <string.h>

#include "fakes/host/host_files.h"
#include "fakes/sftp/file_session.h"
#include "fakes/sftp/sftp_wire.h"
#include "fuzz.h"

enum { OUTPUT_READ_MAX = 8 * 1024 * 1024, MEMORY_MAX = 96 * 1024 * 1024 };

static void drain(struct file_session *session, size_t *read)
{
    struct span output = file_session_output(session);
    while (output.length > 0 && *read < OUTPUT_READ_MAX) {
        *read += output.length;
        file_session_sent(session, output.length);
        output = file_session_output(session);
    }
}

/* All of it is what comes; its first byte says in which pieces as well: 0, as the length of a packet begins, at once. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap *heap = heap_new();
    struct host_facts facts = {.instance_id = 1, .seed = 1, .disk_bytes = INT64_C(64) << 20};
    struct host_files files = {.host = host_new(heap, &facts), .now = {0}};
    struct file_session *session = sftp_session_new(heap, &host_file_service, &files);
    struct span rest = {(const char *)data, size};
    size_t piece = size > 0 && data[0] != 0 ? data[0] : SIZE_MAX;
    size_t read = 0;
    bool goes_on = session != NULL;
    while (goes_on && rest.length > 0) {
        struct span part = {rest.at, rest.length < piece ? rest.length : piece};
        size_t taken = file_session_input(session, part);
        rest.at += taken;
        rest.length -= taken;
        drain(session, &read);
        goes_on = taken > 0 && read < OUTPUT_READ_MAX;
    }
    if (session != NULL) {
        file_session_end_input(session);
    }
    file_session_free(session);
    host_free(files.host);
    assert(heap_live_blocks(heap) == 0 && heap_peak_bytes(heap) < MEMORY_MAX);
    heap_free(heap);
    return 0;
}

/* ---- seeds ---- */

static void put_two_paths(struct buffer *out, enum sftp_type type, const char *extension, const char *one,
                          const char *other)
{
    size_t place = sftp_begin(out, type, (uint32_t)out->length);
    if (extension != NULL) {
        sftp_put_string(out, span_of(extension));
    }
    sftp_put_string(out, span_of(one));
    if (other != NULL) {
        sftp_put_string(out, span_of(other));
    }
    if (type == SFTP_MKDIR || type == SFTP_SETSTAT) {
        sftp_put_u32(out, SFTP_ATTR_MODE | SFTP_ATTR_TIMES | SFTP_ATTR_SIZE);
        sftp_put_u64(out, 5000);
        sftp_put_u32(out, 0755);
        sftp_put_u64(out, 77);
    }
    sftp_end(out, place);
}

static void put_open(struct buffer *out, const char *path)
{
    size_t place = sftp_begin(out, SFTP_OPEN, 1);
    sftp_put_string(out, span_of(path));
    sftp_put_u32(out, SFTP_OPEN_READ | SFTP_OPEN_WRITE | SFTP_OPEN_CREATE);
    sftp_put_u32(out, 0);
    sftp_end(out, place);
}

/* A request about the handle of that slot. */
static void put_about(struct buffer *out, enum sftp_type type, const char *extension, uint32_t slot, const char *data)
{
    size_t place = sftp_begin(out, type, 2);
    if (extension != NULL) {
        sftp_put_string(out, span_of(extension));
    }
    sftp_put_u32(out, 8);
    sftp_put_u32(out, slot);
    sftp_put_u32(out, 0);
    sftp_put_u64(out, 3);
    if (data != NULL) {
        sftp_put_string(out, span_of(data));
    } else {
        sftp_put_u32(out, 1000);
    }
    sftp_end(out, place);
}

static void put_files(struct buffer *out)
{
    put_open(out, "f");
    put_about(out, SFTP_WRITE, NULL, 0, "some bytes for the file");
    put_about(out, SFTP_READ, NULL, 0, NULL);
    put_about(out, SFTP_FSTAT, NULL, 0, NULL);
    put_about(out, SFTP_FSETSTAT, NULL, 0, "");
    put_about(out, SFTP_EXTENDED, "fsync@openssh.com", 0, NULL);
    put_about(out, SFTP_EXTENDED, "copy-data", 0, "");
    put_about(out, SFTP_CLOSE, NULL, 0, NULL);
}

static void put_folders(struct buffer *out)
{
    put_two_paths(out, SFTP_MKDIR, NULL, "d", NULL);
    put_two_paths(out, SFTP_SYMLINK, NULL, "d", "l");
    put_two_paths(out, SFTP_REALPATH, NULL, "l/../../etc", NULL);
    put_two_paths(out, SFTP_OPENDIR, NULL, "/", NULL);
    put_about(out, SFTP_READDIR, NULL, 0, NULL);
    put_about(out, SFTP_READDIR, NULL, 0, NULL);
    put_two_paths(out, SFTP_RENAME, NULL, "d", "e");
    put_two_paths(out, SFTP_READLINK, NULL, "l", NULL);
    put_two_paths(out, SFTP_SETSTAT, NULL, "e", NULL);
    put_two_paths(out, SFTP_RMDIR, NULL, "e", NULL);
    put_two_paths(out, SFTP_REMOVE, NULL, "l", NULL);
}

static void put_extensions(struct buffer *out)
{
    put_two_paths(out, SFTP_EXTENDED, "posix-rename@openssh.com", "hasbooted", "moved");
    put_two_paths(out, SFTP_EXTENDED, "statvfs@openssh.com", ".", NULL);
    put_two_paths(out, SFTP_EXTENDED, "limits@openssh.com", "", NULL);
    put_two_paths(out, SFTP_EXTENDED, "expand-path@openssh.com", "~/x", NULL);
    put_two_paths(out, SFTP_EXTENDED, "home-directory", "root", NULL);
    put_two_paths(out, SFTP_EXTENDED, "users-groups-by-id@openssh.com", "1234", "abcdefgh");
}

bool fuzz_seed(size_t i, struct buffer *out)
{
    static void (*const seeds[])(struct buffer * out) = {put_files, put_folders, put_extensions};
    if (i >= 2 * ARRAY_LENGTH(seeds)) {
        return false;
    }
    size_t place = sftp_begin(out, SFTP_INIT, 3);
    sftp_end(out, place);
    seeds[i / 2](out);
    if (i % 2 == 1) {
        seeds[(i / 2 + 1) % ARRAY_LENGTH(seeds)](out);
    }
    return true;
}
