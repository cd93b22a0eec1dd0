/*
 * Shell: runs what shell_syntax.h has parsed, on one host.
 *
 * One host_run() has one struct run (time, memory, how much work is left) and one struct shell for each shell environment: a
 * subshell, a stage of a pipeline and a command substitution work on a copy, so what they change is gone with them.
 *
 * Out of memory or out of work is sticky in the run: every loop and every command looks at run_is_dead() and unwinds; the
 * status is then 137.
 */
#ifndef FAKES_HOST_SHELL_H
#define FAKES_HOST_SHELL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/units.h"
#include "fakes/host/arena.h"
#include "fakes/host/host_state.h"
#include "fakes/host/shell_syntax.h"

enum {
    SHELL_COMMAND_LIMIT = HOST_COMMAND_BYTES, /* bytes of one command: "Argument list too long" beyond */
    SHELL_PIPE_LIMIT = 64 * 1024 * 1024,      /* bytes between two stages of a pipeline, or of one substitution */
    SHELL_STAGES_LIMIT = 64,                  /* stages of one pipeline */
    SHELL_NAMES_LIMIT = 4096,                 /* variables and functions of one shell */
    SHELL_RUN_DEPTH_LIMIT = 200,              /* groups, functions, substitutions and shells inside each other */
    SHELL_ARENA_LIMIT = 64 * 1024 * 1024,     /* words, variables and trees of one host_run() */
    SHELL_WORK_LIMIT = 256 * 1024 * 1024,     /* bytes handled, and SHELL_WORK_PER_COMMAND for each command */
    SHELL_WORK_PER_COMMAND = 1024,            /* so a loop ends, killed, after 256 Ki commands at the latest */
};

/* ---- streams: what the descriptors 0, 1 and 2 lead to ---- */

enum stream_kind {
    STREAM_TEXT,    /* input: bytes at hand */
    STREAM_ZEROS,   /* input: /dev/zero */
    STREAM_RANDOM,  /* input: /dev/urandom */
    STREAM_BUFFER,  /* output: another's buffer */
    STREAM_FILE,    /* output: a file, written through `own` when a command ends */
    STREAM_DISCARD, /* output: /dev/null */
    STREAM_FULL,    /* output: /dev/full */
};

struct stream {
    enum stream_kind kind;
    struct span text; /* input not yet read */
    struct buffer *buffer;
    struct buffer own;
    struct tree_node *file;
    int64_t offset;
    bool append;
    struct stream *older; /* in the run's list of what must be closed */
};

struct streams {
    struct stream *in;
    struct stream *out;
    struct stream *err;
};

struct run {
    struct host *host;
    struct wall_time now; /* moves on while a command sleeps */
    struct arena arena;
    struct stream *open;
    int64_t work_left;
    int32_t depth;
    bool killed;
};

/* True when memory or work is exhausted: unwind. */
bool run_is_dead(const struct run *run);

/* Counts work; false when the run is dead. */
bool run_work(struct run *run, size_t amount);

/* Enters one more level of nesting; false when that is too deep or the run is dead. Each success needs a run_leave(). */
MUST_USE bool run_enter(struct run *run);
void run_leave(struct run *run);

/* Closes the streams opened after `mark` (an earlier value of run->open). */
void run_close_streams(struct run *run, struct stream *mark);

/* A new stream that run_close_streams() will close, or NULL (dead). */
MUST_USE struct stream *run_open_stream(struct run *run, enum stream_kind kind);

/* Writes what a command left in an output stream's own buffer to its file. */
enum tree_error stream_flush(struct run *run, struct stream *stream);

/* Where a command appends its output; never NULL. */
struct buffer *stream_buffer(struct stream *stream);

/* ---- shell environments ---- */

struct variable {
    char *name;
    char *value; /* NULL: unset */
    bool exported;
    uint32_t scope; /* the environment that may change it in place; others shadow it */
    struct variable *older;
};

struct shell_function {
    struct span name;
    struct shell_command *body;
    struct shell_function *older;
};

enum shell_jump { JUMP_NONE, JUMP_BREAK, JUMP_CONTINUE, JUMP_RETURN, JUMP_EXIT };

struct shell {
    struct run *run;
    struct host *host;
    struct streams streams;
    struct variable *variables;
    struct shell_function *functions;
    int32_t name_count; /* variables and functions in the two lists */
    uint32_t scope;
    char *cwd;
    const char *name; /* $0 and in messages */
    bool is_dash;     /* sh: messages in dash's manner */
    char **arguments; /* $1 … */
    int32_t argument_count;
    int32_t status;
    int32_t background_pid;
    uint32_t line;
    bool exit_on_error; /* set -e */
    bool no_unset;      /* set -u */
    bool pipefail;
    bool trace;                  /* set -x */
    int32_t conditions;          /* inside a condition, where set -e is off */
    int32_t loops;               /* loops around the command */
    enum shell_jump jump;        /* how commands are being left */
    int32_t jump_levels;         /* loops still to leave */
    int32_t substitution_status; /* of the last $(…) of the command at hand; -1: there was none */
};

/* Environment of a login: HOME, PATH, … False: out of memory. */
MUST_USE bool shell_start(struct shell *shell, struct run *run, struct streams streams);

/* A copy in which changes are private. */
struct shell shell_copy(struct shell *shell);

/* Parses and runs a text; returns the status. */
int shell_run_text(struct shell *shell, struct span text);
int shell_run_list(struct shell *shell, const struct shell_list *list);

/* Runs a command by its words: function, builtin, program or script. */
int shell_run_words(struct shell *shell, int argc, char **argv);

/* Runs the file as a script in a shell of its own. */
int shell_run_script(struct shell *shell, const char *path, int argc, char **argv, bool is_dash);

/* "bash: line 1: " or "sh: 1: " and the text, on the shell's standard error. */
void shell_complain(struct shell *shell, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- variables ---- */

/* The value, or NULL. Owned by the arena. */
const char *shell_get(const struct shell *shell, struct span name);
void shell_set(struct shell *shell, struct span name, const char *value);
void shell_export(struct shell *shell, struct span name, bool exported);
void shell_unset(struct shell *shell, struct span name);

/* The exported variables as a list whose first is the newest; each name once. */
struct variable *shell_environment(struct shell *shell);

/* ---- words ---- */

/* Expands words to an argument vector, NULL-terminated; *argc of them. NULL: dead, or the shell exits
 * (shell->jump), with a complaint. */
MUST_USE char **shell_expand_words(struct shell *shell, const struct shell_word *words, int *argc);

/* Expands one word without splitting and globbing: assignments, redirections, case subjects. NULL as above. */
MUST_USE char *shell_expand_text(struct shell *shell, struct span raw);

/* The same, as a glob in which what was quoted is escaped. */
MUST_USE char *shell_expand_pattern(struct shell *shell, struct span raw);

/* A here-document's body: $ and ` are expanded, quotes are plain. */
MUST_USE char *shell_expand_document(struct shell *shell, struct span body);

/* Integer arithmetic of $((…)). False after a complaint. */
MUST_USE bool shell_arithmetic(struct shell *shell, const char *text, int64_t *out);

/* Standard output of a command substitution, trailing newlines removed. NULL: dead. */
MUST_USE char *shell_substitute(struct shell *shell, struct span text);

/* Opens the redirections on shell->streams. False after a complaint. */
MUST_USE bool shell_redirect(struct shell *shell, const struct shell_redirection *redirections);

#endif
