#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world/certificates.h"
#include "world/live_place.h"
#include "world/scripted_server.h"

enum { PATH_SIZE = 128 };

struct stage {
    struct live_place place;
    struct scripted_server server;
    char authority[PATH_SIZE], certificate[PATH_SIZE], key[PATH_SIZE];
};

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    live_place_make(&stage->place);
    (void)live_place_path(&stage->place, stage->authority, PATH_SIZE, "authority.pem");
    (void)live_place_path(&stage->place, stage->certificate, PATH_SIZE, "server.pem");
    (void)live_place_path(&stage->place, stage->key, PATH_SIZE, "server.key");
    make_certificates(stage->authority, stage->certificate, stage->key, "127.0.0.1", 3600);
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

struct asking {
    struct world *world;
    struct http_request request;
    struct heap *heap;
    enum error_code code;
};

static void ask(void *argument)
{
    struct asking *asking = argument;
    struct http_reply reply = {0};
    buffer_init(&reply.body, asking->heap, 100000);
    asking->code =
        world_http(asking->world, &asking->request, &reply, world_deadline_ns(asking->world, 20 * NS_PER_S), NULL);
    buffer_release(&reply.body);
}

/* Asks a server that plays `steps`, with `cacert` trusted. */
static enum error_code ask_server(struct stage *stage, const struct server_step *steps, const char *cacert)
{
    stage->server = (struct scripted_server){.certificate = stage->certificate, .key = stage->key};
    server_script(&stage->server, steps);
    server_start(&stage->server);
    stage->place.options.cacert = cacert;
    live_place_open(&stage->place);
    struct asking asking = {
        .world = stage->place.world,
        .heap = stage->place.heap,
        .request = {.method = HTTP_GET, .origin = stage->server.origin, .path = "/", .bearer = "key-of-the-account"},
    };
    live_place_run(&stage->place, ask, &asking);
    live_place_close(&stage->place);
    server_stop(&stage->server);
    return asking.code;
}

static const struct server_step answer[] = {READ_REQUEST, WRITE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), END};

static void test_only_an_authority_that_we_were_given_is_trusted(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(ask_server(stage, answer, stage->authority), ERR_OK);
    assert_non_null(strstr(stage->server.seen, "Bearer key-of-the-account"));
    assert_int_equal(ask_server(stage, answer, NULL), ERR_TLS_REFUSED);
    assert_int_equal(stage->server.seen_length, 0);
    char other[PATH_SIZE], certificate[PATH_SIZE], key[PATH_SIZE];
    (void)live_place_path(&stage->place, other, PATH_SIZE, "other.pem");
    (void)live_place_path(&stage->place, certificate, PATH_SIZE, "unused.pem");
    (void)live_place_path(&stage->place, key, PATH_SIZE, "unused.key");
    make_certificates(other, certificate, key, "127.0.0.1", 3600);
    assert_int_equal(ask_server(stage, answer, other), ERR_TLS_REFUSED);
    assert_int_equal(stage->server.seen_length, 0);
}

static void test_a_certificate_must_be_for_this_host_and_for_today(void **state)
{
    struct stage *stage = *state;
    make_certificates(stage->authority, stage->certificate, stage->key, "127.0.0.2", 3600);
    assert_int_equal(ask_server(stage, answer, stage->authority), ERR_TLS_REFUSED);
    make_certificates(stage->authority, stage->certificate, stage->key, "127.0.0.1", -3600);
    assert_int_equal(ask_server(stage, answer, stage->authority), ERR_TLS_REFUSED);
    assert_int_equal(stage->server.seen_length, 0);
}

static void test_every_way_in_which_a_protected_reply_fails_is_its_fate(void **state)
{
    static const struct {
        const char *what;
        struct server_step steps[5];
        enum transport_fate fate;
    } cases[] = {
        {"closed without an answer", {READ_REQUEST, END}, FATE_CLOSED_EARLY},
        {"closed without a farewell", {READ_REQUEST, CUT}, FATE_CLOSED_EARLY},
        {"reset", {READ_REQUEST, RESET}, FATE_RESET},
        {"cut body", {READ_REQUEST, WRITE("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"), END}, FATE_TRUNCATED},
        {"cut body, no farewell",
         {READ_REQUEST, WRITE("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"), CUT},
         FATE_TRUNCATED},
        {"reset body", {READ_REQUEST, WRITE("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"), RESET}, FATE_RESET},
        {"no TLS", {RAW, WRITE("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), HANG}, FATE_MALFORMED},
        {"garbage", {RAW, WRITE("SSH-2.0-OpenSSH_9.2p1 Debian\r\n"), HANG}, FATE_MALFORMED},
        {"closed in the handshake", {RAW, READ_SOME, END}, FATE_CLOSED_EARLY},
        {"reset in the handshake", {RAW, READ_SOME, RESET}, FATE_RESET},
    };
    struct stage *stage = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        enum error_code code = ask_server(stage, cases[i].steps, stage->authority);
        if (code != fate_error(cases[i].fate)) {
            fail_msg("%s: %s", cases[i].what, error_name(code));
        }
    }
}

static void test_a_file_of_authorities_that_is_none_is_refused_at_once(void **state)
{
    struct stage *stage = *state;
    stage->place.options.cacert = "/nowhere/authority.pem";
    assert_int_equal(live_world_open(&stage->place.options, &stage->place.live, &stage->place.error),
                     ERR_INPUT_UNREADABLE);
    assert_non_null(strstr(stage->place.error.message, "/nowhere/authority.pem"));
    stage->place.options.cacert = stage->key;
    assert_int_equal(live_world_open(&stage->place.options, &stage->place.live, &stage->place.error),
                     ERR_INPUT_INVALID);
    assert_non_null(strstr(stage->place.error.message, stage->key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_an_authority_that_we_were_given_is_trusted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_certificate_must_be_for_this_host_and_for_today, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_way_in_which_a_protected_reply_fails_is_its_fate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_of_authorities_that_is_none_is_refused_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("live TLS", tests, NULL, NULL);
}
