/*
 * Authentication: requests come as messages, since a message can be kept until its moment and a callback must answer at once.
 *
 * What decides nothing (none, a key that is asked about and known) is answered at once; a denial, and the grant, wait for the
 * moment at which the plan opens the connection, if that is still to come.
 */
#define SSH_SUPPRESS_DEPRECATED /* of messages, the parts whose callbacks must answer at once */
#include <string.h>

#include "fakes/front/ssh_state.h"

enum { FAILURES_MAX = 6 }; /* as OpenSSH's MaxAuthTries */

static const char user[] = "root";
static const char banner[] =
    "Welcome to vast.ai. If authentication fails, try again after a few seconds, and double check "
    "your ssh key.\nHave fun!\n";

/* "TYPE BASE64 comment" */
static bool line_is_key(const char *line, ssh_key offered)
{
    char storage[CHANNEL_ENVIRONMENT_MAX];
    ssh_key key = NULL;
    size_t type = strcspn(line, " \t");
    const char *base64 = line + type + strspn(line + type, " \t");
    char name[64];
    bool fits = text_format(name, sizeof name, "%.*s", (int)type, line) &&
                text_format(storage, sizeof storage, "%.*s", (int)strcspn(base64, " \t\r\n"), base64);
    if (!fits || ssh_pki_import_pubkey_base64(storage, ssh_key_type_from_name(name), &key) != SSH_OK) {
        return false;
    }
    bool same = ssh_key_cmp(key, offered, SSH_KEY_CMP_PUBLIC) == 0;
    ssh_key_free(key);
    return same;
}

static bool is_known(const struct peer *peer, ssh_key offered)
{
    const struct cloud *cloud = peer->front->stage->cloud;
    const char *line = cloud_ssh_key(cloud, peer->machine->contract, 0);
    for (size_t i = 0; line != NULL && offered != NULL; line = cloud_ssh_key(cloud, peer->machine->contract, ++i)) {
        if (line_is_key(line, offered)) {
            return true;
        }
    }
    return false;
}

/* Undecided: the key would do, and now the client has to prove that it has it. */
static enum auth_verdict judge(const struct peer *peer, ssh_message message)
{
    const char *who = ssh_message_auth_user(message);
    bool good = peer->session->fate == FATE_DELIVERED && who != NULL && strcmp(who, user) == 0 &&
                is_known(peer, ssh_message_auth_pubkey(message));
    if (!good) {
        return AUTH_DENIED;
    }
    switch (ssh_message_auth_publickey_state(message)) {
    case SSH_PUBLICKEY_STATE_NONE:
        return AUTH_UNDECIDED;
    case SSH_PUBLICKEY_STATE_VALID:
        return AUTH_GRANTED;
    default:
        return AUTH_DENIED;
    }
}

/* The proxy greets everybody before the first answer. */
static void send_banner(struct peer *peer)
{
    if (peer->banner_sent || peer->port != SSH_PORT_PROXY) {
        return;
    }
    peer->banner_sent = true;
    ssh_string text = ssh_string_from_char(banner);
    if (text != NULL) {
        (void)ssh_send_issue_banner(peer->ssh, text);
        ssh_string_free(text);
    }
}

static void answer(struct peer *peer, ssh_message message, enum auth_verdict verdict)
{
    if (verdict == AUTH_GRANTED) {
        peer_opened(peer);
        (void)ssh_message_auth_reply_success(message, 0);
    } else if (verdict == AUTH_UNDECIDED) {
        (void)ssh_message_auth_reply_pk_ok_simple(message);
    } else if (++peer->failures >= FAILURES_MAX) {
        (void)ssh_session_set_disconnect_message(peer->ssh, "Too many authentication failures");
        ssh_disconnect(peer->ssh);
        peer->dead = true;
    } else {
        (void)ssh_message_reply_default(message);
    }
    ssh_message_free(message);
}

void peer_answer_held(struct peer *peer)
{
    ssh_message message = peer->held;
    peer->held = NULL;
    answer(peer, message, peer->verdict);
}

static void moment_comes(void *owner)
{
    struct peer *peer = owner;
    peer_answer_held(peer);
    peer_pump(peer);
}

static void judge_key(struct peer *peer, ssh_message message)
{
    struct stage_server *stage = peer->front->stage;
    enum auth_verdict verdict = judge(peer, message);
    int64_t opened_ns = peer->session->opened_ns;
    if (verdict == AUTH_UNDECIDED || opened_ns <= stage_now_ns(stage)) {
        answer(peer, message, verdict);
        return;
    }
    peer->held = message;
    peer->verdict = verdict;
    if (!stage_at(stage, &peer->moment, opened_ns, EVENT_CLASS_ARRIVAL, moment_comes, peer)) {
        peer->dead = true;
    }
}

static void take_message(struct peer *peer, ssh_message message)
{
    bool is_login = ssh_message_type(message) == SSH_REQUEST_AUTH;
    if (is_login) {
        send_banner(peer);
    }
    if (is_login && ssh_message_subtype(message) == SSH_AUTH_METHOD_PUBLICKEY) {
        judge_key(peer, message);
        return;
    }
    if (ssh_message_type(message) == SSH_REQUEST_SERVICE) {
        (void)ssh_message_service_reply_success(message);
    } else {
        (void)ssh_message_reply_default(message);
    }
    ssh_message_free(message);
}

void peer_authenticate(struct peer *peer)
{
    while (peer->phase == PEER_AUTHENTICATING && peer->held == NULL && !peer->dead) {
        ssh_message message = ssh_message_get(peer->ssh);
        if (message == NULL) {
            return;
        }
        take_message(peer, message);
    }
}
