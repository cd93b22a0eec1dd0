#include <signal.h>
#include <string.h>

#include "fakes/guest/guest.h"

enum { STATUS_USAGE = 2, STATUS_NO_MEMORY = 3 };

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write() */
    struct heap *heap = heap_new();
    int status = STATUS_USAGE;
    if (heap == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (argc == 2 && strcmp(argv[1], "sftp-server") == 0) {
        status = guest_sftp_server(heap);
    }
    heap_free(heap);
    return status;
}
