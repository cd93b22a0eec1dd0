#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/guest/guest.h"

enum { STATUS_USAGE = 2, STATUS_NO_MEMORY = 3 };

static bool is_called(const char *program, const char *name)
{
    const char *slash = strrchr(program, '/');
    return strcmp(slash == NULL ? program : slash + 1, name) == 0;
}

static int run(struct heap *heap, int argc, char **argv)
{
    if (argc > 0 && is_called(argv[0], "nvidia-smi")) {
        return guest_nvidia_smi(heap, argc, argv);
    }
    const char *role = argc > 1 ? argv[1] : "";
    if (argc == 3 && strcmp(role, "keep") == 0) {
        return guest_keep(heap, strtoll(argv[2], NULL, 10));
    }
    if (argc == 2 && strcmp(role, "init") == 0) {
        return guest_init(heap);
    }
    if (argc == 2 && strcmp(role, "sftp-server") == 0) {
        return guest_sftp_server(heap);
    }
    if (argc == 2 && strcmp(role, "probe") == 0) {
        return guest_probe(heap);
    }
    return argc == 2 && strcmp(role, "nothing") == 0 ? 0 : STATUS_USAGE;
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write() */
    struct heap *heap = heap_new();
    if (heap == NULL) {
        return STATUS_NO_MEMORY;
    }
    int status = run(heap, argc, argv);
    heap_free(heap);
    return status;
}
