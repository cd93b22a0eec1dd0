/* Signals, through a signalfd: the first one cancels the main task, a second SIGINT, SIGTERM or SIGQUIT cuts. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "world/live/live_sides.h"
#include "world/note.h"

/* Whatever would end the program and can be caught: it cleans up first. */
static const struct {
    int number;
    bool cuts;              /* when it is not the first */
    bool stays_ignored;     /* where it is: that is what nohup asks for */
    enum exit_status means; /* how a run that it ended ends */
} caught[] = {
    {SIGINT, true, false, EXIT_INTERRUPTED}, {SIGTERM, true, false, EXIT_TERMINATED},
    {SIGQUIT, true, false, EXIT_TERMINATED}, {SIGHUP, false, true, EXIT_TERMINATED},
    {SIGUSR1, false, true, EXIT_TERMINATED}, {SIGUSR2, false, true, EXIT_TERMINATED},
    {SIGALRM, false, true, EXIT_TERMINATED}, {SIGVTALRM, false, true, EXIT_TERMINATED},
    {SIGPROF, false, true, EXIT_TERMINATED}, {SIGXCPU, false, true, EXIT_TERMINATED},
    {SIGPWR, false, true, EXIT_TERMINATED},  {SIGIO, false, true, EXIT_TERMINATED},
};

struct live_signals {
    struct live_world *live;
    struct reactor_watch watch;
    sigset_t ours;
    sigset_t mask_before;
    struct sigaction pipe_before;
    bool came;
    int64_t came_monotonic_ns;
    uint64_t requests_before; /* it came */
};

/*
 * Closer together than a person presses a key twice, two signals are one that came on two ways: timeout(1) sends its signal to the
 * program and to its group, and whoever runs the program may pass on what the terminal sent to all. Not so when the clean-up has been
 * seen at work in between: a request of its has gone out.
 */
static const int64_t same_signal_ns = 100 * NS_PER_MS;

/* ---- The cut ------------------------------------------------------------------------------------------------------------ */

/* What the ledger still has open, one line each. */
struct open_intents {
    size_t count;
};

/* Columns of INTENTS_OPEN: label 0, price_nusd_per_hour 5, instance_id 8. */
static void say_open_intent(void *context, const struct store_value *columns, size_t count)
{
    struct open_intents *intents = context;
    intents->count++;
    if (count != 9 || columns[0].kind != STORE_TEXT || columns[5].kind != STORE_INT) {
        return;
    }
    char price_storage[48];
    struct buffer price;
    buffer_init_fixed(&price, price_storage, sizeof price_storage);
    decimal_append(&price, columns[5].integer, 9, 2);
    if (columns[8].kind == STORE_INT) {
        live_say("dumont: machine %lld may be left, at %s dollars per hour; remove it: dumont destroy %lld",
                 (long long)columns[8].integer, price_storage, (long long)columns[8].integer);
    } else {
        live_say("dumont: a machine labelled %.*s may be left, at %s dollars per hour; remove it: dumont reap --yes",
                 (int)columns[0].text.length, columns[0].text.at, price_storage);
    }
}

static void cut(struct live_world *live)
{
    struct open_intents intents = {0};
    note_log(&live->world, "error", "cut by a second signal: nothing more is cleaned up");
    live_say("dumont: cut by a second signal, nothing more is cleaned up");
    enum error_code code = live_store_ask_ledger(live, STORE_INTENTS_OPEN, say_open_intent, &intents);
    if (code != ERR_OK) {
        live_say("dumont: the ledger cannot be read, machines may be left; remove them: dumont reap --yes");
    }
    live->cut = code != ERR_OK || intents.count > 0 ? EXIT_MACHINE_LEFT : live->world.interrupted_by;
}

/* ---- Signals ------------------------------------------------------------------------------------------------------------ */

static size_t place_of(int number)
{
    size_t at = 0;
    while (at + 1 < ARRAY_LENGTH(caught) && caught[at].number != number) {
        at++;
    }
    return at;
}

static void signal_comes(struct live_signals *signals, int number)
{
    struct live_world *live = signals->live;
    size_t at = place_of(number);
    if (signals->came) {
        bool another = monotonic_now_ns() - signals->came_monotonic_ns > same_signal_ns ||
                       live_http_has_sent_after(live, signals->requests_before);
        if (another && caught[at].cuts && live->cut == EXIT_DONE) {
            cut(live);
        }
        return;
    }
    signals->came = true;
    signals->came_monotonic_ns = monotonic_now_ns();
    signals->requests_before = live->requests;
    live->world.interrupted_by = caught[at].means;
    if (live->main_task != NULL && !live->main_done.finished) {
        task_cancel(live->main_task);
    }
}

static void signals_are_ready(void *context, unsigned ready)
{
    (void)ready;
    struct live_signals *signals = context;
    struct signalfd_siginfo information;
    while (read(signals->watch.descriptor, &information, sizeof information) == (ssize_t)sizeof information) {
        signal_comes(signals, (int)information.ssi_signo);
    }
}

static void choose_signals(sigset_t *ours)
{
    (void)sigemptyset(ours);
    for (size_t i = 0; i < ARRAY_LENGTH(caught); i++) {
        struct sigaction now;
        bool is_ignored = sigaction(caught[i].number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
        if (!is_ignored || !caught[i].stays_ignored) {
            (void)sigaddset(ours, caught[i].number);
        }
    }
}

enum error_code live_signals_open(struct live_world *live, struct error *error)
{
    struct live_signals *signals = heap_alloc(live->heap, sizeof *signals);
    if (signals == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory for signals");
    }
    signals->live = live;
    choose_signals(&signals->ours);
    signals->watch = (struct reactor_watch){.ready = signals_are_ready, .context = signals};
    signals->watch.descriptor = signalfd(-1, &signals->ours, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals->watch.descriptor < 0 || !reactor_watch(live->reactor, &signals->watch, REACTOR_READ)) {
        (void)error_set(error, ERR_NOT_AVAILABLE, "signals cannot be watched: %s", strerror(errno));
        if (signals->watch.descriptor >= 0) {
            (void)close(signals->watch.descriptor);
        }
        heap_release(live->heap, signals);
        return ERR_NOT_AVAILABLE;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, &signals->pipe_before);
    (void)sigprocmask(SIG_BLOCK, &signals->ours, &signals->mask_before);
    live->signals = signals;
    return ERR_OK;
}

/* A signal that came too late to change anything must not kill the program when it is let through again. */
void live_signals_close(struct live_world *live)
{
    struct live_signals *signals = live->signals;
    if (signals == NULL) {
        return;
    }
    struct timespec at_once = {0};
    while (sigtimedwait(&signals->ours, NULL, &at_once) > 0) {
    }
    (void)sigprocmask(SIG_SETMASK, &signals->mask_before, NULL);
    (void)sigaction(SIGPIPE, &signals->pipe_before, NULL);
    reactor_unwatch(live->reactor, &signals->watch);
    (void)close(signals->watch.descriptor);
    heap_release(live->heap, signals);
    live->signals = NULL;
}
