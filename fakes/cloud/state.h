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
    CLOUD_OUTPUT_MAX = CLOUD_SSH_INPUT_MAX,
    CLOUD_SPARE_MAX = 64 * 1024, /* of a session or exchange that waits to be used again */
    CLOUD_HOSTS_MAX = 1024 * 1024,
    CLOUD_ORIGIN_SIZE = 256,
};

/* The inside of one rented machine, made when the first command reaches it. */
struct cloud_host {
    struct host *host;
    uint32_t commands;      /* run so far: the nth takes the nth recorded time */
    uint32_t rotations;     /* of its host key */
    uint32_t met_rotations; /* when somebody first connected */
    bool was_met;
    uint32_t containers; /* that came after the first */
};

struct cloud {
    struct heap *heap;
    struct cloud_options options;
    struct timing_draw draw;
    struct market *market;
    char origin[CLOUD_ORIGIN_SIZE]; /* what options.origin points to once it was set */
    struct injector *injector;
    uint32_t calls[API_CALL_COUNT];
    struct cloud_exchange *free_exchanges;
    struct cloud_session *free_sessions;
    struct cloud_host *hosts; /* by contract */
    size_t host_count;
    struct content_store *memory_content; /* NULL: the options' is used, or none yet */
    struct bucket_service *bucket;        /* NULL: not asked for yet */
    uint32_t life;                        /* how often it was reset: sessions of an earlier life find nothing */
};

/* New ones, as the options have them; NULL when memory is gone. */
struct market *cloud_make_market(struct cloud *cloud);
struct injector *cloud_make_injector(struct cloud *cloud);

/* Buffers for a request, with that limit for its body; and their memory back. */
void cloud_request_init(struct cloud_request *copy, struct heap *heap, size_t body_max);
void cloud_request_release(struct cloud_request *copy);
/* False when it does not fit. */
MUST_USE bool cloud_request_copy(struct cloud_request *copy, const struct http_request *request);

/* Frees the object store. */
void cloud_bucket_release(struct cloud *cloud);

/* Empties a buffer that waits to be used again; it keeps little memory. */
void cloud_make_spare(struct buffer *buffer);

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

/* The place of a contract's machine, and its inside, made when it is first needed; NULL when memory is gone. */
struct cloud_host *cloud_machine_slot(struct cloud *cloud, size_t contract);
struct host *cloud_machine_host(struct cloud *cloud, const struct contract_view *view);

/* What a port does now: the timeline rules while the container runs, else nothing listens. */
enum ssh_stage cloud_machine_stage(const struct cloud *cloud, int64_t now_ns, const struct contract_view *view,
                                   enum ssh_port port);

/* It reboots. */
void cloud_machine_reboot(struct cloud *cloud, int64_t now_ns, uint32_t contract);

/* Its container is made anew: its files are the image's, and it has another host key. */
void cloud_machine_recycle(struct cloud *cloud, uint32_t contract);

/* What a command of the API prints on a machine, whether that runs or not: a market_output_function. */
void cloud_machine_output(void *context, int64_t now_ns, uint32_t contract, const char *command, struct buffer *out);

/* Tells whoever wants to know; the inside of a machine that is destroyed is freed. */
void cloud_ssh_machine_changed(struct cloud *cloud, uint32_t contract, bool destroyed);

/* Frees hosts and spare sessions. */
void cloud_ssh_release(struct cloud *cloud);

#endif
