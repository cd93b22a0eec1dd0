/*
 * The live world's shell against OpenSSH's own server, as it runs on rented machines. The server can only let the user in whom it runs as, and
 * the client always asks for root: so these tests want root, and are skipped otherwise (test_live_shell.c has the same laws without).
 */
#include "testing.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "system/files.h"
#include "world/live_place.h"
#include "world/scripted_server.h"
#include "world/ssh_stage.h"

enum { PATH_SIZE = 128, OUTPUT_LIMIT = 16 * 1024 * 1024 };

static const char SSHD[] = "/usr/sbin/sshd";

struct scene {
    struct live_place place;
    struct ssh_stage keys; /* never started: only its keys are used */
    char key_path[PATH_SIZE];
    char configuration[PATH_SIZE];
    pid_t server;
    int port;
};

static void write_text(const char *path, const char *text)
{
    struct error error;
    assert_int_equal(file_write(path, span_of(text), FILE_SECRET, &error), ERR_OK);
}

static void write_configuration(struct scene *scene)
{
    char host_key[PATH_SIZE];
    char authorized[PATH_SIZE];
    char text[2048];
    char *public_key = NULL;
    (void)live_place_path(&scene->place, host_key, PATH_SIZE, "host_key");
    (void)live_place_path(&scene->place, authorized, PATH_SIZE, "authorized_keys");
    (void)live_place_path(&scene->place, scene->configuration, PATH_SIZE, "sshd_config");
    assert_int_equal(ssh_pki_export_privkey_file(scene->keys.host_key, NULL, NULL, NULL, host_key), SSH_OK);
    assert_int_equal(chmod(host_key, 0600), 0);
    assert_int_equal(ssh_pki_export_pubkey_base64(scene->keys.account_key, &public_key), SSH_OK);
    (void)text_format(text, sizeof text, "ssh-ed25519 %s\n", public_key);
    ssh_string_free_char(public_key);
    write_text(authorized, text);
    (void)text_format(text, sizeof text,
                      "HostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nStrictModes no\nLogLevel QUIET\n"
                      "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
                      "PrintMotd no\nMaxStartups 100\nClientAliveInterval 1\nClientAliveCountMax 1\n",
                      host_key, authorized);
    write_text(scene->configuration, text);
}

/* Whether somebody listens on the port. */
static bool answers(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    bool connected = connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(descriptor);
    return connected;
}

/* sshd wants to know its port: one that the kernel has just given us. */
static void start_server(struct scene *scene)
{
    int descriptor;
    char port[16];
    scene->port = refusing_port(&descriptor);
    (void)close(descriptor);
    (void)text_format(port, sizeof port, "%d", scene->port);
    (void)mkdir("/run/sshd", 0755); /* where it locks itself into before a user is known */
    scene->server = fork();
    assert_true(scene->server >= 0);
    if (scene->server == 0) {
        (void)execl(SSHD, SSHD, "-D", "-f", scene->configuration, "-p", port, "-o", "ListenAddress=127.0.0.1",
                    (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 2000 && !answers(scene->port); i++) {
        (void)poll(NULL, 0, 5);
    }
    assert_true(answers(scene->port));
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    live_place_make(&scene->place);
    (void)live_place_path(&scene->place, scene->key_path, PATH_SIZE, "id_account");
    ssh_stage_make(&scene->keys, scene->key_path);
    scene->place.options.ssh_key_path = scene->key_path;
    if (geteuid() == 0 && access(SSHD, X_OK) == 0) {
        write_configuration(scene);
        start_server(scene);
    }
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    if (scene->server > 0) {
        (void)kill(scene->server, SIGTERM);
        (void)waitpid(scene->server, NULL, 0);
    }
    ssh_stage_release(&scene->keys);
    live_place_remove(&scene->place);
    free(scene);
    return 0;
}

static struct scene *scene_or_skip(void **state)
{
    struct scene *scene = *state;
    if (scene->server == 0) {
        skip();
    }
    return scene;
}

/* Commands one after the other on one session. */
struct stay {
    struct world *world;
    struct heap *heap;
    struct shell_target target;
    const char *const *commands;
    size_t count;
    struct span input;
    int64_t pause_ns; /* before each command */
    enum error_code code;
    int statuses[8];
    struct buffer out;
    struct buffer err;
};

static void be_there(void *argument)
{
    struct stay *stay = argument;
    struct shell_session session;
    buffer_init(&stay->out, stay->heap, OUTPUT_LIMIT);
    buffer_init(&stay->err, stay->heap, OUTPUT_LIMIT);
    int64_t deadline_ns = world_deadline_ns(stay->world, 60 * NS_PER_S);
    stay->code = shell_open(stay->world, &session, &stay->target, deadline_ns);
    for (size_t i = 0; i < stay->count && stay->code == ERR_OK; i++) {
        if (stay->pause_ns > 0) {
            (void)task_wait(stay->world->scheduler, NULL, world_deadline_ns(stay->world, stay->pause_ns));
        }
        stay->code = shell_run(stay->world, &session, span_of(stay->commands[i]), stay->input, &stay->out, &stay->err,
                               deadline_ns);
        stay->statuses[i] = session.exit_status;
    }
    shell_close(stay->world, &session);
}

static struct stay stay_with(struct scene *scene, const char *const *commands, size_t count)
{
    struct stay stay = {
        .world = scene->place.world,
        .heap = scene->place.heap,
        .target = {.host = "127.0.0.1", .port = scene->port, .instance_id = 9},
        .commands = commands,
        .count = count,
        .input = {"", 0},
    };
    live_place_run(&scene->place, be_there, &stay);
    return stay;
}

static void leave(struct stay *stay)
{
    buffer_release(&stay->out);
    buffer_release(&stay->err);
}

static void test_commands_give_what_they_give_in_a_shell(void **state)
{
    static const char *const commands[] = {"echo SSH_OK",   "echo oops >&2; exit 7", "exit 255",
                                           "kill -TERM $$", "kill -KILL $$",         "true"};
    static const int statuses[] = {0, 7, 255, 128 + SIGTERM, 128 + SIGKILL, 0};
    struct scene *scene = scene_or_skip(state);
    live_place_open(&scene->place);
    struct stay stay = stay_with(scene, commands, ARRAY_LENGTH(commands));
    assert_int_equal(stay.code, ERR_OK);
    assert_memory_equal(stay.statuses, statuses, sizeof statuses);
    assert_string_equal(buffer_text(&stay.out), "SSH_OK\n");
    assert_string_equal(buffer_text(&stay.err), "oops\n");
    leave(&stay);
}

static void test_ten_megabytes_pass_through_a_command_unchanged(void **state)
{
    enum { SIZE = 10 * 1024 * 1024 };
    static const char *const commands[] = {"tee /dev/stderr"};
    struct scene *scene = scene_or_skip(state);
    char *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (char)(i * 2654435761U >> 13);
    }
    live_place_open(&scene->place);
    struct stay stay = {
        .world = scene->place.world,
        .heap = scene->place.heap,
        .target = {.host = "127.0.0.1", .port = scene->port, .instance_id = 9},
        .commands = commands,
        .count = 1,
        .input = {bytes, SIZE},
    };
    live_place_run(&scene->place, be_there, &stay);
    assert_int_equal(stay.code, ERR_OK);
    assert_int_equal(stay.out.length, SIZE);
    assert_int_equal(stay.err.length, SIZE);
    assert_memory_equal(stay.out.data, bytes, SIZE);
    assert_memory_equal(stay.err.data, bytes, SIZE);
    leave(&stay);
    free(bytes);
}

/* The server asks each second whether we are there, and gives up after two. */
static void test_an_idle_session_answers_the_servers_keep_alives(void **state)
{
    static const char *const commands[] = {"echo still there"};
    struct scene *scene = scene_or_skip(state);
    live_place_open(&scene->place);
    struct stay stay = {
        .world = scene->place.world,
        .heap = scene->place.heap,
        .target = {.host = "127.0.0.1", .port = scene->port, .instance_id = 9},
        .commands = commands,
        .count = 1,
        .input = {"", 0},
        .pause_ns = 3 * NS_PER_S,
    };
    live_place_run(&scene->place, be_there, &stay);
    assert_int_equal(stay.code, ERR_OK);
    assert_string_equal(buffer_text(&stay.out), "still there\n");
    leave(&stay);
}

static void test_a_server_that_stops_ends_the_session(void **state)
{
    static const char *const commands[] = {"kill -KILL $PPID; sleep 60"};
    struct scene *scene = scene_or_skip(state);
    live_place_open(&scene->place);
    struct stay stay = stay_with(scene, commands, 1);
    assert_int_equal(stay.code, ERR_SSH_DROPPED);
    leave(&stay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commands_give_what_they_give_in_a_shell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ten_megabytes_pass_through_a_command_unchanged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_idle_session_answers_the_servers_keep_alives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_server_that_stops_ends_the_session, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("live shell with sshd", tests, NULL, NULL);
}
