/*
 * Commands: what a command gets, how it reads its options and files, and the table of all of them.
 */
#ifndef FAKES_HOST_COMMAND_H
#define FAKES_HOST_COMMAND_H

#include "fakes/host/shell.h"

struct call {
    struct shell *shell;
    struct run *run;
    struct host *host;
    struct file_tree *files;
    int argc;
    char **argv; /* NULL-terminated */
    struct stream *in;
    struct buffer *out;
    struct buffer *err;
};

typedef int command_function(struct call *call);

enum command_kind {
    COMMAND_BUILTIN = 1, /* of the shell alone */
    COMMAND_PROGRAM = 2, /* a file in /usr/bin */
    COMMAND_BOTH = 3,
};

struct command {
    const char *name;
    command_function *function;
    enum command_kind kind;
};

/* The command of that name, or NULL. A path into one of the programs' folders finds the program. */
const struct command *command_find(const struct host *host, const char *name);

/* The i-th command in byte order, or NULL behind the last. */
const struct command *command_at(int32_t i);

/* ---- messages ---- */

/* "NAME: " and the text, on standard error. */
void call_complain(struct call *call, const char *format, ...) PRINTF_LIKE(2, 3);

/* "NAME: " and the text, and the line that points to --help. Returns `status`. */
int call_usage(struct call *call, int status, const char *format, ...) PRINTF_LIKE(3, 4);

/* "NAME: PREFIX'PATH': reason"; out of memory ends the run. Returns 1. */
int call_fail_path(struct call *call, const char *prefix, const char *path, enum tree_error error);

/* ---- options, GNU's way: anywhere before --, clustered, --long, --long=value ---- */

struct long_option {
    const char *name;
    char letter;
};

struct option_reader {
    struct call *call;
    const char *letters; /* "n:c:q": a colon behind those that take a value; "+" first: stop at the first operand */
    const struct long_option *long_options; /* ends with a NULL name; may be NULL */
    int index;
    const char *cluster; /* rest of a group such as -rf */
    const char *value;   /* of the option just read */
    int operand_count;
    const char **operands; /* after the last option: NULL-terminated, in order */
    bool wrong;            /* an option was not understood; a message was written */
};

/* False: dead. */
MUST_USE bool options_start(struct option_reader *reader, struct call *call, const char *letters,
                            const struct long_option *long_options);

/* The next option's letter, or 0 at the end (then the operands are complete, and `wrong` says whether all was understood). */
char options_next(struct option_reader *reader);

/* What a command works on when it got no operand: "-", ".". There is room for one. */
void options_default(struct option_reader *reader, const char *operand);

/* ---- files and input ---- */

enum tree_error call_find(struct call *call, const char *path, bool follow, struct tree_node **out);

/*
 * Everything that a path ("-": standard input) holds, at most `limit` bytes of it. The bytes belong to the run. On an error
 * nothing is written; the caller words the message.
 */
MUST_USE enum tree_error call_read(struct call *call, const char *path, int64_t limit, struct span *out);

/* The rest of standard input. */
MUST_USE enum tree_error call_read_input(struct call *call, int64_t limit, struct span *out);

/* A buffer that lives until the command ends; NULL: dead. */
MUST_USE struct buffer *call_scratch(struct call *call);

/* Replaces a file's content, making it when missing. */
MUST_USE enum tree_error call_write(struct call *call, const char *path, struct span bytes);

/* Takes one line off `rest`; false at the end. `had_newline` may be NULL. */
bool take_line(struct span *rest, struct span *line, bool *had_newline);

void append_span(struct buffer *out, struct span text);

/* printf's field: right-aligned in `width` columns, left-aligned when negative. */
void append_padded(struct buffer *out, struct span text, int width);

/* Runs argv from `first` on as a program (env, timeout, nohup); `missing` begins the message when there is none. */
int call_program(struct call *call, int first, const char *missing);

#define HOST_COMMAND_LIST(X)                                                                                           \
    X(".", command_source, BUILTIN)                                                                                    \
    X(":", command_true, BUILTIN)                                                                                      \
    X("[", command_test, BOTH)                                                                                         \
    X("apt-get", command_apt_get, PROGRAM)                                                                             \
    X("awk", command_awk, PROGRAM)                                                                                     \
    X("base64", command_base64, PROGRAM)                                                                               \
    X("basename", command_basename, PROGRAM)                                                                           \
    X("bash", command_bash, PROGRAM)                                                                                   \
    X("break", command_break, BUILTIN)                                                                                 \
    X("cat", command_cat, PROGRAM)                                                                                     \
    X("cd", command_cd, BUILTIN)                                                                                       \
    X("chmod", command_chmod, PROGRAM)                                                                                 \
    X("chown", command_chown, PROGRAM)                                                                                 \
    X("cmp", command_cmp, PROGRAM)                                                                                     \
    X("command", command_command, BUILTIN)                                                                             \
    X("continue", command_continue, BUILTIN)                                                                           \
    X("cp", command_cp, PROGRAM)                                                                                       \
    X("cut", command_cut, PROGRAM)                                                                                     \
    X("date", command_date, PROGRAM)                                                                                   \
    X("dd", command_dd, PROGRAM)                                                                                       \
    X("df", command_df, PROGRAM)                                                                                       \
    X("dirname", command_dirname, PROGRAM)                                                                             \
    X("du", command_du, PROGRAM)                                                                                       \
    X("echo", command_echo, BOTH)                                                                                      \
    X("env", command_env, PROGRAM)                                                                                     \
    X("eval", command_eval, BUILTIN)                                                                                   \
    X("exec", command_exec, BUILTIN)                                                                                   \
    X("exit", command_exit, BUILTIN)                                                                                   \
    X("export", command_export, BUILTIN)                                                                               \
    X("fallocate", command_fallocate, PROGRAM)                                                                         \
    X("false", command_false, BOTH)                                                                                    \
    X("find", command_find_files, PROGRAM)                                                                             \
    X("free", command_free, PROGRAM)                                                                                   \
    X("grep", command_grep, PROGRAM)                                                                                   \
    X("head", command_head, PROGRAM)                                                                                   \
    X("hostname", command_hostname, PROGRAM)                                                                           \
    X("id", command_id, PROGRAM)                                                                                       \
    X("kill", command_kill, BOTH)                                                                                      \
    X("ln", command_ln, PROGRAM)                                                                                       \
    X("ls", command_ls, PROGRAM)                                                                                       \
    X("md5sum", command_md5sum, PROGRAM)                                                                               \
    X("mkdir", command_mkdir, PROGRAM)                                                                                 \
    X("mktemp", command_mktemp, PROGRAM)                                                                               \
    X("mv", command_mv, PROGRAM)                                                                                       \
    X("nohup", command_nohup, PROGRAM)                                                                                 \
    X("nproc", command_nproc, PROGRAM)                                                                                 \
    X("nvidia-smi", command_nvidia_smi, PROGRAM)                                                                       \
    X("pgrep", command_pgrep, PROGRAM)                                                                                 \
    X("pkill", command_pgrep, PROGRAM)                                                                                 \
    X("printenv", command_printenv, PROGRAM)                                                                           \
    X("printf", command_printf, BOTH)                                                                                  \
    X("ps", command_ps, PROGRAM)                                                                                       \
    X("pwd", command_pwd, BOTH)                                                                                        \
    X("read", command_read, BUILTIN)                                                                                   \
    X("readlink", command_readlink, PROGRAM)                                                                           \
    X("realpath", command_readlink, PROGRAM)                                                                           \
    X("return", command_return, BUILTIN)                                                                               \
    X("rm", command_rm, PROGRAM)                                                                                       \
    X("rmdir", command_rmdir, PROGRAM)                                                                                 \
    X("scp", command_scp, PROGRAM)                                                                                     \
    X("sed", command_sed, PROGRAM)                                                                                     \
    X("seq", command_seq, PROGRAM)                                                                                     \
    X("set", command_set, BUILTIN)                                                                                     \
    X("setsid", command_setsid, PROGRAM)                                                                               \
    X("sh", command_sh, PROGRAM)                                                                                       \
    X("sha1sum", command_sha1sum, PROGRAM)                                                                             \
    X("sha256sum", command_sha256sum, PROGRAM)                                                                         \
    X("shift", command_shift, BUILTIN)                                                                                 \
    X("sleep", command_sleep, PROGRAM)                                                                                 \
    X("sort", command_sort, PROGRAM)                                                                                   \
    X("source", command_source, BUILTIN)                                                                               \
    X("stat", command_stat, PROGRAM)                                                                                   \
    X("sync", command_sync, PROGRAM)                                                                                   \
    X("tail", command_tail, PROGRAM)                                                                                   \
    X("tee", command_tee, PROGRAM)                                                                                     \
    X("test", command_test, BOTH)                                                                                      \
    X("timeout", command_timeout, PROGRAM)                                                                             \
    X("top", command_top, PROGRAM)                                                                                     \
    X("touch", command_touch, PROGRAM)                                                                                 \
    X("tr", command_tr, PROGRAM)                                                                                       \
    X("true", command_true, BOTH)                                                                                      \
    X("truncate", command_truncate, PROGRAM)                                                                           \
    X("type", command_type, BUILTIN)                                                                                   \
    X("uname", command_uname, PROGRAM)                                                                                 \
    X("uniq", command_uniq, PROGRAM)                                                                                   \
    X("unset", command_unset, BUILTIN)                                                                                 \
    X("uptime", command_uptime, PROGRAM)                                                                               \
    X("wait", command_wait, BUILTIN)                                                                                   \
    X("wc", command_wc, PROGRAM)                                                                                       \
    X("which", command_which, PROGRAM)                                                                                 \
    X("whoami", command_whoami, PROGRAM)

#define HOST_COMMAND_DECLARE(name, function, kind) command_function function;
HOST_COMMAND_LIST(HOST_COMMAND_DECLARE)
#undef HOST_COMMAND_DECLARE

#endif
