#include "machine/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scripted_world.h"
#include "testing.h"

static struct scripted_world scripted;
static char folder[] = "/tmp/dumont-machine-XXXXXX";

/* A command to run, and what came of it. */
struct command {
    const char *text;
    const char *path;
    const char *contents;
    bool reuse;
    struct machine machine;
    enum error_code code;
    enum error_code second;
    struct error error;
    struct gpu_info gpu;
};

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

static void begin(struct command *command)
{
    machine_init(&command->machine, &scripted.world, 41803846, command->reuse, 30 * NS_PER_S);
    assert_true(machine_set_address(&command->machine, "ssh8.example.test", 13846));
}

static void run_twice(void *argument)
{
    struct command *command = argument;
    begin(command);
    command->code = machine_run(&command->machine, command->text, &command->error);
    if (command->code == ERR_OK) {
        command->second = machine_run(&command->machine, command->text, &command->error);
    }
    machine_close(&command->machine);
}

static void run_once(void *argument)
{
    struct command *command = argument;
    begin(command);
    command->code = machine_run(&command->machine, command->text, &command->error);
    machine_close(&command->machine);
}

static enum error_code run_scripted(struct command *command, struct scripted_step step)
{
    *command = (struct command){.text = "work"};
    scripted_command(&scripted, step);
    scripted_world_run(&scripted, run_once, command);
    return command->code;
}

/* ---- One command -------------------------------------------------------------------------------------------------------- */

/* A command's own failure is told from success, with its status and its first words, on one line. */
static void test_a_failed_command_says_how_it_failed(void **state)
{
    (void)state;
    struct command command;
    assert_int_equal(run_scripted(&command, (struct scripted_step){.out = "fine\n"}), ERR_OK);
    assert_string_equal(buffer_text(&command.machine.out), "fine\n");
    struct scripted_step bad = {.exit_status = 127, .err = "sh: work: \x1b[1mnot found\nmore\n"};
    assert_int_equal(run_scripted(&command, bad), ERR_COMMAND_FAILED);
    assert_int_equal(command.machine.exit_status, 127);
    assert_string_equal(command.error.message, "\"work\" ended with status 127: sh: work:  [1mnot found");
    assert_int_equal(scripted.commands_used, 2);
}

/* A full disk has a name of its own. */
static void test_a_full_disk_is_told_by_name(void **state)
{
    (void)state;
    struct command command;
    struct scripted_step full = {.exit_status = 1, .err = "sh: 1: cannot create x: No space left on device\n"};
    assert_int_equal(run_scripted(&command, full), ERR_DISK_FULL);
    full.exit_status = 0;
    assert_int_equal(run_scripted(&command, full), ERR_OK);
}

/* Output up to the limit is kept whole; beyond it the command's output is not understood, whatever its status. */
static void test_output_beyond_the_limit_is_an_error(void **state)
{
    (void)state;
    static char output[MACHINE_OUTPUT_SIZE + 1];
    struct command command;
    memset(output, 'x', sizeof output);
    output[MACHINE_OUTPUT_SIZE - 1] = '\0';
    assert_int_equal(run_scripted(&command, (struct scripted_step){.out = output}), ERR_OK);
    assert_int_equal(command.machine.out.length, MACHINE_OUTPUT_SIZE - 1);
    output[MACHINE_OUTPUT_SIZE - 1] = 'x';
    output[MACHINE_OUTPUT_SIZE] = '\0';
    assert_int_equal(run_scripted(&command, (struct scripted_step){.out = output}), ERR_OUTPUT_UNEXPECTED);
}

/* A connection that breaks is tried again a bounded number of times, with a pause before each. */
static void test_a_broken_connection_is_repeated_up_to_the_bound(void **state)
{
    (void)state;
    for (int failures = 0; failures <= MACHINE_ATTEMPTS; failures++) {
        int64_t began_ns = scripted.now_ns;
        size_t used = scripted.commands_used;
        for (int i = 0; i < failures; i++) {
            scripted_command(&scripted, (struct scripted_step){.fate = FATE_DROPPED});
        }
        struct command command = {.text = "work"};
        if (failures < MACHINE_ATTEMPTS) {
            scripted_command(&scripted, (struct scripted_step){.out = "fine\n"});
        }
        scripted_world_run(&scripted, run_once, &command);
        int made = failures < MACHINE_ATTEMPTS ? failures + 1 : MACHINE_ATTEMPTS;
        assert_int_equal(command.code, failures < MACHINE_ATTEMPTS ? ERR_OK : ERR_SSH_DROPPED);
        assert_int_equal(scripted.commands_used - used, made);
        assert_int_equal(scripted.now_ns - began_ns, (made - 1) * 5 * NS_PER_S);
        assert_int_equal(command.machine.sessions, made);
    }
    assert_int_equal(count_lines(&scripted.notes, "ssh-drop-mid-command", "gave up"), 1);
    assert_int_equal(count_lines(&scripted.notes, "ssh-drop-mid-command", "ran it again"), 1 + 2 + 3 + 3);
}

/* A host key that changed is nobody to try again with. */
static void test_a_changed_host_key_is_final(void **state)
{
    (void)state;
    struct command command = {.text = "work"};
    scripted_open(&scripted, (struct scripted_step){.fate = FATE_HOST_KEY_CHANGED});
    scripted_world_run(&scripted, run_once, &command);
    assert_int_equal(command.code, ERR_SSH_HOST_KEY_CHANGED);
    assert_int_equal(scripted.opens_used, 1);
}

/* An interruption ends a command, and the pause between two attempts of it. */
static void test_an_interruption_ends_a_command(void **state)
{
    (void)state;
    struct command command = {.text = "work"};
    scripted.cancel_at_ns = scripted.now_ns + 2 * NS_PER_S;
    scripted_command(&scripted, (struct scripted_step){.fate = FATE_DROPPED});
    int64_t began_ns = scripted.now_ns;
    scripted_world_run(&scripted, run_once, &command);
    assert_int_equal(command.code, ERR_INTERRUPTED);
    assert_int_equal(scripted.now_ns - began_ns, 2 * NS_PER_S);
}

/* Each command has a session of its own, or one session carries all; every session that was opened is closed in the history. */
static void test_sessions_are_reused_only_when_asked_for(void **state)
{
    (void)state;
    for (int reuse = 0; reuse <= 1; reuse++) {
        struct command command = {.text = "work", .reuse = reuse == 1};
        scripted_command(&scripted, (struct scripted_step){.out = ""});
        scripted_command(&scripted, (struct scripted_step){.out = ""});
        scripted_world_run(&scripted, run_twice, &command);
        assert_int_equal(command.second, ERR_OK);
        assert_int_equal(command.machine.sessions, reuse == 1 ? 1 : 2);
    }
    assert_int_equal(count_lines(&scripted.notes, "ssh.open", NULL), 3);
    assert_int_equal(count_lines(&scripted.notes, "ssh.close", NULL), 3);
    assert_int_equal(count_lines(&scripted.notes, "ssh.exec", NULL), 4);
}

static void probe(void *argument)
{
    struct command *command = argument;
    begin(command);
    command->code = machine_probe(&command->machine, scripted.now_ns + 5 * NS_PER_S, &command->error);
    machine_close(&command->machine);
}

/* A probe is one attempt, and wants a shell that really answers. */
static void test_a_probe_wants_an_answering_shell(void **state)
{
    (void)state;
    static const struct {
        struct scripted_step step;
        enum error_code code;
    } rows[] = {
        {{.out = "SSH_OK\nhost\n"}, ERR_OK},       {{.out = "SSH_OK\n", .exit_status = 1}, ERR_OUTPUT_UNEXPECTED},
        {{.out = ""}, ERR_OUTPUT_UNEXPECTED},      {{.out = "Welcome!\nSSH_OK\n"}, ERR_OUTPUT_UNEXPECTED},
        {{.fate = FATE_DROPPED}, ERR_SSH_DROPPED}, {{.never = true}, ERR_TIMED_OUT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct command command = {.text = NULL};
        scripted_command(&scripted, rows[i].step);
        scripted_world_run(&scripted, probe, &command);
        assert_int_equal(command.code, rows[i].code);
        assert_int_equal(scripted.commands_used, i + 1);
    }
}

/*
 * A connection that stands when the attempt's time is up has no time left for the command. That attempt failed, as any may; it is
 * not the end of the time for all of them.
 */
static void test_a_connection_at_the_last_moment_is_an_attempt_that_failed(void **state)
{
    (void)state;
    struct command probed = {.text = NULL};
    scripted_open(&scripted, (struct scripted_step){.delay_ns = 5 * NS_PER_S});
    scripted_world_run(&scripted, probe, &probed);
    assert_int_equal(probed.code, ERR_TIMED_OUT);
    struct command command = {.text = "work"};
    scripted_open(&scripted, (struct scripted_step){.delay_ns = 30 * NS_PER_S});
    scripted_command(&scripted, (struct scripted_step){.out = "fine\n"});
    scripted_world_run(&scripted, run_once, &command);
    assert_int_equal(command.code, ERR_OK);
    assert_int_equal(scripted.opens_used, 3);
    assert_int_equal(scripted.commands_used, 1);
}

/* An address is a name and a port, or it is refused. */
static void test_an_address_is_a_name_and_a_port(void **state)
{
    (void)state;
    struct machine machine;
    char name[MACHINE_HOST_SIZE + 1];
    memset(name, 'h', sizeof name);
    name[MACHINE_HOST_SIZE] = '\0';
    machine_init(&machine, &scripted.world, 7, false, NS_PER_S);
    assert_true(machine_set_address(&machine, "h", 65535));
    assert_false(machine_set_address(&machine, "h", 65536));
    assert_false(machine_set_address(&machine, "h", 0));
    assert_false(machine_set_address(&machine, "", 22));
    assert_false(machine_set_address(&machine, name, 22));
    assert_true(machine_set_address(&machine, name + 1, 22));
}

/* ---- The GPU's line ----------------------------------------------------------------------------------------------------- */

static void read_gpu(void *argument)
{
    struct command *command = argument;
    begin(command);
    command->code = machine_gpu_info(&command->machine, &command->gpu, &command->error);
    machine_close(&command->machine);
}

/* Name, memory in MiB and driver, of the first GPU; any other line is not understood. */
static void test_the_gpu_line_is_read_or_not_understood(void **state)
{
    (void)state;
    static char long_name[200];
    memset(long_name, 'N', sizeof long_name - 1);
    memcpy(long_name + 150, ", 5 MiB, 1", sizeof ", 5 MiB, 1");
    static const struct {
        const char *line;
        int64_t memory_mib; /* 0: not understood */
    } rows[] = {
        {"NVIDIA GeForce RTX 4090, 24564 MiB, 580.95.05\n", 24564},
        {"A100, 81920 MiB, 535.1\nA100, 81920 MiB, 535.1\n", 81920},
        {"T4, 15360 MiB, 535.1", 15360},
        {"", 0},
        {"\n", 0},
        {"NVIDIA-SMI has failed because it could not talk to the driver.\n", 0},
        {"NVIDIA GeForce RTX 4090, [N/A], 580.95.05\n", 0},
        {"NVIDIA GeForce RTX 4090, 24564, 580.95.05\n", 0},
        {"NVIDIA GeForce RTX 4090, 24564 MiBs, 580.95.05\n", 0},
        {"NVIDIA GeForce RTX 4090, 24564 GiB, 580.95.05\n", 0},
        {"NVIDIA GeForce RTX 4090, 0 MiB, 580.95.05\n", 0},
        {"NVIDIA GeForce RTX 4090, -5 MiB, 580.95.05\n", 0},
        {"NVIDIA GeForce RTX 4090, 99999999999999999999 MiB, 580.95.05\n", 0},
        {"NVIDIA GeForce RTX 4090, 1.5 MiB, 580.95.05\n", 0},
        {"NVIDIA GeForce RTX 4090,  MiB, 580.95.05\n", 0},
        {"NVIDIA GeForce RTX 4090,, 24564 MiB, 580.95.05\n", 0},
        {", 24564 MiB, 580.95.05\n", 0},
        {"NVIDIA GeForce RTX 4090, 24564 MiB\n", 0},
        {"NVIDIA GeForce RTX 4090, 24564 MiB, \n", 0},
        {"NVIDIA GeForce RTX 4090,\n24564 MiB, 580.95.05\n", 0},
        {"NVIDIA, 24564 MiB, 580.95.05.0123456789.0123456789.0123456789\n", 0},
        {long_name, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct command command = {.text = NULL};
        scripted.commands_used = scripted.command_count = 0;
        scripted_command(&scripted, (struct scripted_step){.out = rows[i].line});
        scripted_command(&scripted, (struct scripted_step){.out = "Filesystem\n"});
        scripted_world_run(&scripted, read_gpu, &command);
        assert_int_equal(command.code, rows[i].memory_mib > 0 ? ERR_OK : ERR_OUTPUT_UNEXPECTED);
        if (rows[i].memory_mib > 0) {
            assert_int_equal(command.gpu.memory_total_mib, rows[i].memory_mib);
            assert_true(command.gpu.name[0] != '\0' && strchr(command.gpu.driver_version, '\n') == NULL);
        }
    }
}

/* ---- Files, through the system's own sh ---------------------------------------------------------------------------------- */

/* Runs the built command as sshd would: as one argument of sh -c. The command reaches sh unquoted, through its environment. */
static void carry_out_by_sh(struct shell_session *session)
{
    char command[4096];
    assert_true(text_format(command, sizeof command, "%.*s", (int)session->command.length, session->command.at));
    assert_int_equal(setenv("DUMONT_TEST_COMMAND", command, 1), 0);
    FILE *pipe = popen("sh -c \"$DUMONT_TEST_COMMAND\" 2>/dev/null", "r");
    assert_non_null(pipe);
    char bytes[512];
    for (size_t count = 1; count > 0;) {
        count = fread(bytes, 1, sizeof bytes, pipe);
        buffer_append(session->out, bytes, count);
    }
    session->exit_status = pclose(pipe) >> 8;
}

static void write_and_read_back(void *argument)
{
    struct command *command = argument;
    begin(command);
    command->code = machine_create_file(&command->machine, command->path, command->contents, &command->error);
    if (command->code == ERR_OK) {
        command->code = machine_verify_file(&command->machine, command->path, command->contents, &command->error);
    }
    machine_close(&command->machine);
}

/* Whatever stands in a text or a path, sh writes exactly that. */
static void test_texts_and_paths_survive_the_shell(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "plain",    "it's", "''",         "'; echo gone; '", "$HOME `id` $(id)",         "a\\nb \\ c", "two\nlines\n",
        "%s %d %%", "-n",   "\"double\"", "\t*?[a]~#!&|;<>", "\xc3\xa9\xf0\x9f\x9a\x80", "",           "\n",
        "'",        "\\'",
    };
    static const char *const names[] = {"x", "with space", "it's", "deep/er/$x", "-dash", "\"q\"\n"};
    scripted.carry_out = carry_out_by_sh;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        char path[256];
        assert_true(text_format(path, sizeof path, "%s/%s", folder, names[i % ARRAY_LENGTH(names)]));
        struct command command = {.path = path, .contents = texts[i]};
        scripted_world_run(&scripted, write_and_read_back, &command);
        assert_int_equal(command.code, ERR_OK);
    }
}

/* A file that is not what was written is told so. */
static void test_a_file_that_differs_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *size, *contents;
        enum error_code code;
    } rows[] = {
        {"5\n", "hello", ERR_OK},           {"4\n", NULL, ERR_FILE_DIFFERS},      {"", NULL, ERR_FILE_DIFFERS},
        {"5\n", "hellO", ERR_FILE_DIFFERS}, {"5\n", "hello\n", ERR_FILE_DIFFERS}, {"5\n", "", ERR_FILE_DIFFERS}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct command command = {.path = "/data/x", .contents = "hello"};
        scripted.commands_used = scripted.command_count = 0;
        scripted_command(&scripted, (struct scripted_step){.out = ""});
        scripted_command(&scripted, (struct scripted_step){.out = rows[i].size});
        scripted_command(&scripted, (struct scripted_step){.out = rows[i].contents});
        scripted_world_run(&scripted, write_and_read_back, &command);
        assert_int_equal(command.code, rows[i].code);
    }
}

/* A text that does not fit a command is refused before anything is sent. */
static void test_a_text_too_long_for_a_command_is_refused(void **state)
{
    (void)state;
    static char text[4096];
    memset(text, 't', sizeof text - 1);
    struct command command = {.path = "/data/x", .contents = text};
    scripted_world_run(&scripted, write_and_read_back, &command);
    assert_int_equal(command.code, ERR_USAGE);
    assert_int_equal(scripted.opens_used, 0);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[64];
    return !text_format(command, sizeof command, "rm -r %s", folder) || system(command) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_a_failed_command_says_how_it_failed),
        LAW(test_a_full_disk_is_told_by_name),
        LAW(test_output_beyond_the_limit_is_an_error),
        LAW(test_a_broken_connection_is_repeated_up_to_the_bound),
        LAW(test_a_changed_host_key_is_final),
        LAW(test_an_interruption_ends_a_command),
        LAW(test_sessions_are_reused_only_when_asked_for),
        LAW(test_a_probe_wants_an_answering_shell),
        LAW(test_a_connection_at_the_last_moment_is_an_attempt_that_failed),
        LAW(test_an_address_is_a_name_and_a_port),
        LAW(test_the_gpu_line_is_read_or_not_understood),
        LAW(test_texts_and_paths_survive_the_shell),
        LAW(test_a_file_that_differs_is_told),
        LAW(test_a_text_too_long_for_a_command_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
