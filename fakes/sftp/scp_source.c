/* scp -f: sends files. */
#include <string.h>

#include "fakes/sftp/scp.h"

static void await_answer(struct scp_session *session, enum scp_sent sent)
{
    session->sent = sent;
    session->step = SCP_ANSWER;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* ---- entries ---- */

static void send_header(struct scp_session *session)
{
    uint32_t mode = session->mode & FILE_PERMISSION_MASK;
    unsigned long long size = session->is_folder ? 0 : (unsigned long long)session->size;
    buffer_printf(&session->base.out, "%c%04o %llu %s\n", session->is_folder ? 'D' : 'C', mode, size,
                  last_part(session->path));
    await_answer(session, session->is_folder ? SCP_SENT_FOLDER : SCP_SENT_FILE);
}

static bool push_folder(struct scp_session *session)
{
    const struct file_service *service = session->base.service;
    size_t count = session->folder_count + 1;
    void *directory;
    enum tree_error error = count > SCP_DEPTH_MAX
                                ? TREE_TOO_MANY_LINKS
                                : service->open_directory(session->base.context, session->path, &directory);
    if (error != TREE_OK) {
        scp_complain(session, "%s: %s", session->path, tree_error_text(error));
        return false;
    }
    struct scp_folder *folders = heap_resize(session->base.heap, session->folders, count * sizeof *session->folders);
    if (folders == NULL) {
        service->close_directory(session->base.context, directory);
        session_end(&session->base, 1);
        return false;
    }
    folders[count - 1] = (struct scp_folder){directory, session->path_length};
    session->folders = folders;
    session->folder_count = count;
    return true;
}

static void pop_folder(struct scp_session *session)
{
    struct scp_folder *folder = &session->folders[--session->folder_count];
    session->base.service->close_directory(session->base.context, folder->directory);
    session->path_length = folder->path_length;
    session->path[folder->path_length] = '\0';
}

/* Begins to send what lies at the path. False: nothing was sent that is answered; the next entry is due. */
static bool begin_entry(struct scp_session *session)
{
    const struct file_service *service = session->base.service;
    struct file_facts facts;
    enum tree_error error = service->open(session->base.context, session->path, FILE_OPEN_READ, 0, &session->file);
    if (error != TREE_OK) {
        session->file = NULL;
    } else {
        error = service->facts_of(session->base.context, session->file, &facts);
    }
    if (error != TREE_OK) {
        scp_complain(session, "%s: %s", session->path, tree_error_text(error));
        scp_close_file(session);
        return false;
    }
    uint32_t kind = facts.mode & FILE_KIND_MASK;
    session->is_folder = kind == FILE_KIND_DIRECTORY && session->options.recursive;
    if (kind != FILE_KIND_REGULAR && !session->is_folder) {
        scp_complain(session, "%s: not a regular file", session->path);
        scp_close_file(session);
        return false;
    }
    if (session->is_folder) {
        scp_close_file(session);
        if (!push_folder(session)) {
            return false;
        }
    }
    session->mode = facts.mode;
    session->size = facts.size;
    session->done = 0;
    session->read_failed = false;
    if (session->options.preserve) {
        buffer_printf(&session->base.out, "T%lld 0 %lld 0\n", (long long)facts.modified_s, (long long)facts.accessed_s);
        await_answer(session, SCP_SENT_TIMES);
    } else {
        send_header(session);
    }
    return true;
}

/* The next entry of the folder at hand, its path set. False: the folder has ended (E is sent). */
static bool next_in_folder(struct scp_session *session)
{
    char name[TREE_NAME_LIMIT + 1];
    struct file_facts facts;
    struct scp_folder *folder = &session->folders[session->folder_count - 1];
    while (true) {
        enum tree_error error =
            session->base.service->next_entry(session->base.context, folder->directory, name, &facts);
        if (error != TREE_OK || name[0] == '\0') {
            pop_folder(session);
            buffer_append_text(&session->base.out, "E\n");
            await_answer(session, SCP_SENT_END);
            return false;
        }
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            continue;
        }
        if (scp_set_name(session, folder->path_length, name)) {
            return true;
        }
        scp_complain(session, "%s/%s: name too long", session->path, name);
    }
}

static bool next_named(struct scp_session *session)
{
    if (session->next_path == session->options.path_count) {
        session_end(&session->base, session->failures == 0 ? 0 : 1);
        return false;
    }
    const char *path = session->paths[session->next_path++];
    if (!text_copy(session->path, sizeof session->path, path)) {
        scp_complain(session, "%s", tree_error_text(TREE_NAME_TOO_LONG));
        session->path[0] = '\0';
    }
    session->path_length = strlen(session->path);
    while (session->path_length > 1 && session->path[session->path_length - 1] == '/') {
        session->path[--session->path_length] = '\0';
    }
    return true;
}

/* Goes on to the next entry that can be sent. */
void scp_source_next(struct scp_session *session)
{
    bool goes_on = true;
    scp_close_file(session);
    while (goes_on && !session->base.ended && !session->base.out.failed) {
        if (!session_has_room(&session->base)) {
            session->step = SCP_NEXT;
            return;
        }
        bool found = session->folder_count > 0 ? next_in_folder(session) : next_named(session);
        goes_on = found && !begin_entry(session);
    }
}

/* ---- a file's content ---- */

/* A file that became shorter, or cannot be read, is filled up with zeros, to keep in step; the message follows. */
static void fill_up(struct scp_session *session, size_t wanted, size_t got)
{
    session->read_failed = true;
    for (size_t i = got; i < wanted; i++) {
        buffer_append_char(&session->base.out, '\0');
    }
}

void scp_source_content(struct scp_session *session)
{
    struct buffer *out = &session->base.out;
    while (session->done < session->size && session_has_room(&session->base) && !out->failed) {
        uint64_t left = session->size - session->done;
        size_t wanted = left < SCP_PIECE ? (size_t)left : SCP_PIECE;
        size_t start = out->length;
        enum tree_error error =
            !buffer_reserve(out, wanted)
                ? TREE_NO_MEMORY
                : session->base.service->read(session->base.context, session->file, session->done, wanted, out);
        if (error != TREE_OK || out->length - start < wanted) {
            fill_up(session, wanted, out->length - start);
        }
        session->done += wanted;
    }
    if (session->done < session->size) {
        return;
    }
    if (session->read_failed) {
        scp_complain(session, "%s: %s", session->path, tree_error_text(TREE_FAULT));
    } else {
        buffer_append_char(out, '\0');
    }
    await_answer(session, SCP_SENT_CONTENT);
}

/* `answer` is 0, or 1: the other side does not want what was announced. */
void scp_source_answered(struct scp_session *session)
{
    bool refused = session->answer != 0;
    bool announced =
        session->sent == SCP_SENT_TIMES || session->sent == SCP_SENT_FILE || session->sent == SCP_SENT_FOLDER;
    if (refused && announced) {
        if (session->is_folder) {
            pop_folder(session);
        }
        scp_source_next(session);
    } else if (session->sent == SCP_SENT_TIMES) {
        send_header(session);
    } else if (session->sent == SCP_SENT_FILE) {
        session->step = SCP_CONTENT;
        scp_source_content(session);
    } else {
        scp_source_next(session);
    }
}
