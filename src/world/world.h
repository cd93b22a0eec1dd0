/*
 * World: the one door through which the client touches anything outside itself.
 *
 * Everything the client cannot know by itself comes through here. Each side has a live implementation and a virtual one (a
 * clock that jumps to the next event, and the fakes called in process); the client's object files are the same in both.
 *
 *   side          what it is                                            arrives with
 *   time          monotonic now, wall time, sleep until                 here
 *   random        addressed draws                                       here
 *   HTTP          one exchange, bodies as spans and buffers             here
 *   HTTP, files   bodies from and to files: nothing large is in memory  here; virtual: to and from the object store
 *   files         read, fill, sync, rename, remove (world/file.h)       here
 *   shell         sessions on a machine: open, run, close               here
 *   state         the state folder's locks                              here
 *   store         SQL, as a catalogue of statements (world/store.h)     here
 *   names         look-ups and updates of DNS names                     routing
 *   cancellation  signals, as a cancelled root task                     here
 *   history       notes                                                 here
 *   person        what is shown to, and asked of, who runs the program  here
 *
 * Rules
 *   - Every call that waits takes a deadline in monotonic nanoseconds; there is no way to wait without one.
 *   - A call whose deadline has passed already begins nothing, so nothing has taken effect: ERR_TIMED_OUT, as if it had begun just
 *     before; ERR_DEADLINE when it is the deadline of the surrounding shield, behind which there is no time for anything.
 *   - A call that waits returns ERR_INTERRUPTED when its task is cancelled and not shielded; what it began is abandoned, which
 *     does not undo what has taken effect outside.
 *   - The transport's failures are the fates of base/fate.h; both worlds give the same error for each.
 *   - Implementations only finish completions; they never run the client's code.
 *   - All memory of the client comes from `heap`. Implementations keep their own elsewhere, so that a crash of the client is
 *     dropping `heap` and the tasks.
 */
#ifndef WORLD_WORLD_H
#define WORLD_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fate.h"
#include "base/heap.h"
#include "base/http.h"
#include "base/random.h"
#include "base/units.h"
#include "world/file.h"
#include "world/store.h"
#include "world/task.h"

/* What a run should say about where it ran. Texts live as long as the world. */
struct world_description {
    const char *world;     /* "virtual", "sockets", "live" */
    const char *scenario;  /* "" when none */
    const char *timing;    /* where the times come from, "" when they are real */
    const char *boot_from; /* provenance of a planned boot ("measured", "assumed", ...); NULL when it is real */
    const char *ssh_from;  /* and of SSH */
    uint64_t seed;
    int64_t speed_milli; /* 1000: real time; 0: as fast as possible */
    bool rehearsal;      /* no real machine stands behind what happens here: nobody elsewhere is to be told of it */
};

/* One HTTP exchange under way. Lives on the caller's stack. */
struct http_exchange {
    struct completion done;
    const struct http_request *request;
    struct http_reply *reply; /* filled before `done`, as far as it arrived */
    enum transport_fate fate;
    bool out_of_memory; /* the reply arrived, but reply->body could not take it */
    bool file_failed;   /* a body's file could not be read or written */
    int64_t moved;      /* bytes of bodies that went to and from files until now, for `stall_ns` */
    uint64_t ordinal;   /* from 1, over all requests of the world */
    void *pending;      /* the world's own, NULL when nothing is under way */
};

/* Where a machine's SSH answers. `instance_id` selects the pinned host key: per machine, never per address. */
struct shell_target {
    const char *host;
    int64_t port;
    int64_t instance_id;
};

/* Which of the program's own standard streams a command on a machine uses, together. */
enum shell_streams { STREAMS_NONE = 0, STREAM_INPUT = 1, STREAM_OUTPUTS = 2 };

/* One SSH session and its step under way (opening, or a command). Lives with the caller. */
struct shell_session {
    struct completion done;
    const struct shell_target *target;
    struct span command;
    struct span input;
    struct buffer *out; /* standard output; its limit bounds what is kept */
    struct buffer *err;
    unsigned streams; /* of enum shell_streams */
    int exit_status;
    bool output_lost;         /* set before `done`: a standard stream of the program did not take what came */
    enum transport_fate fate; /* set before `done`: what the peer's silence so far means (FATE_BANNER_SILENT) */
    void *pending;            /* the world's own for the step */
    void *channel;            /* the world's own for the session, NULL while closed */
};

/* One statement under way. Lives on the caller's stack. */
struct store_call {
    struct completion done;
    enum store_statement statement;
    const struct store_value *values;
    size_t value_count;
    store_row_function *row;
    void *row_context;
    struct store_result *result;
    void *pending;
};

/* A question to the person who runs the program. Lives on the caller's stack. */
struct question {
    struct completion done;
    const char *text; /* one line without its end: the answer stands behind it */
    bool yes;         /* set before `done`; an answer that cannot be had is no */
    void *pending;
};

struct world;

struct world_operations {
    int64_t (*now_ns)(struct world *world);
    struct wall_time (*wall_now)(struct world *world);
    struct wall_time (*real_wall_now)(struct world *world); /* NULL: there is no other */
    uint64_t (*random_bits)(struct world *world, enum random_purpose purpose, uint32_t entity, uint32_t index);
    void (*http_start)(struct world *world, struct http_exchange *exchange);
    void (*http_abandon)(struct world *world, struct http_exchange *exchange);
    void (*shell_open)(struct world *world, struct shell_session *session);
    void (*shell_run)(struct world *world, struct shell_session *session);
    void (*shell_abandon)(struct world *world, struct shell_session *session); /* the step; the session is lost */
    void (*shell_close)(struct world *world, struct shell_session *session);
    void (*shell_forget)(struct world *world, int64_t instance_id);
    void (*store_start)(struct world *world, struct store_call *call);
    void (*store_abandon)(struct world *world, struct store_call *call);
    const struct world_file_operations *files; /* NULL: this world has none yet */
    bool (*lock)(struct world *world, const char *name);
    void (*unlock)(struct world *world, const char *name);
    void (*note)(struct world *world, const char *kind, struct span ids, struct span data);
    void (*hide)(struct world *world, const char *secret);
    void (*tell)(struct world *world, const char *text);
    void (*ask_start)(struct world *world, struct question *question);
    void (*ask_abandon)(struct world *world, struct question *question);
};

/* The head of every implementation's own struct. */
struct world {
    const struct world_operations *operations;
    struct heap *heap;
    struct scheduler *scheduler;
    struct world_description description;
    enum exit_status interrupted_by; /* EXIT_INTERRUPTED or EXIT_TERMINATED once a signal came, else EXIT_DONE */
};

/* ---- Time -------------------------------------------------------------------------------------------------------------- */

int64_t world_now_ns(struct world *world);
struct wall_time world_wall_now(struct world *world);

/* What the clocks of others show, which no clock page moves: for what a receiver of webhooks compares with its own. */
struct wall_time world_real_wall_now(struct world *world);

/* Now plus `duration_ns`, as a deadline. */
int64_t world_deadline_ns(struct world *world, int64_t duration_ns);

/* Now plus `duration_ns` of real time, for what no clock page speeds up: a database, a receiver of webhooks. */
int64_t world_real_deadline_ns(struct world *world, int64_t duration_ns);

/* Sleeps until `moment_ns`. ERR_OK; ERR_INTERRUPTED; ERR_DEADLINE when the surrounding shield ends before. */
MUST_USE enum error_code world_sleep_until(struct world *world, int64_t moment_ns);

/* ---- Random ------------------------------------------------------------------------------------------------------------ */

/* 64 uniform bits; the same address gives the same bits within one life of the process. */
uint64_t world_random_bits(struct world *world, enum random_purpose purpose, uint32_t entity, uint32_t index);

/* ---- HTTP -------------------------------------------------------------------------------------------------------------- */

/*
 * One exchange. `reply->body` is initialised by the caller, and cleared here; its limit bounds the reply. With `reply->body_file` the
 * body of the status named there goes to that file; what came of one that failed lies in the file, and `reply->file_bytes` counts it.
 * returns  ERR_OK when a whole reply is in hand, whatever its status; a fate's error; ERR_TIMED_OUT at the deadline;
 *          ERR_REPLY_TOO_LARGE beyond the limit; ERR_NO_MEMORY; ERR_INTERRUPTED; ERR_DEADLINE when the shield's has passed;
 *          ERR_INPUT_UNREADABLE or ERR_CANNOT_WRITE when a body's file fails: `reply->file_trouble` says why.
 * `ordinal` (may be NULL) gets the request's number, 0 when none was sent.
 */
MUST_USE enum error_code world_http(struct world *world, const struct http_request *request, struct http_reply *reply,
                                    int64_t deadline_ns, uint64_t *ordinal);

/* ---- Shell ------------------------------------------------------------------------------------------------------------- */

/* Connects and authenticates. After anything but ERR_OK there is nothing to close. `target` must outlive the session. */
MUST_USE enum error_code shell_open(struct world *world, struct shell_session *session,
                                    const struct shell_target *target, int64_t deadline_ns);

/*
 * Runs one command. ERR_OK when its exit status is known, whatever it is; ERR_SSH_DROPPED when the connection broke: it may
 * have run, may be running still. After any error the session is closed.
 */
MUST_USE enum error_code shell_run(struct world *world, struct shell_session *session, struct span command,
                                   struct span input, struct buffer *out, struct buffer *err, int64_t deadline_ns);

/*
 * The same, with standard streams of the program: STREAM_INPUT: the command's input is the program's standard input, read as the
 * command takes it, nothing when that is a terminal. STREAM_OUTPUTS: what the command writes goes to standard output and standard error
 * as it comes, and leaves `out` and `err` empty; when one of them fails, ERR_CANNOT_WRITE. A command that is abandoned is sent SIGTERM.
 * In the virtual world a program's standard input is empty, and its outputs are `out` and `err`.
 */
MUST_USE enum error_code shell_run_attached(struct world *world, struct shell_session *session, struct span command,
                                            unsigned streams, struct buffer *out, struct buffer *err,
                                            int64_t deadline_ns);

/* Ends an open session; harmless on a closed one. */
void shell_close(struct world *world, struct shell_session *session);

/* The machine's absence was seen: the host key that was pinned to it is dropped. */
void shell_forget(struct world *world, int64_t instance_id);

/* ---- Store ------------------------------------------------------------------------------------------------------------- */

/* One statement of the catalogue. The result's code is also returned. `row` may be NULL for statements without columns. */
MUST_USE enum error_code world_store(struct world *world, enum store_statement statement,
                                     const struct store_value *values, size_t value_count, store_row_function *row,
                                     void *row_context, struct store_result *result, int64_t deadline_ns);

/* ---- State folder ------------------------------------------------------------------------------------------------------ */

/* Takes a lock that dies with the process. False when a living process has it. */
MUST_USE bool world_lock(struct world *world, const char *name);
void world_unlock(struct world *world, const char *name);

/* ---- History ----------------------------------------------------------------------------------------------------------- */

/* Writes one event of the client's stream; `ids` and `data` are JSON objects. Most callers use world/note.h. */
void world_note(struct world *world, const char *kind, struct span ids, struct span data);

/* From now on `secret` is never written to the history. */
void world_hide(struct world *world, const char *secret);

/* ---- The person who runs the program ----------------------------------------------------------------------------------- */

/* Shows whole lines: what is about to be done, and what it may cost. */
void world_tell(struct world *world, const char *text);

/*
 * Asks and waits for the answer. ERR_OK: yes. ERR_DECLINED: anything else, also when there is nobody to ask or no answer came until
 * `deadline_ns`. ERR_INTERRUPTED.
 */
MUST_USE enum error_code world_ask(struct world *world, const char *text, int64_t deadline_ns);

#endif
