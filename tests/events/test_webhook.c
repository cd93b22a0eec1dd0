#include "events/webhook.h"

#include <string.h>

#include "base/digest.h"
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

/* An attempt, and what came of it. */
struct trial {
    struct webhook_message message;
    enum webhook_outcome outcome;
    char reason[WEBHOOK_REASON_SIZE];
    int64_t wish_ns;
    int64_t took_ns;
};

static void send_one(void *argument)
{
    struct trial *trial = argument;
    int64_t began_ns = scripted.now_ns;
    struct webhook_answer answer;
    trial->outcome = webhook_send(&scripted.world, &trial->message, &answer);
    (void)text_copy(trial->reason, sizeof trial->reason, answer.reason);
    trial->wish_ns = answer.wish_ns;
    trial->took_ns = scripted.now_ns - began_ns;
}

static struct trial try_url(const char *url, const char *secret)
{
    struct trial trial = {
        .message = {.event_id = "00ff", .kind = "instance.ready", .payload = "{\"a\": 1}", .attempt = 3}};
    text_copy(trial.message.url, sizeof trial.message.url, url);
    text_copy(trial.message.secret, sizeof trial.message.secret, secret);
    scripted_world_run(&scripted, send_one, &trial);
    return trial;
}

/* On a rehearsal nobody elsewhere is called: what is on this machine is told from the URL, credentials and port or not. */
static void test_receivers_on_this_machine_are_known_by_their_urls(void **state)
{
    static const char *const here[] = {"http://127.0.0.1/", "https://LOCALHOST:8443/x?y",
                                       "http://user:word@127.9.9.9:1/", "http://[::1]:80/a", "http://[::1]"};
    static const char *const elsewhere[] = {"http://h/",           "https://127.0.0.1.example/", "http://127.0.0.1@h/",
                                            "http://10.0.0.1:80/", "http://localhost.h/",        "http://[::2]/",
                                            "http://h/127.0.0.1",  "ftp://127.0.0.1/",           ""};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(here); i++) {
        assert_true(webhook_is_local(here[i]));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(elsewhere); i++) {
        assert_false(webhook_is_local(elsewhere[i]));
    }
}

/* Only 429 and 503 ask for a pause, and only a number of seconds is one. */
static void test_a_receiver_may_ask_for_a_pause(void **state)
{
    static const struct {
        int status;
        const char *header;
        int64_t wish_s;
    } cases[] = {
        {429, "120", 120},
        {503, "1", 1},
        {500, "120", 0},
        {200, "120", 0},
        {429, NULL, 0},
        {429, "-5", 0},
        {429, "1.5", 0},
        {429, "", 0},
        {503, "0", 0},
        {503, "99999999999999999999", 0},
        {503, "Fri, 02 Jan 2026 19:12:18 GMT", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        scripted_reply(&scripted, (struct scripted_reply){.status = cases[i].status, .retry_after = cases[i].header});
        assert_int_equal(try_url("http://h/", "").wish_ns, cases[i].wish_s * NS_PER_S);
    }
}

/* A URL is split at its seams: origin in lower case, path with query as it stands, credentials as basic authentication. */
static void test_urls_are_split(void **state)
{
    static const struct {
        const char *url, *origin, *path, *authorization;
    } cases[] = {
        {"http://h", "http://h", "/", ""},
        {"HTTPS://Hook.Example/Path?Key=Word&x=%2F", "https://hook.example", "/Path?Key=Word&x=%2F", ""},
        {"https://h:8443?q", "https://h:8443", "/?q", ""},
        {"http://[::1]:80/a:b@c", "http://[::1]:80", "/a:b@c", ""},
        {"http://[::1]/", "http://[::1]", "/", ""},
        {"http://127.0.0.1:65535/", "http://127.0.0.1:65535", "/", ""},
        {"https://Aladdin:open%20sesame@h/", "https://h", "/", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
        {"https://u@h/", "https://h", "/", "Basic dTo="},
        {"https://u:a:b@h/", "https://h", "/", "Basic dTphOmI="},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct webhook_address address;
        if (!webhook_split(cases[i].url, &address)) {
            fail_msg("%s is refused", cases[i].url);
        }
        assert_string_equal(address.origin, cases[i].origin);
        assert_string_equal(address.path, cases[i].path);
        assert_string_equal(address.authorization, cases[i].authorization);
    }
}

/* What is not plainly a URL of http or https is none. */
static void test_other_urls_are_refused(void **state)
{
    static const char *const urls[] = {
        "",
        "h",
        "ftp://h/",
        "http:/h",
        "http//h",
        "file:///etc/passwd",
        "javascript:x",
        "http://",
        "http:///p",
        "http://?q",
        "http://h:0/",
        "http://h:65536/",
        "http://h:080/",
        "http://h:/",
        "http://h:8a/",
        "http://h:1:2/",
        "http://::1/",
        "http://[::1/",
        "http://[]/",
        "http://[::1]x/",
        "http://[::1]:/",
        "http://h/#part",
        "http://h/ x",
        "http://h/\r\nX: y",
        "http://h\\@i/",
        "http://h/\xc3\xa9",
        "http://h h/",
        "http://u%4@h/",
        "http://u%zz@h/",
        "http://a@b@h/",
        "http://-h/",
        "http://.h/",
        "http://h/{x}",
        " http://h/",
        "http://h%2f/",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(urls); i++) {
        struct webhook_address address;
        if (webhook_split(urls[i], &address)) {
            fail_msg("%s is taken", urls[i]);
        }
    }
    char url[WEBHOOK_URL_SIZE] = "http://";
    struct webhook_address address;
    memset(url + 7, 'h', WEBHOOK_ORIGIN_SIZE);
    assert_false(webhook_split(url, &address));
    text_format(url, sizeof url, "http://%0200d:%0200d@h/", 0, 0);
    assert_false(webhook_split(url, &address));
}

/* What a receiver gets: the event's id, name, attempt and moment as headers, the payload as body, signed together with the moment. */
static void test_a_message_is_signed_over_its_moment_and_body(void **state)
{
    (void)state;
    scripted_reply(&scripted, (struct scripted_reply){.status = 204});
    struct trial trial = try_url("https://u:w@hook.example.test/in?key=hidden", "s3cret");
    assert_int_equal(trial.outcome, WEBHOOK_TAKEN);
    assert_string_equal(trial.reason, "answered 204");
    assert_int_equal(count_lines(&scripted.requests, "POST /in?key=hidden (no key) {\"a\": 1}", NULL), 1);
    /* The scripted world's wall clock stands at 1767380001. */
    char expected[DIGEST_HEX_SIZE];
    static const char text[] = "1767380001.{\"a\": 1}";
    assert_true(digest_hmac_sha256(scripted.own_heap, span_of("s3cret"), text, strlen(text), expected));
    char line[600];
    text_format(
        line, sizeof line,
        "POST https://hook.example.test/in?key=hidden|X-Dumont-Event-Id: 00ff|X-Dumont-Event: instance.ready|"
        "X-Dumont-Attempt: 3|X-Dumont-Timestamp: 1767380001|Authorization: Basic dTp3|X-Dumont-Signature: sha256=%s",
        expected);
    assert_int_equal(count_lines(&scripted.headers, line, NULL), 1);
}

/* Without a secret nothing is signed. */
static void test_without_a_secret_nothing_is_signed(void **state)
{
    (void)state;
    scripted_reply(&scripted, (struct scripted_reply){.status = 200});
    assert_int_equal(try_url("http://h/", "").outcome, WEBHOOK_TAKEN);
    assert_int_equal(count_lines(&scripted.headers, "X-Dumont-Signature", NULL), 0);
    assert_int_equal(count_lines(&scripted.headers, "Authorization", NULL), 0);
}

/* Each answer has one meaning; silence ends after ten seconds. */
static void test_answers_decide_what_comes_next(void **state)
{
    static const struct {
        struct scripted_reply reply;
        enum webhook_outcome outcome;
        const char *reason;
    } cases[] = {
        {{.status = 200}, WEBHOOK_TAKEN, "answered 200"},
        {{.status = 299, .body = "much"}, WEBHOOK_TAKEN, "answered 299"},
        {{.status = 301}, WEBHOOK_REFUSED, "answered 301: redirects are not followed"},
        {{.status = 308}, WEBHOOK_REFUSED, "answered 308: redirects are not followed"},
        {{.status = 400}, WEBHOOK_REFUSED, "answered 400"},
        {{.status = 404}, WEBHOOK_REFUSED, "answered 404"},
        {{.status = 408}, WEBHOOK_LATER, "answered 408"},
        {{.status = 410}, WEBHOOK_GONE, "answered 410"},
        {{.status = 425}, WEBHOOK_LATER, "answered 425"},
        {{.status = 429}, WEBHOOK_LATER, "answered 429"},
        {{.status = 500}, WEBHOOK_LATER, "answered 500"},
        {{.status = 599}, WEBHOOK_LATER, "answered 599"},
        {{.fate = FATE_REFUSED}, WEBHOOK_LATER, "the connection was refused"},
        {{.fate = FATE_NAME_UNKNOWN}, WEBHOOK_LATER, "the host name is unknown"},
        {{.fate = FATE_TLS_REFUSED}, WEBHOOK_LATER, "the server's certificate is not trusted"},
        {{.fate = FATE_MALFORMED}, WEBHOOK_LATER, "the reply is not well-formed"},
        {{.never = true}, WEBHOOK_LATER, "no answer in time"},
        {{.out_of_memory = true, .status = 200}, WEBHOOK_CUT, "memory is exhausted"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        scripted_reply(&scripted, cases[i].reply);
        struct trial trial = try_url("http://h/", "s");
        assert_int_equal(trial.outcome, cases[i].outcome);
        assert_string_equal(trial.reason, cases[i].reason);
        assert_int_equal(trial.took_ns, cases[i].reply.never ? 10 * NS_PER_S : 0);
    }
    static char page[8192];
    memset(page, 'x', sizeof page - 1);
    scripted_reply(&scripted, (struct scripted_reply){.status = 200, .body = page});
    assert_int_equal(try_url("http://h/", "s").outcome, WEBHOOK_TAKEN); /* nobody reads a receiver's page */
}

/* Real time is what a receiver is granted, however fast the stage's clock runs. */
static void test_a_receiver_is_granted_real_time(void **state)
{
    (void)state;
    scripted.world.description.speed_milli = 60000;
    scripted_reply(&scripted, (struct scripted_reply){.never = true});
    assert_int_equal(try_url("http://h/", "s").took_ns, 600 * NS_PER_S);
}

/* Nothing of a URL or secret is told, whatever happens; the history does not know of the exchange. */
static void test_urls_and_secrets_are_not_told(void **state)
{
    static const char *const urls[] = {"https://hidden:hidden@hidden/hidden?hidden", "hidden://hidden"};
    (void)state;
    scripted_reply(&scripted, (struct scripted_reply){.status = 500});
    for (size_t i = 0; i < ARRAY_LENGTH(urls); i++) {
        struct trial trial = try_url(urls[i], "hidden");
        assert_null(strstr(trial.reason, "hidden"));
    }
    assert_int_equal(scripted.notes.length, 0);
}

/* Without memory, or interrupted, an attempt says nothing of the receiver. */
static void test_a_cut_attempt_blames_nobody(void **state)
{
    (void)state;
    for (uint64_t nth = 2; nth <= 4; nth++) { /* the first is the task of the test */
        heap_fail_at(scripted.world.heap, nth, false);
        assert_int_equal(try_url("http://h/", "s").outcome, WEBHOOK_CUT);
        heap_fail_at(scripted.world.heap, 0, false);
    }
    scripted_reply(&scripted, (struct scripted_reply){.never = true});
    scripted.cancel_at_ns = scripted.now_ns + NS_PER_S;
    struct trial trial = try_url("http://h/", "s");
    assert_int_equal(trial.outcome, WEBHOOK_CUT);
    assert_int_equal(trial.took_ns, NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_receivers_on_this_machine_are_known_by_their_urls),
        LAW(test_a_receiver_may_ask_for_a_pause),
        LAW(test_urls_are_split),
        LAW(test_other_urls_are_refused),
        LAW(test_a_message_is_signed_over_its_moment_and_body),
        LAW(test_without_a_secret_nothing_is_signed),
        LAW(test_answers_decide_what_comes_next),
        LAW(test_a_receiver_is_granted_real_time),
        LAW(test_urls_and_secrets_are_not_told),
        LAW(test_a_cut_attempt_blames_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
