#include "reactor/clock_page.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* "umontoC2" as a number; another layout gets another one. */
#define CLOCK_PAGE_MAGIC INT64_C(0x32436f746e6f6d75)

/* What lies in the file. `version` is odd while the maker changes the rest. */
struct clock_layout {
    _Atomic int64_t magic;
    _Atomic uint64_t version;
    _Atomic int64_t origin_monotonic_ns;
    _Atomic int64_t base_ns;
    _Atomic int64_t speed_milli;
    _Atomic int64_t frozen;
    _Atomic int64_t epoch_unix_ns;
    struct clock_stage stage; /* not changed once others know of the page */
};

struct clock_page {
    struct heap *heap;
    struct clock_layout *layout; /* mapped, or `own` */
    struct clock_layout own;
    struct clock_stage stage; /* copied from somebody's page: its texts end */
    bool is_maker;
};

/* One consistent reading of the layout. */
struct clock_rate {
    int64_t origin_monotonic_ns;
    int64_t base_ns;
    int64_t speed_milli;
    bool frozen;
};

int64_t monotonic_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

struct wall_time system_wall_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall_time){now.tv_sec * NS_PER_S + now.tv_nsec};
}

static struct clock_rate rate_of(const struct clock_page *page)
{
    const struct clock_layout *layout = page->layout;
    struct clock_rate rate;
    uint64_t before;
    uint64_t after;
    do {
        before = atomic_load(&layout->version);
        rate.origin_monotonic_ns = atomic_load(&layout->origin_monotonic_ns);
        rate.base_ns = atomic_load(&layout->base_ns);
        rate.speed_milli = atomic_load(&layout->speed_milli);
        rate.frozen = atomic_load(&layout->frozen) != 0;
        after = atomic_load(&layout->version);
    } while (before != after || before % 2 != 0);
    return rate;
}

static int64_t stage_at(const struct clock_rate *rate, int64_t monotonic_ns)
{
    if (rate->frozen) {
        return rate->base_ns;
    }
    int64_t elapsed_ns = monotonic_ns - rate->origin_monotonic_ns;
    return saturating_add(rate->base_ns, scale_rounded(elapsed_ns, rate->speed_milli, CLOCK_SPEED_REAL_MILLI));
}

/* Puts a new rate in force from now on; what was the time stays the time. */
static void put_rate(struct clock_page *page, int64_t add_ns, int64_t speed_milli, bool frozen)
{
    assert(page->is_maker);
    struct clock_layout *layout = page->layout;
    struct clock_rate rate = rate_of(page);
    int64_t monotonic_ns = monotonic_now_ns();
    atomic_fetch_add(&layout->version, 1);
    atomic_store(&layout->base_ns, saturating_add(stage_at(&rate, monotonic_ns), add_ns));
    atomic_store(&layout->origin_monotonic_ns, monotonic_ns);
    atomic_store(&layout->speed_milli, speed_milli);
    atomic_store(&layout->frozen, frozen ? 1 : 0);
    atomic_fetch_add(&layout->version, 1);
}

void clock_page_freeze(struct clock_page *page, bool frozen)
{
    put_rate(page, 0, clock_page_speed_milli(page), frozen);
}

void clock_page_advance(struct clock_page *page, int64_t by_ns)
{
    assert(by_ns >= 0);
    put_rate(page, by_ns, clock_page_speed_milli(page), clock_page_is_frozen(page));
}

void clock_page_set_speed(struct clock_page *page, int64_t speed_milli)
{
    assert(speed_milli >= 1 && speed_milli <= CLOCK_SPEED_MOST_MILLI);
    put_rate(page, 0, speed_milli, clock_page_is_frozen(page));
}

void clock_page_describe(struct clock_page *page, const struct clock_stage *stage)
{
    assert(page->is_maker);
    page->layout->stage = *stage;
}

static void start(struct clock_layout *layout, struct wall_time epoch, int64_t speed_milli)
{
    atomic_store(&layout->origin_monotonic_ns, monotonic_now_ns());
    atomic_store(&layout->speed_milli, speed_milli);
    atomic_store(&layout->epoch_unix_ns, epoch.unix_ns);
    atomic_store(&layout->magic, CLOCK_PAGE_MAGIC);
}

struct clock_page *clock_page_real(struct heap *heap)
{
    struct clock_page *page = heap_alloc(heap, sizeof *page);
    if (page != NULL) {
        page->heap = heap;
        page->layout = &page->own;
        start(page->layout, (struct wall_time){0}, CLOCK_SPEED_REAL_MILLI);
    }
    return page;
}

/* Maps the page of an open file and closes the file. NULL, with errno, when that fails. */
static struct clock_layout *map(int descriptor, int protection)
{
    void *mapping = mmap(NULL, sizeof(struct clock_layout), protection, MAP_SHARED, descriptor, 0);
    int reason = errno;
    (void)close(descriptor);
    errno = reason;
    return mapping == MAP_FAILED ? NULL : mapping;
}

enum error_code clock_page_create(struct heap *heap, const char *path, struct wall_time epoch, int64_t speed_milli,
                                  struct clock_page **out, struct error *error)
{
    struct clock_page *page = heap_alloc(heap, sizeof *page);
    if (page == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the clock page");
    }
    (void)unlink(path);
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor >= 0 && ftruncate(descriptor, (off_t)sizeof(struct clock_layout)) != 0) {
        int reason = errno;
        (void)close(descriptor);
        descriptor = -1;
        errno = reason;
    }
    page->heap = heap;
    page->is_maker = true;
    page->layout = descriptor < 0 ? NULL : map(descriptor, PROT_READ | PROT_WRITE);
    if (page->layout == NULL) {
        (void)error_set(error, ERR_CANNOT_WRITE, "cannot make the clock page %s: %s", path, strerror(errno));
        heap_release(heap, page);
        return ERR_CANNOT_WRITE;
    }
    start(page->layout, epoch, speed_milli);
    *out = page;
    return ERR_OK;
}

/* Opens a file that can only be a clock page: regular, of its size, ours alone. -1 with the reason said. */
static int open_page(const char *path, struct error *error)
{
    struct stat facts;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &facts) != 0) {
        (void)error_set(error, ERR_INPUT_UNREADABLE, "cannot open the clock page %s: %s", path, strerror(errno));
        error_advise(error, "unset DUMONT_CLOCK, or start the command through dumont-fake");
    } else if (!S_ISREG(facts.st_mode) || facts.st_size != (off_t)sizeof(struct clock_layout) ||
               facts.st_uid != geteuid()) {
        (void)error_set(error, ERR_INPUT_INVALID, "%s is no clock page of ours", path);
        error_advise(error, "unset DUMONT_CLOCK, or start the command through dumont-fake");
    } else {
        return descriptor;
    }
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    return -1;
}

enum error_code clock_page_open(struct heap *heap, const char *path, struct clock_page **out, struct error *error)
{
    struct clock_page *page = heap_alloc(heap, sizeof *page);
    if (page == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the clock page");
    }
    int descriptor = open_page(path, error);
    if (descriptor < 0) {
        heap_release(heap, page);
        return error->code;
    }
    page->heap = heap;
    page->layout = map(descriptor, PROT_READ);
    bool good = page->layout != NULL && atomic_load(&page->layout->magic) == CLOCK_PAGE_MAGIC;
    if (!good) {
        clock_page_close(page);
        return error_set(error, ERR_INPUT_INVALID, "%s is no clock page of this version", path);
    }
    page->stage = page->layout->stage;
    page->stage.scenario[CLOCK_STAGE_TEXT_SIZE - 1] = '\0';
    page->stage.timing[CLOCK_STAGE_TEXT_SIZE - 1] = '\0';
    page->stage.boot_from[CLOCK_STAGE_FROM_SIZE - 1] = '\0';
    page->stage.ssh_from[CLOCK_STAGE_FROM_SIZE - 1] = '\0';
    *out = page;
    return ERR_OK;
}

void clock_page_close(struct clock_page *page)
{
    if (page == NULL) {
        return;
    }
    if (page->layout != NULL && page->layout != &page->own) {
        (void)munmap(page->layout, sizeof *page->layout);
    }
    heap_release(page->heap, page);
}

int64_t clock_page_now_ns(const struct clock_page *page)
{
    struct clock_rate rate = rate_of(page);
    return stage_at(&rate, monotonic_now_ns());
}

struct wall_time clock_page_wall_now(const struct clock_page *page)
{
    if (page->layout != &page->own) {
        return (struct wall_time){saturating_add(atomic_load(&page->layout->epoch_unix_ns), clock_page_now_ns(page))};
    }
    return system_wall_now();
}

int64_t clock_page_speed_milli(const struct clock_page *page)
{
    return rate_of(page).speed_milli;
}

bool clock_page_is_frozen(const struct clock_page *page)
{
    return rate_of(page).frozen;
}

bool clock_page_is_shared(const struct clock_page *page)
{
    return page->layout != &page->own && !page->is_maker;
}

const struct clock_stage *clock_page_stage(const struct clock_page *page)
{
    return clock_page_is_shared(page) ? &page->stage : NULL;
}

int64_t clock_page_monotonic_at_ns(const struct clock_page *page, int64_t due_ns)
{
    struct clock_rate rate = rate_of(page);
    if (due_ns == TIME_NEVER_NS || rate.frozen) {
        return due_ns <= rate.base_ns ? rate.origin_monotonic_ns : TIME_NEVER_NS;
    }
    int64_t left_ns = saturating_subtract(due_ns, rate.base_ns);
    int64_t real_ns = scale_rounded(left_ns, CLOCK_SPEED_REAL_MILLI, rate.speed_milli);
    return saturating_add(rate.origin_monotonic_ns, saturating_add(real_ns, 1)); /* rather late than early */
}
