/*
 * Clock page: the stage's clock, shared by the fake cloud and the programs that rehearse against it through a mapped file.
 *
 * Stage time runs at a rate of the machine's monotonic clock: stage = base + (monotonic - origin) * speed. A fake makes the page and
 * may freeze it, let it jump forward, or change its speed; whoever has it open sees that at once. Stage time never goes back.
 * A program without a page has a real clock of its own behind the same functions.
 *
 * The page also says what is rehearsed: names and numbers for reports, by which no program decides anything.
 *
 * The file is 0600 and holds no pointers; it is only good among programs of one build on one machine, while its maker lives.
 */
#ifndef REACTOR_CLOCK_PAGE_H
#define REACTOR_CLOCK_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/heap.h"
#include "base/units.h"

enum { CLOCK_SPEED_REAL_MILLI = 1000, CLOCK_STAGE_TEXT_SIZE = 256, CLOCK_STAGE_FROM_SIZE = 16 };
#define CLOCK_SPEED_MOST_MILLI INT64_C(1000000000)

struct clock_page;

/* What a stage says of itself; what it does not say is empty. */
struct clock_stage {
    char scenario[CLOCK_STAGE_TEXT_SIZE];
    char timing[CLOCK_STAGE_TEXT_SIZE];    /* where the times come from */
    char boot_from[CLOCK_STAGE_FROM_SIZE]; /* provenance of the boot's times, as fakes/timing names it */
    char ssh_from[CLOCK_STAGE_FROM_SIZE];  /* and of SSH's */
    uint64_t seed;
};

/* A page at stage time 0, wall time `epoch`, that others may open at `path` (replaced if it is there). ERR_CANNOT_WRITE, ERR_NO_MEMORY. */
MUST_USE enum error_code clock_page_create(struct heap *heap, const char *path, struct wall_time epoch,
                                           int64_t speed_milli, struct clock_page **out, struct error *error);

/* Somebody's page, to read. ERR_INPUT_UNREADABLE, ERR_INPUT_INVALID, ERR_NO_MEMORY. */
MUST_USE enum error_code clock_page_open(struct heap *heap, const char *path, struct clock_page **out,
                                         struct error *error);

/* The real clocks: stage time 0 is now, wall time the system's. NULL when memory is gone. */
MUST_USE struct clock_page *clock_page_real(struct heap *heap);

/* NULL is allowed. The file stays. */
void clock_page_close(struct clock_page *page);

int64_t clock_page_now_ns(const struct clock_page *page);
struct wall_time clock_page_wall_now(const struct clock_page *page);
int64_t clock_page_speed_milli(const struct clock_page *page); /* 1000: real time; unchanged by a freeze */
bool clock_page_is_frozen(const struct clock_page *page);
bool clock_page_is_shared(const struct clock_page *page); /* others may change it */

/* What somebody's page says of its stage, as it was when the page was opened; NULL for the real clocks. */
const struct clock_stage *clock_page_stage(const struct clock_page *page);

/* The monotonic clock's reading when stage time will be `due_ns`, as things are; TIME_NEVER_NS while frozen. May be past. */
int64_t clock_page_monotonic_at_ns(const struct clock_page *page, int64_t due_ns);

/* For the page's maker. The stage is described before others are told of the page. */
void clock_page_describe(struct clock_page *page, const struct clock_stage *stage);
void clock_page_freeze(struct clock_page *page, bool frozen);
void clock_page_advance(struct clock_page *page, int64_t by_ns);         /* by_ns >= 0 */
void clock_page_set_speed(struct clock_page *page, int64_t speed_milli); /* 1 .. CLOCK_SPEED_MOST_MILLI */

/* The machine's own clocks. */
int64_t monotonic_now_ns(void);
struct wall_time system_wall_now(void);

#endif
