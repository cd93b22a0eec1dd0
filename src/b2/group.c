#include "b2/group.h"

#include <assert.h>

struct member {
    task_function *run;
    void *argument;
    struct task *task; /* NULL once it has returned */
    struct completion done;
};

static void run_member(void *argument)
{
    struct member *member = argument;
    member->run(member->argument);
    member->task = NULL;
}

static void cancel_all(struct member *members, int count)
{
    for (int i = 0; i < count; i++) {
        if (members[i].task != NULL) {
            task_cancel(members[i].task);
        }
    }
}

/* They must be gone before their arguments are: cancelled members end by themselves, at their next wait. */
static void wait_for(struct world *world, struct member *members, int count, int which)
{
    static const int64_t round_ns = NS_PER_HOUR;
    struct member *member = &members[which];
    while (!member->done.finished) {
        if (task_wait(world->scheduler, &member->done, world_deadline_ns(world, round_ns)) != WAIT_CANCELLED) {
            continue;
        }
        cancel_all(members, count);
        struct shield shield = task_shield_begin(world->scheduler, TIME_NEVER_NS - 1);
        while (!member->done.finished) {
            (void)task_wait(world->scheduler, &member->done, world_deadline_ns(world, round_ns));
        }
        task_shield_end(world->scheduler, shield);
    }
}

bool b2_group_run(struct world *world, task_function *run, void *arguments, size_t size, int count)
{
    struct member members[B2_GROUP_MOST] = {{.run = NULL}};
    int started = 0;
    assert(count <= B2_GROUP_MOST);
    for (; started < count; started++) {
        struct member *member = &members[started];
        *member = (struct member){.run = run, .argument = (char *)arguments + (size_t)started * size};
        member->task = task_start(world->scheduler, run_member, member, &member->done);
        if (member->task == NULL) {
            break;
        }
    }
    for (int i = 0; i < started; i++) {
        wait_for(world, members, started, i);
    }
    return started > 0;
}
