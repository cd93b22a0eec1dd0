#include "world/ssh_stage.h"

#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libssh/callbacks.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMAND_SIZE = 65536, CHUNK = 32768 };

/* One connection. */
struct visit {
    struct ssh_stage *stage;
    int socket;
    ssh_session session;
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    char command[COMMAND_SIZE];
    bool asked;
};

/* ---- One command -------------------------------------------------------------------------------------------------------- */

/* A file without a name, for what goes into a command and what comes out. */
static int nameless_file(void)
{
    char path[] = "/tmp/dumont-ssh-stage-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(unlink(path), 0);
    (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    return descriptor;
}

static bool read_input(struct visit *visit, int file)
{
    char chunk[CHUNK];
    int count;
    while ((count = ssh_channel_read(visit->channel, chunk, sizeof chunk, 0)) > 0) {
        assert_int_equal(write(file, chunk, (size_t)count), count);
    }
    return count == 0 && lseek(file, 0, SEEK_SET) == 0;
}

static void send_output(struct visit *visit, int file, bool is_stderr)
{
    char chunk[CHUNK];
    ssize_t count;
    (void)lseek(file, 0, SEEK_SET);
    while ((count = read(file, chunk, sizeof chunk)) > 0) {
        int sent = is_stderr ? ssh_channel_write_stderr(visit->channel, chunk, (uint32_t)count)
                             : ssh_channel_write(visit->channel, chunk, (uint32_t)count);
        if (sent != count) {
            return;
        }
    }
}

static int run_in_shell(const char *command, int input, int output, int errors)
{
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(input, STDIN_FILENO);
        (void)dup2(output, STDOUT_FILENO);
        (void)dup2(errors, STDERR_FILENO);
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static void report_end(struct visit *visit, int status)
{
    if (WIFSIGNALED(status)) {
        (void)ssh_channel_request_send_exit_signal(visit->channel, WTERMSIG(status) == SIGKILL ? "KILL" : "TERM", 0, "",
                                                   "");
    } else {
        (void)ssh_channel_request_send_exit_status(visit->channel, WEXITSTATUS(status));
    }
}

static void carry_out(struct visit *visit)
{
    int files[3] = {nameless_file(), nameless_file(), nameless_file()};
    if (read_input(visit, files[0])) {
        const char *command = strcmp(visit->command, "KILLED") == 0 ? "kill -KILL $$" : visit->command;
        int status = run_in_shell(command, files[0], files[1], files[2]);
        send_output(visit, files[2], true);
        send_output(visit, files[1], false);
        report_end(visit, status);
    }
    for (size_t i = 0; i < 3; i++) {
        (void)close(files[i]);
    }
}

/* False: the connection is over. */
static bool obey(struct visit *visit)
{
    if (strcmp(visit->command, "DROP") == 0) {
        (void)shutdown(visit->socket, SHUT_RDWR);
        return false;
    }
    if (strcmp(visit->command, "HANG") == 0) {
        char bytes[1024];
        while (recv(visit->socket, bytes, sizeof bytes, 0) > 0) {
        }
        return false;
    }
    if (strcmp(visit->command, "LEAVE") != 0) {
        carry_out(visit);
    }
    (void)ssh_channel_send_eof(visit->channel);
    (void)ssh_channel_close(visit->channel);
    return ssh_is_connected(visit->session) != 0;
}

/* ---- One connection ----------------------------------------------------------------------------------------------------- */

static int judge_key(ssh_session session, const char *user, struct ssh_key_struct *key, char signature_state,
                     void *context)
{
    (void)session;
    struct ssh_stage *stage = ((struct visit *)context)->stage;
    bool welcome = !stage->denies_everyone && strcmp(user, "root") == 0 &&
                   ssh_key_cmp(key, stage->account_key, SSH_KEY_CMP_PUBLIC) == 0;
    bool proven = signature_state == SSH_PUBLICKEY_STATE_VALID || signature_state == SSH_PUBLICKEY_STATE_NONE;
    return welcome && proven ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

static int take_command(ssh_session session, ssh_channel channel, const char *command, void *context)
{
    (void)session;
    (void)channel;
    struct visit *visit = context;
    (void)snprintf(visit->command, sizeof visit->command, "%s", command);
    visit->asked = true;
    return 0;
}

static ssh_channel open_channel(ssh_session session, void *context)
{
    struct visit *visit = context;
    visit->channel = ssh_channel_new(session);
    visit->callbacks =
        (struct ssh_channel_callbacks_struct){.userdata = visit, .channel_exec_request_function = take_command};
    ssh_callbacks_init(&visit->callbacks);
    (void)ssh_set_channel_callbacks(visit->channel, &visit->callbacks);
    return visit->channel;
}

static void serve_commands(struct visit *visit)
{
    ssh_event event = ssh_event_new();
    (void)ssh_event_add_session(event, visit->session);
    while (ssh_event_dopoll(event, -1) == SSH_OK && ssh_is_connected(visit->session) != 0) {
        if (visit->asked) {
            visit->asked = false;
            if (!obey(visit)) {
                break;
            }
        }
    }
    ssh_event_free(event);
}

static void *receive_visitor(void *context)
{
    struct visit *visit = context;
    static const char banner[] =
        "Welcome to vast.ai. If authentication fails, try again after a few seconds, and double "
        "check your ssh key.\nHave fun!\n";
    struct ssh_server_callbacks_struct callbacks = {
        .userdata = visit,
        .auth_pubkey_function = judge_key,
        .channel_open_request_session_function = open_channel,
    };
    char *key_text = NULL;
    ssh_key key = NULL;
    (void)ssh_pki_export_privkey_base64(visit->stage->host_key, NULL, NULL, NULL, &key_text);
    (void)ssh_pki_import_privkey_base64(key_text, NULL, NULL, NULL, &key);
    ssh_string_free_char(key_text);
    ssh_bind binding = ssh_bind_new();
    int no = 0;
    (void)ssh_bind_options_set(binding, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
    (void)ssh_bind_options_set(binding, SSH_BIND_OPTIONS_IMPORT_KEY, key); /* which is the binding's from now on */
    visit->session = ssh_new();
    ssh_callbacks_init(&callbacks);
    (void)ssh_set_server_callbacks(visit->session, &callbacks);
    if (ssh_bind_accept_fd(binding, visit->session, visit->socket) == SSH_OK &&
        ssh_handle_key_exchange(visit->session) == SSH_OK) {
        ssh_set_auth_methods(visit->session, SSH_AUTH_METHOD_PUBLICKEY);
        ssh_string text = ssh_string_from_char(banner);
        (void)ssh_send_issue_banner(visit->session, text);
        ssh_string_free(text);
        serve_commands(visit);
    }
    ssh_disconnect(visit->session);
    ssh_free(visit->session);
    ssh_bind_free(binding);
    free(visit);
    return NULL;
}

static void *serve(void *context)
{
    struct ssh_stage *stage = context;
    for (;;) {
        int socket = accept(stage->listener, NULL, NULL);
        if (socket < 0) {
            return NULL;
        }
        int on = 1;
        (void)fcntl(socket, F_SETFD, FD_CLOEXEC);
        (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct visit *visit = calloc(1, sizeof *visit);
        assert_non_null(visit);
        visit->stage = stage;
        visit->socket = socket;
        assert_true(stage->visits < SSH_STAGE_VISITS_MAX);
        assert_int_equal(pthread_create(&stage->visitors[stage->visits], NULL, receive_visitor, visit), 0);
        stage->visits++;
    }
}

/* ---- The stage ---------------------------------------------------------------------------------------------------------- */

void ssh_stage_new_host_key(struct ssh_stage *stage, enum ssh_keytypes_e type, int bits)
{
    ssh_key_free(stage->host_key);
    assert_int_equal(ssh_pki_generate(type, bits, &stage->host_key), SSH_OK);
}

void ssh_stage_make(struct ssh_stage *stage, const char *key_path)
{
    *stage = (struct ssh_stage){.listener = -1};
    ssh_stage_new_host_key(stage, SSH_KEYTYPE_ED25519, 0);
    assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &stage->account_key), SSH_OK);
    assert_int_equal(ssh_pki_export_privkey_file(stage->account_key, NULL, NULL, NULL, key_path), SSH_OK);
    assert_int_equal(chmod(key_path, 0600), 0);
}

void ssh_stage_start(struct ssh_stage *stage)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)stage->port)};
    socklen_t size = sizeof address;
    int yes = 1;
    stage->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(stage->listener >= 0);
    (void)setsockopt(stage->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    assert_int_equal(bind(stage->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(stage->listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(stage->listener, 64), 0);
    stage->port = ntohs(address.sin_port);
    stage->visits = 0;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
}

void ssh_stage_stop(struct ssh_stage *stage)
{
    (void)shutdown(stage->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(stage->thread, NULL), 0);
    for (size_t i = 0; i < stage->visits; i++) {
        assert_int_equal(pthread_join(stage->visitors[i], NULL), 0);
    }
    (void)close(stage->listener);
}

void ssh_stage_release(struct ssh_stage *stage)
{
    ssh_key_free(stage->host_key);
    ssh_key_free(stage->account_key);
}
