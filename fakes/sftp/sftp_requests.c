/* SFTP: what each request does. */
#include <string.h>

#include "fakes/host/calendar.h"
#include "fakes/sftp/session.h"

enum { NAMES_MAX = 100, LONG_NAME_MAX = 512, MODE_TEXT_SIZE = 12, NUMBER_TEXT_SIZE = 16 };

#define HALF_YEAR_S (INT64_C(365) * 24 * 3600 / 2)
#define MODE_OF_NEW_FILE 0666
#define MODE_OF_NEW_DIRECTORY 0777

/* ---- files ---- */

static void reply_handle(struct sftp_request *request, struct sftp_handle *handle, bool is_directory, void *object)
{
    struct buffer *out = &request->session->base.out;
    handle->object = object;
    handle->is_directory = is_directory;
    size_t place = sftp_begin(out, SFTP_HANDLE, request->id);
    sftp_put_handle(request->session, handle, out);
    sftp_end(out, place);
}

static unsigned how_to_open(uint32_t flags)
{
    static const struct {
        uint32_t flag;
        unsigned how;
    } rows[] = {
        {SFTP_OPEN_READ, FILE_OPEN_READ},         {SFTP_OPEN_WRITE, FILE_OPEN_WRITE},
        {SFTP_OPEN_APPEND, FILE_OPEN_APPEND},     {SFTP_OPEN_CREATE, FILE_OPEN_CREATE},
        {SFTP_OPEN_TRUNCATE, FILE_OPEN_TRUNCATE}, {SFTP_OPEN_EXCLUSIVE, FILE_OPEN_EXCLUSIVE},
    };
    unsigned how = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        how |= (flags & rows[i].flag) != 0 ? rows[i].how : 0U;
    }
    return how;
}

static void request_open(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    struct file_change wanted;
    sftp_take_request_path(request, session->path);
    unsigned how = how_to_open(sftp_take_u32(&request->fields));
    sftp_take_attributes(&request->fields, &wanted);
    if (!sftp_is_sound(request)) {
        return;
    }
    struct sftp_handle *handle = sftp_free_handle(session);
    void *file = NULL;
    uint32_t mode = (wanted.what & FILE_CHANGE_MODE) != 0 ? wanted.mode : MODE_OF_NEW_FILE;
    enum tree_error error = handle == NULL
                                ? TREE_NO_MEMORY
                                : session->base.service->open(session->base.context, session->path, how, mode, &file);
    if (error == TREE_OK) {
        reply_handle(request, handle, false, file);
    } else {
        sftp_reply_error(request, error);
    }
}

static void request_close(struct sftp_request *request)
{
    struct sftp_request again = *request;
    struct sftp_handle *handle = sftp_take_handle(request, false);
    if (handle == NULL) {
        handle = sftp_take_handle(&again, true);
    }
    if (!sftp_is_sound(request)) {
        return;
    }
    if (handle != NULL) {
        sftp_close_handle(request->session, handle);
    }
    sftp_reply_status(request, handle != NULL ? SFTP_FX_OK : SFTP_FX_FAILURE);
}

static void request_read(struct sftp_request *request)
{
    struct file_session *session = &request->session->base;
    struct sftp_handle *handle = sftp_take_handle(request, false);
    uint64_t offset = sftp_take_u64(&request->fields);
    size_t size = sftp_take_u32(&request->fields);
    if (!sftp_is_sound(request)) {
        return;
    }
    if (handle == NULL) {
        sftp_reply_status(request, SFTP_FX_FAILURE);
        return;
    }
    struct buffer *out = &session->out;
    size_t place = sftp_begin(out, SFTP_DATA, request->id);
    sftp_put_u32(out, 0);
    size_t start = out->length;
    size = size < SFTP_DATA_MAX ? size : SFTP_DATA_MAX;
    enum tree_error error = !buffer_reserve(out, size)
                                ? TREE_NO_MEMORY
                                : session->service->read(session->context, handle->object, offset, size, out);
    size_t got = out->length - start;
    if (error != TREE_OK || (got == 0 && size > 0)) {
        out->length = place;
        sftp_reply_status(request, error != TREE_OK ? sftp_status_of(error) : SFTP_FX_EOF);
        return;
    }
    struct buffer length;
    buffer_init_fixed(&length, (char[8]){0}, 8);
    sftp_put_u32(&length, (uint32_t)got);
    memcpy(out->data + start - sizeof(uint32_t), length.data, sizeof(uint32_t));
    sftp_end(out, place);
}

static void request_write(struct sftp_request *request)
{
    struct file_session *session = &request->session->base;
    struct sftp_handle *handle = sftp_take_handle(request, false);
    uint64_t offset = sftp_take_u64(&request->fields);
    struct span bytes = sftp_take_string(&request->fields);
    if (!sftp_is_sound(request)) {
        return;
    }
    if (handle == NULL) {
        sftp_reply_status(request, SFTP_FX_FAILURE);
    } else {
        sftp_reply_error(request, session->service->write(session->context, handle->object, offset, bytes));
    }
}

/* ---- facts ---- */

static void reply_facts(struct sftp_request *request, enum tree_error error, const struct file_facts *facts)
{
    struct buffer *out = &request->session->base.out;
    if (error != TREE_OK) {
        sftp_reply_error(request, error);
        return;
    }
    size_t place = sftp_begin(out, SFTP_ATTRS, request->id);
    sftp_put_attributes(out, facts);
    sftp_end(out, place);
}

static void tell_path(struct sftp_request *request, bool follow)
{
    struct sftp_session *session = request->session;
    struct file_facts facts;
    sftp_take_request_path(request, session->path);
    if (sftp_is_sound(request)) {
        enum tree_error error = session->base.service->facts(session->base.context, session->path, follow, &facts);
        reply_facts(request, error, &facts);
    }
}

static void request_stat(struct sftp_request *request)
{
    tell_path(request, true);
}

static void request_lstat(struct sftp_request *request)
{
    tell_path(request, false);
}

static void request_fstat(struct sftp_request *request)
{
    struct file_session *session = &request->session->base;
    struct file_facts facts;
    struct sftp_handle *handle = sftp_take_handle(request, false);
    if (!sftp_is_sound(request)) {
        return;
    }
    if (handle == NULL) {
        sftp_reply_status(request, SFTP_FX_FAILURE);
    } else {
        reply_facts(request, session->service->facts_of(session->context, handle->object, &facts), &facts);
    }
}

static void request_setstat(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    struct file_change change;
    sftp_take_request_path(request, session->path);
    sftp_take_attributes(&request->fields, &change);
    if (sftp_is_sound(request)) {
        sftp_reply_error(request, session->base.service->change(session->base.context, session->path, true, &change));
    }
}

static void request_fsetstat(struct sftp_request *request)
{
    struct file_session *session = &request->session->base;
    struct file_change change;
    struct sftp_handle *handle = sftp_take_handle(request, false);
    sftp_take_attributes(&request->fields, &change);
    if (!sftp_is_sound(request)) {
        return;
    }
    if (handle == NULL) {
        sftp_reply_status(request, SFTP_FX_FAILURE);
    } else {
        sftp_reply_error(request, session->service->change_file(session->context, handle->object, &change));
    }
}

/* ---- directories ---- */

static void request_opendir(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    sftp_take_request_path(request, session->path);
    if (!sftp_is_sound(request)) {
        return;
    }
    struct sftp_handle *handle = sftp_free_handle(session);
    void *directory = NULL;
    enum tree_error error =
        handle == NULL ? TREE_NO_MEMORY
                       : session->base.service->open_directory(session->base.context, session->path, &directory);
    if (error == TREE_OK) {
        reply_handle(request, handle, true, directory);
    } else {
        sftp_reply_error(request, error);
    }
}

static void append_mode(struct buffer *out, uint32_t mode)
{
    static const char letters[] = "rwxrwxrwx";
    char text[MODE_TEXT_SIZE] = "?--------- ";
    uint32_t kind = mode & FILE_KIND_MASK;
    text[0] = kind == FILE_KIND_DIRECTORY    ? 'd'
              : kind == FILE_KIND_SYMLINK    ? 'l'
              : kind == FILE_KIND_CHARACTERS ? 'c'
              : kind == FILE_KIND_REGULAR    ? '-'
                                             : '?';
    for (unsigned i = 0; i < 9; i++) {
        text[i + 1] = (mode & 0400U >> i) != 0 ? letters[i] : '-';
    }
    for (size_t i = 0; i < 3; i++) {
        if ((mode & 04000U >> i) != 0) { /* set-user, set-group, sticky: upper case where x is missing */
            char *place = &text[3 * (i + 1)];
            *place = *place == 'x' ? "sst"[i] : "SST"[i];
        }
    }
    buffer_append_text(out, text);
}

static void append_owner(struct buffer *out, const char *name, uint32_t number)
{
    char text[NUMBER_TEXT_SIZE];
    (void)text_format(text, sizeof text, "%u", number);
    buffer_printf(out, " %-8s", name != NULL ? name : text);
}

void sftp_append_long_name(const struct sftp_session *session, struct buffer *out, const char *name,
                           const struct file_facts *facts)
{
    const struct file_service *service = session->base.service;
    void *context = session->base.context;
    int64_t age_s = service->now(context).unix_ns / NS_PER_S - facts->modified_s;
    bool recent = age_s >= 0 && age_s < HALF_YEAR_S;
    struct wall_time modified = {scale_rounded(facts->modified_s, NS_PER_S, 1)};
    append_mode(out, facts->mode);
    buffer_printf(out, " %3u", facts->links);
    append_owner(out, service->user_name(context, facts->user), facts->user);
    append_owner(out, service->group_name(context, facts->group), facts->group);
    buffer_printf(out, " %8llu ", (unsigned long long)facts->size);
    calendar_append(out, modified, recent ? "%b %e %H:%M" : "%b %e  %Y");
    buffer_printf(out, " %s", name);
}

/* Appends one entry; false behind the last. */
static bool put_entry(struct sftp_session *session, struct sftp_handle *handle, enum tree_error *error)
{
    char name[TREE_NAME_LIMIT + 1];
    char storage[LONG_NAME_MAX];
    struct file_facts facts;
    struct buffer *out = &session->base.out;
    struct buffer long_name;
    *error = session->base.service->next_entry(session->base.context, handle->object, name, &facts);
    if (*error != TREE_OK || name[0] == '\0') {
        return false;
    }
    buffer_init_fixed(&long_name, storage, sizeof storage);
    sftp_append_long_name(session, &long_name, name, &facts);
    sftp_put_string(out, span_of(name));
    sftp_put_string(out, (struct span){storage, long_name.length});
    sftp_put_attributes(out, &facts);
    return true;
}

static void request_readdir(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    struct buffer *out = &session->base.out;
    struct sftp_handle *handle = sftp_take_handle(request, true);
    if (!sftp_is_sound(request)) {
        return;
    }
    if (handle == NULL) {
        sftp_reply_status(request, SFTP_FX_FAILURE);
        return;
    }
    enum tree_error error = TREE_OK;
    uint32_t count = 0;
    size_t place = sftp_begin(out, SFTP_NAME, request->id);
    size_t count_at = out->length;
    sftp_put_u32(out, 0);
    while (count < NAMES_MAX && put_entry(session, handle, &error)) {
        count++;
    }
    if (count == 0) {
        out->length = place;
        sftp_reply_status(request, error != TREE_OK ? sftp_status_of(error) : SFTP_FX_EOF);
        return;
    }
    if (!out->failed) {
        out->data[count_at + 3] = (char)count;
    }
    sftp_end(out, place);
}

static void request_mkdir(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    struct file_change wanted;
    sftp_take_request_path(request, session->path);
    sftp_take_attributes(&request->fields, &wanted);
    if (sftp_is_sound(request)) {
        uint32_t mode = (wanted.what & FILE_CHANGE_MODE) != 0 ? wanted.mode : MODE_OF_NEW_DIRECTORY;
        sftp_reply_error(request, session->base.service->make_directory(session->base.context, session->path, mode));
    }
}

static void request_rmdir(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    sftp_take_request_path(request, session->path);
    if (sftp_is_sound(request)) {
        sftp_reply_error(request, session->base.service->remove_directory(session->base.context, session->path));
    }
}

/* ---- entries ---- */

static void request_remove(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    sftp_take_request_path(request, session->path);
    if (sftp_is_sound(request)) {
        sftp_reply_error(request, session->base.service->remove(session->base.context, session->path));
    }
}

static void request_rename(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    if (sftp_take_two_paths(request)) {
        sftp_reply_error(request,
                         session->base.service->move(session->base.context, session->path, session->other_path, false));
    }
}

/* OpenSSH has the two paths in this order, and every client follows it: what it leads to, then the link. */
static void request_symlink(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    if (sftp_take_two_paths(request)) {
        sftp_reply_error(
            request, session->base.service->make_symlink(session->base.context, session->path, session->other_path));
    }
}

static void reply_path(struct sftp_request *request, enum tree_error error, const struct buffer *text)
{
    if (error != TREE_OK || text->failed) {
        sftp_reply_error(request, error != TREE_OK ? error : TREE_NAME_TOO_LONG);
    } else {
        sftp_reply_name(request, (struct span){text->data, text->length});
    }
}

static void request_readlink(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    struct buffer text;
    buffer_init_fixed(&text, session->other_path, sizeof session->other_path);
    sftp_take_request_path(request, session->path);
    if (sftp_is_sound(request)) {
        enum tree_error error = session->base.service->read_symlink(session->base.context, session->path, &text);
        reply_path(request, error, &text);
    }
}

static void request_realpath(struct sftp_request *request)
{
    struct sftp_session *session = request->session;
    struct buffer text;
    buffer_init_fixed(&text, session->other_path, sizeof session->other_path);
    sftp_take_request_path(request, session->path);
    if (sftp_is_sound(request)) {
        const char *path = session->path[0] == '\0' ? "." : session->path;
        reply_path(request, session->base.service->real_path(session->base.context, path, &text), &text);
    }
}

void sftp_handle_request(struct sftp_request *request, uint32_t type)
{
    static void (*const handlers[])(struct sftp_request * request) = {
        [SFTP_OPEN] = request_open,
        [SFTP_CLOSE] = request_close,
        [SFTP_READ] = request_read,
        [SFTP_WRITE] = request_write,
        [SFTP_LSTAT] = request_lstat,
        [SFTP_FSTAT] = request_fstat,
        [SFTP_SETSTAT] = request_setstat,
        [SFTP_FSETSTAT] = request_fsetstat,
        [SFTP_OPENDIR] = request_opendir,
        [SFTP_READDIR] = request_readdir,
        [SFTP_REMOVE] = request_remove,
        [SFTP_MKDIR] = request_mkdir,
        [SFTP_RMDIR] = request_rmdir,
        [SFTP_REALPATH] = request_realpath,
        [SFTP_STAT] = request_stat,
        [SFTP_RENAME] = request_rename,
        [SFTP_READLINK] = request_readlink,
        [SFTP_SYMLINK] = request_symlink,
        [SFTP_EXTENDED] = sftp_handle_extended,
    };
    if (type < ARRAY_LENGTH(handlers) && handlers[type] != NULL) {
        handlers[type](request);
    } else {
        sftp_reply_status(request, SFTP_FX_OP_UNSUPPORTED);
    }
}
