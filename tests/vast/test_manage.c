/*
 * What is done with a machine that exists: start, stop, label, bid, logs, SSH keys. Each answer is done, refused for certain, or
 * unknown; and nothing that a server sends leads us elsewhere.
 */
#include <string.h>

#include "scripted_world.h"
#include "testing.h"
#include "vast/calls.h"

static struct scripted_world scripted;

enum { OUT_LIMIT = 64 };

/* What a procedure is to do, and what came of it. */
struct call {
    enum error_code code;
    struct error error;
    bool queued;
    int64_t key_id;
    int64_t price_nusd_per_hour;
    const char *label;
    struct vast_logs_wish wish;
    char out[256];
    int keys;
    int whole_keys;
    int64_t last_key;
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

static void open_vast(struct vast *vast)
{
    const struct vast_access access = {"http://127.0.0.1:4000", "sesame-key"};
    assert_int_equal(vast_open(vast, &scripted.world, access, 30 * NS_PER_S), ERR_OK);
}

#define PROCEDURE(name, expression)                                                                                    \
    static void name(void *argument)                                                                                   \
    {                                                                                                                  \
        struct call *call = argument;                                                                                  \
        struct vast vast;                                                                                              \
        open_vast(&vast);                                                                                              \
        call->code = (expression);                                                                                     \
        vast_close(&vast);                                                                                             \
    }

static void count_key(void *context, const struct vast_key *key)
{
    struct call *call = context;
    call->keys++;
    call->whole_keys += key->text.presence == PRESENT ? 1 : 0;
    call->last_key = key->id.value;
}

static const char public_key[] = "ssh-ed25519 AAAA me";

PROCEDURE(stop, vast_stop(&vast, 41, &call->error))
PROCEDURE(start, vast_start(&vast, 41, &call->queued, &call->error))
PROCEDURE(label, vast_label(&vast, 41, call->label, &call->error))
PROCEDURE(bid, vast_bid(&vast, 41, call->price_nusd_per_hour, &call->error))
PROCEDURE(key_create, vast_key_create(&vast, public_key, &call->key_id, &call->error))
PROCEDURE(attach, vast_attach(&vast, 41, public_key, &call->error))
PROCEDURE(detach, vast_detach(&vast, 41, 7, &call->error))
PROCEDURE(keys, vast_keys(&vast, count_key, call, &call->error))
PROCEDURE(attached, vast_attached(&vast, 41, count_key, call, &call->error))

static void logs(void *argument)
{
    struct call *call = argument;
    struct vast vast;
    struct buffer out;
    open_vast(&vast);
    buffer_init(&out, scripted.world.heap, OUT_LIMIT);
    call->code =
        vast_logs(&vast, 41, &call->wish, world_deadline_ns(&scripted.world, 10 * NS_PER_S), &out, &call->error);
    (void)text_copy(call->out, sizeof call->out, buffer_text(&out));
    buffer_release(&out);
    vast_close(&vast);
}

static struct scripted_reply answer(int status, const char *body)
{
    return (struct scripted_reply){.status = status, .body = body};
}

static struct call run(task_function *procedure, int status, const char *body)
{
    struct call call = {.code = ERROR_COUNT, .label = "mine", .price_nusd_per_hour = 210000000};
    scripted_reply(&scripted, answer(status, body));
    scripted_world_run(&scripted, procedure, &call);
    return call;
}

/* ---- Changes ------------------------------------------------------------------------------------------------------------ */

static const struct {
    task_function *procedure;
    const char *success;
    const char *request;
} changes[] = {
    {stop, "{\"success\":true}", "PUT /api/v0/instances/41/ {\"state\":\"stopped\"}"},
    {start, "{\"success\":true}", "PUT /api/v0/instances/41/ {\"state\":\"running\"}"},
    {label, "{\"success\":true}", "PUT /api/v0/instances/41/ {\"label\":\"mine\"}"},
    {bid, "{\"success\":true}", "PUT /api/v0/instances/bid_price/41/ {\"client_id\":\"me\",\"price\":0.21}"},
    {key_create, "{\"success\":true,\"key\":{\"id\":7,\"public_key\":\"k\"}}",
     "POST /api/v0/ssh/ {\"ssh_key\":\"ssh-ed25519 AAAA me\"}"},
    {attach, "{\"success\":true,\"msg\":\"done\"}",
     "POST /api/v0/instances/41/ssh/ {\"ssh_key\":\"ssh-ed25519 AAAA me\"}"},
    {detach, "{\"success\":true,\"msg\":\"done\"}", "DELETE /api/v0/instances/41/ssh/7/ {}"},
};

/* Each sends what the service knows, and believes its success. */
static void test_a_change_is_asked_for_as_the_service_knows_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        assert_int_equal(run(changes[i].procedure, 200, changes[i].success).code, ERR_OK);
        assert_int_equal(count_lines(&scripted.requests, changes[i].request, NULL), 1);
    }
}

/* A change that may have reached the server and got no usable answer is unknown; a refusal is one for certain. */
static void test_each_answer_to_a_change_is_done_refused_or_unknown(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum error_code code;
    } rows[] = {
        {502, "<html></html>", ERR_OUTCOME_UNKNOWN},
        {200, "ok", ERR_OUTCOME_UNKNOWN},
        {200, "[]", ERR_OUTCOME_UNKNOWN},
        {204, "", ERR_OUTCOME_UNKNOWN},
        {429, "{\"detail\":\"endpoint threshold=3.0\"}", ERR_RATE_LIMITED},
        {401, "{\"success\":false,\"error\":\"auth_error\"}", ERR_NOT_AUTHENTICATED},
        {400, "{\"success\":false,\"error\":\"invalid_args\",\"msg\":\"no\"}", ERR_REQUEST_REJECTED},
        {200, "{\"success\":false,\"error\":\"busy\",\"msg\":\"try later\"}", ERR_REQUEST_REJECTED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(rows); j++) {
            struct call call = run(changes[i].procedure, rows[j].status, rows[j].body);
            assert_int_equal(call.code, rows[j].code);
            assert_int_equal(call.error.code, call.code);
        }
        struct call call = {.label = "mine", .price_nusd_per_hour = 210000000};
        scripted_reply(&scripted, (struct scripted_reply){.never = true});
        scripted_world_run(&scripted, changes[i].procedure, &call);
        assert_int_equal(call.code, ERR_OUTCOME_UNKNOWN);
        scripted_reply(&scripted, (struct scripted_reply){.fate = FATE_REFUSED});
        scripted_world_run(&scripted, changes[i].procedure, &call);
        assert_int_equal(call.code, ERR_CONNECTION_REFUSED);
    }
}

static void test_a_machine_that_is_none_is_named_so(void **state)
{
    static const char none[] = "{\"success\":false,\"error\":\"no_such_instance\",\"msg\":\"Instance 41 not found.\"}";
    static const char no_key[] =
        "{\"success\":false,\"error\":\"not_found\",\"msg\":\"SSH key 7 not found on instance.\"}";
    (void)state;
    assert_int_equal(run(stop, 404, none).code, ERR_NO_SUCH_INSTANCE);
    assert_int_equal(run(start, 404, none).code, ERR_NO_SUCH_INSTANCE);
    assert_int_equal(run(label, 404, none).code, ERR_NO_SUCH_INSTANCE);
    assert_int_equal(run(bid, 404, none).code, ERR_NO_SUCH_INSTANCE);
    assert_int_equal(run(attach, 404, none).code, ERR_NO_SUCH_INSTANCE);
    assert_int_equal(run(detach, 404, none).code, ERR_NO_SUCH_INSTANCE);
    assert_int_equal(run(attached, 404, none).code, ERR_NO_SUCH_INSTANCE);
    assert_int_equal(run(detach, 404, no_key).code, ERR_REQUEST_REJECTED); /* as well no such call */
}

/* A start that waits for a GPU is no failure, and no start either. */
static void test_a_queued_start_is_told_apart(void **state)
{
    (void)state;
    struct call call = run(start, 200,
                           "{\"success\":false,\"error\":\"resources_unavailable\",\"msg\":\"Required resources are "
                           "currently unavailable, state change queued.\"}");
    assert_int_equal(call.code, ERR_OK);
    assert_true(call.queued);
    assert_false(run(start, 200, "{\"success\":true}").queued);
    assert_false(run(start, 200, "{\"success\":false,\"error\":\"busy\"}").queued);
    call = run(start, 200, "{\"error\":\"resources_unavailable\""); /* cut */
    assert_int_equal(call.code, ERR_OUTCOME_UNKNOWN);
    assert_false(call.queued);
}

static void test_what_cannot_be_meant_is_not_sent(void **state)
{
    struct call call = {.price_nusd_per_hour = 0};
    char *long_label;
    (void)state;
    scripted_world_run(&scripted, bid, &call);
    assert_int_equal(call.code, ERR_USAGE);
    long_label = heap_alloc(scripted.own_heap, 2 * VAST_BODY_SIZE);
    assert_non_null(long_label);
    memset(long_label, 'x', 2 * VAST_BODY_SIZE - 1);
    call.label = long_label;
    scripted_world_run(&scripted, label, &call);
    assert_int_equal(call.code, ERR_USAGE);
    assert_int_equal(scripted.http_started, 0);
    heap_release(scripted.own_heap, long_label);
}

/* Whoever asks again after a lost reply finds that it is so already, and that is what was wanted. */
static void test_a_key_that_is_there_already_is_no_failure(void **state)
{
    (void)state;
    struct call call =
        run(key_create, 400, "{\"success\":false,\"error\":\"invalid_args\",\"msg\":\"SSH key already exists.\"}");
    assert_int_equal(call.code, ERR_OK);
    assert_int_equal(call.key_id, 0);
    assert_int_equal(run(attach, 400, "{\"success\":false,\"msg\":\"SSH key already associated with instance.\"}").code,
                     ERR_OK);
    assert_int_equal(run(attach, 500, "{\"success\":false,\"msg\":\"already\"}").code, ERR_OUTCOME_UNKNOWN);
    assert_int_equal(run(key_create, 200, "{\"success\":true,\"key\":{\"id\":7}}").key_id, 7);
    assert_int_equal(run(key_create, 200, "{\"success\":true,\"key\":{}}").code, ERR_OUTCOME_UNKNOWN);
}

/* ---- Lists of keys ------------------------------------------------------------------------------------------------------ */

static void test_a_list_of_keys_is_whole_or_none(void **state)
{
    static const struct {
        const char *body;
        enum error_code code;
        int keys;
    } rows[] = {
        {"[]", ERR_OK, 0},
        {" [{\"id\":1,\"key\":\"a\",\"deleted_at\":null},{\"id\":2,\"key\":\"b\"}]", ERR_OK, 2},
        {"[{\"id\":1,\"key\":\"a\",\"deleted_at\":\"2026-01-01\"}]", ERR_OK, 0},
        {"[{\"id\":1,\"key\":null}]", ERR_OK, 1},
        {"[{\"key\":\"a\"}]", ERR_REPLY_UNEXPECTED, 0},
        {"[7]", ERR_REPLY_UNEXPECTED, 0},
        {"{\"success\":false,\"error\":\"busy\"}", ERR_REQUEST_REJECTED, 0},
        {"{\"keys\":[]}", ERR_REPLY_UNEXPECTED, 0},
        {"null", ERR_REPLY_UNEXPECTED, 0},
        {"[{\"id\":1", ERR_REPLY_MALFORMED, -1},
        {"", ERR_REPLY_MALFORMED, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct call call = run(keys, 200, rows[i].body);
        assert_int_equal(call.code, rows[i].code);
        if (rows[i].keys >= 0) {
            assert_int_equal(call.keys, rows[i].keys);
        }
    }
}

/* The service sends the list of a machine's keys as a text. */
static void test_a_machines_keys_come_in_a_text_or_as_a_list(void **state)
{
    (void)state;
    struct call call =
        run(attached, 200,
            "{\"success\":true,\"ssh_keys\":\"[{\\\"id\\\":5,\\\"public_key\\\":\\\"ssh-rsa \\\\u0041\\\"}]\"}");
    assert_int_equal(call.code, ERR_OK);
    assert_int_equal(call.keys, 1);
    assert_int_equal(call.last_key, 5);
    assert_int_equal(run(attached, 200, "{\"success\":true,\"ssh_keys\":[{\"id\":6,\"public_key\":\"k\"}]}").last_key,
                     6);
    assert_int_equal(run(attached, 200, "{\"success\":true,\"ssh_keys\":\"[]\"}").code, ERR_OK);
    assert_int_equal(run(attached, 200, "{\"success\":true}").code, ERR_REPLY_UNEXPECTED);
    assert_int_equal(run(attached, 200, "{\"success\":true,\"ssh_keys\":null}").code, ERR_REPLY_UNEXPECTED);
    assert_int_equal(run(attached, 200, "{\"success\":true,\"ssh_keys\":\"[{\"}").code, ERR_REPLY_MALFORMED);
}

/* A key that was cut would be another key. */
static void test_a_key_too_long_is_not_shown_in_part(void **state)
{
    (void)state;
    size_t size = VAST_KEY_SIZE + 200;
    char *body = heap_alloc(scripted.own_heap, size);
    assert_non_null(body);
    (void)text_copy(body, size, "[{\"id\":1,\"key\":\"");
    size_t length = strlen(body);
    memset(body + length, 'k', VAST_KEY_SIZE);
    (void)text_copy(body + length + VAST_KEY_SIZE, size - length - VAST_KEY_SIZE, "\"}]");
    struct call call = run(keys, 200, body);
    assert_int_equal(call.code, ERR_OK);
    assert_int_equal(call.keys, 1);
    assert_int_equal(call.whole_keys, 0);
    heap_release(scripted.own_heap, body);
}

/* ---- Logs --------------------------------------------------------------------------------------------------------------- */

static struct call run_logs(const char *url_body, const struct scripted_reply *then, size_t count)
{
    struct call call = {.wish = {.lines = 50, .filter = "error", .of_daemon = true}};
    scripted_reply(&scripted, answer(200, url_body));
    for (size_t i = 0; i < count; i++) {
        scripted_reply(&scripted, then[i]);
    }
    scripted_world_run(&scripted, logs, &call);
    return call;
}

static void test_logs_are_fetched_where_the_answer_points_without_our_key(void **state)
{
    const struct scripted_reply then[] = {answer(403, "<Error/>"), answer(404, ""), answer(200, "line 1\nline 2\n")};
    (void)state;
    struct call call =
        run_logs("{\"success\":true,\"result_url\":\"https://s3.example.test/vast.ai/instance_logs/a.log?x=1\"}", then,
                 ARRAY_LENGTH(then));
    assert_int_equal(call.code, ERR_OK);
    assert_string_equal(call.out, "line 1\nline 2\n");
    assert_int_equal(count_lines(&scripted.requests, "PUT /api/v0/instances/request_logs/41/",
                                 "{\"tail\":\"50\",\"filter\":\"error\",\"daemon_logs\":\"true\"}"),
                     1);
    assert_int_equal(count_lines(&scripted.requests, "GET /vast.ai/instance_logs/a.log?x=1", "(no key)"), 3);
    assert_int_equal(
        count_lines(&scripted.headers, "GET https://s3.example.test/vast.ai/instance_logs/a.log?x=1", NULL), 3);
    assert_int_equal(count_lines(&scripted.notes, "a.log", NULL), 0); /* whoever knows the address may read it */
}

static void test_of_long_logs_the_end_is_kept(void **state)
{
    char text[200] = "";
    (void)state;
    memset(text, 'a', sizeof text - 1);
    (void)text_copy(text + 150, 50, "the end");
    const struct scripted_reply then = answer(200, text);
    struct call call = run_logs("{\"success\":true,\"result_url\":\"http://127.0.0.1:4000/r\"}", &then, 1);
    assert_int_equal(call.code, ERR_OK);
    assert_int_equal(strlen(call.out), OUT_LIMIT);
    assert_string_equal(call.out + OUT_LIMIT - 7, "the end");
}

static void test_logs_that_never_come_end_in_time(void **state)
{
    struct scripted_reply never[16];
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(never); i++) {
        never[i] = answer(403, "");
    }
    struct call call =
        run_logs("{\"success\":true,\"result_url\":\"http://127.0.0.1:4000/r\"}", never, ARRAY_LENGTH(never));
    assert_int_equal(call.code, ERR_TIMED_OUT);
    assert_true(scripted.http_started <= 12);
}

static void test_logs_fail_as_they_fail(void **state)
{
    static const struct {
        int status;
        enum error_code code;
    } rows[] = {{500, ERR_SERVER_ERROR}, {302, ERR_REPLY_UNEXPECTED}, {204, ERR_REPLY_UNEXPECTED}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct scripted_reply then = answer(rows[i].status, "");
        assert_int_equal(run_logs("{\"success\":true,\"result_url\":\"http://127.0.0.1:4000/r\"}", &then, 1).code,
                         rows[i].code);
    }
}

/* A server does not send us to plain text, into our own network, or anywhere that is no address. */
static void test_a_result_leads_nowhere_but_where_we_go(void **state)
{
    static const struct {
        const char *url;
        const char *origin, *path; /* NULL: refused */
    } rows[] = {
        {"https://s3.amazonaws.com/vast.ai/x.log", "https://s3.amazonaws.com", "/vast.ai/x.log"},
        {"https://s3.amazonaws.com:8443/x?y=1", "https://s3.amazonaws.com:8443", "/x?y=1"},
        {"http://127.0.0.1:4000/x", "http://127.0.0.1:4000", "/x"},
        {"http://127.0.0.1:40001/x", NULL, NULL},
        {"http://127.0.0.1:4000@evil.test/x", NULL, NULL},
        {"http://s3.amazonaws.com/x", NULL, NULL},
        {"https://user:word@s3.amazonaws.com/x", NULL, NULL},
        {"https://s3.amazonaws.com", NULL, NULL},
        {"https:///x", NULL, NULL},
        {"https://a.test/x#y", NULL, NULL},
        {"https://a.test/a b", NULL, NULL},
        {"https://a.test/\\r\\nX: y", NULL, NULL},
        {"file:///etc/passwd", NULL, NULL},
        {"/x", NULL, NULL},
        {"", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char body[256];
        struct vast_result_url url;
        struct error error;
        (void)text_format(body, sizeof body, "{\"success\":true,\"result_url\":\"%s\"}", rows[i].url);
        enum error_code code = decode_result_url(span_of(body), "http://127.0.0.1:4000", &url, &error);
        assert_int_equal(code, rows[i].origin == NULL ? ERR_REPLY_UNEXPECTED : ERR_OK);
        if (rows[i].origin != NULL) {
            assert_string_equal(url.origin, rows[i].origin);
            assert_string_equal(url.path, rows[i].path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_a_change_is_asked_for_as_the_service_knows_it),
        LAW(test_each_answer_to_a_change_is_done_refused_or_unknown),
        LAW(test_a_machine_that_is_none_is_named_so),
        LAW(test_a_queued_start_is_told_apart),
        LAW(test_what_cannot_be_meant_is_not_sent),
        LAW(test_a_key_that_is_there_already_is_no_failure),
        LAW(test_a_list_of_keys_is_whole_or_none),
        LAW(test_a_machines_keys_come_in_a_text_or_as_a_list),
        LAW(test_a_key_too_long_is_not_shown_in_part),
        LAW(test_logs_are_fetched_where_the_answer_points_without_our_key),
        LAW(test_of_long_logs_the_end_is_kept),
        LAW(test_logs_that_never_come_end_in_time),
        LAW(test_logs_fail_as_they_fail),
        LAW(test_a_result_leads_nowhere_but_where_we_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
