/*
 * Connect, authenticate, run one command: how long it takes one libssh client, against the SSH front, against a minimal libssh
 * server and against OpenSSH's sshd.
 *
 *     bench-ssh [--quick]
 *
 * The three take turns, connection by connection, so that what else the machine does falls on all alike; a value is the median of one
 * round. The front's machine takes no time of its own (a plan of zeros).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "front/ssh_stage.h"
#include "samples.h"

enum {
    ROUND_MAX = 60,
    SSHD_ROUND_MAX = 10,
    /* it takes a hundred times as long */ WARM_UP = 10,
    PATH_BYTES = 256,
    TEXT_BYTES = 1024
};

enum server { SERVER_FRONT, SERVER_MINIMAL, SERVER_SSHD, SERVER_COUNT };

static const char *const server_keys[SERVER_COUNT] = {"front_ms", "minimal_ms", "sshd_ms"};

struct contestant {
    pid_t process;
    char host[INET_ADDRSTRLEN];
    int port;                    /* 0: takes no part */
    int64_t times_ns[ROUND_MAX]; /* of this round */
};

struct bench {
    char folder[BENCH_FOLDER_BYTES];
    char public_key[TEXT_BYTES];
    ssh_key key;
    struct contestant contestants[SERVER_COUNT];
    struct samples samples;
};

static void path_in(const struct bench *bench, const char *name, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/%s", bench->folder, name);
}

/* ---- The client --------------------------------------------------------------------------------------------------------- */

static int connect_to(const struct contestant *to)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)to->port)};
    int on = 1;
    (void)inet_pton(AF_INET, to->host, &name.sin_addr);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&name, sizeof name) != 0) {
        bench_fail("a server refuses the connection");
    }
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
}

static bool run_echo(ssh_session session)
{
    char out[64];
    ssh_channel channel = ssh_channel_new(session);
    bool good = channel != NULL && ssh_channel_open_session(channel) == SSH_OK &&
                ssh_channel_request_exec(channel, "echo hello") == SSH_OK;
    int got = good ? ssh_channel_read(channel, out, sizeof out, 0) : 0;
    good = got == 6 && memcmp(out, "hello\n", 6) == 0;
    while (good && ssh_channel_read(channel, out, sizeof out, 0) > 0) {
    }
    good = good && ssh_channel_get_exit_status(channel) == 0;
    ssh_channel_free(channel);
    return good;
}

/* One client's whole life; how long it took. */
static int64_t visit(const struct bench *bench, const struct contestant *to)
{
    int64_t start_ns = bench_now_ns();
    int descriptor = connect_to(to);
    int off = 0;
    ssh_session session = ssh_new();
    bool good = session != NULL && ssh_options_set(session, SSH_OPTIONS_HOST, to->host) == SSH_OK &&
                ssh_options_set(session, SSH_OPTIONS_FD, &descriptor) == SSH_OK &&
                ssh_options_set(session, SSH_OPTIONS_USER, "root") == SSH_OK &&
                ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &off) == SSH_OK &&
                ssh_connect(session) == SSH_OK &&
                ssh_userauth_publickey(session, NULL, bench->key) == SSH_AUTH_SUCCESS && run_echo(session);
    if (!good) {
        (void)fprintf(stderr, "bench-ssh: %s:%d: %s\n", to->host, to->port, ssh_get_error(session));
        exit(1);
    }
    ssh_disconnect(session);
    ssh_free(session);
    (void)close(descriptor); /* libssh leaves a descriptor that it was given */
    return bench_now_ns() - start_ns;
}

/* ---- The minimal server: one connection after the other, all in libssh's own loop --------------------------------------- */

struct minimal {
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    bool asked;
};

static int accept_key(ssh_session session, const char *user, struct ssh_key_struct *key, char state, void *context)
{
    (void)session;
    (void)user;
    (void)key;
    (void)context;
    return state == SSH_PUBLICKEY_STATE_NONE || state == SSH_PUBLICKEY_STATE_VALID ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

static int accept_command(ssh_session session, ssh_channel channel, const char *command, void *context)
{
    (void)session;
    (void)channel;
    (void)command;
    ((struct minimal *)context)->asked = true;
    return SSH_OK;
}

static ssh_channel accept_channel(ssh_session session, void *context)
{
    struct minimal *minimal = context;
    minimal->channel = ssh_channel_new(session);
    minimal->callbacks.userdata = minimal;
    minimal->callbacks.channel_exec_request_function = accept_command;
    ssh_callbacks_init(&minimal->callbacks);
    (void)ssh_set_channel_callbacks(minimal->channel, &minimal->callbacks);
    return minimal->channel;
}

static void serve_one(ssh_bind listener)
{
    struct minimal minimal = {.asked = false};
    struct ssh_server_callbacks_struct callbacks = {
        .userdata = &minimal,
        .auth_pubkey_function = accept_key,
        .channel_open_request_session_function = accept_channel,
    };
    int on = 1;
    ssh_session session = ssh_new();
    ssh_event event = ssh_event_new();
    ssh_callbacks_init(&callbacks);
    if (ssh_bind_accept(listener, session) != SSH_OK) {
        exit(1);
    }
    (void)setsockopt(ssh_get_fd(session), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)ssh_set_server_callbacks(session, &callbacks);
    ssh_set_auth_methods(session, SSH_AUTH_METHOD_PUBLICKEY);
    if (ssh_handle_key_exchange(session) == SSH_OK) {
        (void)ssh_event_add_session(event, session);
        while (ssh_is_connected(session) && ssh_event_dopoll(event, -1) != SSH_ERROR) {
            if (minimal.asked) {
                minimal.asked = false;
                (void)ssh_channel_write(minimal.channel, "hello\n", 6);
                (void)ssh_channel_request_send_exit_status(minimal.channel, 0);
                (void)ssh_channel_send_eof(minimal.channel);
                (void)ssh_channel_close(minimal.channel);
            }
        }
        (void)ssh_event_remove_session(event, session);
    }
    ssh_event_free(event);
    ssh_free(session);
}

static void serve_minimal(const struct bench *bench, int told)
{
    char path[PATH_BYTES];
    int off = 0;
    unsigned port = 0;
    ssh_bind listener = ssh_bind_new();
    path_in(bench, "host_key", path);
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    if (ssh_bind_options_set(listener, SSH_BIND_OPTIONS_PROCESS_CONFIG, &off) != SSH_OK ||
        ssh_bind_options_set(listener, SSH_BIND_OPTIONS_BINDADDR, "127.0.0.1") != SSH_OK ||
        ssh_bind_options_set(listener, SSH_BIND_OPTIONS_BINDPORT, &port) != SSH_OK ||
        ssh_bind_options_set(listener, SSH_BIND_OPTIONS_HOSTKEY, path) != SSH_OK ||
        ssh_bind_listen(listener) != SSH_OK ||
        getsockname(ssh_bind_get_fd(listener), (struct sockaddr *)&name, &size) != 0) {
        exit(1);
    }
    (void)dprintf(told, "127.0.0.1 %d\n", ntohs(name.sin_port));
    for (;;) {
        serve_one(listener);
    }
}

/* ---- The front ---------------------------------------------------------------------------------------------------------- */

static void serve_front(const struct bench *bench, int told)
{
    char path[PATH_BYTES];
    struct ssh_rig *rig = calloc(1, sizeof *rig);
    struct contract_view view;
    path_in(bench, "clock", path);
    if (rig == NULL) {
        exit(1);
    }
    ssh_stage_defaults(rig);
    if (!ssh_stage_open(rig, path, CLOCK_SPEED_REAL_MILLI, bench->public_key) || ssh_stage_rent(rig) != 0) {
        exit(1);
    }
    market_contract(cloud_market(rig->stage.cloud), 0, &view);
    (void)dprintf(told, "%s %lld\n", view.ssh_host, (long long)view.direct_port);
    for (;;) {
        ssh_stage_turn(rig, true);
    }
}

/* ---- sshd --------------------------------------------------------------------------------------------------------------- */

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof name;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&name, size) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&name, &size) != 0) {
        bench_fail("no port for sshd");
    }
    (void)close(descriptor);
    return ntohs(name.sin_port);
}

static bool answers(const struct contestant *contestant)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)contestant->port)};
    (void)inet_pton(AF_INET, contestant->host, &name.sin_addr);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = connect(descriptor, (struct sockaddr *)&name, sizeof name) == 0;
    (void)close(descriptor);
    return good;
}

static void start_sshd(struct bench *bench, struct contestant *contestant)
{
    static const char program[] = "/usr/sbin/sshd";
    char path[PATH_BYTES];
    char key[PATH_BYTES];
    const char *reason = access(program, X_OK) != 0 ? "openssh-server is not installed"
                         : geteuid() != 0           ? "sshd lets its own user in as root only: run this as root"
                         : mkdir("/run/sshd", 0755) != 0 && errno != EEXIST ? "/run/sshd cannot be made"
                                                                            : NULL;
    if (reason != NULL) {
        samples_absent(&bench->samples, "sshd", reason);
        return;
    }
    path_in(bench, "authorized_keys", key);
    FILE *keys = fopen(key, "w");
    path_in(bench, "sshd_config", path);
    FILE *config = fopen(path, "w");
    if (keys == NULL || config == NULL) {
        bench_fail("sshd's files cannot be written");
    }
    (void)snprintf(contestant->host, sizeof contestant->host, "127.0.0.1");
    int port = free_port();
    (void)fprintf(keys, "%s\n", bench->public_key);
    (void)fprintf(config,
                  "ListenAddress 127.0.0.1:%d\nHostKey %s/host_key\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\n"
                  "PidFile none\nPermitRootLogin prohibit-password\nUseDNS no\nMaxStartups 100\n"
                  "SetEnv HOME=%s\n", /* what the user's own shell does at its start is not sshd's */
                  port, bench->folder, key, bench->folder);
    (void)fclose(keys);
    (void)fclose(config);
    contestant->process = fork();
    if (contestant->process == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execl(program, program, "-D", "-q", "-f", path, (char *)NULL);
        _exit(127);
    }
    contestant->port = port;
    for (int64_t until_ns = bench_now_ns() + 5 * NS_PER_S; !answers(contestant);) {
        if (bench_now_ns() > until_ns) {
            bench_fail("sshd does not answer");
        }
    }
}

/* ---- The run ------------------------------------------------------------------------------------------------------------ */

static void start_server(struct bench *bench, enum server server, void (*serve)(const struct bench *bench, int told))
{
    struct contestant *contestant = &bench->contestants[server];
    int told[2];
    char text[64] = "";
    if (pipe(told) != 0) {
        bench_fail("no pipe");
    }
    contestant->process = fork();
    if (contestant->process == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(bench, told[1]);
    }
    ssize_t got = read(told[0], text, sizeof text - 1);
    if (got <= 0 || sscanf(text, "%15s %d", contestant->host, &contestant->port) != 2) {
        bench_fail("a server does not start");
    }
    (void)close(told[0]);
    (void)close(told[1]);
}

static void make_keys(struct bench *bench)
{
    char path[PATH_BYTES];
    char *public_part = NULL;
    ssh_key host = NULL;
    path_in(bench, "host_key", path);
    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &bench->key) != SSH_OK ||
        ssh_pki_export_pubkey_base64(bench->key, &public_part) != SSH_OK ||
        ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &host) != SSH_OK ||
        ssh_pki_export_privkey_file(host, NULL, NULL, NULL, path) != SSH_OK || chmod(path, 0600) != 0) {
        bench_fail("no keys");
    }
    (void)snprintf(bench->public_key, sizeof bench->public_key, "ssh-ed25519 %s bench", public_part);
    ssh_string_free_char(public_part);
    ssh_key_free(host);
}

static size_t visits_to(enum server server, size_t connections)
{
    return server == SERVER_SSHD && connections > SSHD_ROUND_MAX ? SSHD_ROUND_MAX : connections;
}

static void measure_round(struct bench *bench, size_t connections, bool counts)
{
    for (size_t i = 0; i < connections; i++) {
        for (size_t server = 0; server < SERVER_COUNT; server++) {
            struct contestant *contestant = &bench->contestants[server];
            if (contestant->port != 0 && i < visits_to((enum server)server, connections)) {
                contestant->times_ns[i] = visit(bench, contestant);
            }
        }
    }
    for (size_t server = 0; counts && server < SERVER_COUNT; server++) {
        struct contestant *contestant = &bench->contestants[server];
        if (contestant->port != 0) {
            size_t visits = visits_to((enum server)server, connections);
            samples_add(&bench->samples, server_keys[server],
                        (double)bench_permille(contestant->times_ns, visits, 500) / 1e6);
        }
    }
}

static void end(struct bench *bench)
{
    char command[PATH_BYTES];
    for (size_t i = 0; i < SERVER_COUNT; i++) {
        if (bench->contestants[i].process > 0) {
            bench_stop(bench->contestants[i].process, SIGTERM);
        }
    }
    static const char *const files[] = {"host_key", "clock", "authorized_keys", "sshd_config"};
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        path_in(bench, files[i], command);
        (void)unlink(command);
    }
    (void)rmdir(bench->folder);
    ssh_key_free(bench->key);
}

int main(int argc, char **argv)
{
    struct bench bench = {.samples = {.bench = "ssh"}};
    bool quick = bench_asked(argc, argv, "--quick");
    bench_folder(bench.folder);
    make_keys(&bench);
    start_server(&bench, SERVER_FRONT, serve_front);
    start_server(&bench, SERVER_MINIMAL, serve_minimal);
    start_sshd(&bench, &bench.contestants[SERVER_SSHD]);
    measure_round(&bench, quick ? 1 : WARM_UP, false);
    for (int round = 0; round < (quick ? 2 : 5); round++) {
        measure_round(&bench, quick ? 3 : ROUND_MAX, true);
    }
    samples_print(&bench.samples);
    end(&bench);
    return 0;
}
