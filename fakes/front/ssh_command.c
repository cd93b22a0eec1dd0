/* Commands on the modelled host: the input first, then the cloud says when it takes effect and when it ends. */
#include <string.h>

#include "fakes/front/ssh_programs.h"

/* One command. Its input lies in the session, as do its outputs once it has run. */
struct command_program {
    struct channel_program program;
    struct stage_server *stage;
    struct heap *heap;
    struct cloud_session *session;
    struct buffer input;
    bool terminal;
    bool begun;   /* the cloud has it */
    bool arrived; /* its outputs may be sent */
    size_t sent[CHANNEL_STREAM_COUNT];
    struct event effect, end;
    char text[];
};

static struct command_program *command_of(struct channel_program *program)
{
    return (struct command_program *)program;
}

static void fail(struct command_program *command)
{
    command->program.ended = true;
    command->program.exit_signal = "KILL"; /* memory is gone, as when the kernel kills it for that */
}

/* As a terminal shows them: both streams in one, with CR before each LF. */
static bool merge_for_terminal(struct cloud_session *session, struct buffer *scratch)
{
    const struct buffer *streams[] = {&session->out, &session->err};
    buffer_clear(scratch);
    for (size_t i = 0; i < ARRAY_LENGTH(streams); i++) {
        struct span rest = {buffer_text(streams[i]), streams[i]->length};
        while (rest.length > 0) {
            const char *end = memchr(rest.at, '\n', rest.length);
            size_t length = end == NULL ? rest.length : (size_t)(end - rest.at);
            buffer_append(scratch, rest.at, length);
            buffer_append_text(scratch, end == NULL ? "" : "\r\n");
            length += end != NULL;
            rest = (struct span){rest.at + length, rest.length - length};
        }
    }
    buffer_clear(&session->out);
    buffer_clear(&session->err);
    buffer_append(&session->out, buffer_text(scratch), scratch->length);
    return !scratch->failed && !session->out.failed;
}

static void command_ends(void *owner)
{
    struct command_program *command = owner;
    command->arrived = true;
    command->program.ended = true;
    command->program.exit_status = command->session->exit_status;
    command->program.cut = command->session->command_fate == FATE_DROPPED;
    if (command->terminal && !merge_for_terminal(command->session, &command->input)) {
        fail(command);
    }
    program_changed(&command->program);
}

static void command_takes_effect(void *owner)
{
    struct command_program *command = owner;
    struct stage_server *stage = command->stage;
    cloud_ssh_effect(stage->cloud, stage_now_ns(stage), command->session);
    stage_note_change(stage);
    if (command->session->done_ns != command->end.due_ns) { /* it sleeps, or is put off, for ever even */
        stage_cancel(stage, &command->end);
        if (!stage_at(stage, &command->end, command->session->done_ns, EVENT_CLASS_ARRIVAL, command_ends, command)) {
            fail(command);
        }
        command->program.silent = command->session->vanishes;
        if (command->program.silent || command->program.ended) {
            program_changed(&command->program);
        }
    }
}

/* All the input that it needs is here. */
static void begin(struct command_program *command)
{
    struct stage_server *stage = command->stage;
    struct cloud_session *session = command->session;
    struct span input = {buffer_text(&command->input), command->input.length};
    command->begun = true;
    bool sent = cloud_ssh_send(stage->cloud, stage_now_ns(stage), session, span_of(command->text), input);
    buffer_release(&command->input); /* the session has a copy */
    if (!sent ||
        !stage_at(stage, &command->effect, session->effect_ns, EVENT_CLASS_EFFECT, command_takes_effect, command) ||
        !stage_at(stage, &command->end, session->done_ns, EVENT_CLASS_ARRIVAL, command_ends, command)) {
        fail(command);
    }
}

static size_t command_room(struct channel_program *program)
{
    const struct command_program *command = command_of(program);
    return command->begun ? SIZE_MAX : command->input.limit - command->input.length + 1;
}

/* What comes once it runs, nobody reads. */
static void command_input(struct channel_program *program, struct span bytes)
{
    struct command_program *command = command_of(program);
    if (!command->begun) {
        buffer_append(&command->input, bytes.at, bytes.length);
        if (command->input.failed) {
            fail(command);
        }
    }
}

static void command_input_end(struct channel_program *program)
{
    struct command_program *command = command_of(program);
    if (!command->begun) {
        begin(command);
    }
}

static struct span command_output(struct channel_program *program, enum channel_stream stream)
{
    const struct command_program *command = command_of(program);
    const struct buffer *whole = stream == CHANNEL_OUT ? &command->session->out : &command->session->err;
    if (!command->arrived) {
        return (struct span){"", 0};
    }
    return (struct span){buffer_text(whole) + command->sent[stream], whole->length - command->sent[stream]};
}

static void command_sent(struct channel_program *program, enum channel_stream stream, size_t size)
{
    command_of(program)->sent[stream] += size;
}

static void command_close(struct channel_program *program)
{
    struct command_program *command = command_of(program);
    stage_cancel(command->stage, &command->end);
    if (command->effect.place != 0) {
        /* What was sent to the machine takes effect there, whether or not somebody still waits for it. */
        cloud_ssh_effect(command->stage->cloud, stage_now_ns(command->stage), command->session);
        stage_cancel(command->stage, &command->effect);
    }
    cloud_ssh_end(command->stage->cloud, command->session);
    buffer_release(&command->input);
    heap_release(command->heap, command);
}

struct channel_program *ssh_command_program(const struct channel_request *request)
{
    static const struct channel_program_class class = {
        .room = command_room,
        .input = command_input,
        .input_end = command_input_end,
        .output = command_output,
        .sent = command_sent,
        .close = command_close,
    };
    struct stage_server *stage = request->stage;
    struct command_program *command = heap_alloc(stage->heap, sizeof *command + request->text.length + 1);
    struct cloud_session *session = command == NULL ? NULL : cloud_ssh_beside(stage->cloud, request->session);
    if (session == NULL) {
        heap_release(stage->heap, command);
        return NULL;
    }
    command->program.class = &class;
    command->stage = stage;
    command->heap = stage->heap;
    command->session = session;
    command->terminal = request->terminal.wanted;
    memcpy(command->text, request->text.at, request->text.length);
    buffer_init(&command->input, stage->heap, CLOUD_SSH_INPUT_MAX);
    if (!cloud_ssh_reads_input(stage->cloud, request->text)) {
        begin(command);
    }
    return &command->program;
}
