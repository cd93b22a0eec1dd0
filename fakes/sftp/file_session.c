#include <string.h>

#include "fakes/sftp/session.h"

enum { SENT_COMPACTED = 128 * 1024 };

bool session_has_room(const struct file_session *session)
{
    return session->out.length - session->sent <= SFTP_OUTPUT_FULL;
}

void session_end(struct file_session *session, int status)
{
    if (!session->ended) {
        session->ended = true;
        session->status = status;
    }
}

void file_session_free(struct file_session *session)
{
    if (session == NULL) {
        return;
    }
    session->kind->release(session);
    buffer_release(&session->out);
    heap_release(session->heap, session);
}

/* Output that does not fit, for want of memory, cannot be left out. */
static void end_if_broken(struct file_session *session)
{
    if (session->out.failed) {
        session_end(session, FILE_SESSION_STATUS_BROKEN);
        session->sent = session->out.length;
    }
}

size_t file_session_input(struct file_session *session, struct span bytes)
{
    if (session->ended || session->input_ended) {
        return bytes.length;
    }
    size_t taken = session->kind->input(session, bytes);
    end_if_broken(session);
    return session->ended ? bytes.length : taken;
}

void file_session_end_input(struct file_session *session)
{
    if (!session->input_ended) {
        session->input_ended = true;
        session->kind->end_input(session);
        end_if_broken(session);
    }
}

struct span file_session_output(const struct file_session *session)
{
    struct span all = {buffer_text(&session->out), session->out.length};
    return (struct span){all.at + session->sent, all.length - session->sent};
}

void file_session_sent(struct file_session *session, size_t size)
{
    struct buffer *out = &session->out;
    session->sent += size;
    if (session->sent == out->length) {
        out->length = 0;
        session->sent = 0;
    } else if (session->sent >= SENT_COMPACTED) {
        memmove(out->data, out->data + session->sent, out->length - session->sent);
        out->length -= session->sent;
        session->sent = 0;
    }
    if (!session->ended && session_has_room(session)) {
        session->kind->resume(session);
        end_if_broken(session);
    }
}

bool file_session_is_over(const struct file_session *session)
{
    return session->ended && session->sent == session->out.length;
}

int file_session_status(const struct file_session *session)
{
    return session->status;
}
