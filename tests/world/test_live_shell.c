#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "world/scripted_server.h"
#include "world/shell_scene.h"

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
        call_run(scene, &call);
        if (call.opened != fate_error(cases[i].fate)) {
            fail_msg("%s: %s", cases[i].what, error_name(call.opened));
        }
        server_stop(&server);
        call_release(&call);
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
        call_run(scene, &call);
        if (call.opened != fate_error(cases[i].fate)) {
            fail_msg("%s: %s", cases[i].host, error_name(call.opened));
        }
        call_release(&call);
    }
    struct call call = call_of(scene, "");
    call.target.port = 70000;
    call_run(scene, &call);
    assert_int_equal(call.opened, ERR_UNREACHABLE);
    call_release(&call);
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
    call_run(scene, &call);
    assert_int_equal(call.opened, ERR_SSH_KEY_DENIED);
    call_release(&call);
    live_place_close(&scene->place);
    scene->place.options.ssh_key_path = NULL; /* without a key at all, too */
    live_place_open(&scene->place);
    call = call_of(scene, "true");
    call_run(scene, &call);
    assert_int_equal(call.opened, ERR_SSH_KEY_DENIED);
    call_release(&call);
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
        call_run(scene, &call);
        assert_int_equal(call.opened, ERR_OK);
        assert_int_equal(call.ran, ERR_OK);
        assert_string_equal(buffer_text(&call.out), cases[i].out); /* the server's banner is not in it */
        assert_string_equal(buffer_text(&call.err), cases[i].err);
        assert_int_equal(call.exit_status, cases[i].exit_status);
        call_release(&call);
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
        call_run(scene, &call);
        assert_int_equal(call.opened, ERR_OK);
        assert_int_equal(call.ran, ERR_SSH_DROPPED);
        call_release(&call);
    }
    struct call call = call_of(scene, "HANG");
    call.limit_ns = NS_PER_S / 2;
    call_run(scene, &call);
    assert_int_equal(call.ran, ERR_TIMED_OUT);
    call_release(&call);
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
    call_run(scene, &call);
    assert_int_equal(call.ran, ERR_OK);
    assert_int_equal(call.exit_status, 3);
    assert_string_equal(buffer_text(&call.out), "12345678");
    assert_true(call.out.failed);
    assert_string_equal(buffer_text(&call.err), "abcdefgh");
    assert_false(call.err.failed);
    call_release(&call);
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
    call_run(scene, &call);
    assert_int_equal(call.ran, ERR_OK);
    assert_int_equal(call.out.length, SIZE);
    assert_true(digest_of(scene->place.heap, DIGEST_SHA256, bytes, SIZE, sent));
    assert_true(digest_of(scene->place.heap, DIGEST_SHA256, call.out.data, call.out.length, received));
    assert_string_equal(sent, received);
    assert_string_equal(buffer_text(&call.err), "d41d8cd98f00b204e9800998ecf8427e  -\n");
    call_release(&call);
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
        assert_non_null(task_start(crowd->world->scheduler, call_make, &crowd->calls[i], &crowd->ended[i]));
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
        call_release(&crowd->calls[i]);
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
            call_run(scene, &call);
            call_release(&call);
        }
        assert_true(round == 0 || live_world_blocks(scene->place.live) == blocks);
        blocks = live_world_blocks(scene->place.live);
    }
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_way_in_which_a_session_fails_to_open_is_its_fate, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_a_machine_that_is_not_there_is_refused_unreachable_or_unknown,
                                        scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_a_key_that_the_machine_does_not_know_is_denied, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_a_command_gives_both_outputs_and_its_exit_status, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_a_connection_that_ends_during_a_command_is_dropped, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_output_beyond_the_limit_is_lost_and_what_comes_before_is_not, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_ten_megabytes_pass_both_ways_unchanged, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_twenty_sessions_at_once_are_kept_apart, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_a_session_serves_one_command_after_the_other, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_sessions_leave_nothing_behind, scene_set_up, scene_tear_down),
    };
    return cmocka_run_group_tests_name("live shell", tests, NULL, NULL);
}
