/* The run's budget, and the streams behind the descriptors. */
#include "fakes/host/shell.h"

bool run_is_dead(const struct run *run)
{
    return run->killed || run->arena.failed;
}

bool run_work(struct run *run, size_t amount)
{
    int64_t counted = amount > SHELL_WORK_LIMIT ? SHELL_WORK_LIMIT : (int64_t)amount;
    run->work_left -= counted;
    if (run->work_left < 0) {
        run->killed = true;
    }
    return !run_is_dead(run);
}

bool run_enter(struct run *run)
{
    if (run->depth >= SHELL_RUN_DEPTH_LIMIT || run_is_dead(run)) {
        return false;
    }
    run->depth++;
    return true;
}

void run_leave(struct run *run)
{
    run->depth--;
}

struct stream *run_open_stream(struct run *run, enum stream_kind kind)
{
    struct stream *stream = arena_alloc(&run->arena, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    stream->kind = kind;
    buffer_init(&stream->own, run->host->heap, SHELL_PIPE_LIMIT);
    stream->older = run->open;
    run->open = stream;
    return stream;
}

void run_close_streams(struct run *run, struct stream *mark)
{
    while (run->open != mark) {
        struct stream *stream = run->open;
        run->open = stream->older;
        buffer_release(&stream->own);
        if (stream->file != NULL) {
            tree_drop(&run->host->files, stream->file);
        }
    }
}

struct buffer *stream_buffer(struct stream *stream)
{
    return stream->kind == STREAM_BUFFER ? stream->buffer : &stream->own;
}

static enum tree_error write_file(struct run *run, struct stream *stream)
{
    struct tree_node *file = stream->file;
    struct span bytes = {buffer_text(&stream->own), stream->own.length};
    if (stream->append) {
        stream->offset = tree_size(file);
    }
    int64_t offset = stream->offset;
    stream->offset += (int64_t)bytes.length;
    return tree_write(&run->host->files, file, offset, bytes, run->now.unix_ns);
}

enum tree_error stream_flush(struct run *run, struct stream *stream)
{
    enum tree_error error = TREE_OK;
    if (stream->kind == STREAM_BUFFER || (stream->own.length == 0 && !stream->own.failed)) {
        return TREE_OK;
    }
    if (stream->own.failed || !run_work(run, stream->own.length)) {
        run->killed = true;
    } else if (stream->kind == STREAM_FILE) {
        error = write_file(run, stream);
    } else if (stream->kind == STREAM_FULL) {
        error = TREE_NO_SPACE;
    }
    if (error == TREE_NO_MEMORY) {
        run->killed = true;
    }
    buffer_clear(&stream->own);
    return error;
}
