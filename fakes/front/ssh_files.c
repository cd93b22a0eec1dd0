/* Files of the modelled host: the sftp subsystem, and scp as a remote command. */
#include <string.h>

#include "fakes/front/ssh_pace.h"
#include "fakes/front/ssh_programs.h"
#include "fakes/sftp/file_session.h"
#include "fakes/sftp/scp_command.h"

enum { WAITING_MAX = 256 * 1024 };

struct files_program {
    struct channel_program program;
    struct stage_server *stage;
    struct cloud_session *session;
    struct host_files files;
    int64_t wall_offset_ns; /* from the stage's time to the calendar's */
    struct file_session *served;
    struct buffer waiting; /* input for which the session had no room */
    bool input_over;
    struct ssh_pace pace;
    const char *noise;                  /* before the first byte of the protocol; NULL: none (left) */
    int64_t moved_bytes, drop_at_bytes; /* in both directions; -1: it is not dropped */
    size_t command_length;
    char command[];
};

static struct files_program *files_of(struct channel_program *program)
{
    return (struct files_program *)program;
}

/* Files get the stage's time. */
static void tell_time(struct files_program *program)
{
    program->files.now.unix_ns = program->wall_offset_ns + stage_now_ns(program->stage);
}

static void see_end(struct files_program *program)
{
    bool dropped = program->drop_at_bytes >= 0 && program->moved_bytes >= program->drop_at_bytes;
    program->program.cut = dropped;
    program->program.ended = dropped || file_session_is_over(program->served);
    program->program.exit_status = file_session_status(program->served);
}

/* Hands on what waits, and then the end. */
static void hand_on(struct files_program *program)
{
    struct buffer *waiting = &program->waiting;
    size_t taken = file_session_input(program->served, (struct span){buffer_text(waiting), waiting->length});
    if (taken == waiting->length) {
        buffer_clear(waiting);
        if (program->input_over) {
            file_session_end_input(program->served);
        }
    } else if (taken > 0) {
        memmove(waiting->data, waiting->data + taken, waiting->length - taken);
        waiting->length -= taken;
    }
    see_end(program);
}

static size_t files_room(struct channel_program *program)
{
    struct files_program *files = files_of(program);
    return files->waiting.length > 0 ? 0 : ssh_pace_room(&files->pace, WAITING_MAX);
}

static void files_input(struct channel_program *program, struct span bytes)
{
    struct files_program *files = files_of(program);
    tell_time(files);
    files->moved_bytes += (int64_t)bytes.length;
    ssh_pace_moved(&files->pace, bytes.length);
    size_t taken = file_session_input(files->served, bytes);
    buffer_append(&files->waiting, bytes.at + taken, bytes.length - taken);
    see_end(files);
    if (files->waiting.failed) {
        program->ended = true;
        program->exit_signal = "KILL"; /* memory is gone, as when the kernel kills it for that */
    }
}

static void files_input_end(struct channel_program *program)
{
    struct files_program *files = files_of(program);
    tell_time(files);
    files->input_over = true;
    hand_on(files);
}

static struct span files_output(struct channel_program *program, enum channel_stream stream)
{
    struct files_program *files = files_of(program);
    if (stream != CHANNEL_OUT || program->cut) {
        return span_of("");
    }
    if (files->noise != NULL) {
        return span_of(files->noise);
    }
    struct span output = file_session_output(files->served);
    output.length = ssh_pace_room(&files->pace, output.length);
    return output;
}

static void files_sent(struct channel_program *program, enum channel_stream stream, size_t size)
{
    struct files_program *files = files_of(program);
    (void)stream;
    if (files->noise != NULL) {
        files->noise = files->noise[size] == '\0' ? NULL : files->noise + size;
        return;
    }
    tell_time(files);
    files->moved_bytes += (int64_t)size;
    ssh_pace_moved(&files->pace, size);
    file_session_sent(files->served, size);
    hand_on(files);
}

static void files_close(struct channel_program *program)
{
    struct files_program *files = files_of(program);
    struct stage_server *stage = files->stage;
    cloud_ssh_ran(stage->cloud, stage_now_ns(stage), files->session,
                  (struct span){files->command, files->command_length}, file_session_status(files->served));
    ssh_pace_stop(&files->pace);
    file_session_free(files->served);
    host_free(files->files.host);
    cloud_ssh_end(stage->cloud, files->session);
    buffer_release(&files->waiting);
    heap_release(stage->heap, files);
}

/* What befalls it, beside what befalls the machine: a break or silence, a slow link, noise in front. */
static void take_verdict(struct files_program *program)
{
    struct command_verdict verdict;
    struct stage_server *stage = program->stage;
    struct span command = {program->command, program->command_length};
    program->drop_at_bytes = -1;
    if (!cloud_ssh_verdict(stage->cloud, stage_now_ns(stage), program->session, command, &verdict)) {
        ssh_pace_start(&program->pace, stage, &program->program, 0);
        return;
    }
    ssh_pace_start(&program->pace, stage, &program->program, verdict.bytes_per_s);
    program->drop_at_bytes = verdict.dropped ? verdict.drop_after_bytes : -1;
    program->program.silent = verdict.vanishes;
    program->noise = verdict.noise_on_out ? verdict.noise : NULL;
}

static bool open_files(struct files_program *program, const struct channel_request *request)
{
    struct stage_server *stage = request->stage;
    program->session = cloud_ssh_beside(stage->cloud, request->session);
    if (program->session == NULL) {
        return false;
    }
    if (!cloud_ssh_files(stage->cloud, stage_now_ns(stage), program->session, &program->files)) {
        cloud_ssh_end(stage->cloud, program->session);
        return false;
    }
    program->wall_offset_ns = program->files.now.unix_ns - stage_now_ns(stage);
    program->served = request->kind == CHANNEL_SUBSYSTEM
                          ? sftp_session_new(stage->heap, &host_file_service, &program->files)
                          : scp_session_for_command(stage->heap, &program->files, request->text);
    if (program->served == NULL) {
        host_free(program->files.host);
        cloud_ssh_end(stage->cloud, program->session);
        return false;
    }
    return true;
}

struct channel_program *ssh_files_program(const struct channel_request *request)
{
    static const struct channel_program_class class = {
        .room = files_room,
        .input = files_input,
        .input_end = files_input_end,
        .output = files_output,
        .sent = files_sent,
        .close = files_close,
    };
    struct stage_server *stage = request->stage;
    struct files_program *program = heap_alloc(stage->heap, sizeof *program + request->text.length);
    if (program == NULL || !open_files(program, request)) {
        heap_release(stage->heap, program);
        return NULL;
    }
    program->program.class = &class;
    program->stage = stage;
    program->command_length = request->text.length;
    memcpy(program->command, request->text.at, request->text.length);
    buffer_init(&program->waiting, stage->heap, WAITING_MAX);
    take_verdict(program);
    see_end(program);
    return &program->program;
}
