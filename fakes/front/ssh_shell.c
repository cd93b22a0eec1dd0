/*
 * Shells on the modelled host: commands are read line by line, each is run and its output sent. With a terminal there are prompts
 * and the little of a line discipline that a person needs: echo, backspace, Ctrl-C, Ctrl-D, and CR LF at the ends of lines.
 */
#include <string.h>

#include "fakes/front/ssh_programs.h"

enum { LINE_BYTES = HOST_COMMAND_BYTES, OUTPUT_BYTES = 16 * 1024 * 1024, OUTPUT_AHEAD = 64 * 1024 };

enum { KEY_INTERRUPT = 3, KEY_END = 4, KEY_BACKSPACE = 8, KEY_DELETE = 127 };

struct shell_program {
    struct channel_program program;
    struct stage_server *stage;
    struct heap *heap;
    struct cloud_session *session;
    struct host_session shell;
    bool terminal;
    struct buffer line;    /* being typed */
    struct buffer command; /* lines that are not yet a whole command */
    struct buffer output[CHANNEL_STREAM_COUNT];
    size_t sent[CHANNEL_STREAM_COUNT];
};

static struct shell_program *shell_of(struct channel_program *program)
{
    return (struct shell_program *)program;
}

/* What a terminal shows: all in one stream, with CR before each LF. */
static void show(struct shell_program *shell, const char *text, size_t length)
{
    struct buffer *out = &shell->output[CHANNEL_OUT];
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            buffer_append_char(out, '\r');
        }
        buffer_append_char(out, text[i]);
    }
}

static void prompt(struct shell_program *shell)
{
    char storage[LINE_BYTES];
    struct buffer text;
    if (!shell->terminal || shell->program.ended) {
        return;
    }
    buffer_init_fixed(&text, storage, sizeof storage);
    if (shell->command.length > 0) {
        buffer_append_text(&text, "> ");
    } else {
        cloud_ssh_prompt(shell->stage->cloud, stage_now_ns(shell->stage), shell->session, &shell->shell, &text);
    }
    show(shell, buffer_text(&text), text.length);
}

static void end(struct shell_program *shell)
{
    shell->program.ended = true;
    shell->program.exit_status = shell->shell.status & 0xff;
}

static void run_command(struct shell_program *shell)
{
    struct buffer own[CHANNEL_STREAM_COUNT];
    struct stage_server *stage = shell->stage;
    for (size_t i = 0; i < CHANNEL_STREAM_COUNT; i++) {
        buffer_init(&own[i], shell->heap, OUTPUT_BYTES);
    }
    struct span text = {buffer_text(&shell->command), shell->command.length};
    bool ran = cloud_ssh_line(stage->cloud, stage_now_ns(stage), shell->session, &shell->shell, text, &own[CHANNEL_OUT],
                              &own[CHANNEL_ERR]);
    for (size_t i = 0; i < CHANNEL_STREAM_COUNT; i++) {
        if (shell->terminal) {
            show(shell, buffer_text(&own[i]), own[i].length);
        } else {
            buffer_append(&shell->output[i], buffer_text(&own[i]), own[i].length);
        }
        buffer_release(&own[i]);
    }
    buffer_clear(&shell->command);
    stage_note_change(stage);
    shell->program.cut = !ran;
    if (!ran || shell->shell.exited) {
        end(shell);
    }
}

static void take_line(struct shell_program *shell)
{
    buffer_append(&shell->command, buffer_text(&shell->line), shell->line.length);
    buffer_append_char(&shell->command, '\n');
    buffer_clear(&shell->line);
    struct span text = {buffer_text(&shell->command), shell->command.length};
    if (shell->command.failed || host_line_is_whole(shell->heap, text)) {
        run_command(shell);
    }
    prompt(shell);
}

/* A key of a terminal. */
static void take_key(struct shell_program *shell, char key)
{
    switch (key) {
    case '\r':
    case '\n':
        show(shell, "\n", 1);
        take_line(shell);
        break;
    case KEY_INTERRUPT:
        show(shell, "^C\n", 3);
        buffer_clear(&shell->line);
        buffer_clear(&shell->command);
        prompt(shell);
        break;
    case KEY_END:
        if (shell->line.length == 0) {
            show(shell, "exit\n", 5);
            end(shell);
        }
        break;
    case KEY_BACKSPACE:
    case KEY_DELETE:
        if (shell->line.length > 0) {
            shell->line.length--;
            show(shell, "\b \b", 3);
        }
        break;
    default:
        buffer_append_char(&shell->line, key);
        show(shell, &key, 1);
        break;
    }
}

static size_t shell_room(struct channel_program *program)
{
    const struct shell_program *shell = shell_of(program);
    size_t waiting = shell->output[CHANNEL_OUT].length - shell->sent[CHANNEL_OUT];
    return waiting > OUTPUT_AHEAD ? 0 : 1024;
}

static void shell_input(struct channel_program *program, struct span bytes)
{
    struct shell_program *shell = shell_of(program);
    for (size_t i = 0; i < bytes.length && !program->ended; i++) {
        if (shell->terminal) {
            take_key(shell, bytes.at[i]);
        } else if (bytes.at[i] == '\n') {
            take_line(shell);
        } else {
            buffer_append_char(&shell->line, bytes.at[i]);
        }
    }
}

static void shell_input_end(struct channel_program *program)
{
    struct shell_program *shell = shell_of(program);
    if (shell->line.length > 0) {
        take_line(shell);
    }
    if (shell->command.length > 0 && !program->ended) {
        run_command(shell); /* what is wrong with it is its own business */
    }
    end(shell);
}

static struct span shell_output(struct channel_program *program, enum channel_stream stream)
{
    struct shell_program *shell = shell_of(program);
    struct buffer *whole = &shell->output[stream];
    if (shell->sent[stream] == whole->length && whole->length > 0) {
        buffer_clear(whole);
        shell->sent[stream] = 0;
    }
    return (struct span){buffer_text(whole) + shell->sent[stream], whole->length - shell->sent[stream]};
}

static void shell_sent(struct channel_program *program, enum channel_stream stream, size_t size)
{
    shell_of(program)->sent[stream] += size;
}

static void shell_signal(struct channel_program *program, const char *name)
{
    if (strcmp(name, "HUP") == 0 || strcmp(name, "TERM") == 0 || strcmp(name, "KILL") == 0) {
        end(shell_of(program));
    }
}

static void shell_close(struct channel_program *program)
{
    struct shell_program *shell = shell_of(program);
    cloud_ssh_end(shell->stage->cloud, shell->session);
    host_session_release(&shell->shell);
    buffer_release(&shell->line);
    buffer_release(&shell->command);
    for (size_t i = 0; i < CHANNEL_STREAM_COUNT; i++) {
        buffer_release(&shell->output[i]);
    }
    heap_release(shell->heap, shell);
}

struct channel_program *ssh_shell_program(const struct channel_request *request)
{
    static const struct channel_program_class class = {
        .room = shell_room,
        .input = shell_input,
        .input_end = shell_input_end,
        .output = shell_output,
        .sent = shell_sent,
        .signal = shell_signal,
        .close = shell_close,
    };
    struct stage_server *stage = request->stage;
    struct shell_program *shell = heap_alloc(stage->heap, sizeof *shell);
    struct cloud_session *session = shell == NULL ? NULL : cloud_ssh_beside(stage->cloud, request->session);
    if (session == NULL) {
        heap_release(stage->heap, shell);
        return NULL;
    }
    shell->program.class = &class;
    shell->stage = stage;
    shell->heap = stage->heap;
    shell->session = session;
    shell->terminal = request->terminal.wanted;
    host_session_init(&shell->shell, stage->heap);
    buffer_init(&shell->line, stage->heap, LINE_BYTES);
    buffer_init(&shell->command, stage->heap, LINE_BYTES);
    for (size_t i = 0; i < CHANNEL_STREAM_COUNT; i++) {
        buffer_init(&shell->output[i], stage->heap, OUTPUT_BYTES);
    }
    prompt(shell);
    return &shell->program;
}
