/*
 * Host files: a modelled host's tree as a file service, for SFTP and scp.
 */
#ifndef FAKES_HOST_HOST_FILES_H
#define FAKES_HOST_HOST_FILES_H

#include "fakes/host/file_service.h"
#include "fakes/host/host.h"

/* The context of host_file_service. `now` is what files get as their times: set it before each use. */
struct host_files {
    struct host *host;
    struct wall_time now;
};

/* Files are root's. There are no hard links. */
extern const struct file_service host_file_service;

#endif
