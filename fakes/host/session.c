/* Sessions: a shell that is given its commands one after the other. */
#include "fakes/host/session.h"

#include <string.h>

#include "fakes/host/host.h"

enum { FOLDER_BYTES = TREE_PATH_LIMIT + 1, VARIABLES_BYTES = 1024 * 1024 };

void host_session_init(struct host_session *session, struct heap *heap)
{
    *session = (struct host_session){0};
    buffer_init(&session->folder, heap, FOLDER_BYTES);
    buffer_init(&session->variables, heap, VARIABLES_BYTES);
}

void host_session_release(struct host_session *session)
{
    buffer_release(&session->folder);
    buffer_release(&session->variables);
}

bool session_restore(const struct host_session *session, struct shell *shell)
{
    if (session->folder.length == 0) {
        return true;
    }
    shell->variables = NULL;
    shell->name_count = 0;
    shell->status = session->status;
    shell->cwd = arena_text(&shell->run->arena, span_of(buffer_text(&session->folder)));
    const char *end = buffer_text(&session->variables) + session->variables.length;
    for (const char *at = buffer_text(&session->variables); at < end; at += strlen(at) + 1) {
        struct span name = {at + 1, strcspn(at + 1, "=")};
        shell_set(shell, name, at + 1 + name.length + 1);
        shell_export(shell, name, at[0] == '+');
    }
    return !run_is_dead(shell->run);
}

/* The newest of a name comes first, and hides the others. */
static bool is_hidden(const struct shell *shell, const struct variable *variable)
{
    const struct variable *at = shell->variables;
    while (at != variable && strcmp(at->name, variable->name) != 0) {
        at = at->older;
    }
    return at != variable;
}

void session_keep(struct host_session *session, struct shell *shell, int status)
{
    buffer_clear(&session->folder);
    buffer_clear(&session->variables);
    buffer_append_text(&session->folder, shell->cwd);
    for (const struct variable *at = shell->variables; at != NULL; at = at->older) {
        if (at->value != NULL && !is_hidden(shell, at)) {
            buffer_append_char(&session->variables, at->exported ? '+' : '-');
            buffer_append_text(&session->variables, at->name);
            buffer_append_char(&session->variables, '=');
            buffer_append(&session->variables, at->value, strlen(at->value) + 1);
        }
    }
    session->status = status;
    session->exited = shell->jump == JUMP_EXIT || session->folder.failed || session->variables.failed;
}

int host_run_line(struct host *host, struct wall_time now, struct host_session *session, struct span line,
                  struct buffer *out, struct buffer *err)
{
    return host_run_text(host, now, session, line, (struct span){"", 0}, out, err);
}

bool host_line_is_whole(struct heap *heap, struct span text)
{
    struct arena arena;
    struct shell_list *list;
    struct shell_mistake mistake = {0};
    arena_init(&arena, heap, SHELL_ARENA_LIMIT);
    bool parsed = shell_parse(&arena, text, &list, &mistake);
    bool at_end = strcmp(mistake.token, shell_token_text(TOKEN_END)) == 0;
    bool whole = parsed || arena.failed || !(mistake.unclosed || at_end);
    arena_release(&arena);
    return whole;
}

void host_write_prompt(const struct host *host, const struct host_session *session, struct buffer *out)
{
    char name[16];
    const char *folder = session->folder.length == 0 ? "/root" : buffer_text(&session->folder);
    bool is_home = strncmp(folder, "/root", 5) == 0 && (folder[5] == '\0' || folder[5] == '/');
    host_container_id(host, name);
    buffer_printf(out, "root@%s:%s%s# ", name, is_home ? "~" : "", is_home ? folder + 5 : folder);
}
