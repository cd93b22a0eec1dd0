#include "testing.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "system/files.h"
#include "world/live_place.h"
#include "world/scripted_server.h"
#include "world/ssh_stage.h"

/* ---- What libssh opens -------------------------------------------------------------------------------------------------- */

enum { OPENED_SIZE = 8192 };

static char opened[OPENED_SIZE];

/* These two stand before the C library's, for libssh too, and keep the paths that were opened. */
__attribute__((visibility("default"))) int open(const char *path, int flags, ...);
__attribute__((visibility("default"))) FILE *fopen(const char *path, const char *mode);

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    size_t length = strlen(opened);
    (void)snprintf(opened + length, sizeof opened - length, "%s\n", path);
    return openat(AT_FDCWD, path, flags, (mode_t)mode);
}

FILE *fopen(const char *path, const char *mode)
{
    int flags = mode[0] == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
    int descriptor = open(path, flags | O_CLOEXEC, 0666);
    return descriptor < 0 ? NULL : fdopen(descriptor, mode);
}

/* ---- The scene ---------------------------------------------------------------------------------------------------------- */

enum { OUTPUT_LIMIT = 16 * 1024 * 1024, PATH_SIZE = 128 };

struct scene {
    struct live_place place;
    struct ssh_stage stage;
    char key_path[PATH_SIZE];
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    live_place_make(&scene->place);
    (void)live_place_path(&scene->place, scene->key_path, PATH_SIZE, "id_account");
    ssh_stage_make(&scene->stage, scene->key_path);
    scene->place.options.ssh_key_path = scene->key_path;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    ssh_stage_release(&scene->stage);
    live_place_remove(&scene->place);
    free(scene);
    return 0;
}

/* A session with one command, run to its end. */
struct call {
    struct world *world;
    struct heap *heap;
    struct shell_target target;
    struct span command;
    struct span input;
    size_t output_limit;
    int64_t limit_ns;
    enum error_code opened;
    enum error_code ran;
    int exit_status;
    struct buffer out;
    struct buffer err;
};

static struct call call_of(struct scene *scene, const char *command)
{
    return (struct call){
        .world = scene->place.world,
        .heap = scene->place.heap,
        .target = {.host = "127.0.0.1", .port = scene->stage.port, .instance_id = 7001},
        .command = span_of(command),
        .input = {"", 0},
        .output_limit = OUTPUT_LIMIT,
        .limit_ns = 30 * NS_PER_S,
    };
}

static void do_call(void *argument)
{
    struct call *call = argument;
    struct shell_session session;
    buffer_init(&call->out, call->heap, call->output_limit);
    buffer_init(&call->err, call->heap, call->output_limit);
    int64_t deadline_ns = world_deadline_ns(call->world, call->limit_ns);
    call->opened = shell_open(call->world, &session, &call->target, deadline_ns);
    if (call->opened == ERR_OK && call->command.length > 0) {
        call->ran = shell_run(call->world, &session, call->command, call->input, &call->out, &call->err, deadline_ns);
        call->exit_status = session.exit_status;
    }
    if (call->opened == ERR_OK) {
        shell_close(call->world, &session);
    }
}

static void release(struct call *call)
{
    buffer_release(&call->out);
    buffer_release(&call->err);
}

/* Opens, runs, closes, and counts blocks of memory twice, so that what is left behind would show. */
static void run_call(struct scene *scene, struct call *call)
{
    live_place_run(&scene->place, do_call, call);
}

/* ---- Before a session stands -------------------------------------------------------------------------------------------- */

static void test_every_way_in_which_a_session_fails_to_open_is_its_fate(void **state)
{
    static const struct {
        const char *what;
        struct server_step steps[4];
        enum transport_fate fate;
        int64_t limit_ns;
    } cases[] = {
        {"accepts, reads, closes", {READ_SOME, END}, FATE_CLOSED_EARLY, 0},
        {"reset", {READ_SOME, RESET}, FATE_RESET, 0},
        {"silent", {HANG}, FATE_BANNER_SILENT, 100 * NS_PER_MS},
        {"greets and is silent", {WRITE("SSH-2.0-OpenSSH_9.2p1\r\n"), HANG}, FATE_SILENT, 100 * NS_PER_MS},
        {"greets and closes", {WRITE("SSH-2.0-OpenSSH_9.2p1\r\n"), READ_SOME, END}, FATE_CLOSED_EARLY, 0},
        {"no SSH", {WRITE("HTTP/1.1 400 Bad Request\r\n\r\n"), HANG}, FATE_MALFORMED, 100 * NS_PER_MS},
        {"no SSH, closes", {WRITE("HTTP/1.1 400 Bad Request\r\n\r\n"), READ_SOME, END}, FATE_MALFORMED, 0},
        {"greets, then garbage",
         {WRITE("SSH-2.0-OpenSSH_9.2p1\r\n"
                "garbage that is no packet, and long enough to be one of them"),
          HANG},
         FATE_MALFORMED,
         0},
    };
    struct scene *scene = *state;
    live_place_open(&scene->place);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct scripted_server server = {0};
        server_script(&server, cases[i].steps);
        server_start(&server);
        struct call call = call_of(scene, "");
        call.target.port = server.port;
        call.limit_ns = cases[i].limit_ns == 0 ? call.limit_ns : cases[i].limit_ns;
        run_call(scene, &call);
        if (call.opened != fate_error(cases[i].fate)) {
            fail_msg("%s: %s", cases[i].what, error_name(call.opened));
        }
        server_stop(&server);
        release(&call);
    }
    live_place_close(&scene->place);
}

static void test_a_machine_that_is_not_there_is_refused_unreachable_or_unknown(void **state)
{
    static const struct {
        const char *host;
        enum transport_fate fate;
    } cases[] = {
        {"127.0.0.1", FATE_REFUSED},
        {"localhost", FATE_REFUSED},
        {"224.0.0.1", FATE_UNREACHABLE},
        {"a-label-of-more-than-sixty-three-characters-is-none-in-any-name-service.invalid", FATE_NAME_UNKNOWN},
    };
    struct scene *scene = *state;
    int descriptor;
    int port = refusing_port(&descriptor);
    live_place_open(&scene->place);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct call call = call_of(scene, "");
        call.target.host = cases[i].host;
        call.target.port = port;
        run_call(scene, &call);
        if (call.opened != fate_error(cases[i].fate)) {
            fail_msg("%s: %s", cases[i].host, error_name(call.opened));
        }
        release(&call);
    }
    struct call call = call_of(scene, "");
    call.target.port = 70000;
    run_call(scene, &call);
    assert_int_equal(call.opened, ERR_UNREACHABLE);
    release(&call);
    live_place_close(&scene->place);
    (void)close(descriptor);
}

static void test_a_key_that_the_machine_does_not_know_is_denied(void **state)
{
    struct scene *scene = *state;
    scene->stage.denies_everyone = true;
    ssh_stage_start(&scene->stage);
    live_place_open(&scene->place);
    struct call call = call_of(scene, "true");
    run_call(scene, &call);
    assert_int_equal(call.opened, ERR_SSH_KEY_DENIED);
    release(&call);
    live_place_close(&scene->place);
    scene->place.options.ssh_key_path = NULL; /* without a key at all, too */
    live_place_open(&scene->place);
    call = call_of(scene, "true");
    run_call(scene, &call);
    assert_int_equal(call.opened, ERR_SSH_KEY_DENIED);
    release(&call);
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
}

/* ---- Commands ----------------------------------------------------------------------------------------------------------- */

static void test_a_command_gives_both_outputs_and_its_exit_status(void **state)
{
    static const struct {
        const char *command, *input, *out, *err;
        int exit_status;
    } cases[] = {
        {"echo 'SSH_OK'", "", "SSH_OK\n", "", 0},
        {"cat; echo oops >&2; exit 7", "some input", "some input", "oops\n", 7},
        {"exit 255", "", "", "", 255},
        {"no-such-command-at-all 2>/dev/null", "", "", "", 127},
        {"KILLED", "", "", "", 128 + 9},
        {"printf 'a b\\tc \"%s\"' \"it's $((1 + 2))\"", "", "a b\tc \"it's 3\"", "", 0},
    };
    struct scene *scene = *state;
    ssh_stage_start(&scene->stage);
    live_place_open(&scene->place);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct call call = call_of(scene, cases[i].command);
        call.input = span_of(cases[i].input);
        run_call(scene, &call);
        assert_int_equal(call.opened, ERR_OK);
        assert_int_equal(call.ran, ERR_OK);
        assert_string_equal(buffer_text(&call.out), cases[i].out); /* the server's banner is not in it */
        assert_string_equal(buffer_text(&call.err), cases[i].err);
        assert_int_equal(call.exit_status, cases[i].exit_status);
        release(&call);
    }
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
}

static void test_a_connection_that_ends_during_a_command_is_dropped(void **state)
{
    struct scene *scene = *state;
    ssh_stage_start(&scene->stage);
    live_place_open(&scene->place);
    static const char *const commands[] = {"DROP", "LEAVE"};
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        struct call call = call_of(scene, commands[i]);
        run_call(scene, &call);
        assert_int_equal(call.opened, ERR_OK);
        assert_int_equal(call.ran, ERR_SSH_DROPPED);
        release(&call);
    }
    struct call call = call_of(scene, "HANG");
    call.limit_ns = NS_PER_S / 2;
    run_call(scene, &call);
    assert_int_equal(call.ran, ERR_TIMED_OUT);
    release(&call);
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
}

static void test_output_beyond_the_limit_is_lost_and_what_comes_before_is_not(void **state)
{
    struct scene *scene = *state;
    ssh_stage_start(&scene->stage);
    live_place_open(&scene->place);
    struct call call = call_of(scene, "printf 1234567890; printf abcdefgh >&2; exit 3");
    call.output_limit = 8;
    run_call(scene, &call);
    assert_int_equal(call.ran, ERR_OK);
    assert_int_equal(call.exit_status, 3);
    assert_string_equal(buffer_text(&call.out), "12345678");
    assert_true(call.out.failed);
    assert_string_equal(buffer_text(&call.err), "abcdefgh");
    assert_false(call.err.failed);
    release(&call);
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
}

static void fill(char *bytes, size_t size)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525U + 1013904223U;
        bytes[i] = (char)(state >> 24);
    }
}

static void test_ten_megabytes_pass_both_ways_unchanged(void **state)
{
    enum { SIZE = 10 * 1024 * 1024 };
    struct scene *scene = *state;
    char *bytes = malloc(SIZE);
    char sent[DIGEST_HEX_SIZE];
    char received[DIGEST_HEX_SIZE];
    assert_non_null(bytes);
    fill(bytes, SIZE);
    ssh_stage_start(&scene->stage);
    live_place_open(&scene->place);
    struct call call = call_of(scene, "cat; md5sum </dev/null >&2");
    call.input = (struct span){bytes, SIZE};
    run_call(scene, &call);
    assert_int_equal(call.ran, ERR_OK);
    assert_int_equal(call.out.length, SIZE);
    assert_true(digest_of(scene->place.heap, DIGEST_SHA256, bytes, SIZE, sent));
    assert_true(digest_of(scene->place.heap, DIGEST_SHA256, call.out.data, call.out.length, received));
    assert_string_equal(sent, received);
    assert_string_equal(buffer_text(&call.err), "d41d8cd98f00b204e9800998ecf8427e  -\n");
    release(&call);
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
    free(bytes);
}

/* ---- Sessions ----------------------------------------------------------------------------------------------------------- */

enum { MANY = 20 };

struct crowd {
    struct world *world;
    struct call calls[MANY];
    struct completion ended[MANY];
};

static void call_all_at_once(void *argument)
{
    struct crowd *crowd = argument;
    for (size_t i = 0; i < MANY; i++) {
        assert_non_null(task_start(crowd->world->scheduler, do_call, &crowd->calls[i], &crowd->ended[i]));
    }
    for (size_t i = 0; i < MANY; i++) {
        (void)task_wait(crowd->world->scheduler, &crowd->ended[i], world_deadline_ns(crowd->world, 60 * NS_PER_S));
    }
}

static void test_twenty_sessions_at_once_are_kept_apart(void **state)
{
    struct scene *scene = *state;
    char commands[MANY][32];
    char inputs[MANY][32];
    struct crowd *crowd = calloc(1, sizeof *crowd);
    assert_non_null(crowd);
    ssh_stage_start(&scene->stage);
    live_place_open(&scene->place);
    crowd->world = scene->place.world;
    for (size_t i = 0; i < MANY; i++) {
        (void)text_format(commands[i], sizeof commands[i], "cat; exit %zu", i);
        (void)text_format(inputs[i], sizeof inputs[i], "input of %zu", i);
        crowd->calls[i] = call_of(scene, commands[i]);
        crowd->calls[i].input = span_of(inputs[i]);
        crowd->calls[i].target.instance_id = (int64_t)i + 1;
    }
    live_place_run(&scene->place, call_all_at_once, crowd);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(crowd->calls[i].ran, ERR_OK);
        assert_int_equal(crowd->calls[i].exit_status, i);
        assert_string_equal(buffer_text(&crowd->calls[i].out), inputs[i]);
        release(&crowd->calls[i]);
    }
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
    free(crowd);
}

/* Three commands on one session, the last after the server has gone. */
struct long_stay {
    struct call call;
    enum error_code codes[3];
    int statuses[3];
};

static void stay(void *argument)
{
    static const char *const commands[] = {"exit 1", "exit 2", "DROP"};
    struct long_stay *visit = argument;
    struct call *call = &visit->call;
    struct shell_session session;
    char storage[64];
    struct buffer out;
    int64_t deadline_ns = world_deadline_ns(call->world, 20 * NS_PER_S);
    assert_int_equal(shell_open(call->world, &session, &call->target, deadline_ns), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        buffer_init_fixed(&out, storage, sizeof storage);
        visit->codes[i] = shell_run(call->world, &session, span_of(commands[i]), call->input, &out, &out, deadline_ns);
        visit->statuses[i] = session.exit_status;
    }
    shell_close(call->world, &session);
}

static void test_a_session_serves_one_command_after_the_other(void **state)
{
    struct scene *scene = *state;
    ssh_stage_start(&scene->stage);
    live_place_open(&scene->place);
    struct long_stay visit = {.call = call_of(scene, "")};
    live_place_run(&scene->place, stay, &visit);
    assert_int_equal(visit.codes[0], ERR_OK);
    assert_int_equal(visit.statuses[0], 1);
    assert_int_equal(visit.codes[1], ERR_OK);
    assert_int_equal(visit.statuses[1], 2);
    assert_int_equal(visit.codes[2], ERR_SSH_DROPPED);
    assert_int_equal(scene->stage.visits, 1);
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
}

static void test_sessions_leave_nothing_behind(void **state)
{
    struct scene *scene = *state;
    size_t blocks = 0;
    ssh_stage_start(&scene->stage);
    live_place_open(&scene->place);
    static const char *const commands[] = {"true", "DROP", "HANG", "LEAVE", "KILLED", ""};
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
            struct call call = call_of(scene, commands[i]);
            call.limit_ns = strcmp(commands[i], "HANG") == 0 ? NS_PER_S / 4 : call.limit_ns;
            run_call(scene, &call);
            release(&call);
        }
        assert_true(round == 0 || live_world_blocks(scene->place.live) == blocks);
        blocks = live_world_blocks(scene->place.live);
    }
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
}

static void test_no_configuration_of_the_user_or_the_system_is_read(void **state)
{
    struct scene *scene = *state;
    ssh_session careless = ssh_new();
    assert_int_equal(ssh_options_set(careless, SSH_OPTIONS_HOST, "machine"), SSH_OK);
    opened[0] = '\0';
    (void)ssh_options_parse_config(careless, NULL);
    assert_non_null(strstr(opened, "ssh_config")); /* so it would be seen here */
    ssh_free(careless);
    ssh_stage_start(&scene->stage);
    live_place_open(&scene->place);
    opened[0] = '\0';
    struct call call = call_of(scene, "true");
    run_call(scene, &call);
    assert_int_equal(call.ran, ERR_OK);
    assert_null(strstr(opened, "config"));
    assert_null(strstr(opened, ".ssh"));
    assert_null(strstr(opened, "/etc/ssh"));
    release(&call);
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
}

/* ---- Host keys ---------------------------------------------------------------------------------------------------------- */

static enum error_code open_as(struct scene *scene, int64_t instance_id)
{
    live_place_open(&scene->place);
    struct call call = call_of(scene, "");
    call.target.instance_id = instance_id;
    run_call(scene, &call);
    live_place_close(&scene->place);
    release(&call);
    return call.opened;
}

static void test_a_host_key_belongs_to_a_machine_and_not_to_an_address(void **state)
{
    struct scene *scene = *state;
    char path[PATH_SIZE];
    struct stat facts;
    ssh_stage_start(&scene->stage);
    assert_int_equal(open_as(scene, 1), ERR_OK);
    assert_int_equal(open_as(scene, 1), ERR_OK);
    assert_int_equal(stat(live_place_path(&scene->place, path, sizeof path, "host-keys/1"), &facts), 0);
    assert_int_equal(facts.st_mode & 0777U, 0600);
    ssh_stage_new_host_key(&scene->stage, SSH_KEYTYPE_ED25519, 0); /* the port has passed to somebody else */
    assert_int_equal(open_as(scene, 1), ERR_SSH_HOST_KEY_CHANGED);
    assert_int_equal(open_as(scene, 2), ERR_OK);
    assert_non_null(strstr(buffer_text(&scene->place.history.text), "machine 1 shows another"));
    ssh_stage_new_host_key(&scene->stage, SSH_KEYTYPE_RSA, 2048); /* of another type is another too */
    assert_int_equal(open_as(scene, 2), ERR_SSH_HOST_KEY_CHANGED);
    assert_int_equal(open_as(scene, 3), ERR_OK);
    assert_int_equal(open_as(scene, 3), ERR_OK);
    assert_int_equal(truncate(path, 0), 0); /* a pin that says nothing proves nothing */
    assert_int_equal(open_as(scene, 1), ERR_SSH_HOST_KEY_CHANGED);
    ssh_stage_stop(&scene->stage);
}

static void test_the_host_key_of_a_machine_that_is_gone_is_forgotten(void **state)
{
    struct scene *scene = *state;
    ssh_stage_start(&scene->stage);
    assert_int_equal(open_as(scene, 1), ERR_OK);
    ssh_stage_new_host_key(&scene->stage, SSH_KEYTYPE_ECDSA_P256, 256);
    assert_int_equal(open_as(scene, 1), ERR_SSH_HOST_KEY_CHANGED);
    live_place_open(&scene->place);
    shell_forget(scene->place.world, 1);
    live_place_close(&scene->place);
    assert_int_equal(open_as(scene, 1), ERR_OK);
    ssh_stage_stop(&scene->stage);
}

static void test_a_pin_that_cannot_be_written_is_said_and_costs_no_session(void **state)
{
    struct scene *scene = *state;
    char path[PATH_SIZE];
    ssh_stage_start(&scene->stage);
    int file = creat(live_place_path(&scene->place, path, sizeof path, "host-keys"), 0600);
    assert_true(file >= 0);
    (void)close(file);
    assert_int_equal(open_as(scene, 1), ERR_OK);
    assert_non_null(strstr(buffer_text(&scene->place.history.text), "host key of machine 1 is not pinned"));
    ssh_stage_stop(&scene->stage);
}

/* ---- The key file ------------------------------------------------------------------------------------------------------- */

static void assert_key_refused(struct scene *scene, enum error_code expected, const char *part)
{
    assert_int_equal(live_world_open(&scene->place.options, &scene->place.live, &scene->place.error), expected);
    assert_non_null(strstr(scene->place.error.message, part));
}

/* The older form, which OpenSSL reads: it would ask for the passphrase on the terminal. */
static void write_protected_pem(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(path, "w");
    assert_non_null(key);
    assert_non_null(file);
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, EVP_aes_256_cbc(), "a passphrase", 12, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    EVP_PKEY_free(key);
}

static void test_a_key_file_that_is_no_good_is_refused_at_once(void **state)
{
    struct scene *scene = *state;
    struct error error;
    char path[PATH_SIZE];
    assert_int_equal(chmod(scene->key_path, 0644), 0);
    assert_key_refused(scene, ERR_SSH_KEY_UNUSABLE, "can be read by others");
    assert_int_equal(chmod(scene->key_path, 0600), 0);
    scene->place.options.ssh_key_path = "/nowhere/id";
    assert_key_refused(scene, ERR_SSH_KEY_UNUSABLE, "/nowhere/id");
    scene->place.options.ssh_key_path = live_place_path(&scene->place, path, sizeof path, "id_bad");
    assert_int_equal(file_write(path, span_of("no key\n"), FILE_SECRET, &error), ERR_OK);
    assert_key_refused(scene, ERR_SSH_KEY_UNUSABLE, "is no private key");
    assert_int_equal(ssh_pki_export_privkey_file(scene->stage.account_key, "a passphrase", NULL, NULL, path), SSH_OK);
    assert_int_equal(chmod(path, 0600), 0);
    assert_key_refused(scene, ERR_SSH_KEY_UNUSABLE, "passphrase");
    write_protected_pem(path);
    assert_key_refused(scene, ERR_SSH_KEY_UNUSABLE, "is protected by a passphrase");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_way_in_which_a_session_fails_to_open_is_its_fate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_machine_that_is_not_there_is_refused_unreachable_or_unknown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_key_that_the_machine_does_not_know_is_denied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_command_gives_both_outputs_and_its_exit_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_connection_that_ends_during_a_command_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_output_beyond_the_limit_is_lost_and_what_comes_before_is_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_ten_megabytes_pass_both_ways_unchanged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_twenty_sessions_at_once_are_kept_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_session_serves_one_command_after_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sessions_leave_nothing_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_configuration_of_the_user_or_the_system_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_host_key_belongs_to_a_machine_and_not_to_an_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_host_key_of_a_machine_that_is_gone_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_pin_that_cannot_be_written_is_said_and_costs_no_session, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_key_file_that_is_no_good_is_refused_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("live shell", tests, NULL, NULL);
}
