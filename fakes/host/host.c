#include "fakes/host/host.h"

#include <string.h>

#include "base/random.h"
#include "fakes/host/gpu_load.h"
#include "fakes/host/host_state.h"
#include "fakes/host/session.h"
#include "fakes/host/shell.h"
#include "fakes/host/shell_syntax.h"

/* Draws by host_random_bits(): the first ones have a fixed meaning, later ones are /dev/urandom's. */
enum { DRAW_CONTAINER_ID = 0, DRAW_FIRST_FREE = 4096, FIRST_PID = 1042, STATUS_TOO_LONG = 126 };

uint64_t host_random_bits(const struct host *host, uint32_t index)
{
    struct random_address address = {.purpose = RANDOM_HOST, .index = index};
    return random_bits(host->facts.seed, address);
}

void host_container_id(const struct host *host, char out[16])
{
    uint64_t bits = host_random_bits(host, DRAW_CONTAINER_ID) & UINT64_C(0xffffffffffff);
    (void)text_format(out, 16, "%012llx", (unsigned long long)bits);
}

struct host *host_new(struct heap *heap, const struct host_facts *facts)
{
    struct host *host = heap_alloc(heap, sizeof *host);
    if (host == NULL) {
        return NULL;
    }
    host->heap = heap;
    host->facts = *facts;
    host->gpu_model = gpu_model_or_default(facts->gpu_name);
    gpu_idle_load(facts, &host->gpu_load);
    host->gpu_state = facts->num_gpus > 0 ? HOST_GPU_READY : HOST_GPU_NONE;
    host->files.disk_bytes = facts->disk_bytes;
    host->files.outside_bytes = facts->disk_used_bytes;
    host->random_draws = DRAW_FIRST_FREE;
    host->next_pid = FIRST_PID;
    return host;
}

void host_hold(struct host *host)
{
    host->holders++;
}

void host_free(struct host *host)
{
    if (host != NULL && host->holders > 0) {
        host->holders--;
    } else if (host != NULL) {
        tree_free(&host->files);
        heap_release(host->heap, host);
    }
}

void host_set_disk_used(struct host *host, int64_t bytes)
{
    host->files.outside_bytes = bytes;
}

void host_set_content_limit(struct host *host, size_t bytes)
{
    host->files.content_limit = bytes;
}

void host_set_gpu_load(struct host *host, const struct host_gpu_load *load)
{
    host->gpu_load = *load;
}

void host_set_gpu_state(struct host *host, enum host_gpu_state state)
{
    host->gpu_state = state;
}

bool host_hangs(const struct host *host)
{
    return host->hangs;
}

void host_set_clock_ahead(struct host *host, int64_t ahead_ns)
{
    host->clock_ahead_ns = ahead_ns;
}

static struct wall_time clock_of(const struct host *host, struct wall_time now)
{
    return (struct wall_time){saturating_add(now.unix_ns, host->clock_ahead_ns)};
}

void host_reboot(struct host *host, struct wall_time now)
{
    struct tree_node *temporary;
    if (host->files.root == NULL || tree_find(&host->files, "/", "/tmp", true, &temporary) != TREE_OK) {
        return;
    }
    while (temporary->first_child != NULL) {
        (void)tree_remove(&host->files, temporary->first_child, clock_of(host, now).unix_ns);
    }
}

bool host_prepare_files(struct host *host, struct wall_time now)
{
    if (host->files.root != NULL) {
        return true;
    }
    if (host_build_files(host, now.unix_ns) != TREE_OK) {
        tree_free(&host->files);
        return false;
    }
    host->boot_unix_ns = now.unix_ns;
    return true;
}

/* An argument of exec ends at its NUL. */
static struct span up_to_nul(struct span command)
{
    const char *end = command.length == 0 ? NULL : memchr(command.at, '\0', command.length);
    return end == NULL ? command : (struct span){command.at, (size_t)(end - command.at)};
}

static int run_login_shell(struct run *run, struct host_session *session, struct span command, struct span input,
                           struct buffer *out, struct buffer *err)
{
    struct stream in = {.kind = STREAM_TEXT, .text = input};
    struct stream standard_out = {.kind = STREAM_BUFFER, .buffer = out};
    struct stream standard_err = {.kind = STREAM_BUFFER, .buffer = err};
    struct shell shell;
    if (!shell_start(&shell, run, (struct streams){&in, &standard_out, &standard_err}) ||
        (session != NULL && !session_restore(session, &shell))) {
        return HOST_EXIT_KILLED;
    }
    int status = shell_run_text(&shell, up_to_nul(command));
    if (session != NULL) {
        session_keep(session, &shell, status);
    }
    return status;
}

int host_run_text(struct host *host, struct wall_time now, struct host_session *session, struct span command,
                  struct span input, struct buffer *out, struct buffer *err)
{
    host->slept_ns = 0;
    if (command.length > SHELL_COMMAND_LIMIT) {
        buffer_append_text(err, "/bin/bash: Argument list too long\n");
        return STATUS_TOO_LONG;
    }
    if (!host_prepare_files(host, now)) {
        return HOST_EXIT_KILLED;
    }
    struct run run = {.host = host, .now = clock_of(host, now), .work_left = SHELL_WORK_LIMIT};
    host->hangs = false;
    arena_init(&run.arena, host->heap, SHELL_ARENA_LIMIT);
    int status = run_login_shell(&run, session, command, input, out, err);
    run_close_streams(&run, NULL);
    bool dead = run_is_dead(&run) || out->failed || err->failed;
    arena_release(&run.arena);
    host->slept_ns = saturating_subtract(run.now.unix_ns, clock_of(host, now).unix_ns);
    return dead ? HOST_EXIT_KILLED : status & 0xff;
}

int64_t host_slept_ns(const struct host *host)
{
    return host->slept_ns;
}

int host_run(struct host *host, struct wall_time now, struct span command, struct span input, struct buffer *out,
             struct buffer *err)
{
    return host_run_text(host, now, NULL, command, input, out, err);
}

/* The one simple command that a text is, or NULL. */
static const struct shell_command *only_command(struct run *run, struct span text)
{
    struct shell_list *list;
    struct shell_mistake mistake;
    if (!shell_parse(&run->arena, text, &list, &mistake) || list == NULL || list->next != NULL || list->background) {
        return NULL;
    }
    const struct shell_pipeline *pipeline = list->pipelines;
    const struct shell_command *command = pipeline->commands;
    bool alone = pipeline->next == NULL && !pipeline->negated && command->next == NULL;
    bool plain = command->kind == COMMAND_SIMPLE && command->assignments == NULL && command->redirections == NULL;
    return alone && plain && command->words != NULL ? command : NULL;
}

bool host_command_words(struct host *host, struct wall_time now, struct span command, struct buffer *words)
{
    if (command.length > SHELL_COMMAND_LIMIT || !host_prepare_files(host, now)) {
        return false;
    }
    struct run run = {.host = host, .now = clock_of(host, now), .work_left = SHELL_WORK_LIMIT};
    struct stream none = {.kind = STREAM_DISCARD};
    buffer_init(&none.own, host->heap, SHELL_COMMAND_LIMIT); /* for complaints, which nobody reads */
    struct shell shell;
    size_t start = words->length;
    int count = 0;
    char **expanded = NULL;
    arena_init(&run.arena, host->heap, SHELL_ARENA_LIMIT);
    const struct shell_command *only = only_command(&run, up_to_nul(command));
    if (only != NULL && shell_start(&shell, &run, (struct streams){&none, &none, &none})) {
        expanded = shell_expand_words(&shell, only->words, &count);
    }
    for (int i = 0; expanded != NULL && i < count; i++) {
        buffer_append(words, expanded[i], strlen(expanded[i]) + 1);
    }
    bool done = count > 0 && expanded != NULL && !words->failed;
    run_close_streams(&run, NULL);
    buffer_release(&none.own);
    arena_release(&run.arena);
    words->length = done ? words->length : start;
    return done;
}
