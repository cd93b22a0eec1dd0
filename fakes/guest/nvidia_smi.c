/* nvidia-smi inside a machine: the modelled host's, with the facts that the fake has written down. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fakes/guest/guest.h"

enum { OUTPUT_MAX = 1024 * 1024, STATUS_NO_DRIVER = 9, STATUS_NOT_FOUND = 127 };

static bool read_gpu(struct guest_gpu *gpu)
{
    int descriptor = open(GUEST_GPU_FILE, O_RDONLY | O_CLOEXEC);
    bool whole = descriptor >= 0 && read(descriptor, gpu, sizeof *gpu) == (ssize_t)sizeof *gpu;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    return whole;
}

/* The words as a command for the modelled shell. */
static void quote(struct buffer *out, int argc, char **argv)
{
    buffer_append_text(out, "nvidia-smi");
    for (int i = 1; i < argc; i++) {
        buffer_append_text(out, " '");
        for (const char *at = argv[i]; *at != '\0'; at++) {
            if (*at == '\'') {
                buffer_append_text(out, "'\\''");
            } else {
                buffer_append_char(out, *at);
            }
        }
        buffer_append_char(out, '\'');
    }
}

static int run_model(struct heap *heap, const struct guest_gpu *gpu, int argc, char **argv)
{
    struct host *host = host_new(heap, &gpu->facts);
    struct wall_time now = {(int64_t)time(NULL) * NS_PER_S};
    struct buffer command;
    struct buffer out;
    struct buffer err;
    buffer_init(&command, heap, OUTPUT_MAX);
    buffer_init(&out, heap, OUTPUT_MAX);
    buffer_init(&err, heap, OUTPUT_MAX);
    quote(&command, argc, argv);
    int status = HOST_EXIT_KILLED;
    if (host != NULL && !command.failed) {
        host_set_gpu_load(host, &gpu->load);
        host_set_gpu_state(host, gpu->state);
        status = host_run(host, now, (struct span){command.data, command.length}, span_of(""), &out, &err);
        (void)fwrite(buffer_text(&out), 1, out.length, stdout);
        (void)fwrite(buffer_text(&err), 1, err.length, stderr);
    }
    return status;
}

int guest_nvidia_smi(struct heap *heap, int argc, char **argv)
{
    struct guest_gpu gpu;
    if (!read_gpu(&gpu)) {
        (void)puts(
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest "
            "NVIDIA driver is installed and running.\n");
        return STATUS_NO_DRIVER;
    }
    if (gpu.state == HOST_GPU_NO_TOOL) { /* what the shell would say */
        (void)fprintf(stderr, "bash: line 1: nvidia-smi: command not found\n");
        return STATUS_NOT_FOUND;
    }
    while (gpu.state == HOST_GPU_HANGS) {
        (void)pause(); /* a signal ends it: that much a stuck driver would not allow */
    }
    return run_model(heap, &gpu, argc, argv);
}
