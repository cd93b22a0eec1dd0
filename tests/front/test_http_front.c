/* What the HTTP front says and how it ends a connection, byte by byte, to clients that know nothing of it. */
#include <stdio.h>

#include "http_rig.h"

static void test_a_reply_is_what_the_answer_says(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    client_open(&client, rig);
    const char *reply = client_ask(&client, "GET /texthello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(strncmp(reply, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_non_null(strstr(reply, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(reply, "\r\n\r\nhello"));
    rig->answer = (struct http_answer){.status = 429,
                                       .content_type = "text/plain",
                                       .headers = span_of("Retry-After: 3\r\nX-A:  b\r\n"),
                                       .body = span_of("no")};
    rig->answer.length = 2;
    reply = client_ask(&client, "DELETE /answer HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(strstr(reply, "HTTP/1.1 429 "));
    assert_non_null(strstr(reply, "\r\nRetry-After: 3\r\n"));
    assert_non_null(strstr(reply, "\r\nX-A: b\r\n"));
    assert_false(client.ended);
    client_close(&client);
    rig_close(rig);
}

static void test_requests_that_come_at_once_are_answered_in_order(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    const size_t three = 3;
    client_open(&client, rig);
    client_say(&client, "GET /late HTTP/1.1\r\nHost: x\r\n\r\nGET /textsecond HTTP/1.1\r\nHost: x\r\n\r\n"
                        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nthird");
    client_await(&client, has_replies, &three);
    const char *seen = buffer_text(&client.seen);
    assert_true(strstr(seen, "late") < strstr(seen, "second"));
    assert_true(strstr(seen, "second") < strstr(seen, "third"));
    client_close(&client);
    rig_close(rig);
}

static void test_http_1_0_ends_with_its_reply(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    client_open(&client, rig);
    client_say(&client, "GET /textold HTTP/1.0\r\n\r\n");
    client_await(&client, has_ended, NULL);
    assert_non_null(strstr(buffer_text(&client.seen), "old"));
    assert_false(client.was_reset);
    client_close(&client);
    rig_close(rig);
}

static void test_head_tells_the_length_and_sends_no_body(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    client_open(&client, rig);
    client_say(&client, "HEAD /texthello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client_await(&client, has_ended, NULL);
    const char *seen = buffer_text(&client.seen);
    assert_non_null(strstr(seen, "Content-Length: 5\r\n"));
    assert_string_equal(strstr(seen, "\r\n\r\n"), "\r\n\r\n");
    client_close(&client);
    rig_close(rig);
}

static void test_a_client_that_asks_first_is_told_to_go_on(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    client_open(&client, rig);
    client_say(&client, "PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    client_await(&client, has_seen, "100 Continue\r\n\r\n");
    client_say(&client, "body");
    client_await(&client, has_seen, "\r\n\r\nbody");
    client_close(&client);
    rig_close(rig);
}

/* ---- Bounds ------------------------------------------------------------------------------------------------------------- */

static void test_what_is_too_long_is_refused_and_the_connection_lives(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    struct buffer text;
    const size_t one = 1;
    client_open(&client, rig);
    buffer_init(&text, rig->heap, 4 * RIG_BODY_MAX);

    buffer_append_text(&text, "GET /");
    buffer_append_repeated(&text, "p", HTTP_PATH_SIZE);
    buffer_append_text(&text, " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(strstr(client_ask(&client, buffer_text(&text)), "HTTP/1.1 414 "));

    buffer_clear(&text);
    buffer_append_text(&text, "GET /text HTTP/1.1\r\nHost: x\r\n");
    buffer_append_repeated(&text, "X-One-More: 1\r\n", 40);
    buffer_append_text(&text, "\r\n");
    assert_non_null(strstr(client_ask(&client, buffer_text(&text)), "HTTP/1.1 431 "));

    buffer_clear(&text);
    buffer_clear(&client.seen);
    buffer_printf(&text, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", RIG_BODY_MAX + 1);
    buffer_append_repeated(&text, "b", RIG_BODY_MAX + 1);
    client_send(&client, buffer_text(&text), text.length);
    client_await(&client, has_replies, &one);
    assert_non_null(strstr(buffer_text(&client.seen), "HTTP/1.1 413 "));

    assert_non_null(strstr(client_ask(&client, "GET /textwell HTTP/1.1\r\nHost: x\r\n\r\n"), "well"));
    buffer_release(&text);
    client_close(&client);
    rig_close(rig);
}

/* Whatever comes, the front answers or closes, and goes on serving others. */
static void test_bytes_that_are_no_request_harm_nobody(void **state)
{
    static const struct {
        const char *text;
        bool waits; /* for more: it could still become a request, until its client ends it */
    } openings[] = {
        {"\r\n\r\n\r\n", true},
        {"GET\r\n\r\n", false},
        {"GET / HTTP/9.9\r\n\r\n", false},
        {"\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03 client hello", true},
        {"GET /text HTTP/1.1\r\nHost x\r\n\r\n", false},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", false},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", true},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false},
        {"SSH-2.0-OpenSSH_9.2\r\n", false},
    };
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(openings); i++) {
        struct client client;
        struct client other;
        client_open(&client, rig);
        client_open(&other, rig);
        client_say(&client, openings[i].text);
        if (openings[i].waits) {
            (void)shutdown(client.watch.descriptor, SHUT_WR);
        }
        client_await(&client, has_ended, NULL);
        assert_non_null(strstr(client_ask(&other, "GET /textwell HTTP/1.1\r\nHost: x\r\n\r\n"), "well"));
        client_close(&client);
        client_close(&other);
    }
    rig_close(rig);
}

/* A client may end its side once it has asked: it gets its reply, and then the end. */
static void test_a_client_that_ends_its_side_is_answered(void **state)
{
    static const char *const requests[] = {
        "GET /textsoon HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /late HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /late HTTP/1.1\r\nHost: x\r\n\r\nGET /textsoon HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    static const size_t replies[] = {1, 1, 2};
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        struct client client;
        client_open(&client, rig);
        client_say(&client, requests[i]);
        (void)shutdown(client.watch.descriptor, SHUT_WR);
        client_await(&client, has_ended, NULL);
        assert_int_equal(replies_of(&client), replies[i]);
        assert_false(client.was_reset);
        client_close(&client);
    }
    rig_close(rig);
}

/* ---- Fates -------------------------------------------------------------------------------------------------------------- */

static void ask_for_fate(struct rig *rig, struct client *client, enum transport_fate fate)
{
    rig->answer = (struct http_answer){
        .fate = fate, .status = 200, .content_type = "application/json", .body = span_of("{\"half"), .length = 12};
    client_open(client, rig);
    client_say(client, "GET /answer HTTP/1.1\r\nHost: x\r\n\r\n");
}

static void test_resets_arrive_as_resets_with_nothing_before(void **state)
{
    static const enum transport_fate resets[] = {FATE_RESET, FATE_REFUSED, FATE_UNREACHABLE, FATE_NAME_UNKNOWN,
                                                 FATE_DROPPED};
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(resets); i++) {
        struct client client;
        ask_for_fate(rig, &client, resets[i]);
        client_await(&client, has_ended, NULL);
        assert_true(client.was_reset);
        assert_int_equal(client.seen.length, 0);
        client_close(&client);
    }
    rig_close(rig);
}

static void test_a_connection_closed_early_ends_without_a_byte(void **state)
{
    static const enum transport_fate closes[] = {FATE_CLOSED_EARLY, FATE_TLS_REFUSED, FATE_KEY_DENIED,
                                                 FATE_HOST_KEY_CHANGED};
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(closes); i++) {
        struct client client;
        ask_for_fate(rig, &client, closes[i]);
        client_await(&client, has_ended, NULL);
        assert_false(client.was_reset);
        assert_int_equal(client.seen.length, 0);
        client_close(&client);
    }
    rig_close(rig);
}

static void test_a_cut_reply_announces_all_and_sends_a_part(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    ask_for_fate(rig, &client, FATE_TRUNCATED);
    client_await(&client, has_ended, NULL);
    const char *seen = buffer_text(&client.seen);
    assert_false(client.was_reset);
    assert_int_equal(strncmp(seen, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_non_null(strstr(seen, "Content-Length: 12\r\n"));
    assert_string_equal(strstr(seen, "\r\n\r\n"), "\r\n\r\n{\"half");
    client_close(&client);
    rig_close(rig);
}

static void test_a_malformed_reply_is_no_http(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    ask_for_fate(rig, &client, FATE_MALFORMED);
    client_await(&client, has_ended, NULL);
    assert_true(client.seen.length > 0);
    assert_int_not_equal(strncmp(buffer_text(&client.seen), "HTTP/", 5), 0);
    client_close(&client);
    rig_close(rig);
}

/* A silent connection costs nothing but itself, and ends when the client gives up. */
static void test_silence_lasts_until_the_client_goes(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client silent;
    struct client other;
    ask_for_fate(rig, &silent, FATE_SILENT);
    client_open(&other, rig);
    for (int i = 0; i < 20; i++) {
        (void)client_ask(&other, "GET /text HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    assert_false(silent.ended);
    assert_int_equal(silent.seen.length, 0);
    assert_int_equal(rig->gone, rig->heads - 1);
    client_close(&silent);
    while (rig->gone < rig->heads) {
        (void)client_ask(&other, "GET /text HTTP/1.1\r\nHost: x\r\n\r\n");
        reactor_turn(rig->reactor, false);
    }
    client_close(&other);
    rig_close(rig);
}

static void test_a_reply_may_drip(void **state)
{
    enum { BYTES = 10 };
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    rig->answer =
        (struct http_answer){.status = 200, .body = span_of("0123456789"), .length = BYTES, .drip_ns = 5 * NS_PER_MS};
    client_open(&client, rig);
    int64_t began_ns = monotonic_now_ns();
    client_say(&client, "GET /answer HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, has_seen, "\r\n\r\n0");
    assert_null(strstr(buffer_text(&client.seen), "9"));
    client_await(&client, has_ended, NULL);
    assert_non_null(strstr(buffer_text(&client.seen), "\r\n\r\n0123456789"));
    assert_true(monotonic_now_ns() - began_ns >= (BYTES - 1) * 5 * NS_PER_MS);
    client_close(&client);
    rig_close(rig);
}

/* ---- Streams ------------------------------------------------------------------------------------------------------------ */

static bool take_piece(void *context, struct http_call *call, struct span bytes)
{
    struct rig *rig = context;
    (void)call;
    for (size_t i = 0; i < bytes.length; i++) {
        assert_int_equal((unsigned char)bytes.at[i], rig_byte(rig->streamed + i));
    }
    rig->streamed += bytes.length;
    return true;
}

static bool has_bytes(const struct client *client, const void *count)
{
    return client->seen.length >= *(const size_t *)count;
}

static void test_bodies_stream_both_ways(void **state)
{
    enum { STREAM_BYTES = 10 * 1024 * 1024 };
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    rig->handler.piece = take_piece;
    rig->answer = (struct http_answer){.status = 200, .read = rig_read, .length = STREAM_BYTES};
    client_open(&client, rig);
    struct buffer text;
    buffer_init(&text, rig->heap, STREAM_BYTES + 1024);
    buffer_printf(&text, "PUT /answer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", STREAM_BYTES);
    for (size_t i = 0; i < STREAM_BYTES; i++) {
        buffer_append_char(&text, (char)rig_byte(i));
    }
    client_send(&client, buffer_text(&text), text.length);
    const size_t wanted = STREAM_BYTES;
    client_await(&client, has_bytes, &wanted);
    const size_t one = 1;
    client_await(&client, has_replies, &one);
    assert_int_equal(rig->streamed, STREAM_BYTES);
    const char *body = strstr(buffer_text(&client.seen), "\r\n\r\n") + 4;
    for (size_t i = 0; i < STREAM_BYTES; i++) {
        if ((unsigned char)body[i] != rig_byte(i)) {
            fail_msg("byte %zu differs", i);
        }
    }
    buffer_release(&text);
    client_close(&client);
    rig_close(rig);
}

/* ---- Many --------------------------------------------------------------------------------------------------------------- */

static void test_a_thousand_replies_wait_at_once(void **state)
{
    enum { MANY = 1000 };
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client *clients = heap_alloc(rig->heap, MANY * sizeof *clients);
    const size_t one = 1;
    assert_non_null(clients);
    for (size_t i = 0; i < MANY; i++) {
        client_open(&clients[i], rig);
        client_say(&clients[i], "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (size_t i = 0; i < MANY; i++) {
        client_await(&clients[i], has_replies, &one);
        client_close(&clients[i]);
    }
    assert_int_equal(rig->whole, MANY);
    rig_close(rig);
}

static void test_a_front_that_closes_tells_all_that_wait(void **state)
{
    enum { MANY = 100 };
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client clients[MANY];
    for (size_t i = 0; i < MANY; i++) {
        client_open(&clients[i], rig);
        client_say(&clients[i], "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    while (rig->whole < MANY) {
        reactor_turn(rig->reactor, true);
    }
    http_front_close(rig->front);
    rig->front = NULL;
    assert_int_equal(rig->gone, MANY);
    for (size_t i = 0; i < MANY; i++) {
        client_await(&clients[i], has_ended, NULL);
        client_close(&clients[i]);
    }
    rig_close(rig);
}

/* A client that is gone when its reply is due is no harm; the handler hears of it. */
static void test_a_reply_to_nobody_is_let_go(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct client client;
    client_open(&client, rig);
    client_say(&client, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    while (rig->whole < 1) {
        reactor_turn(rig->reactor, true);
    }
    client_close(&client);
    rig_answer_text(rig->kept, "nobody");
    while (rig->gone < 1) {
        reactor_turn(rig->reactor, true);
    }
    rig_close(rig);
}

/* ---- Listening ---------------------------------------------------------------------------------------------------------- */

static void test_a_port_in_use_is_named(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    struct http_front *second = NULL;
    struct error error;
    char port[16];
    const struct http_front_options options = {.heap = rig->heap,
                                               .reactor = rig->reactor,
                                               .handler = &rig->handler,
                                               .name = "second",
                                               .port = http_front_port(rig->front)};
    assert_int_equal(http_front_open(&options, &second, &error), ERR_CANNOT_LISTEN);
    (void)text_format(port, sizeof port, ":%lld: ", (long long)options.port);
    assert_non_null(strstr(error.message, "the second cannot listen on 127.0.0.1"));
    assert_non_null(strstr(error.message, port));
    rig_close(rig);
}

/* The kernel's own list of what listens: this port on 127.0.0.1 (0100007F) and on no other address. */
static void test_it_listens_on_loopback_alone(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL, NULL);
    char port[16];
    char line[512];
    size_t found = 0;
    (void)text_format(port, sizeof port, ":%04X ", (unsigned)http_front_port(rig->front));
    FILE *list = fopen("/proc/net/tcp", "r");
    assert_non_null(list);
    while (fgets(line, sizeof line, list) != NULL) {
        bool listens = strstr(line, " 00000000:0000 0A ") != NULL;
        if (listens && strstr(line, port) != NULL) {
            assert_non_null(strstr(line, "0100007F:"));
            found++;
        }
    }
    (void)fclose(list);
    assert_int_equal(found, 1);
    rig_close(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reply_is_what_the_answer_says),
        cmocka_unit_test(test_requests_that_come_at_once_are_answered_in_order),
        cmocka_unit_test(test_http_1_0_ends_with_its_reply),
        cmocka_unit_test(test_head_tells_the_length_and_sends_no_body),
        cmocka_unit_test(test_a_client_that_asks_first_is_told_to_go_on),
        cmocka_unit_test(test_what_is_too_long_is_refused_and_the_connection_lives),
        cmocka_unit_test(test_bytes_that_are_no_request_harm_nobody),
        cmocka_unit_test(test_a_client_that_ends_its_side_is_answered),
        cmocka_unit_test(test_resets_arrive_as_resets_with_nothing_before),
        cmocka_unit_test(test_a_connection_closed_early_ends_without_a_byte),
        cmocka_unit_test(test_a_cut_reply_announces_all_and_sends_a_part),
        cmocka_unit_test(test_a_malformed_reply_is_no_http),
        cmocka_unit_test(test_silence_lasts_until_the_client_goes),
        cmocka_unit_test(test_a_reply_may_drip),
        cmocka_unit_test(test_bodies_stream_both_ways),
        cmocka_unit_test(test_a_thousand_replies_wait_at_once),
        cmocka_unit_test(test_a_front_that_closes_tells_all_that_wait),
        cmocka_unit_test(test_a_reply_to_nobody_is_let_go),
        cmocka_unit_test(test_a_port_in_use_is_named),
        cmocka_unit_test(test_it_listens_on_loopback_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
