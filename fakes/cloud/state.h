/*
 * The cloud's inside, shared by the files of this folder.
 */
#ifndef FAKES_CLOUD_STATE_H
#define FAKES_CLOUD_STATE_H

#include "base/json_write.h"
#include "fakes/cloud/cloud.h"
#include "fakes/host/host.h"

enum {
    CLOUD_REPLY_MAX = 32 * 1024 * 1024,
    CLOUD_HEADERS_MAX = 16 * 1024,
    CLOUD_REQUEST_MAX = 1024 * 1024,
    CLOUD_OUTPUT_MAX = 16 * 1024 * 1024,
    CLOUD_HOSTS_MAX = 4096
};

/* The inside of one rented machine, made when the first command reaches it. */
struct cloud_host {
    struct host *host;
    uint32_t commands; /* run so far: the nth takes the nth recorded time */
};

struct cloud {
    struct heap *heap;
    struct cloud_options options;
    struct timing_draw draw;
    struct market *market;
    struct injector *injector;
    uint32_t calls[API_CALL_COUNT];
    struct cloud_exchange *free_exchanges;
    struct cloud_session *free_sessions;
    struct cloud_host *hosts; /* by contract */
    size_t host_count;
};

struct cloud_note {
    struct json_writer ids;
    struct json_writer data;
    struct buffer ids_buffer;
    struct buffer data_buffer;
    char ids_storage[128];
    char data_storage[2048];
};

void cloud_note_begin(struct cloud_note *note);
void cloud_note_end(struct cloud *cloud, struct cloud_note *note, int64_t now_ns, const char *actor, const char *kind);

/* The container of the nth contract is made anew: its files are the image's. */
void cloud_ssh_recycle(struct cloud *cloud, size_t contract);

/* Frees hosts and spare sessions. */
void cloud_ssh_release(struct cloud *cloud);

#endif
