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

/*
 * When a command reads its standard input, for who must know before it runs (input_use.c):
 *   NULL       never
 *   "*"        always
 *   "1efm!rR"  with at most so many operands (the digit), or with the operand "-"; `e`, `f` and `m` are options that take a value, where
 *              `e` or `f` stands for the first operand; with `r` or `R` it never does
 *   ">1ks"     it runs the program that its operands name, behind so many others; `k` and `s` take a value
 *   "sh", "dd", "eval"   as those do
 */
struct command {
    const char *name;
    command_function *function;
    enum command_kind kind;
    const char *input;
};

/* The command of that name whatever the host; NULL when there is none. */
const struct command *command_named(const char *name);

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

/* X(name, function, kind, input) */
#define HOST_COMMAND_LIST(X)                                                                                           \
    X(".", command_source, BUILTIN, NULL)                                                                              \
    X(":", command_true, BUILTIN, NULL)                                                                                \
    X("[", command_test, BOTH, NULL)                                                                                   \
    X("apt-get", command_apt_get, PROGRAM, NULL)                                                                       \
    X("awk", command_awk, PROGRAM, "1vFf")                                                                             \
    X("base64", command_base64, PROGRAM, "0w")                                                                         \
    X("basename", command_basename, PROGRAM, NULL)                                                                     \
    X("bash", command_bash, PROGRAM, "sh")                                                                             \
    X("break", command_break, BUILTIN, NULL)                                                                           \
    X("cat", command_cat, PROGRAM, "0")                                                                                \
    X("cd", command_cd, BUILTIN, NULL)                                                                                 \
    X("chmod", command_chmod, PROGRAM, NULL)                                                                           \
    X("chown", command_chown, PROGRAM, NULL)                                                                           \
    X("cmp", command_cmp, PROGRAM, "1n")                                                                               \
    X("command", command_command, BUILTIN, ">0!vV")                                                                    \
    X("continue", command_continue, BUILTIN, NULL)                                                                     \
    X("cp", command_cp, PROGRAM, NULL)                                                                                 \
    X("cut", command_cut, PROGRAM, "0bcdf")                                                                            \
    X("date", command_date, PROGRAM, NULL)                                                                             \
    X("dd", command_dd, PROGRAM, "dd")                                                                                 \
    X("df", command_df, PROGRAM, NULL)                                                                                 \
    X("dirname", command_dirname, PROGRAM, NULL)                                                                       \
    X("du", command_du, PROGRAM, NULL)                                                                                 \
    X("echo", command_echo, BOTH, NULL)                                                                                \
    X("env", command_env, PROGRAM, ">0uCS")                                                                            \
    X("eval", command_eval, BUILTIN, "eval")                                                                           \
    X("exec", command_exec, BUILTIN, ">0a")                                                                            \
    X("exit", command_exit, BUILTIN, NULL)                                                                             \
    X("export", command_export, BUILTIN, NULL)                                                                         \
    X("fallocate", command_fallocate, PROGRAM, NULL)                                                                   \
    X("false", command_false, BOTH, NULL)                                                                              \
    X("find", command_find_files, PROGRAM, NULL)                                                                       \
    X("free", command_free, PROGRAM, NULL)                                                                             \
    X("grep", command_grep, PROGRAM, "1efmABC!rR")                                                                     \
    X("head", command_head, PROGRAM, "0nc")                                                                            \
    X("hostname", command_hostname, PROGRAM, NULL)                                                                     \
    X("id", command_id, PROGRAM, NULL)                                                                                 \
    X("kill", command_kill, BOTH, NULL)                                                                                \
    X("ln", command_ln, PROGRAM, NULL)                                                                                 \
    X("ls", command_ls, PROGRAM, NULL)                                                                                 \
    X("md5sum", command_md5sum, PROGRAM, "0")                                                                          \
    X("mkdir", command_mkdir, PROGRAM, NULL)                                                                           \
    X("mktemp", command_mktemp, PROGRAM, NULL)                                                                         \
    X("mv", command_mv, PROGRAM, NULL)                                                                                 \
    X("nohup", command_nohup, PROGRAM, ">0")                                                                           \
    X("nproc", command_nproc, PROGRAM, NULL)                                                                           \
    X("nvidia-smi", command_nvidia_smi, PROGRAM, NULL)                                                                 \
    X("pgrep", command_pgrep, PROGRAM, NULL)                                                                           \
    X("pkill", command_pgrep, PROGRAM, NULL)                                                                           \
    X("printenv", command_printenv, PROGRAM, NULL)                                                                     \
    X("printf", command_printf, BOTH, NULL)                                                                            \
    X("ps", command_ps, PROGRAM, NULL)                                                                                 \
    X("pwd", command_pwd, BOTH, NULL)                                                                                  \
    X("read", command_read, BUILTIN, "*")                                                                              \
    X("readlink", command_readlink, PROGRAM, NULL)                                                                     \
    X("realpath", command_readlink, PROGRAM, NULL)                                                                     \
    X("return", command_return, BUILTIN, NULL)                                                                         \
    X("rm", command_rm, PROGRAM, NULL)                                                                                 \
    X("rmdir", command_rmdir, PROGRAM, NULL)                                                                           \
    X("scp", command_scp, PROGRAM, NULL)                                                                               \
    X("sed", command_sed, PROGRAM, "1efl")                                                                             \
    X("seq", command_seq, PROGRAM, NULL)                                                                               \
    X("set", command_set, BUILTIN, NULL)                                                                               \
    X("setsid", command_setsid, PROGRAM, ">0")                                                                         \
    X("sh", command_sh, PROGRAM, "sh")                                                                                 \
    X("sha1sum", command_sha1sum, PROGRAM, "0")                                                                        \
    X("sha256sum", command_sha256sum, PROGRAM, "0")                                                                    \
    X("shift", command_shift, BUILTIN, NULL)                                                                           \
    X("sleep", command_sleep, PROGRAM, NULL)                                                                           \
    X("sort", command_sort, PROGRAM, "0koTtS")                                                                         \
    X("source", command_source, BUILTIN, NULL)                                                                         \
    X("stat", command_stat, PROGRAM, NULL)                                                                             \
    X("sync", command_sync, PROGRAM, NULL)                                                                             \
    X("tail", command_tail, PROGRAM, "0nc")                                                                            \
    X("tee", command_tee, PROGRAM, "*")                                                                                \
    X("test", command_test, BOTH, NULL)                                                                                \
    X("timeout", command_timeout, PROGRAM, ">1ks")                                                                     \
    X("top", command_top, PROGRAM, NULL)                                                                               \
    X("touch", command_touch, PROGRAM, NULL)                                                                           \
    X("tr", command_tr, PROGRAM, "*")                                                                                  \
    X("true", command_true, BOTH, NULL)                                                                                \
    X("truncate", command_truncate, PROGRAM, NULL)                                                                     \
    X("type", command_type, BUILTIN, NULL)                                                                             \
    X("uname", command_uname, PROGRAM, NULL)                                                                           \
    X("uniq", command_uniq, PROGRAM, "0fsw")                                                                           \
    X("unset", command_unset, BUILTIN, NULL)                                                                           \
    X("uptime", command_uptime, PROGRAM, NULL)                                                                         \
    X("wait", command_wait, BUILTIN, NULL)                                                                             \
    X("wc", command_wc, PROGRAM, "0")                                                                                  \
    X("which", command_which, PROGRAM, NULL)                                                                           \
    X("whoami", command_whoami, PROGRAM, NULL)

#define HOST_COMMAND_DECLARE(name, function, kind, input) command_function function;
HOST_COMMAND_LIST(HOST_COMMAND_DECLARE)
#undef HOST_COMMAND_DECLARE

#endif
