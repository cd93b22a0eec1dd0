/* SFTP: packets out of a stream of bytes, handles, replies. */
#include <string.h>

#include "fakes/sftp/session.h"

enum {
    LENGTH_SIZE = 4,
    HANDLE_SIZE = 8,
    PROTOCOL_VERSION = 3,
    OUTPUT_MAX = 2 * SFTP_OUTPUT_FULL + SFTP_PACKET_MAX,
};

static struct sftp_session *sftp_of(struct file_session *session)
{
    return (struct sftp_session *)session;
}

/* ---- packets ---- */

static void greet(struct sftp_session *session, struct sftp_reader *fields)
{
    struct buffer *out = &session->base.out;
    (void)sftp_take_u32(fields); /* the client's version: every one knows 3 */
    if (fields->failed) {
        return;
    }
    session->greeted = true;
    size_t place = sftp_begin(out, SFTP_VERSION, PROTOCOL_VERSION); /* where others have a number of the request */
    sftp_put_extensions(session, out);
    sftp_end(out, place);
}

static void handle_packet(struct sftp_session *session, struct span packet)
{
    struct sftp_request request = {.session = session, .fields = {.rest = packet}};
    uint32_t type = (unsigned char)packet.at[0];
    request.fields.rest.at++;
    request.fields.rest.length--;
    if (type == SFTP_INIT) {
        greet(session, &request.fields);
    } else {
        request.id = sftp_take_u32(&request.fields);
        request.fields.failed = request.fields.failed || !session->greeted;
        session->path_too_long = false;
        if (!request.fields.failed) {
            sftp_handle_request(&request, type);
        }
    }
    if (request.fields.failed) {
        session_end(&session->base, FILE_SESSION_STATUS_BROKEN);
    }
}

/* The length of the packet that begins there, 0 while that is not known. One that cannot be ends the session. */
static size_t packet_length(struct sftp_session *session, struct span bytes)
{
    struct sftp_reader reader = {.rest = bytes};
    size_t length = sftp_take_u32(&reader);
    if (reader.failed) {
        return 0;
    }
    if (length == 0 || length > SFTP_PACKET_MAX) {
        session_end(&session->base, FILE_SESSION_STATUS_BROKEN);
        return 0;
    }
    return length;
}

/* Takes a piece of a packet that does not lie whole in the input; true when something was taken. */
static bool gather(struct sftp_session *session, struct span *bytes)
{
    struct buffer *packet = &session->packet;
    size_t length = packet_length(session, (struct span){buffer_text(packet), packet->length});
    size_t missing = LENGTH_SIZE + length - packet->length;
    size_t piece = missing < bytes->length ? missing : bytes->length;
    buffer_append(packet, bytes->at, piece);
    if (packet->failed) {
        session_end(&session->base, FILE_SESSION_STATUS_BROKEN);
    }
    bytes->at += piece;
    bytes->length -= piece;
    return piece > 0;
}

/* Carries out the gathered packet when it is complete; true when it was. */
static bool handle_gathered(struct sftp_session *session)
{
    struct buffer *packet = &session->packet;
    size_t length = packet_length(session, (struct span){buffer_text(packet), packet->length});
    if (length == 0 || packet->length < LENGTH_SIZE + length || !session_has_room(&session->base)) {
        return false;
    }
    handle_packet(session, (struct span){packet->data + LENGTH_SIZE, length});
    buffer_clear(packet);
    return true;
}

static bool handle_in_place(struct sftp_session *session, struct span *bytes)
{
    size_t length = packet_length(session, *bytes);
    if (length == 0 || bytes->length < LENGTH_SIZE + length || !session_has_room(&session->base)) {
        return false;
    }
    handle_packet(session, (struct span){bytes->at + LENGTH_SIZE, length});
    bytes->at += LENGTH_SIZE + length;
    bytes->length -= LENGTH_SIZE + length;
    return true;
}

static size_t take_input(struct file_session *base, struct span bytes)
{
    struct sftp_session *session = sftp_of(base);
    size_t offered = bytes.length;
    bool goes_on = true;
    while (goes_on && !base->ended) {
        if (session->packet.length == 0 && handle_in_place(session, &bytes)) {
            continue;
        }
        goes_on = !base->ended && session_has_room(base) && gather(session, &bytes);
        (void)handle_gathered(session);
    }
    return offered - bytes.length;
}

static void resume(struct file_session *base)
{
    (void)handle_gathered(sftp_of(base));
    if (base->input_ended) {
        session_end(base, 0);
    }
}

static void end_input(struct file_session *base)
{
    if (session_has_room(base)) {
        resume(base);
    }
}

/* ---- handles ---- */

struct sftp_handle *sftp_free_handle(struct sftp_session *session)
{
    for (size_t i = 0; i < ARRAY_LENGTH(session->handles); i++) {
        if (session->handles[i].object == NULL) {
            return &session->handles[i];
        }
    }
    return NULL;
}

void sftp_put_handle(struct sftp_session *session, const struct sftp_handle *handle, struct buffer *out)
{
    sftp_put_u32(out, HANDLE_SIZE);
    sftp_put_u32(out, (uint32_t)(handle - session->handles));
    sftp_put_u32(out, handle->generation);
}

struct sftp_handle *sftp_take_handle(struct sftp_request *request, bool is_directory)
{
    struct sftp_reader text = {.rest = sftp_take_string(&request->fields)};
    uint32_t slot = sftp_take_u32(&text);
    uint32_t generation = sftp_take_u32(&text);
    if (text.failed || text.rest.length != 0 || slot >= SFTP_HANDLES_MAX) {
        return NULL;
    }
    struct sftp_handle *handle = &request->session->handles[slot];
    bool valid = handle->object != NULL && handle->generation == generation && handle->is_directory == is_directory;
    return valid ? handle : NULL;
}

void sftp_close_handle(struct sftp_session *session, struct sftp_handle *handle)
{
    const struct file_service *service = session->base.service;
    if (handle->is_directory) {
        service->close_directory(session->base.context, handle->object);
    } else {
        service->close(session->base.context, handle->object);
    }
    handle->object = NULL;
    handle->generation++;
}

/* ---- replies ---- */

void sftp_reply_status(struct sftp_request *request, enum sftp_status status)
{
    struct buffer *out = &request->session->base.out;
    size_t place = sftp_begin(out, SFTP_STATUS, request->id);
    sftp_put_u32(out, status);
    sftp_put_string(out, span_of(sftp_status_text(status)));
    sftp_put_string(out, span_of("")); /* language */
    sftp_end(out, place);
}

void sftp_reply_error(struct sftp_request *request, enum tree_error error)
{
    sftp_reply_status(request, sftp_status_of(error));
}

void sftp_reply_name(struct sftp_request *request, struct span name)
{
    struct buffer *out = &request->session->base.out;
    size_t place = sftp_begin(out, SFTP_NAME, request->id);
    sftp_put_u32(out, 1);
    sftp_put_string(out, name);
    sftp_put_string(out, name);
    sftp_put_u32(out, 0); /* no attributes */
    sftp_end(out, place);
}

void sftp_take_request_path(struct sftp_request *request, char path[TREE_PATH_LIMIT + 1])
{
    sftp_take_path(&request->fields, path, TREE_PATH_LIMIT + 1, &request->session->path_too_long);
}

bool sftp_is_sound(struct sftp_request *request)
{
    if (!request->fields.failed && request->session->path_too_long) {
        sftp_reply_error(request, TREE_NAME_TOO_LONG);
        return false;
    }
    return !request->fields.failed;
}

bool sftp_take_two_paths(struct sftp_request *request)
{
    sftp_take_request_path(request, request->session->path);
    sftp_take_request_path(request, request->session->other_path);
    return sftp_is_sound(request);
}

/* ---- life ---- */

static void release(struct file_session *base)
{
    struct sftp_session *session = sftp_of(base);
    for (size_t i = 0; i < ARRAY_LENGTH(session->handles); i++) {
        if (session->handles[i].object != NULL) {
            sftp_close_handle(session, &session->handles[i]);
        }
    }
    buffer_release(&session->packet);
}

struct file_session *sftp_session_new(struct heap *heap, const struct file_service *service, void *context)
{
    static const struct file_session_kind kind = {take_input, resume, end_input, release};
    struct sftp_session *session = heap_alloc(heap, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    session->base = (struct file_session){.kind = &kind, .heap = heap, .service = service, .context = context};
    buffer_init(&session->base.out, heap, OUTPUT_MAX);
    buffer_init(&session->packet, heap, LENGTH_SIZE + SFTP_PACKET_MAX);
    return &session->base;
}
