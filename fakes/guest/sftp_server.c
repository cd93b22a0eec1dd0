/* An SFTP server on standard input and output. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fakes/guest/guest.h"
#include "fakes/guest/posix_files.h"
#include "fakes/sftp/file_session.h"

enum { INPUT_SIZE = 320 * 1024, STATUS_NO_MEMORY = 255 };

/* Sends what there is; false when nobody reads it any more. */
static bool send_output(struct file_session *session)
{
    struct span output = file_session_output(session);
    while (output.length > 0) {
        ssize_t written = write(STDOUT_FILENO, output.at, output.length);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        file_session_sent(session, written > 0 ? (size_t)written : 0);
        output = file_session_output(session);
    }
    return true;
}

static bool take_all(struct file_session *session, struct span bytes)
{
    while (bytes.length > 0) {
        size_t taken = file_session_input(session, bytes);
        bytes.at += taken;
        bytes.length -= taken;
        if (!send_output(session)) {
            return false;
        }
    }
    return true;
}

int guest_serve(struct heap *heap, struct file_session *session)
{
    char *input = heap_alloc(heap, INPUT_SIZE);
    if (input == NULL || session == NULL) {
        heap_release(heap, input);
        return STATUS_NO_MEMORY;
    }
    while (send_output(session) && !file_session_is_over(session)) {
        ssize_t got = read(STDIN_FILENO, input, INPUT_SIZE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            file_session_end_input(session);
        }
        if (!take_all(session, (struct span){input, got > 0 ? (size_t)got : 0})) {
            break;
        }
    }
    heap_release(heap, input);
    return file_session_status(session);
}

int guest_sftp_server(struct heap *heap)
{
    const char *home = getenv("HOME");
    struct posix_files files = {.heap = heap, .home = home != NULL ? home : "/root"};
    struct file_session *session = sftp_session_new(heap, &posix_file_service, &files);
    int status = guest_serve(heap, session);
    file_session_free(session);
    return status;
}
