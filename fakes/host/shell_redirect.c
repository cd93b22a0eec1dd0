/* Redirections: where the descriptors 0, 1 and 2 lead. Others may be opened and closed, and lead nowhere. */
#include <string.h>

#include "fakes/host/shell.h"

/* `sh` words these failures its own way. */
static bool complain_file(struct shell *shell, const char *path, enum tree_error error, bool creating)
{
    if (error == TREE_NO_MEMORY) {
        shell->run->killed = true;
    }
    if (shell->is_dash) {
        bool missing = error == TREE_NO_ENTRY;
        shell_complain(shell, "cannot %s %s: %s\n", creating ? "create" : "open", path,
                       !missing   ? tree_error_text(error)
                       : creating ? "Directory nonexistent"
                                  : "No such file");
    } else {
        shell_complain(shell, "%s: %s\n", path, tree_error_text(error));
    }
    return false;
}

static struct stream *device_output(struct shell *shell, enum tree_device device)
{
    switch (device) {
    case DEVICE_STDOUT:
        return shell->streams.out;
    case DEVICE_STDERR:
        return shell->streams.err;
    case DEVICE_FULL:
        return run_open_stream(shell->run, STREAM_FULL);
    default:
        return run_open_stream(shell->run, STREAM_DISCARD);
    }
}

static struct stream *open_output(struct shell *shell, const char *path, bool append)
{
    struct tree_node *file;
    struct run *run = shell->run;
    struct file_tree *files = &shell->host->files;
    enum tree_error error = tree_open(files, shell->cwd, path, run->now.unix_ns, &file);
    if (error == TREE_OK && file->kind == TREE_DEVICE) {
        return device_output(shell, file->device);
    }
    if (error == TREE_OK && !append) {
        error = tree_resize(files, file, 0, false, run->now.unix_ns);
    }
    if (error != TREE_OK) {
        complain_file(shell, path, error, true);
        return NULL;
    }
    struct stream *stream = run_open_stream(run, STREAM_FILE);
    if (stream != NULL) {
        stream->file = file;
        stream->append = append;
        tree_hold(file);
    }
    return stream;
}

static struct stream *device_input(struct shell *shell, enum tree_device device)
{
    switch (device) {
    case DEVICE_STDIN:
        return shell->streams.in;
    case DEVICE_ZERO:
    case DEVICE_FULL:
        return run_open_stream(shell->run, STREAM_ZEROS);
    case DEVICE_RANDOM:
        return run_open_stream(shell->run, STREAM_RANDOM);
    default:
        return run_open_stream(shell->run, STREAM_TEXT);
    }
}

static struct stream *open_input(struct shell *shell, const char *path)
{
    struct tree_node *file;
    enum tree_error error = tree_find(&shell->host->files, shell->cwd, path, true, &file);
    if (error != TREE_OK) {
        complain_file(shell, path, error, false);
        return NULL;
    }
    if (file->kind == TREE_DEVICE) {
        return device_input(shell, file->device);
    }
    struct stream *stream = run_open_stream(shell->run, STREAM_TEXT);
    if (stream == NULL || file->kind == TREE_DIRECTORY) {
        return stream; /* a directory opens; what reads it finds nothing */
    }
    if (!run_work(shell->run, (size_t)tree_size(file))) {
        return NULL;
    }
    tree_read(file, 0, tree_size(file), &stream->own);
    shell->run->killed = shell->run->killed || stream->own.failed;
    stream->text = (struct span){buffer_text(&stream->own), stream->own.length};
    return stream;
}

static bool has_quotes(struct span mark)
{
    for (size_t i = 0; i < mark.length; i++) {
        if (strchr("'\"\\", mark.at[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* <<- takes the tabs off the front of each line. */
static void strip_tabs(char *text)
{
    char *to = text;
    bool line_start = true;
    for (const char *from = text; *from != '\0'; from++) {
        if (line_start && *from == '\t') {
            continue;
        }
        line_start = *from == '\n';
        *to++ = *from;
    }
    *to = '\0';
}

static struct stream *open_here_text(struct shell *shell, const struct shell_redirection *redirection)
{
    struct arena *arena = &shell->run->arena;
    struct stream *stream = run_open_stream(shell->run, STREAM_TEXT);
    if (stream == NULL) {
        return NULL;
    }
    if (redirection->kind == TOKEN_HERE_TEXT) {
        const char *text = shell_expand_text(shell, redirection->target);
        if (text == NULL) {
            return NULL;
        }
        buffer_append_text(&stream->own, text);
        buffer_append_char(&stream->own, '\n');
    } else {
        char *body = has_quotes(redirection->target) ? arena_text(arena, redirection->body)
                                                     : shell_expand_document(shell, redirection->body);
        if (body == NULL) {
            return NULL;
        }
        if (redirection->kind == TOKEN_HERE_DOCUMENT_TABS) {
            strip_tabs(body);
        }
        buffer_append_text(&stream->own, body);
    }
    shell->run->killed = shell->run->killed || stream->own.failed;
    stream->text = (struct span){buffer_text(&stream->own), stream->own.length};
    return stream;
}

static bool set_descriptor(struct shell *shell, int fd, struct stream *stream)
{
    if (stream == NULL) {
        return false;
    }
    struct stream **places[] = {&shell->streams.in, &shell->streams.out, &shell->streams.err};
    if (fd < (int)ARRAY_LENGTH(places)) {
        *places[fd] = stream;
    }
    return true;
}

/* n>&m and n<&m; "-" closes. */
static bool copy_descriptor(struct shell *shell, int fd, const char *target)
{
    bool is_input = fd == 0;
    if (strcmp(target, "-") == 0) {
        return set_descriptor(shell, fd, run_open_stream(shell->run, is_input ? STREAM_TEXT : STREAM_DISCARD));
    }
    struct stream *sources[] = {shell->streams.in, shell->streams.out, shell->streams.err};
    bool is_digit = target[0] >= '0' && target[0] <= '2' && target[1] == '\0';
    if (!is_digit || (target[0] == '0') != is_input) {
        shell_complain(shell, "%s: Bad file descriptor\n", target);
        return false;
    }
    return set_descriptor(shell, fd, sources[target[0] - '0']);
}

static bool redirect_both(struct shell *shell, const char *path, bool append)
{
    struct stream *stream = open_output(shell, path, append);
    return set_descriptor(shell, 1, stream) && set_descriptor(shell, 2, stream);
}

static bool redirect_one(struct shell *shell, const struct shell_redirection *redirection)
{
    enum shell_token kind = redirection->kind;
    bool is_input = kind == TOKEN_FROM || kind == TOKEN_FROM_COPY || kind == TOKEN_FROM_AND_TO ||
                    kind == TOKEN_HERE_TEXT || kind == TOKEN_HERE_DOCUMENT || kind == TOKEN_HERE_DOCUMENT_TABS;
    int fd = redirection->fd >= 0 ? redirection->fd : is_input ? 0 : 1;
    if (kind == TOKEN_HERE_TEXT || kind == TOKEN_HERE_DOCUMENT || kind == TOKEN_HERE_DOCUMENT_TABS) {
        return set_descriptor(shell, fd, open_here_text(shell, redirection));
    }
    const char *target = shell_expand_text(shell, redirection->target);
    if (target == NULL) {
        return false;
    }
    switch (kind) {
    case TOKEN_BOTH_TO:
    case TOKEN_BOTH_APPEND:
        return redirect_both(shell, target, kind == TOKEN_BOTH_APPEND);
    case TOKEN_TO_COPY:
        if (redirection->fd < 0 && target[0] != '-' && !(target[0] >= '0' && target[0] <= '9')) {
            return redirect_both(shell, target, false);
        }
        return copy_descriptor(shell, fd, target);
    case TOKEN_FROM_COPY:
        return copy_descriptor(shell, fd, target);
    case TOKEN_FROM:
    case TOKEN_FROM_AND_TO:
        return set_descriptor(shell, fd, open_input(shell, target));
    default:
        return set_descriptor(shell, fd, open_output(shell, target, kind == TOKEN_APPEND));
    }
}

bool shell_redirect(struct shell *shell, const struct shell_redirection *redirections)
{
    for (; redirections != NULL; redirections = redirections->next) {
        if (!redirect_one(shell, redirections) || run_is_dead(shell->run)) {
            return false;
        }
    }
    return true;
}
