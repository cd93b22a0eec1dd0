/* A person's command on a machine: found, run at most once, and told by name when that fails. */
#include "journey/remote_run.h"

#include <string.h>

#include "scripted_world.h"
#include "testing.h"

static struct scripted_world scripted;

static int set_up(void **state)
{
    (void)state;
    scripted_world_open(&scripted);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scripted_world_close(&scripted);
    return 0;
}

#define SHOWN(members) "{\"instances\":{\"id\":7," members "}}"
#define RUNNING "\"actual_status\":\"running\",\"ssh_host\":\"ssh8.example.test\",\"ssh_port\":13846"
#define GONE "{\"instances\":null}"

struct run {
    struct remote_run_options options;
    struct remote_run_result result;
    char out[64], err[64];
    enum exit_status status;
};

static void procedure(void *argument)
{
    struct run *run = argument;
    run->status = remote_run(&scripted.world, &run->options, &run->result);
}

static enum exit_status run_it(struct run *run)
{
    *run = (struct run){.options = {.access = {"https://vast.example", "key-of-this-test"},
                                    .instance_id = 7,
                                    .command = {"work", 4},
                                    .limit_ns = 60 * NS_PER_S}};
    buffer_init_fixed(&run->result.out, run->out, sizeof run->out);
    buffer_init_fixed(&run->result.err, run->err, sizeof run->err);
    scripted_world_run(&scripted, procedure, run);
    return run->status;
}

static void show(const char *body)
{
    scripted_reply(&scripted, (struct scripted_reply){.status = 200, .body = body});
}

static int reports(const char *code)
{
    char name[64];
    assert_true(text_format(name, sizeof name, "\"code\":\"%s\"", code));
    return count_lines(&scripted.notes, "client.report", name);
}

/* The status of the process is the command's, which runs once. */
static void test_the_status_is_the_commands_own(void **state)
{
    (void)state;
    struct run run;
    show(SHOWN(RUNNING));
    scripted_command(&scripted,
                     (struct scripted_step){.out = "out", .err = "err", .exit_status = 77, .delay_ns = 3 * NS_PER_S});
    assert_int_equal(run_it(&run), 77);
    assert_true(run.result.ran);
    assert_int_equal(run.result.duration_ns, 3 * NS_PER_S);
    assert_string_equal(buffer_text(&run.result.out), "out");
    assert_string_equal(buffer_text(&run.result.err), "err");
    assert_int_equal(count_lines(&scripted.notes, "work", NULL), 0);
}

/* A machine that cannot be reached is told by its state, and nothing is tried. */
static void test_a_machine_without_a_way_to_it_is_told_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *shown;
        const char *code;
    } rows[] = {
        {GONE, "machine_gone"},
        {SHOWN("\"actual_status\":\"loading\""), "machine_not_running"},
        {SHOWN("\"actual_status\":null"), "machine_not_running"},
        {SHOWN("\"actual_status\":\"exited\""), "machine_not_running"},
        {SHOWN("\"actual_status\":\"offline\""), "machine_offline"},
        {SHOWN("\"actual_status\":\"running\""), "ssh_address_missing"},
        {SHOWN("\"actual_status\":\"running\",\"ssh_host\":\"h\",\"ssh_port\":0"), "ssh_address_missing"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct run run;
        int before = reports(rows[i].code);
        show(rows[i].shown);
        assert_int_equal(run_it(&run), EXIT_FAILED);
        assert_int_equal(reports(rows[i].code), before + 1);
        assert_int_equal(scripted.opens_used, 0);
    }
}

/* A connection that breaks amid the command says nothing of it: it is not sent again. */
static void test_a_command_is_never_sent_twice(void **state)
{
    (void)state;
    struct run run;
    show(SHOWN(RUNNING));
    show(SHOWN(RUNNING)); /* looked at once more, for a better reason */
    scripted_command(&scripted, (struct scripted_step){.fate = FATE_DROPPED});
    assert_int_equal(run_it(&run), EXIT_FAILED);
    assert_int_equal(reports("ssh_dropped"), 1);
    assert_int_equal(scripted.commands_used, 1);
    assert_false(run.result.ran);
}

/* When the machine went meanwhile, that is what happened. */
static void test_a_machine_that_went_is_the_reason(void **state)
{
    (void)state;
    struct run run;
    show(SHOWN(RUNNING));
    show(GONE);
    scripted_command(&scripted, (struct scripted_step){.fate = FATE_DROPPED});
    assert_int_equal(run_it(&run), EXIT_FAILED);
    assert_int_equal(reports("machine_gone"), 1);
}

/* Until the command has begun, connecting is tried again. */
static void test_connecting_is_tried_again(void **state)
{
    (void)state;
    struct run run;
    show(SHOWN(RUNNING));
    scripted_open(&scripted, (struct scripted_step){.fate = FATE_REFUSED});
    scripted_open(&scripted, (struct scripted_step){.fate = FATE_CLOSED_EARLY});
    scripted_command(&scripted, (struct scripted_step){.exit_status = 0});
    assert_int_equal(run_it(&run), EXIT_DONE);
    assert_int_equal(scripted.opens_used, 3);
}

/* A command that does not end in time is a deadline that passed, whatever the machine does. */
static void test_a_limit_ends_it(void **state)
{
    (void)state;
    struct run run;
    show(SHOWN(RUNNING));
    scripted_command(&scripted, (struct scripted_step){.never = true});
    int64_t began_ns = scripted.now_ns;
    assert_int_equal(run_it(&run), EXIT_DEADLINE);
    assert_true(scripted.now_ns - began_ns >= 60 * NS_PER_S);
    assert_int_equal(scripted.shell_abandoned, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_the_status_is_the_commands_own), LAW(test_a_machine_without_a_way_to_it_is_told_by_name),
        LAW(test_a_command_is_never_sent_twice),  LAW(test_a_machine_that_went_is_the_reason),
        LAW(test_connecting_is_tried_again),      LAW(test_a_limit_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
