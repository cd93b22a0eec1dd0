#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reactor/clock_page.h"
#include "system/files.h"
#include "world/live_place.h"
#include "world/note.h"

static int set_up(void **state)
{
    struct live_place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    live_place_make(place);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    live_place_remove(*state);
    free(*state);
    return 0;
}

/* ---- Time --------------------------------------------------------------------------------------------------------------- */

struct nap {
    struct world *world;
    int64_t duration_ns;
    int64_t slept_ns;
    enum error_code code;
};

static void take_a_nap(void *argument)
{
    struct nap *nap = argument;
    int64_t before_ns = world_now_ns(nap->world);
    nap->code = world_sleep_until(nap->world, before_ns + nap->duration_ns);
    nap->slept_ns = world_now_ns(nap->world) - before_ns;
}

static void test_a_sleep_lasts_at_least_as_long_as_was_asked(void **state)
{
    struct live_place *place = *state;
    live_place_open(place);
    struct nap nap = {.world = place->world, .duration_ns = 2 * NS_PER_MS};
    live_place_run(place, take_a_nap, &nap);
    assert_int_equal(nap.code, ERR_OK);
    assert_true(nap.slept_ns >= nap.duration_ns);
}

static void test_an_hour_on_a_fast_stage_takes_its_share_of_real_time(void **state)
{
    struct live_place *place = *state;
    char path[128];
    struct clock_page *page;
    struct wall_time epoch = {INT64_C(1767381138) * NS_PER_S};
    assert_int_equal(clock_page_create(place->heap, live_place_path(place, path, sizeof path, "clock"), epoch,
                                       CLOCK_SPEED_MOST_MILLI, &page, &place->error),
                     ERR_OK);
    place->options.clock_page_path = path;
    live_place_open(place);
    struct nap nap = {.world = place->world, .duration_ns = NS_PER_HOUR};
    int64_t before_ns = monotonic_now_ns();
    live_place_run(place, take_a_nap, &nap);
    assert_true(nap.slept_ns >= NS_PER_HOUR);
    assert_true(monotonic_now_ns() - before_ns < 60 * NS_PER_S);
    assert_true(world_wall_now(place->world).unix_ns >= epoch.unix_ns + NS_PER_HOUR);
    live_place_close(place);
    clock_page_close(page);
}

/* ---- Opening ------------------------------------------------------------------------------------------------------------ */

static void assert_refused(struct live_place *place, enum error_code expected, const char *part)
{
    int descriptors = count_descriptors();
    assert_int_equal(live_world_open(&place->options, &place->live, &place->error), expected);
    assert_non_null(strstr(place->error.message, part));
    assert_null(place->live);
    assert_int_equal(count_descriptors(), descriptors);
}

static void test_a_world_that_cannot_be_opened_says_which_file_is_to_blame(void **state)
{
    struct live_place *place = *state;
    place->options.clock_page_path = "/nowhere/clock";
    assert_refused(place, ERR_INPUT_UNREADABLE, "/nowhere/clock");
    place->options.clock_page_path = NULL;
    place->options.history_path = "/nowhere/history.jsonl";
    assert_refused(place, ERR_CANNOT_WRITE, "/nowhere/history.jsonl");
    place->options.history_path = NULL;
    place->options.state_folder = "/dev/null/state";
    assert_refused(place, ERR_CANNOT_WRITE, "/dev/null/state");
    place->options.state_folder = place->folder;
    char path[128];
    assert_int_equal(mkdir(live_place_path(place, path, sizeof path, "ledger.sqlite"), 0700), 0);
    assert_refused(place, ERR_LEDGER_UNWRITABLE, "ledger.sqlite");
}

/* ---- History ------------------------------------------------------------------------------------------------------------ */

static void note_two_things(void *argument)
{
    struct world *world = argument;
    world_hide(world, "sesame-open-12345");
    note_log(world, "info", "the word is sesame-open-12345");
    note_log(world, "warning", "second");
}

static void keep_kinds(void *context, const struct history_event *event)
{
    struct buffer *seen = context;
    buffer_printf(seen, "%s %.*s\n", event->kind, (int)event->data.length, event->data.at);
}

static void test_each_event_is_in_the_file_and_told_at_once_with_its_secrets_hidden(void **state)
{
    struct live_place *place = *state;
    char path[128];
    struct buffer seen;
    struct buffer file;
    buffer_init(&seen, place->heap, 4096);
    buffer_init(&file, place->heap, 4096);
    place->options.history_path = live_place_path(place, path, sizeof path, "history.jsonl");
    place->options.noted = keep_kinds;
    place->options.noted_context = &seen;
    live_place_open(place);
    live_place_run(place, note_two_things, place->world);
    assert_int_equal(file_read(path, &file, &place->error), ERR_OK);
    assert_string_equal(buffer_text(&file), buffer_text(&place->history.text));
    assert_null(strstr(buffer_text(&file), "sesame"));
    assert_non_null(strstr(buffer_text(&seen), "the word is [hidden]"));
    assert_non_null(strstr(buffer_text(&seen), "second"));
    assert_false(live_world_history_cut(place->live));
    buffer_release(&seen);
    buffer_release(&file);
}

static void test_a_history_that_cannot_be_written_does_not_stop_the_run(void **state)
{
    struct live_place *place = *state;
    place->options.history_path = "/dev/full";
    live_place_open(place);
    live_place_run(place, note_two_things, place->world);
    assert_true(live_world_history_cut(place->live));
    assert_non_null(strstr(buffer_text(&place->history.text), "second"));
}

/* ---- Random ------------------------------------------------------------------------------------------------------------- */

static uint64_t draw(struct live_place *place)
{
    live_place_open(place);
    uint64_t bits = world_random_bits(place->world, RANDOM_LABEL, 1, 2);
    assert_int_equal(bits, world_random_bits(place->world, RANDOM_LABEL, 1, 2));
    assert_int_not_equal(bits, world_random_bits(place->world, RANDOM_LABEL, 1, 3));
    live_place_close(place);
    return bits;
}

static void test_draws_differ_from_life_to_life_unless_a_seed_was_given(void **state)
{
    struct live_place *place = *state;
    assert_int_not_equal(draw(place), draw(place));
    place->options.has_seed = true;
    place->options.seed = 7;
    assert_int_equal(draw(place), draw(place));
}

/* ---- Locks -------------------------------------------------------------------------------------------------------------- */

/* Whether another process gets the lock. It tells by a byte, not by its status, which valgrind takes for what it finds itself. */
static bool other_process_locks(struct live_place *place, const char *name)
{
    char path[192];
    char file[96];
    (void)text_format(file, sizeof file, "run-%s.lock", name);
    (void)live_place_path(place, path, sizeof path, file);
    int answer[2];
    assert_int_equal(pipe(answer), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct file_lock lock;
        struct error error;
        char told = file_lock(path, &lock, &error) == ERR_OK ? 'y' : 'n';
        _exit(write(answer[1], &told, 1) == 1 ? 0 : 1);
    }
    char told = '\0';
    int status;
    assert_int_equal(read(answer[0], &told, 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(answer[0]);
    (void)close(answer[1]);
    return told == 'y';
}

static void test_a_lock_keeps_others_out_until_it_is_given_back(void **state)
{
    struct live_place *place = *state;
    char path[128];
    live_place_open(place);
    assert_true(world_lock(place->world, "abc"));
    assert_true(world_lock(place->world, "abc"));
    assert_false(other_process_locks(place, "abc"));
    assert_true(other_process_locks(place, "other"));
    world_unlock(place->world, "abc");
    assert_int_equal(access(live_place_path(place, path, sizeof path, "run-abc.lock"), F_OK), -1);
    assert_true(other_process_locks(place, "abc"));
    assert_false(world_lock(place->world, "../abc"));
    assert_true(world_lock(place->world, "left behind"));
    live_place_close(place);
    assert_int_equal(access(live_place_path(place, path, sizeof path, "run-left behind.lock"), F_OK), -1);
}

/* ---- Store -------------------------------------------------------------------------------------------------------------- */

struct statements {
    struct world *world;
    struct store_result added;
    struct store_result events;
    size_t rows;
};

static void count_row(void *context, const struct store_value *columns, size_t count)
{
    (void)columns;
    (void)count;
    (*(size_t *)context)++;
}

static void add_an_intent(struct world *world, struct store_result *result)
{
    struct store_value values[] = {
        store_text("dumont-x"), store_text("run"),  store_text("check"), store_int(1),
        store_int(2),           store_int(1000000), store_int(5),
    };
    enum error_code code = world_store(world, STORE_INTENT_ADD, values, ARRAY_LENGTH(values), NULL, NULL, result,
                                       world_deadline_ns(world, NS_PER_S));
    assert_int_equal(code, result->code);
}

static void use_both_stores(void *argument)
{
    struct statements *statements = argument;
    struct world *world = statements->world;
    add_an_intent(world, &statements->added);
    struct store_result result;
    int64_t deadline_ns = world_deadline_ns(world, NS_PER_S);
    enum error_code code =
        world_store(world, STORE_INTENTS_OPEN, NULL, 0, count_row, &statements->rows, &result, deadline_ns);
    assert_int_equal(code, ERR_OK);
    code =
        world_store(world, STORE_SUBSCRIBERS, NULL, 0, count_row, &statements->rows, &statements->events, deadline_ns);
    assert_int_not_equal(code, ERR_OK);
}

static void test_the_ledger_works_whatever_the_events_store_is(void **state)
{
    static const struct {
        const char *url;
        enum error_code expected;
    } stores[] = {
        {NULL, ERR_STORE_TABLE_MISSING},
        {"sqlite:/dev/null/events.sqlite", ERR_STORE_UNAVAILABLE},
        {"nonsense:", ERR_STORE_UNAVAILABLE},
        {"postgresql://127.0.0.1:1/dumont", ERR_STORE_UNAVAILABLE}, /* nobody listens there */
        {"postgresql://a:b@c@d/e", ERR_STORE_UNAVAILABLE},          /* no such form */
    };
    struct live_place *place = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(stores); i++) {
        char path[128];
        place->options.events_url = stores[i].url;
        live_place_open(place);
        struct statements statements = {.world = place->world};
        live_place_run(place, use_both_stores, &statements);
        assert_int_equal(statements.added.code, ERR_OK);
        assert_int_equal(statements.rows, 1);
        assert_int_equal(statements.events.code, stores[i].expected);
        live_place_close(place);
        assert_int_equal(unlink(live_place_path(place, path, sizeof path, "ledger.sqlite")), 0);
    }
}

/* ---- Signals ------------------------------------------------------------------------------------------------------------ */

struct patient {
    struct world *world;
    enum error_code code;
    bool shielded;   /* holds out in a shield after the first signal */
    bool has_intent; /* with a create on the books */
    int64_t pause_ns;
    int second; /* signal that it sends itself then */
    bool cleaned_up;
};

static void wait_for_signals(void *argument)
{
    struct patient *patient = argument;
    if (patient->has_intent) {
        struct store_result result;
        add_an_intent(patient->world, &result);
    }
    patient->code = world_sleep_until(patient->world, world_deadline_ns(patient->world, 60 * NS_PER_S));
    if (patient->shielded) {
        struct shield shield =
            task_shield_begin(patient->world->scheduler, world_deadline_ns(patient->world, NS_PER_S));
        (void)task_wait(patient->world->scheduler, NULL, world_deadline_ns(patient->world, patient->pause_ns));
        (void)raise(patient->second);
        (void)task_wait(patient->world->scheduler, NULL, world_deadline_ns(patient->world, 20 * NS_PER_MS));
        task_shield_end(patient->world->scheduler, shield);
    }
    patient->cleaned_up = true;
}

static void test_the_first_signal_cancels_and_lets_clean_up(void **state)
{
    static const struct {
        int signal;
        enum exit_status status;
    } signals[] = {{SIGINT, EXIT_INTERRUPTED}, {SIGTERM, EXIT_TERMINATED}, {SIGHUP, EXIT_TERMINATED}};
    struct live_place *place = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
        (void)signal(signals[i].signal,
                     SIG_DFL); /* whoever started the test may ignore it (nohup), and then so does the world */
        live_place_open(place);
        struct patient patient = {.world = place->world};
        (void)raise(signals[i].signal);
        live_place_run(place, wait_for_signals, &patient);
        assert_int_equal(patient.code, ERR_INTERRUPTED);
        assert_true(patient.cleaned_up);
        assert_int_equal(place->world->interrupted_by, signals[i].status);
        live_place_close(place);
    }
}

/* Standard error into a file of the place, while `patient` is cut. */
static enum exit_status run_and_read(struct live_place *place, struct patient *patient, struct buffer *said)
{
    char path[128];
    (void)live_place_path(place, path, sizeof path, "said");
    int before = dup(STDERR_FILENO);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(before >= 0 && file >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    enum exit_status status = live_world_run(place->live, wait_for_signals, patient);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    (void)close(file);
    (void)close(before);
    assert_int_equal(file_read(path, said, &place->error), ERR_OK);
    return status;
}

static void test_a_second_signal_cuts_and_says_what_may_be_left(void **state)
{
    static const struct {
        int first, second;
        int64_t pause_ms;
        bool has_intent;
        enum exit_status status;
        bool cleaned_up;
    } cases[] = {
        {SIGINT, SIGINT, 150, false, EXIT_INTERRUPTED, false},
        {SIGTERM, SIGINT, 150, false, EXIT_TERMINATED, false},
        {SIGINT, SIGTERM, 150, true, EXIT_MACHINE_LEFT, false},
        {SIGHUP, SIGHUP, 150, false, EXIT_DONE, true}, /* a lost terminal may bring several */
        {SIGINT, SIGINT, 0, false, EXIT_DONE, true},   /* one that came on two ways */
    };
    struct live_place *place = *state;
    struct buffer said;
    buffer_init(&said, place->heap, 4096);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        live_place_open(place);
        buffer_clear(&said);
        struct patient patient = {.world = place->world,
                                  .shielded = true,
                                  .pause_ns = cases[i].pause_ms * NS_PER_MS,
                                  .second = cases[i].second,
                                  .has_intent = cases[i].has_intent};
        (void)raise(cases[i].first);
        assert_int_equal(run_and_read(place, &patient, &said), cases[i].status);
        assert_int_equal(patient.cleaned_up, cases[i].cleaned_up);
        assert_int_equal(strstr(buffer_text(&said), "cut") != NULL, cases[i].status != EXIT_DONE);
        assert_int_equal(strstr(buffer_text(&place->history.text), "cut by a second signal") != NULL, i < 3);
        history_release(&place->history);
        history_init(&place->history, place->heap);
        assert_int_equal(strstr(buffer_text(&said), "dumont reap --yes") != NULL, cases[i].has_intent);
        live_place_close(place);
    }
    buffer_release(&said);
}

static void test_signals_are_what_they_were_after_the_world_is_closed(void **state)
{
    struct live_place *place = *state;
    sigset_t before;
    sigset_t after;
    (void)sigemptyset(&before);
    (void)sigemptyset(&after);
    struct sigaction pipe_action;
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &before), 0);
    live_place_open(place);
    assert_int_equal(sigaction(SIGPIPE, NULL, &pipe_action), 0);
    assert_true(pipe_action.sa_handler == SIG_IGN);
    (void)raise(SIGTERM); /* comes too late to be anything but forgotten */
    live_place_close(place);
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &after), 0);
    for (int number = 1; number <= SIGRTMAX; number++) {
        assert_int_equal(sigismember(&before, number), sigismember(&after, number));
    }
    assert_int_equal(sigaction(SIGPIPE, NULL, &pipe_action), 0);
    assert_true(pipe_action.sa_handler == SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_sleep_lasts_at_least_as_long_as_was_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_hour_on_a_fast_stage_takes_its_share_of_real_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_world_that_cannot_be_opened_says_which_file_is_to_blame, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_each_event_is_in_the_file_and_told_at_once_with_its_secrets_hidden, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_history_that_cannot_be_written_does_not_stop_the_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_draws_differ_from_life_to_life_unless_a_seed_was_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lock_keeps_others_out_until_it_is_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_ledger_works_whatever_the_events_store_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_first_signal_cancels_and_lets_clean_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_second_signal_cuts_and_says_what_may_be_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signals_are_what_they_were_after_the_world_is_closed, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("live world", tests, NULL, NULL);
}
