/* SFTP: OpenSSH's extensions (its file PROTOCOL, section 4). */
#include <string.h>

#include "fakes/sftp/session.h"

enum { COPY_PIECE = 64 * 1024, NAME_MAX_SHOWN = 64 };

static void extended_rename(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    if (sftp_take_two_paths(request)) {
        sftp_reply_error(request,
                         session->base.service->move(session->base.context, session->path, session->other_path, true));
    }
}

static void extended_hardlink(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    if (sftp_take_two_paths(request)) {
        sftp_reply_error(request,
                         session->base.service->link(session->base.context, session->path, session->other_path));
    }
}

static void reply_space(struct sftp_request *request, const char *path)
{
    struct file_session *session = &request->session->base;
    struct buffer *out = &session->out;
    struct file_space space;
    enum tree_error error = session->service->space(session->context, path, &space);
    if (error != TREE_OK) {
        sftp_reply_error(request, error);
        return;
    }
    const uint64_t fields[] = {
        space.block_bytes,
        space.block_bytes,
        space.blocks,
        space.blocks_free,
        space.blocks_free,
        space.files,
        space.files_free,
        space.files_free,
        0,
        0,
        space.name_length_limit, /* id, flags */
    };
    size_t place = sftp_begin(out, SFTP_EXTENDED_REPLY, request->id);
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        sftp_put_u64(out, fields[i]);
    }
    sftp_end(out, place);
}

static void extended_statvfs(struct sftp_request *request)
{
    sftp_take_request_path(request, request->session->path);
    if (sftp_is_sound(request)) {
        reply_space(request, request->session->path);
    }
}

/* A machine has one disk: the home directory's is every file's. */
static void extended_fstatvfs(struct sftp_request *request)
{
    struct file_session *session = &request->session->base;
    struct sftp_handle *handle = sftp_take_handle(request, false);
    if (!sftp_is_sound(request)) {
        return;
    }
    if (handle == NULL) {
        sftp_reply_status(request, SFTP_FX_FAILURE);
    } else {
        reply_space(request, session->service->home(session->context));
    }
}

static void extended_fsync(struct sftp_request *request)
{
    struct file_session *session = &request->session->base;
    struct sftp_handle *handle = sftp_take_handle(request, false);
    if (!sftp_is_sound(request)) {
        return;
    }
    if (handle == NULL) {
        sftp_reply_status(request, SFTP_FX_NO_SUCH_FILE);
    } else {
        sftp_reply_error(request, session->service->sync(session->context, handle->object));
    }
}

static void extended_lsetstat(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    struct file_change change;
    sftp_take_request_path(request, session->path);
    sftp_take_attributes(&request->fields, &change);
    if (sftp_is_sound(request)) {
        sftp_reply_error(request, session->base.service->change(session->base.context, session->path, false, &change));
    }
}

static void extended_limits(struct sftp_request *request)
{
    struct buffer *out = &request->session->base.out;
    size_t place = sftp_begin(out, SFTP_EXTENDED_REPLY, request->id);
    sftp_put_u64(out, SFTP_PACKET_MAX);
    sftp_put_u64(out, SFTP_DATA_MAX);
    sftp_put_u64(out, SFTP_DATA_MAX);
    sftp_put_u64(out, SFTP_HANDLES_MAX);
    sftp_end(out, place);
}

static void reply_real_path(struct sftp_request *request, const char *path)
{
    struct sftp_session *session = request->session;
    struct buffer text;
    char storage[TREE_PATH_LIMIT + 1];
    buffer_init_fixed(&text, storage, sizeof storage);
    enum tree_error error = session->base.service->real_path(session->base.context, path, &text);
    if (error == TREE_OK && text.failed) {
        error = TREE_NAME_TOO_LONG;
    }
    if (error != TREE_OK) {
        sftp_reply_error(request, error);
    } else {
        sftp_reply_name(request, (struct span){storage, text.length});
    }
}

/* "~" and "~/…" begin at the home directory, "~root" is the same one; there is nobody else. */
static void extended_expand_path(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    sftp_take_request_path(request, session->path);
    if (!sftp_is_sound(request)) {
        return;
    }
    const char *path = session->path[0] == '\0' ? "." : session->path;
    if (path[0] == '~') {
        size_t length = strcspn(path + 1, "/");
        struct span user = {path + 1, length};
        if (length > 0 && !span_equals(user, "root")) {
            sftp_reply_error(request, TREE_NO_ENTRY);
            return;
        }
        const char *home = session->base.service->home(session->base.context);
        if (!text_format(session->other_path, sizeof session->other_path, "%s%s", home, path + 1 + length)) {
            sftp_reply_error(request, TREE_NAME_TOO_LONG);
            return;
        }
        path = session->other_path;
    }
    reply_real_path(request, path);
}

static void extended_home(struct sftp_request *request)
{
    struct file_session *session = &request->session->base;
    struct span user = sftp_take_string(&request->fields);
    if (!sftp_is_sound(request)) {
        return;
    }
    if (user.length > 0 && !span_equals(user, "root")) {
        sftp_reply_error(request, TREE_NO_ENTRY);
    } else {
        sftp_reply_name(request, span_of(session->service->home(session->context)));
    }
}

static void put_names(struct buffer *out, void *context, struct span numbers,
                      const char *(*name_of)(void *context, uint32_t number))
{
    struct sftp_reader reader = {.rest = numbers};
    size_t length = 0;
    while (reader.rest.length >= sizeof(uint32_t)) {
        const char *name = name_of(context, sftp_take_u32(&reader));
        length += sizeof(uint32_t) + (name != NULL ? strlen(name) : 0);
    }
    sftp_put_u32(out, (uint32_t)length);
    reader = (struct sftp_reader){.rest = numbers};
    while (reader.rest.length >= sizeof(uint32_t)) {
        const char *name = name_of(context, sftp_take_u32(&reader));
        sftp_put_string(out, span_of(name != NULL ? name : ""));
    }
}

static void extended_names(struct sftp_request *request)
{
    struct file_session *session = &request->session->base;
    struct buffer *out = &session->out;
    struct span users = sftp_take_string(&request->fields);
    struct span groups = sftp_take_string(&request->fields);
    if (!sftp_is_sound(request)) {
        return;
    }
    if ((users.length + groups.length) / sizeof(uint32_t) * NAME_MAX_SHOWN > SFTP_PACKET_MAX) {
        sftp_reply_status(request, SFTP_FX_FAILURE);
        return;
    }
    size_t place = sftp_begin(out, SFTP_EXTENDED_REPLY, request->id);
    put_names(out, session->context, users, session->service->user_name);
    put_names(out, session->context, groups, session->service->group_name);
    sftp_end(out, place);
}

static enum tree_error copy_pieces(struct file_session *session, void *from, uint64_t from_offset, uint64_t size,
                                   void *to, uint64_t to_offset)
{
    struct buffer piece;
    buffer_init(&piece, session->heap, COPY_PIECE);
    enum tree_error error = buffer_reserve(&piece, COPY_PIECE) ? TREE_OK : TREE_NO_MEMORY;
    uint64_t done = 0;
    while (error == TREE_OK && done < size) {
        buffer_clear(&piece);
        size_t wanted = size - done > COPY_PIECE ? COPY_PIECE : (size_t)(size - done);
        error = session->service->read(session->context, from, from_offset + done, wanted, &piece);
        if (error != TREE_OK || piece.length == 0) {
            break;
        }
        error =
            session->service->write(session->context, to, to_offset + done, (struct span){piece.data, piece.length});
        done += piece.length;
    }
    buffer_release(&piece);
    return error;
}

static void extended_copy(struct sftp_request *request)
{
    struct file_session *session = &request->session->base;
    struct sftp_handle *from = sftp_take_handle(request, false);
    uint64_t from_offset = sftp_take_u64(&request->fields);
    uint64_t size = sftp_take_u64(&request->fields);
    struct sftp_handle *to = sftp_take_handle(request, false);
    uint64_t to_offset = sftp_take_u64(&request->fields);
    struct file_facts facts;
    if (!sftp_is_sound(request)) {
        return;
    }
    if (from == NULL || to == NULL || from == to) {
        sftp_reply_status(request, SFTP_FX_FAILURE);
        return;
    }
    /* A device has no end: without a bound it would be copied for ever. */
    enum tree_error error = session->service->facts_of(session->context, from->object, &facts);
    if (error == TREE_OK && (facts.mode & FILE_KIND_MASK) != FILE_KIND_REGULAR) {
        error = TREE_INVALID;
    }
    uint64_t left = error == TREE_OK && facts.size > from_offset ? facts.size - from_offset : 0;
    if (error == TREE_OK) {
        size = size == 0 || size > left ? left : size; /* 0: all; and the file must not run away from its own copy */
        error = copy_pieces(session, from->object, from_offset, size, to->object, to_offset);
    }
    sftp_reply_error(request, error);
}

static const struct extension {
    const char *name, *version;
    void (*handle)(struct sftp_request *request);
} extensions[] = {
    {"posix-rename@openssh.com", "1", extended_rename},
    {"statvfs@openssh.com", "2", extended_statvfs},
    {"fstatvfs@openssh.com", "2", extended_fstatvfs},
    {"hardlink@openssh.com", "1", extended_hardlink},
    {"fsync@openssh.com", "1", extended_fsync},
    {"lsetstat@openssh.com", "1", extended_lsetstat},
    {"limits@openssh.com", "1", extended_limits},
    {"expand-path@openssh.com", "1", extended_expand_path},
    {"copy-data", "1", extended_copy},
    {"home-directory", "1", extended_home},
    {"users-groups-by-id@openssh.com", "1", extended_names},
};

static bool is_served(const struct sftp_session *session, const struct extension *extension)
{
    return extension->handle != extended_hardlink || session->base.service->link != NULL;
}

void sftp_put_extensions(const struct sftp_session *session, struct buffer *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(extensions); i++) {
        if (is_served(session, &extensions[i])) {
            sftp_put_string(out, span_of(extensions[i].name));
            sftp_put_string(out, span_of(extensions[i].version));
        }
    }
}

void sftp_handle_extended(struct sftp_request *request)
{
    struct span name = sftp_take_string(&request->fields);
    for (size_t i = 0; i < ARRAY_LENGTH(extensions); i++) {
        if (span_equals(name, extensions[i].name) && is_served(request->session, &extensions[i])) {
            extensions[i].handle(request);
            return;
        }
    }
    if (!request->fields.failed) {
        sftp_reply_status(request, SFTP_FX_OP_UNSUPPORTED);
    }
}
