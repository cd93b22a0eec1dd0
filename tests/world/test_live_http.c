#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reactor/clock_page.h"
#include "world/live_place.h"
#include "world/scripted_server.h"

enum { BODY_LIMIT = 16 * 1024 * 1024 };

struct stage {
    struct live_place place;
    struct scripted_server server;
};

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    live_place_make(&stage->place);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    live_place_remove(&stage->place);
    free(stage);
    return 0;
}

/* One exchange: what is asked, and what came of it. */
struct asking {
    struct world *world;
    struct http_request request;
    int64_t limit_ns;
    size_t body_limit;
    bool wants_headers;
    struct heap *heap; /* of the reply's copy */
    enum error_code code;
    struct http_reply reply;
};

static void ask(void *argument)
{
    struct asking *asking = argument;
    buffer_init(&asking->reply.body, asking->heap, asking->body_limit == 0 ? BODY_LIMIT : asking->body_limit);
    if (asking->wants_headers) {
        buffer_init(&asking->reply.headers, asking->heap, 4096);
    }
    int64_t limit_ns = asking->limit_ns == 0 ? 20 * NS_PER_S : asking->limit_ns;
    asking->code =
        world_http(asking->world, &asking->request, &asking->reply, world_deadline_ns(asking->world, limit_ns), NULL);
}

static struct asking asking_of(struct stage *stage, const char *origin)
{
    return (struct asking){
        .world = stage->place.world,
        .heap = stage->place.heap,
        .request = {.method = HTTP_GET, .origin = origin, .path = "/api/v0/thing/?a=b"},
    };
}

static void release(struct asking *asking)
{
    buffer_release(&asking->reply.body);
    buffer_release(&asking->reply.headers);
}

/* ---- Fates -------------------------------------------------------------------------------------------------------------- */

#define SIXTY_FOUR "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
#define ONE_KB                                                                                                         \
    SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR      \
        SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR
#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

struct fate_case {
    const char *what;
    struct server_step steps[6];
    enum transport_fate fate;
    int64_t limit_ns;
};

/* Twice, so that what the first leaves behind would show. */
static void play_fate(struct stage *stage, const struct fate_case *one)
{
    size_t blocks = 0;
    stage->server = (struct scripted_server){0};
    server_script(&stage->server, one->steps);
    server_script(&stage->server, one->steps);
    server_start(&stage->server);
    live_place_open(&stage->place);
    for (int i = 0; i < 2; i++) {
        struct asking asking = asking_of(stage, stage->server.origin);
        asking.limit_ns = one->limit_ns;
        live_place_run(&stage->place, ask, &asking);
        if (asking.code != fate_error(one->fate)) {
            fail_msg("%s: %s instead of %s", one->what, error_name(asking.code), error_name(fate_error(one->fate)));
        }
        assert_true(one->fate == FATE_TRUNCATED || one->fate == FATE_DELIVERED || asking.reply.body.length == 0);
        assert_true(i == 0 || live_world_blocks(stage->place.live) == blocks);
        blocks = live_world_blocks(stage->place.live);
        release(&asking);
    }
    live_place_close(&stage->place);
    server_stop(&stage->server);
}

static void test_every_way_in_which_a_reply_fails_is_its_fate(void **state)
{
    const struct fate_case cases[] = {
        {"whole reply", {READ_REQUEST, WRITE(OK_HEAD "Content-Length: 2\r\n\r\n{}")}, FATE_DELIVERED, 0},
        {"until the end", {READ_REQUEST, WRITE(OK_HEAD "\r\n{}")}, FATE_DELIVERED, 0},
        {"closed without an answer", {READ_REQUEST}, FATE_CLOSED_EARLY, 0},
        {"reset", {READ_REQUEST, RESET}, FATE_RESET, 0},
        {"silent", {READ_REQUEST, HANG}, FATE_SILENT, 50 * NS_PER_MS},
        {"stalled head", {READ_REQUEST, WRITE(OK_HEAD), HANG}, FATE_SILENT, 50 * NS_PER_MS},
        {"slow drip",
         {READ_REQUEST, WRITE(OK_HEAD "Content-Length: 900000\r\n\r\n"), DRIP(" ")},
         FATE_SILENT,
         100 * NS_PER_MS},
        {"cut body", {READ_REQUEST, WRITE(OK_HEAD "Content-Length: 20\r\n\r\n{\"a\":")}, FATE_TRUNCATED, 0},
        {"cut chunk", {READ_REQUEST, WRITE(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a")}, FATE_TRUNCATED, 0},
        {"chunks without end",
         {READ_REQUEST, WRITE(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")},
         FATE_TRUNCATED,
         0},
        {"cut head", {READ_REQUEST, WRITE(OK_HEAD)}, FATE_TRUNCATED, 0},
        {"reset body", {READ_REQUEST, WRITE(OK_HEAD "Content-Length: 20\r\n\r\n{"), RESET}, FATE_RESET, 0},
        {"no HTTP", {READ_REQUEST, WRITE("SSH-2.0-OpenSSH_9.2\r\n")}, FATE_MALFORMED, 0},
        {"garbage", {READ_REQUEST, WRITE("\x01\x02\x03\xff\xfe garbage \r\n\r\n")}, FATE_MALFORMED, 0},
        {"bad header", {READ_REQUEST, WRITE("HTTP/1.1 200 OK\r\nthis is no header\r\n\r\n")}, FATE_MALFORMED, 0},
        {"bad length", {READ_REQUEST, WRITE(OK_HEAD "Content-Length: many\r\n\r\n{}")}, FATE_MALFORMED, 0},
        {"bad chunk",
         {READ_REQUEST, WRITE(OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")},
         FATE_MALFORMED,
         0},
        {"100 MB",
         {READ_REQUEST, WRITE(OK_HEAD "Content-Length: 102400000\r\n\r\n"), WRITE_TIMES(ONE_KB, 100000)},
         FATE_TOO_LARGE,
         0},
        {"endless head",
         {READ_REQUEST, WRITE("HTTP/1.1 200 OK\r\n"), WRITE_TIMES("X-Filler: abcdefghijklmnopqrstuvwxyz\r\n", 100000)},
         FATE_TOO_LARGE,
         0},
        {"endless header",
         {READ_REQUEST, WRITE("HTTP/1.1 200 OK\r\nX-Filler: "), WRITE_TIMES("abcdefghijklmnopqrstuvwxyz", 100000)},
         FATE_TOO_LARGE,
         0},
    };
    struct stage *stage = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        play_fate(stage, &cases[i]);
    }
}

static void ask_origin(struct stage *stage, const char *origin, enum transport_fate fate)
{
    struct asking asking = asking_of(stage, origin);
    live_place_run(&stage->place, ask, &asking);
    if (asking.code != fate_error(fate)) {
        fail_msg("%s: %s instead of %s", origin, error_name(asking.code), error_name(fate_error(fate)));
    }
    release(&asking);
}

static void test_a_server_that_is_not_there_is_refused_unreachable_or_unknown(void **state)
{
    struct stage *stage = *state;
    char origin[64];
    int descriptor;
    live_place_open(&stage->place);
    (void)text_format(origin, sizeof origin, "http://127.0.0.1:%d", refusing_port(&descriptor));
    ask_origin(stage, origin, FATE_REFUSED);
    (void)close(descriptor);
    ask_origin(stage, "http://224.0.0.1:80", FATE_UNREACHABLE);
    ask_origin(stage, "http://a-label-of-more-than-sixty-three-characters-is-none-in-any-name-service.invalid",
               FATE_NAME_UNKNOWN);
    ask_origin(stage, "http://:0/", FATE_NAME_UNKNOWN);
    ask_origin(stage, "file:///etc", FATE_MALFORMED);
    live_place_close(&stage->place);
}

/* ---- What is sent ------------------------------------------------------------------------------------------------------- */

static const struct server_step answer_one[] = {READ_REQUEST,
                                                WRITE("HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 429 Too "
                                                      "Many\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                                      "Content-Length: 2\r\nRetry-After:  7 \r\nX-Empty:\r\n\r\nno"),
                                                END};

static void test_a_request_says_what_it_must_and_a_reply_is_handed_over_whole(void **state)
{
    struct stage *stage = *state;
    const struct http_header headers[] = {{"X-Bz-File-Name", "a%20b"}, {"X-Evil", "a\r\nX-Injected: 1"}};
    server_script(&stage->server, answer_one);
    server_start(&stage->server);
    live_place_open(&stage->place);
    struct asking asking = asking_of(stage, stage->server.origin);
    asking.wants_headers = true;
    asking.request.method = HTTP_PUT;
    asking.request.bearer = "key-of-the-account";
    asking.request.body = span_of("{\"image\":\"x\"}");
    asking.request.changes_state = true;
    asking.request.headers = headers;
    asking.request.header_count = ARRAY_LENGTH(headers);
    live_place_run(&stage->place, ask, &asking);
    live_place_close(&stage->place);
    server_stop(&stage->server);
    assert_int_equal(asking.code, ERR_OK);
    assert_int_equal(asking.reply.status, 429);
    assert_string_equal(asking.reply.content_type, "text/plain; charset=utf-8");
    assert_string_equal(buffer_text(&asking.reply.body), "no");
    assert_string_equal(buffer_text(&asking.reply.headers), "Retry-After: 7\r\nX-Empty: \r\n");
    const char *seen = stage->server.seen;
    assert_int_equal(strncmp(seen, "PUT /api/v0/thing/?a=b HTTP/1.1\r\n", 33), 0);
    assert_non_null(strstr(seen, "\r\nAuthorization: Bearer key-of-the-account\r\n"));
    assert_non_null(strstr(seen, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(seen, "\r\nUser-Agent: dumont/"));
    assert_non_null(strstr(seen, "\r\nX-Bz-File-Name: a%20b\r\n"));
    assert_non_null(strstr(seen, "\r\n\r\n{\"image\":\"x\"}"));
    assert_null(strstr(seen, "Expect"));
    assert_null(strstr(seen, "X-Evil"));
    assert_null(strstr(seen, "X-Injected"));
    release(&asking);
}

static void test_each_method_has_its_body_or_none(void **state)
{
    static const struct {
        enum http_method method;
        const char *body;
        const char *length; /* header that must be there; NULL: none of the name */
    } cases[] = {
        {HTTP_GET, "", NULL},
        {HTTP_HEAD, "", NULL},
        {HTTP_DELETE, "", NULL},
        {HTTP_DELETE, "{}", "Content-Length: 2\r\n"},
        {HTTP_POST, "", "Content-Length: 0\r\n"},
        {HTTP_PUT, "{}", "Content-Length: 2\r\n"},
    };
    static const struct server_step answer[] = {READ_REQUEST, WRITE("HTTP/1.1 204 No Content\r\n\r\n"), END};
    struct stage *stage = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        stage->server = (struct scripted_server){0};
        server_script(&stage->server, answer);
        server_start(&stage->server);
        live_place_open(&stage->place);
        struct asking asking = asking_of(stage, stage->server.origin);
        asking.request.method = cases[i].method;
        asking.request.body = span_of(cases[i].body);
        live_place_run(&stage->place, ask, &asking);
        live_place_close(&stage->place);
        server_stop(&stage->server);
        assert_int_equal(asking.code, ERR_OK);
        assert_int_equal(asking.reply.status, 204);
        size_t name_length = strlen(http_method_name(cases[i].method));
        assert_memory_equal(stage->server.seen, http_method_name(cases[i].method), name_length);
        assert_int_equal(stage->server.seen[name_length], ' ');
        const char *wanted = cases[i].length == NULL ? "Content-Length" : cases[i].length;
        assert_int_equal(strstr(stage->server.seen, wanted) != NULL, cases[i].length != NULL);
        assert_int_equal(strstr(stage->server.seen, "Content-Type") != NULL, cases[i].body[0] != '\0');
        release(&asking);
    }
}

static void test_a_redirect_is_a_reply_like_any_other(void **state)
{
    static const struct server_step redirect[] = {
        READ_REQUEST, WRITE("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"), END};
    struct stage *stage = *state;
    server_script(&stage->server, redirect);
    server_start(&stage->server);
    live_place_open(&stage->place);
    struct asking asking = asking_of(stage, stage->server.origin);
    asking.request.bearer = "key-of-the-account";
    live_place_run(&stage->place, ask, &asking);
    live_place_close(&stage->place);
    server_stop(&stage->server);
    assert_int_equal(asking.code, ERR_OK);
    assert_int_equal(asking.reply.status, 302);
    assert_int_equal(stage->server.connections, 1);
    assert_null(strstr(stage->server.seen, "/elsewhere"));
    release(&asking);
}

static void test_no_proxy_stands_between_us_and_this_machine(void **state)
{
    struct stage *stage = *state;
    int descriptor;
    char proxy[64];
    (void)text_format(proxy, sizeof proxy, "http://127.0.0.1:%d", refusing_port(&descriptor));
    assert_int_equal(setenv("http_proxy", proxy, 1), 0);
    assert_int_equal(setenv("all_proxy", proxy, 1), 0);
    server_script(&stage->server, answer_one);
    server_start(&stage->server);
    live_place_open(&stage->place);
    struct asking asking = asking_of(stage, stage->server.origin);
    live_place_run(&stage->place, ask, &asking);
    live_place_close(&stage->place);
    server_stop(&stage->server);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("all_proxy"), 0);
    (void)close(descriptor);
    assert_int_equal(asking.code, ERR_OK);
    release(&asking);
}

/* ---- Connections -------------------------------------------------------------------------------------------------------- */

/* Some exchanges, one after the other. */
struct row {
    struct asking *first;
    size_t count;
};

static void ask_in_a_row(void *argument)
{
    struct row *row = argument;
    for (size_t i = 0; i < row->count; i++) {
        ask(&row->first[i]);
    }
}

#define TWO_BYTES "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static void test_questions_share_a_connection_and_creates_never_do(void **state)
{
    static const struct server_step shared[] = {READ_REQUEST, WRITE(TWO_BYTES), READ_REQUEST, WRITE(TWO_BYTES), HANG,
                                                END};
    static const struct server_step alone[] = {READ_REQUEST, WRITE(TWO_BYTES), HANG, END};
    struct stage *stage = *state;
    /* create, question, question, create: the first two connections are a create's and the questions', which is still open */
    server_script(&stage->server, alone);
    server_script(&stage->server, shared);
    server_start(&stage->server);
    live_place_open(&stage->place);
    struct asking askings[3];
    for (size_t i = 0; i < ARRAY_LENGTH(askings); i++) {
        askings[i] = asking_of(stage, stage->server.origin);
        askings[i].request.changes_state = i == 0;
    }
    struct row row = {askings, ARRAY_LENGTH(askings)};
    live_place_run(&stage->place, ask_in_a_row, &row);
    live_place_close(&stage->place);
    server_stop(&stage->server);
    for (size_t i = 0; i < ARRAY_LENGTH(askings); i++) {
        assert_int_equal(askings[i].code, ERR_OK);
        release(&askings[i]);
    }
    assert_int_equal(stage->server.connections, 2);
}

static void test_a_kept_connection_that_the_server_closed_costs_no_error(void **state)
{
    static const struct server_step ends_after_one[] = {READ_REQUEST, WRITE(TWO_BYTES), READ_REQUEST, END};
    static const struct server_step resets_after_one[] = {READ_REQUEST, WRITE(TWO_BYTES), READ_REQUEST, RESET, END};
    struct stage *stage = *state;
    server_script(&stage->server, ends_after_one);
    server_script(&stage->server, resets_after_one);
    server_script(&stage->server, resets_after_one);
    server_start(&stage->server);
    live_place_open(&stage->place);
    struct asking askings[3];
    for (size_t i = 0; i < ARRAY_LENGTH(askings); i++) {
        askings[i] = asking_of(stage, stage->server.origin);
    }
    struct row row = {askings, ARRAY_LENGTH(askings)};
    live_place_run(&stage->place, ask_in_a_row, &row);
    live_place_close(&stage->place);
    server_stop(&stage->server);
    for (size_t i = 0; i < ARRAY_LENGTH(askings); i++) {
        assert_int_equal(askings[i].code, ERR_OK);
        release(&askings[i]);
    }
    assert_int_equal(stage->server.connections, 3);
}

static void test_a_create_is_sent_once_whatever_becomes_of_its_connection(void **state)
{
    static const struct server_step resets[] = {READ_REQUEST, RESET, END};
    static const struct server_step answers_one[] = {READ_REQUEST, WRITE(TWO_BYTES), HANG, END};
    struct stage *stage = *state;
    server_script(&stage->server, answers_one);
    server_script(&stage->server, resets);
    server_start(&stage->server);
    live_place_open(&stage->place);
    /* A question first, so that there is a connection that could be reused; its server then serves nobody else. */
    struct asking askings[2] = {asking_of(stage, stage->server.origin), asking_of(stage, stage->server.origin)};
    askings[1].request.method = HTTP_PUT;
    askings[1].request.body = span_of("{}");
    askings[1].request.changes_state = true;
    askings[1].limit_ns = 200 * NS_PER_MS;
    struct row row = {askings, ARRAY_LENGTH(askings)};
    live_place_run(&stage->place, ask_in_a_row, &row);
    live_place_close(&stage->place);
    server_stop(&stage->server);
    assert_int_equal(askings[0].code, ERR_OK);
    assert_int_not_equal(askings[1].code, ERR_OK);
    const char *first = strstr(stage->server.seen, "PUT ");
    assert_true(first == NULL || strstr(first + 1, "PUT ") == NULL);
    release(&askings[0]);
    release(&askings[1]);
}

/* ---- Deadlines ---------------------------------------------------------------------------------------------------------- */

static void test_an_hours_deadline_on_a_fast_stage_passes_at_once(void **state)
{
    static const struct server_step silent[] = {READ_REQUEST, HANG, END};
    struct stage *stage = *state;
    char path[128];
    struct clock_page *page;
    (void)live_place_path(&stage->place, path, sizeof path, "clock");
    assert_int_equal(clock_page_create(stage->place.heap, path, (struct wall_time){0},
                                       100 * CLOCK_SPEED_REAL_MILLI * 1000, &page, &stage->place.error),
                     ERR_OK);
    server_script(&stage->server, silent);
    server_start(&stage->server);
    stage->place.options.clock_page_path = path;
    live_place_open(&stage->place);
    struct asking asking = asking_of(stage, stage->server.origin);
    asking.limit_ns = NS_PER_HOUR;
    int64_t before_ns = monotonic_now_ns();
    live_place_run(&stage->place, ask, &asking);
    assert_int_equal(asking.code, ERR_TIMED_OUT);
    assert_true(monotonic_now_ns() - before_ns < 20 * NS_PER_S);
    live_place_close(&stage->place);
    server_stop(&stage->server);
    clock_page_close(page);
    release(&asking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_way_in_which_a_reply_fails_is_its_fate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_server_that_is_not_there_is_refused_unreachable_or_unknown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_request_says_what_it_must_and_a_reply_is_handed_over_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_each_method_has_its_body_or_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_redirect_is_a_reply_like_any_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_proxy_stands_between_us_and_this_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_questions_share_a_connection_and_creates_never_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_kept_connection_that_the_server_closed_costs_no_error, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_create_is_sent_once_whatever_becomes_of_its_connection, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_hours_deadline_on_a_fast_stage_passes_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("live HTTP", tests, NULL, NULL);
}
