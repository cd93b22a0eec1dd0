/*
 * POSIX files: the files that this process sees, as a file service. Inside a sandbox these are the machine's own.
 */
#ifndef FAKES_GUEST_POSIX_FILES_H
#define FAKES_GUEST_POSIX_FILES_H

#include "base/heap.h"
#include "fakes/host/file_service.h"

/* The context of posix_file_service. */
struct posix_files {
    struct heap *heap;
    const char *home;
};

extern const struct file_service posix_file_service;

#endif
