/*
 * Scripted world: the door with a script behind it, for tests of what stands on the door. A clock that jumps to the next thing
 * due, and answers that the test lays down before: HTTP replies, shell sessions and commands in the order of their use, store
 * results by statement. What the client does is written down as text, one line a thing, to be searched.
 *
 *     struct scripted_world scripted;
 *     scripted_world_open(&scripted);
 *     scripted_reply(&scripted, (struct scripted_reply){.status = 200, .body = "{}"});
 *     scripted_world_run(&scripted, procedure, &argument);
 *     scripted_world_close(&scripted);            checks that the client gave back all memory and that nothing is under way
 *
 * A step that `never` ends waits for its deadline. What is due at the same moment as a deadline comes before it.
 */
#ifndef SCRIPTED_WORLD_H
#define SCRIPTED_WORLD_H

#include "world/world.h"

enum { SCRIPT_MAX = 1200, SCRIPT_TIMERS_MAX = 64, SCRIPT_EVENTS_MAX = 64 };

struct scripted_reply {
    int status;
    const char *body;        /* NULL: empty */
    size_t length;           /* 0: up to the NUL */
    const char *retry_after; /* NULL: no such header */
    enum transport_fate fate;
    int64_t delay_ns;
    bool never;
    bool out_of_memory;
};

/* Opening a session, or one command. */
struct scripted_step {
    enum transport_fate fate;
    enum transport_fate silence; /* while nothing has come: what the silence means */
    int64_t delay_ns;
    bool never;
    const char *out; /* NULL: empty */
    const char *err;
    int exit_status;
};

struct scripted_world;

/* What a statement of the catalogue answers whenever it is asked. Zero-filled: done, no rows. */
struct scripted_statement {
    const char *sqlstate; /* NULL: "00000" */
    int64_t delay_ns;
    bool never;
    const struct store_value *rows; /* row after row */
    size_t row_count;
    size_t column_count; /* 0: as many as the catalogue says */
    int calls;
    struct scripted_world *scripted;
};

/* What the person answers to every question. */
enum scripted_answer { ANSWER_NO, ANSWER_YES, ANSWER_NEVER };

struct scripted_event {
    int64_t due_ns;
    void *operation; /* the exchange, session or call */
    void (*happen)(void *operation);
};

struct scripted_world {
    struct world world; /* the head */
    struct heap *own_heap;
    int64_t now_ns;
    int64_t cancel_at_ns; /* cancels the procedure then; 0 never, negative before it begins */
    uint64_t random;      /* what every draw gives */

    struct scripted_reply replies[SCRIPT_MAX];
    size_t reply_count, replies_used;
    struct scripted_step opens[SCRIPT_MAX];
    size_t open_count, opens_used; /* beyond the script: delivered at once */
    struct scripted_step commands[SCRIPT_MAX];
    size_t command_count, commands_used;
    void (*carry_out)(struct shell_session *session); /* instead of the script of commands */
    struct scripted_statement statements[STORE_STATEMENT_COUNT];
    /* Carries out those statements whose script gives no SQLSTATE and no rows; NULL: nothing is kept. */
    void (*store_with)(void *store, struct store_call *call);
    void *store_behind;

    enum scripted_answer answer;
    bool locked; /* living processes have all locks */

    int http_started, http_abandoned, shell_abandoned, sessions_open, store_abandoned, questions_abandoned;
    uint64_t ordinals;
    struct buffer requests; /* "PUT /path body" */
    struct buffer headers;  /* "POST https://origin/path|Name: value|Name: value" */
    struct buffer shell;    /* commands; "forget ID" */
    struct buffer store;    /* "EVENT_ADD|text|12|null" */
    struct buffer notes;    /* "kind ids data" */
    struct buffer hidden;   /* secrets */
    struct buffer told;     /* what was shown to the person, and the questions, each on a line */

    struct timer *timers[SCRIPT_TIMERS_MAX];
    size_t timer_count;
    uint64_t armed;
    struct scripted_event events[SCRIPT_EVENTS_MAX];
    size_t event_count;
};

void scripted_world_open(struct scripted_world *scripted);
void scripted_world_close(struct scripted_world *scripted);

void scripted_reply(struct scripted_world *scripted, struct scripted_reply reply);
void scripted_open(struct scripted_world *scripted, struct scripted_step step);
void scripted_command(struct scripted_world *scripted, struct scripted_step step);

/* Runs `procedure` in a task, and whatever it started, until nothing is left to happen. Fails the test when tasks are stuck. */
void scripted_world_run(struct scripted_world *scripted, task_function *procedure, void *argument);

/* How many lines of a log contain both texts (NULL: any). */
int count_lines(const struct buffer *log, const char *one, const char *other);

#endif
