/*
 * Receivers of webhooks in virtual time: all of them stand at one address of this machine, take what they are told, and answer 200, unless
 * a fault says otherwise. What they were told is in the cloud's stream, so that it can be held against what the client believes.
 */
#include <string.h>

#include "base/json_write.h"
#include "sim/virtual_state.h"

enum { IDS_SIZE = 96, DATA_SIZE = 64, STATUS_TAKEN = 200 };

static const int64_t half_way_ns = 20 * NS_PER_MS;

bool virtual_receiver_is_at(const char *origin)
{
    return strcmp(origin, VIRTUAL_RECEIVER_ORIGIN) == 0;
}

static void note_told(const struct pending *pending)
{
    const struct virtual_world *virtual_world = pending->world;
    char ids_storage[IDS_SIZE];
    char data_storage[DATA_SIZE];
    struct buffer ids;
    struct buffer data;
    struct json_writer writer;
    buffer_init_fixed(&ids, ids_storage, sizeof ids_storage);
    buffer_init_fixed(&data, data_storage, sizeof data_storage);
    json_writer_init(&writer, &ids, 0);
    json_begin_object(&writer);
    json_member_string(&writer, "event", pending->told);
    json_end_object(&writer);
    json_writer_init(&writer, &data, 0);
    json_begin_object(&writer);
    json_member_int(&writer, "status", pending->receiver.status);
    json_end_object(&writer);
    history_add(virtual_world->options.history, virtual_world->now_ns, HISTORY_CLOUD, "receiver", "webhook.told",
                (struct span){buffer_text(&ids), ids.length}, (struct span){buffer_text(&data), data.length});
}

static void message_comes(void *owner)
{
    struct pending *pending = owner;
    note_told(pending);
    if (pending->http == NULL) {
        virtual_pending_drop(pending); /* nobody waits for the answer any more */
    }
}

static void answer_comes(void *owner)
{
    struct pending *pending = owner;
    struct http_exchange *http = pending->http;
    if (http != NULL) {
        http->fate = pending->receiver.answer_lost ? FATE_RESET : FATE_DELIVERED;
        http->reply->status = pending->receiver.answer_lost ? 0 : pending->receiver.status;
        http->pending = NULL;
        completion_finish(&http->done);
    }
    virtual_pending_drop(pending);
}

void virtual_receiver_start(struct pending *pending)
{
    struct virtual_world *virtual_world = pending->world;
    const char *event_id = http_request_header(pending->http->request, "X-Dumont-Event-Id");
    (void)text_copy(pending->told, sizeof pending->told, event_id == NULL ? "" : event_id);
    pending->at_receiver = true;
    if (!cloud_receiver_fault(virtual_world->options.cloud, virtual_world->now_ns, &pending->receiver)) {
        pending->receiver = (struct receiver_verdict){.status = STATUS_TAKEN};
    }
    virtual_pending_event(pending, &pending->effect, virtual_world->now_ns + half_way_ns, EVENT_CLASS_EFFECT,
                          message_comes);
    if (pending->receiver.status != 0) {
        virtual_pending_event(pending, &pending->arrival, virtual_world->now_ns + 2 * half_way_ns, EVENT_CLASS_ARRIVAL,
                              answer_comes);
    }
}

/* A message that is on its way arrives all the same. */
void virtual_receiver_forget(struct pending *pending)
{
    pending->http = NULL;
    if (pending->effect.place == 0) {
        virtual_pending_drop(pending);
    }
}
