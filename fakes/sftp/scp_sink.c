/* scp -t: receives files. */
#include <string.h>

#include "fakes/sftp/scp.h"

#define WRITABLE_BY_OWNER 0200U
#define FREE_FOR_OWNER 0700U
#define UMASK 022U

static struct scp_target *target_now(struct scp_session *session)
{
    return &session->targets[session->target_count - 1];
}

static void say_yes(struct scp_session *session)
{
    buffer_append_char(&session->base.out, '\0');
}

/* The other side does not keep to the protocol. */
static void give_up(struct scp_session *session, const char *why)
{
    scp_complain(session, "protocol error: %s", why);
    session_end(&session->base, 1);
}

static bool push_target(struct scp_session *session, bool is_directory)
{
    size_t count = session->target_count + 1;
    struct scp_target *targets =
        count > SCP_DEPTH_MAX ? NULL
                              : heap_resize(session->base.heap, session->targets, count * sizeof *session->targets);
    if (targets == NULL) {
        session_end(&session->base, 1);
        return false;
    }
    targets[count - 1] = (struct scp_target){.path_length = session->path_length, .is_directory = is_directory};
    session->targets = targets;
    session->target_count = count;
    return true;
}

static bool is_directory(struct scp_session *session, enum tree_error *error)
{
    struct file_facts facts;
    *error = session->base.service->facts(session->base.context, session->path, true, &facts);
    return *error == TREE_OK && (facts.mode & FILE_KIND_MASK) == FILE_KIND_DIRECTORY;
}

void scp_sink_start(struct scp_session *session)
{
    enum tree_error error;
    session->step = SCP_RECORD;
    session->first_record = true;
    if (session->options.path_count != 1 || strlen(session->paths[0]) > TREE_PATH_LIMIT) {
        scp_complain(session, "ambiguous target");
        session_end(&session->base, 1);
        return;
    }
    (void)text_copy(session->path, sizeof session->path, session->paths[0]);
    session->path_length = strlen(session->path);
    bool directory = is_directory(session, &error);
    if (session->options.target_is_directory && !directory) {
        scp_complain(session, "%s: %s", session->path, tree_error_text(error == TREE_OK ? TREE_NOT_DIRECTORY : error));
        session_end(&session->base, 1);
        return;
    }
    if (push_target(session, directory)) {
        say_yes(session);
    }
}

/* ---- records ---- */

static bool take_number(const char **at, uint64_t *out)
{
    const char *digit = *at;
    *out = 0;
    while (*digit >= '0' && *digit <= '9') {
        uint64_t value = (uint64_t)(*digit - '0');
        if (*out > (INT64_MAX - value) / 10) {
            return false;
        }
        *out = *out * 10 + value;
        digit++;
    }
    bool some = digit != *at;
    *at = digit;
    return some;
}

static bool take_blank(const char **at)
{
    if (**at != ' ') {
        return false;
    }
    (*at)++;
    return true;
}

/* T<modified> <microseconds> <accessed> <microseconds> */
static void take_times(struct scp_session *session, const char *at)
{
    uint64_t modified_s;
    uint64_t accessed_s;
    uint64_t us;
    if (!take_number(&at, &modified_s) || !take_blank(&at)) {
        give_up(session, "mtime.sec not delimited");
    } else if (!take_number(&at, &us) || !take_blank(&at) || us > 999999) {
        give_up(session, "mtime.usec not delimited");
    } else if (!take_number(&at, &accessed_s) || !take_blank(&at)) {
        give_up(session, "atime.sec not delimited");
    } else if (!take_number(&at, &us) || *at != '\0' || us > 999999) {
        give_up(session, "atime.usec not delimited");
    } else {
        target_now(session)->times = (struct scp_times){true, (int64_t)accessed_s, (int64_t)modified_s};
        say_yes(session);
    }
}

/* <mode> <size> <name>; NULL when it does not hold. */
static const char *take_header(struct scp_session *session, const char *at)
{
    session->mode = 0;
    for (int i = 0; i < 4; i++, at++) {
        if (*at < '0' || *at > '7') {
            give_up(session, "bad mode");
            return NULL;
        }
        session->mode = session->mode << 3 | (uint32_t)(*at - '0');
    }
    if (!session->options.preserve) {
        session->mode &= ~UMASK;
    }
    if (!take_blank(&at)) {
        give_up(session, "mode not delimited");
        return NULL;
    }
    if (!take_number(&at, &session->size) || !take_blank(&at)) {
        give_up(session, "size not delimited");
        return NULL;
    }
    if (*at == '\0' || strchr(at, '/') != NULL || strcmp(at, ".") == 0 || strcmp(at, "..") == 0) {
        scp_complain(session, "error: unexpected filename: %s", at);
        session_end(&session->base, 1);
        return NULL;
    }
    return at;
}

/* What the record before it said of times belongs to this file or directory. */
static struct scp_times take_over_times(struct scp_session *session)
{
    struct scp_times times = target_now(session)->times;
    target_now(session)->times.given = false;
    return times;
}

static void change_mode(struct scp_session *session, uint32_t mode)
{
    struct file_change change = {.what = FILE_CHANGE_MODE, .mode = mode};
    enum tree_error error = session->base.service->change(session->base.context, session->path, true, &change);
    if (error != TREE_OK && session->problem[0] == '\0') {
        (void)text_format(session->problem, sizeof session->problem, "%s: set mode: %s", session->path,
                          tree_error_text(error));
    }
}

static void begin_directory(struct scp_session *session, bool exists, bool directory)
{
    const struct file_service *service = session->base.service;
    enum tree_error error = exists && !directory ? TREE_NOT_DIRECTORY : TREE_OK;
    if (!session->options.recursive) {
        give_up(session, "received directory without -r");
        return;
    }
    if (!exists) {
        error = service->make_directory(session->base.context, session->path, session->mode | FREE_FOR_OWNER);
    }
    if (error != TREE_OK) {
        scp_complain(session, "%s: %s", session->path, tree_error_text(error));
        return;
    }
    struct scp_times times = take_over_times(session);
    if (push_target(session, true)) {
        target_now(session)->own_times = times;
        target_now(session)->own_mode = session->mode;
        target_now(session)->sets_mode = !exists || session->options.preserve;
        say_yes(session);
    }
}

static void begin_file(struct scp_session *session, bool exists)
{
    const struct file_service *service = session->base.service;
    unsigned how = FILE_OPEN_WRITE | FILE_OPEN_CREATE;
    enum tree_error error =
        service->open(session->base.context, session->path, how, session->mode | WRITABLE_BY_OWNER, &session->file);
    if (error != TREE_OK) {
        session->file = NULL;
        scp_complain(session, "%s: %s", session->path, tree_error_text(error));
        return;
    }
    session->existed = exists;
    session->times = take_over_times(session);
    session->done = 0;
    session->problem[0] = '\0';
    session->step = session->size > 0 ? SCP_CONTENT : SCP_ANSWER;
    say_yes(session);
}

/* A directory is complete: it gets its mode and times, and its parent is current again. */
static void end_directory(struct scp_session *session)
{
    struct scp_target done = *target_now(session);
    say_yes(session);
    session->target_count--;
    if (session->target_count == 0) {
        session_end(&session->base, session->failures == 0 ? 0 : 1);
        return;
    }
    session->path[done.path_length] = '\0';
    struct file_change change = {0};
    change.what |= done.own_times.given ? FILE_CHANGE_TIMES : 0U;
    change.what |= done.sets_mode ? FILE_CHANGE_MODE : 0U;
    change.mode = done.own_mode;
    change.accessed_s = done.own_times.accessed_s;
    change.modified_s = done.own_times.modified_s;
    enum tree_error error = session->base.service->change(session->base.context, session->path, true, &change);
    if (error != TREE_OK) {
        scp_complain(session, "%s: set times: %s", session->path, tree_error_text(error));
    }
}

static void begin_entry(struct scp_session *session)
{
    const char *name = take_header(session, session->line + 1);
    const struct scp_target *target = target_now(session);
    if (name == NULL) {
        return;
    }
    session->path[target->path_length] = '\0';
    session->path_length = target->path_length;
    if (target->is_directory && !scp_set_name(session, target->path_length, name)) {
        scp_complain(session, "%s: %s", name, tree_error_text(TREE_NAME_TOO_LONG));
        return;
    }
    enum tree_error error;
    bool directory = is_directory(session, &error);
    if (session->line[0] == 'D') {
        begin_directory(session, error == TREE_OK, directory);
    } else {
        begin_file(session, error == TREE_OK);
    }
}

void scp_sink_record(struct scp_session *session)
{
    bool first = session->first_record;
    session->first_record = false;
    session->line_length = 0;
    switch (session->line[0]) {
    case '\0':
        give_up(session, "unexpected <newline>");
        break;
    case 1:
        session->failures++;
        break;
    case 2:
        session_end(&session->base, 1);
        break;
    case 'E':
        end_directory(session);
        break;
    case 'T':
        take_times(session, session->line + 1);
        break;
    case 'C':
    case 'D':
        begin_entry(session);
        break;
    default:
        if (first) {
            scp_complain(session, "%s", session->line);
            session_end(&session->base, 1);
        } else {
            give_up(session, "expected control record");
        }
    }
}

/* ---- a file's content ---- */

static void note_problem(struct scp_session *session, const char *what, enum tree_error error)
{
    if (error != TREE_OK && session->problem[0] == '\0') {
        (void)text_format(session->problem, sizeof session->problem, "%s: %s%s", session->path, what,
                          tree_error_text(error));
    }
}

/* After a failure the rest is still taken, to keep in step. */
void scp_sink_content(struct scp_session *session, struct span *bytes)
{
    uint64_t left = session->size - session->done;
    size_t piece = bytes->length < left ? bytes->length : (size_t)left;
    if (session->problem[0] == '\0') {
        note_problem(session, "",
                     session->base.service->write(session->base.context, session->file, session->done,
                                                  (struct span){bytes->at, piece}));
    }
    session->done += piece;
    bytes->at += piece;
    bytes->length -= piece;
    if (session->done == session->size) {
        session->step = SCP_ANSWER;
    }
}

void scp_sink_answered(struct scp_session *session)
{
    const struct file_service *service = session->base.service;
    struct file_change change = {.what = FILE_CHANGE_SIZE, .size = session->size};
    note_problem(session, "truncate: ", service->change_file(session->base.context, session->file, &change));
    scp_close_file(session);
    if (session->options.preserve || (!session->existed && (session->mode & WRITABLE_BY_OWNER) == 0)) {
        change_mode(session, session->mode);
    }
    if (session->times.given && session->problem[0] == '\0') {
        change = (struct file_change){.what = FILE_CHANGE_TIMES,
                                      .accessed_s = session->times.accessed_s,
                                      .modified_s = session->times.modified_s};
        note_problem(session, "set times: ", service->change(session->base.context, session->path, true, &change));
    }
    if (session->problem[0] != '\0') {
        scp_complain(session, "%s", session->problem);
    } else {
        say_yes(session);
    }
    session->step = SCP_RECORD;
}
