/* scp, the old protocol: what its two directions share. */
#include <string.h>

#include "fakes/sftp/scp.h"

enum { OUTPUT_MAX = 2 * SFTP_OUTPUT_FULL };

static struct scp_session *scp_of(struct file_session *session)
{
    return (struct scp_session *)session;
}

void scp_complain(struct scp_session *session, const char *format, ...)
{
    char text[SCP_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    session->failures++;
    buffer_printf(&session->base.out, "%cscp: %s\n", 1, text);
}

bool scp_set_name(struct scp_session *session, size_t length, const char *name)
{
    bool slash = length > 0 && session->path[length - 1] != '/';
    size_t name_length = strlen(name);
    if (length + slash + name_length > TREE_PATH_LIMIT) {
        return false;
    }
    session->path[length] = '/';
    memcpy(session->path + length + slash, name, name_length + 1);
    session->path_length = length + slash + name_length;
    return true;
}

void scp_close_file(struct scp_session *session)
{
    if (session->file != NULL) {
        session->base.service->close(session->base.context, session->file);
        session->file = NULL;
    }
}

bool scp_take_line(struct scp_session *session, struct span *bytes)
{
    while (bytes->length > 0) {
        char c = *bytes->at++;
        bytes->length--;
        if (c != '\n') {
            session->line[session->line_length++] = c;
        }
        if (c == '\n' || session->line_length == SCP_LINE_MAX - 1) {
            session->line[session->line_length] = '\0';
            return true;
        }
    }
    return false;
}

/* ---- answers ---- */

static void answered(struct scp_session *session)
{
    if (session->options.sink) {
        scp_sink_answered(session);
    } else {
        scp_source_answered(session);
    }
}

static void take_answer(struct scp_session *session, struct span *bytes)
{
    session->answer = (unsigned char)*bytes->at++;
    bytes->length--;
    session->line_length = 0;
    if (session->answer == 0) {
        answered(session);
    } else {
        session->failures++;
        session->step = SCP_ANSWER_TEXT;
    }
}

static void take_answer_text(struct scp_session *session, struct span *bytes)
{
    if (!scp_take_line(session, bytes)) {
        return;
    }
    session->line_length = 0;
    if (session->answer == 1) {
        answered(session);
    } else {
        session_end(&session->base, 1);
    }
}

/* ---- life ---- */

static size_t take_input(struct file_session *base, struct span bytes)
{
    struct scp_session *session = scp_of(base);
    size_t offered = bytes.length;
    while (bytes.length > 0 && !base->ended && session_has_room(base)) {
        switch (session->step) {
        case SCP_RECORD:
            if (scp_take_line(session, &bytes)) {
                scp_sink_record(session);
            }
            break;
        case SCP_CONTENT:
            if (!session->options.sink) {
                return offered - bytes.length; /* the other side speaks out of turn: later */
            }
            scp_sink_content(session, &bytes);
            break;
        case SCP_NEXT:
            return offered - bytes.length;
        case SCP_ANSWER:
            take_answer(session, &bytes);
            break;
        case SCP_ANSWER_TEXT:
            take_answer_text(session, &bytes);
            break;
        }
    }
    return offered - bytes.length;
}

static void resume(struct file_session *base)
{
    struct scp_session *session = scp_of(base);
    if (!session->options.sink && session->step == SCP_CONTENT) {
        scp_source_content(session);
    } else if (session->step == SCP_NEXT) {
        scp_source_next(session);
    }
}

/* The end of the input is the regular end of a sink between two records; anywhere else the other side is gone. */
static void end_input(struct file_session *base)
{
    struct scp_session *session = scp_of(base);
    bool regular = session->step == SCP_RECORD && session->line_length == 0;
    session_end(base, regular && session->failures == 0 ? 0 : 1);
}

static void release(struct file_session *base)
{
    struct scp_session *session = scp_of(base);
    scp_close_file(session);
    while (session->folder_count > 0) {
        base->service->close_directory(base->context, session->folders[--session->folder_count].directory);
    }
    for (size_t i = 0; i < session->options.path_count && session->paths != NULL; i++) {
        heap_release(base->heap, session->paths[i]);
    }
    heap_release(base->heap, session->paths);
    heap_release(base->heap, session->targets);
    heap_release(base->heap, session->folders);
}

static bool copy_paths(struct scp_session *session)
{
    size_t count = session->options.path_count;
    session->paths = heap_alloc(session->base.heap, count * sizeof *session->paths);
    for (size_t i = 0; session->paths != NULL && i < count; i++) {
        size_t size = strlen(session->options.paths[i]) + 1;
        session->paths[i] = heap_alloc(session->base.heap, size);
        if (session->paths[i] == NULL) {
            return false;
        }
        memcpy(session->paths[i], session->options.paths[i], size);
    }
    session->options.paths = NULL;
    return session->paths != NULL;
}

struct file_session *scp_session_new(struct heap *heap, const struct file_service *service, void *context,
                                     const struct scp_options *options)
{
    static const struct file_session_kind kind = {take_input, resume, end_input, release};
    struct scp_session *session = heap_alloc(heap, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    session->base = (struct file_session){.kind = &kind, .heap = heap, .service = service, .context = context};
    session->options = *options;
    buffer_init(&session->base.out, heap, OUTPUT_MAX);
    if (!copy_paths(session)) {
        file_session_free(&session->base);
        return NULL;
    }
    session->step = SCP_ANSWER;
    if (options->sink) {
        scp_sink_start(session);
    }
    return &session->base;
}
