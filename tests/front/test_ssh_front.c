#include <libssh/libssh.h>
#include <string.h>
#include <unistd.h>

#include "front/ssh_stage.h"
#include "testing.h"

/*
 * libssh's own client, non-blocking, in the same thread as the front: both are turned until what is wanted is so.
 */
struct client {
    struct ssh_rig *rig;
    ssh_key key;
    ssh_session session;
};

static char clock_path[64];

static ssh_key new_key(char *line, size_t size)
{
    ssh_key key = NULL;
    char *text = NULL;
    assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key), SSH_OK);
    assert_int_equal(ssh_pki_export_pubkey_base64(key, &text), SSH_OK);
    assert_true(text_format(line, size, "ssh-ed25519 %s test", text));
    ssh_string_free_char(text);
    return key;
}

static int start(void **state)
{
    static struct client client;
    static struct ssh_rig rig;
    static char line[512]; /* the cloud borrows it */
    client = (struct client){.rig = &rig};
    client.key = new_key(line, sizeof line);
    ssh_stage_defaults(&rig);
    (void)text_format(clock_path, sizeof clock_path, "/tmp/dumont-ssh-front-%d", (int)getpid());
    assert_true(ssh_stage_open(&rig, clock_path, CLOCK_SPEED_REAL_MILLI, line));
    assert_int_equal(ssh_stage_rent(&rig), 0);
    *state = &client;
    return 0;
}

static int stop(void **state)
{
    struct client *client = *state;
    ssh_key_free(client->key);
    assert_true(ssh_stage_close(client->rig));
    (void)unlink(clock_path);
    return 0;
}

static void turn(struct client *client)
{
    ssh_stage_turn(client->rig, false);
}

/* Repeats a call of libssh until it is no longer under way. */
#define FINISH(client, outcome, call)                                                                                  \
    do {                                                                                                               \
        turn(client);                                                                                                  \
        (outcome) = (call);                                                                                            \
    } while ((outcome) == SSH_AGAIN)

static void place_of(const struct client *client, enum ssh_port port, char *host, size_t size, unsigned *number)
{
    struct contract_view view;
    market_contract(cloud_market(client->rig->stage.cloud), 0, &view);
    (void)text_copy(host, size, view.ssh_host);
    *number = (unsigned)(port == SSH_PORT_PROXY ? view.ssh_port : view.direct_port);
}

static void connect_client(struct client *client, enum ssh_port port)
{
    char host[64];
    unsigned number;
    int outcome;
    int off = 0;
    place_of(client, port, host, sizeof host, &number);
    client->session = ssh_new();
    assert_non_null(client->session);
    (void)ssh_options_set(client->session, SSH_OPTIONS_HOST, host);
    (void)ssh_options_set(client->session, SSH_OPTIONS_PORT, &number);
    (void)ssh_options_set(client->session, SSH_OPTIONS_USER, "root");
    (void)ssh_options_set(client->session, SSH_OPTIONS_PROCESS_CONFIG, &off);
    ssh_set_blocking(client->session, 0);
    FINISH(client, outcome, ssh_connect(client->session));
    assert_int_equal(outcome, SSH_OK);
}

static int log_in(struct client *client)
{
    int outcome;
    do {
        turn(client);
        outcome = ssh_userauth_publickey(client->session, NULL, client->key);
    } while (outcome == SSH_AUTH_AGAIN);
    return outcome;
}

static void hang_up(struct client *client)
{
    ssh_disconnect(client->session);
    ssh_free(client->session);
    while (ssh_front_peers(client->rig->front) > 0) {
        turn(client);
    }
}

static ssh_channel open_channel(struct client *client)
{
    int outcome;
    ssh_channel channel = ssh_channel_new(client->session);
    FINISH(client, outcome, ssh_channel_open_session(channel));
    assert_int_equal(outcome, SSH_OK);
    return channel;
}

static void ask(struct client *client, ssh_channel channel, const char *command)
{
    int outcome;
    FINISH(client, outcome, ssh_channel_request_exec(channel, command));
    assert_int_equal(outcome, SSH_OK);
}

/* Reads to the end; the exit status. */
static int read_out(struct client *client, ssh_channel channel, struct buffer *out)
{
    while (!ssh_channel_is_eof(channel) || ssh_channel_poll(channel, 0) > 0 ||
           ssh_channel_get_exit_status(channel) < 0) {
        char piece[4096];
        turn(client);
        int got = ssh_channel_read_nonblocking(channel, piece, sizeof piece, 0);
        if (got > 0) {
            buffer_append(out, piece, (size_t)got);
        }
    }
    return ssh_channel_get_exit_status(channel);
}

static void test_libssh_s_client_runs_commands(void **state)
{
    struct client *client = *state;
    struct buffer out;
    buffer_init(&out, client->rig->heap, 4096);
    connect_client(client, SSH_PORT_PROXY);
    assert_int_equal(log_in(client), SSH_AUTH_SUCCESS);
    char *banner = ssh_get_issue_banner(client->session);
    assert_non_null(banner);
    assert_non_null(strstr(banner, "Have fun!\n"));
    ssh_string_free_char(banner);
    ssh_channel first = open_channel(client);
    ssh_channel second = open_channel(client);
    ask(client, first, "echo one; exit 3");
    ask(client, second, "echo two");
    assert_int_equal(read_out(client, second, &out), 0);
    assert_int_equal(read_out(client, first, &out), 3);
    assert_string_equal(buffer_text(&out), "two\none\n");
    ssh_channel_free(first);
    ssh_channel_free(second);
    hang_up(client);
    buffer_release(&out);
}

static void test_another_key_is_denied_and_the_right_one_may_follow(void **state)
{
    struct client *client = *state;
    char line[512];
    ssh_key right = client->key;
    client->key = new_key(line, sizeof line);
    connect_client(client, SSH_PORT_DIRECT);
    assert_int_equal(log_in(client), SSH_AUTH_DENIED);
    ssh_key_free(client->key);
    client->key = right;
    assert_int_equal(log_in(client), SSH_AUTH_SUCCESS);
    hang_up(client);
}

/* One program a channel; a second request on it is refused. */
static void test_a_channel_runs_one_program(void **state)
{
    struct client *client = *state;
    int outcome;
    connect_client(client, SSH_PORT_DIRECT);
    assert_int_equal(log_in(client), SSH_AUTH_SUCCESS);
    ssh_channel channel = open_channel(client);
    ask(client, channel, "cat");
    FINISH(client, outcome, ssh_channel_request_exec(channel, "echo again"));
    assert_int_equal(outcome, SSH_ERROR);
    ssh_channel_free(channel);
    hang_up(client);
    assert_int_equal(ssh_front_programs(client->rig->front), 0);
}

static void test_channels_of_a_connection_are_bounded(void **state)
{
    struct client *client = *state;
    int outcome;
    connect_client(client, SSH_PORT_DIRECT);
    assert_int_equal(log_in(client), SSH_AUTH_SUCCESS);
    for (int i = 0; i < SSH_CHANNELS_MAX; i++) {
        (void)open_channel(client);
    }
    ssh_channel one_more = ssh_channel_new(client->session);
    FINISH(client, outcome, ssh_channel_open_session(one_more));
    assert_int_equal(outcome, SSH_ERROR);
    hang_up(client);
}

/* A reset of the cloud, or its end, may come while a command waits for its input. */
static void test_a_command_under_way_does_not_outlive_the_cloud(void **state)
{
    struct client *client = *state;
    connect_client(client, SSH_PORT_DIRECT);
    assert_int_equal(log_in(client), SSH_AUTH_SUCCESS);
    ssh_channel channel = open_channel(client);
    ask(client, channel, "cat");
    assert_int_equal(ssh_front_programs(client->rig->front), 1);
    assert_true(cloud_reset(client->rig->stage.cloud, stage_catch_up(&client->rig->stage)));
    turn(client);
    turn(client);
    assert_int_equal(ssh_front_programs(client->rig->front), 0);
    assert_int_equal(ssh_stage_rent(client->rig), 0);
    hang_up(client);
}

/* Whichever piece of our own memory is refused, the front goes on serving. */
static void test_a_front_without_memory_refuses_and_goes_on(void **state)
{
    struct client *client = *state;
    int succeeded = 0;
    for (uint64_t nth = 1; nth <= 40; nth++) {
        char host[64];
        unsigned number;
        int off = 0;
        place_of(client, SSH_PORT_DIRECT, host, sizeof host, &number);
        heap_fail_at(client->rig->heap, nth, false);
        client->session = ssh_new();
        (void)ssh_options_set(client->session, SSH_OPTIONS_HOST, host);
        (void)ssh_options_set(client->session, SSH_OPTIONS_PORT, &number);
        (void)ssh_options_set(client->session, SSH_OPTIONS_USER, "root");
        (void)ssh_options_set(client->session, SSH_OPTIONS_PROCESS_CONFIG, &off);
        ssh_set_blocking(client->session, 0);
        int outcome;
        FINISH(client, outcome, ssh_connect(client->session));
        if (outcome == SSH_OK && log_in(client) == SSH_AUTH_SUCCESS) {
            ssh_channel channel = ssh_channel_new(client->session);
            FINISH(client, outcome, ssh_channel_open_session(channel));
            if (outcome == SSH_OK) {
                FINISH(client, outcome, ssh_channel_request_exec(channel, "echo x > f; cat f"));
            }
            succeeded += outcome == SSH_OK;
        }
        heap_fail_at(client->rig->heap, 0, false);
        hang_up(client);
    }
    assert_true(succeeded > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_libssh_s_client_runs_commands, start, stop),
        cmocka_unit_test_setup_teardown(test_another_key_is_denied_and_the_right_one_may_follow, start, stop),
        cmocka_unit_test_setup_teardown(test_a_channel_runs_one_program, start, stop),
        cmocka_unit_test_setup_teardown(test_channels_of_a_connection_are_bounded, start, stop),
        cmocka_unit_test_setup_teardown(test_a_command_under_way_does_not_outlive_the_cloud, start, stop),
        cmocka_unit_test_setup_teardown(test_a_front_without_memory_refuses_and_goes_on, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
