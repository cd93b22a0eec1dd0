/* What befalls a store on what only pretends to be a server, and on servers that do not answer. */
#include "testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "postgres_bench.h"

/* A socket on a port of its own. Nobody listens: it refuses, and no other program gets the port. */
static int bind_to_loopback(char url[URL_SIZE], const char *parameters)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(bound, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&address, &length), 0);
    text_format(url, URL_SIZE, "postgres://u:hidden-word@127.0.0.1:%d/d%s", ntohs(address.sin_port), parameters);
    return bound;
}

/* Accepted connections wait in it unheard. */
static int listen_on_loopback(char url[URL_SIZE], const char *parameters)
{
    int listener = bind_to_loopback(url, parameters);
    assert_int_equal(listen(listener, 8), 0);
    return listener;
}

/* Runs a statement against a listener that takes the client's first packet and answers `bytes`. */
static struct store_result run_against(struct bench *bench, const char *bytes, size_t size)
{
    char url[URL_SIZE];
    char packet[1024];
    int listener = listen_on_loopback(url, "?sslmode=disable");
    struct postgres_store *store = bench_open_store(bench, url);
    struct trial trial = trial_of(bench, STORE_SUBSCRIBERS);
    trial_start(store, &trial);
    bench_turn_for(bench, 5 * NS_PER_MS);
    int connection = accept(listener, NULL, NULL);
    assert_true(connection >= 0);
    bench_turn_for(bench, 5 * NS_PER_MS);
    assert_true(recv(connection, packet, sizeof packet, 0) > 8);
    assert_int_equal(send(connection, bytes, size, MSG_NOSIGNAL), size);
    (void)close(connection);
    (void)close(listener);
    bench_wait(bench, &trial.call.done);
    assert_null(strstr(trial.result.message, "hidden-word"));
    postgres_store_close(store);
    return trial.result;
}

/* A server that is starting up says 57P03 in its first packet. */
static void test_a_server_that_starts_up_is_57P03(void **state)
{
    static const char starting[] = "E\0\0\0\x43SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0Fp.c\0\0";
    struct store_result result = run_against(*state, starting, sizeof starting - 1);
    assert_string_equal(result.sqlstate, "57P03");
    assert_int_equal(result.code, ERR_STORE_UNAVAILABLE);
    assert_string_equal(result.message, "cannot connect: the database system is starting up");
}

/* Who accepts and hangs up, or speaks something else, is no database. */
static void test_what_speaks_otherwise_is_no_connection(void **state)
{
    static const char *const words[] = {"", "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", "E", "R\0\0\0"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        struct store_result result = run_against(*state, words[i], strlen(words[i]));
        assert_string_equal(result.sqlstate, "08001");
        assert_int_equal(result.code, ERR_STORE_UNAVAILABLE);
        assert_int_equal(strncmp(result.message, "cannot connect", strlen("cannot connect")), 0);
    }
}

/* Takes what the client sends, and answers. */
static void take_and_answer(struct bench *bench, int connection, const char *bytes, size_t size)
{
    char packet[4096];
    int64_t began_ns = monotonic_now_ns();
    while (recv(connection, packet, sizeof packet, MSG_DONTWAIT) <= 0) {
        assert_true(monotonic_now_ns() - began_ns < 4 * NS_PER_S);
        bench_turn_for(bench, NS_PER_MS);
    }
    assert_int_equal(send(connection, bytes, size, MSG_NOSIGNAL), size);
}

/* Of a statement that was read in vain nothing is left to wonder about; one that writes may have taken effect. */
static void test_a_connection_that_breaks_during_a_write_leaves_its_effect_unknown(void **state)
{
    static const char welcome[] = "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    static const char settled[] = "C\0\0\0\x08SET\0C\0\0\0\x08SET\0C\0\0\0\x08SET\0Z\0\0\0\x05I";
    static const struct {
        enum store_statement statement;
        const char *sqlstate;
    } cases[] = {{STORE_SUBSCRIBERS, "08006"}, {STORE_EVENT_ADD, "08007"}, {STORE_DELIVERY_ADD, "08007"}};
    struct bench *bench = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char url[URL_SIZE];
        int listener = listen_on_loopback(url, "?sslmode=disable");
        struct postgres_store *store = bench_open_store(bench, url);
        struct trial trial = trial_of(bench, cases[i].statement);
        trial_start(store, &trial);
        bench_turn_for(bench, 5 * NS_PER_MS);
        int connection = accept(listener, NULL, NULL);
        assert_true(connection >= 0);
        take_and_answer(bench, connection, welcome, sizeof welcome - 1);
        take_and_answer(bench, connection, settled, sizeof settled - 1);
        take_and_answer(bench, connection, "", 0);
        (void)close(connection);
        (void)close(listener);
        bench_wait(bench, &trial.call.done);
        assert_string_equal(trial.result.sqlstate, cases[i].sqlstate);
        assert_int_equal(trial.result.code, ERR_STORE_UNAVAILABLE);
        postgres_store_close(store);
    }
}

/* A port where nobody listens refuses, and each statement says so at once. */
static void test_a_refused_connection_is_08001(void **state)
{
    struct bench *bench = *state;
    char url[URL_SIZE];
    int deaf = bind_to_loopback(url, "");
    bench->store = bench_open_store(bench, url);
    int64_t began_ns = monotonic_now_ns();
    for (int i = 0; i < 3; i++) {
        struct store_result result = bench_run(bench, bench->store, STORE_SUBSCRIBERS);
        assert_string_equal(result.sqlstate, "08001");
        assert_string_equal(result.message, "cannot connect: Connection refused");
    }
    assert_true(monotonic_now_ns() - began_ns < NS_PER_S);
    (void)close(deaf);
}

/*
 * The bounds of real time: a server that accepts and says nothing is left after four seconds, one that hangs on a lock says so after
 * three. Meanwhile the loop never waits for either.
 */
static void test_silence_and_locks_have_limits(void **state)
{
    struct bench *bench = *state;
    char url[URL_SIZE];
    int listener = listen_on_loopback(url, "");
    struct postgres_store *silent = bench_open_store(bench, url);
    struct trial unheard = trial_of(bench, STORE_SUBSCRIBERS);
    struct trial hung = trial_of(bench, STORE_SUBSCRIBERS);
    int64_t began_ns = monotonic_now_ns();
    trial_start(silent, &unheard);
    bool server = bench_open_on_server(bench);
    if (server) {
        bench_lock_tables(bench);
        trial_start(bench->store, &hung);
    }
    int64_t longest_ns = 0;
    while (!unheard.call.done.finished || (server && !hung.call.done.finished)) {
        int64_t before_ns = monotonic_now_ns();
        reactor_turn(bench->reactor, false);
        int64_t turn_ns = monotonic_now_ns() - before_ns;
        longest_ns = turn_ns > longest_ns ? turn_ns : longest_ns;
        (void)usleep(1000);
    }
    assert_true(longest_ns < NS_PER_S / 2);
    assert_in_range(monotonic_now_ns() - began_ns, 4 * NS_PER_S, 8 * NS_PER_S);
    assert_string_equal(unheard.result.sqlstate, "08001");
    assert_string_equal(unheard.result.message, "cannot connect: no answer in time");
    if (server) {
        assert_string_equal(hung.result.sqlstate, "55P03");
        assert_int_equal(hung.result.code, ERR_STORE_UNAVAILABLE);
    }
    postgres_store_close(silent);
    (void)close(listener);
}

/* A store can be closed while it connects, and a statement given up meanwhile. */
static void test_connecting_can_be_given_up(void **state)
{
    struct bench *bench = *state;
    char url[URL_SIZE];
    int listener = listen_on_loopback(url, "");
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < 2 * ARRAY_LENGTH(hosts); i++) {
        char varied[URL_SIZE];
        const char *behind = strstr(url, "127.0.0.1") + strlen("127.0.0.1");
        text_format(varied, sizeof varied, "postgres://%s%s", hosts[i / 2], behind);
        struct postgres_store *store = bench_open_store(bench, varied);
        struct trial first = trial_of(bench, STORE_SUBSCRIBERS);
        struct trial second = trial_of(bench, STORE_SUBSCRIBERS);
        trial_start(store, &first);
        trial_start(store, &second);
        reactor_turn(bench->reactor, false);
        if (i % 2 == 0) {
            postgres_store_abandon(store, &first.call);
            bench_turn_for(bench, 5 * NS_PER_MS);
            assert_false(second.call.done.finished);
        }
        postgres_store_close(store);
        assert_null(first.call.pending);
        assert_null(second.call.pending);
        bench_turn_for(bench, 5 * NS_PER_MS);
    }
    (void)close(listener);
}

/* ---- Without any -------------------------------------------------------------------------------------------------------- */

/* What is no URL of one server is refused in words that repeat nothing of it; what could be misread counts as none. */
static void test_a_url_is_read_strictly(void **state)
{
    struct bench *bench = *state;
    static const char *const good[] = {
        "postgresql://",
        "postgresql:///d",
        "postgres://h",
        "postgresql://u@h:5432/d",
        "postgresql://u:%40%3A%2F@h/d?sslmode=disable",
        "postgresql://u:p@[::1]:5432/d",
        "postgresql:///d?host=/run/postgresql&port=5433",
    };
    static const char *const bad[] = {
        "postgresql:",
        "postgresql:hidden",
        "postgres:/u:hidden@h/d",
        "mysql://u:hidden@h/d",
        "postgresql://u:hid@den@h/d",
        "postgresql://u:hid/den@h/d",
        "postgresql://u:12/hidden@h/d",
        "postgresql://u:hid:den@h/d",
        "postgresql://u:hid%zzden@h/d",
        "postgresql://u:hidden#@h/d",
        "postgresql://u:hid den@h/d",
        "postgresql://u:hidden@h:port/d",
        "postgresql://u:hidden@[::1/d",
        "postgresql://u:hidden@h,i/d",
        "postgresql://u:hidden@/d?host=h,i",
        "postgresql://u:hidden@h/d?pasword=hidden",
        "postgresql://u:hidden@h/d?sslmode",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        postgres_store_close(bench_open_store(bench, good[i]));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct error error;
        struct postgres_store *store = NULL;
        if (postgres_store_open(bench->heap, bench->reactor, bad[i], &store, &error) != ERR_USAGE) {
            fail_msg("%s is taken", bad[i]);
        }
        assert_null(strstr(error.message, "hid"));
        assert_null(strstr(error.next_step, "hid"));
        assert_null(store);
    }
}

/* The reason is what stands behind the SQLSTATE, or behind the last "failed"; a password in it would take all of it along. */
static void test_a_failure_to_connect_is_told_without_the_password(void **state)
{
    static const struct {
        const char *text, *password, *sqlstate, *words;
    } cases[] = {
        {"connection to server at \"h\" (::1), port 1 failed: Connection refused\n\tIs it running?\n"
         "connection to server at \"h\" (127.0.0.1), port 1 failed: timeout expired\n",
         "pw", "08001", "cannot connect: timeout expired"},
        {"connection to server on socket \"/s\" failed: FATAL:  53300: sorry, too many clients already\nLOCATION:  x\n",
         NULL, "53300", "cannot connect: sorry, too many clients already"},
        {"connection to server failed: FATALE:  57P03: il sistema si avvia\n", "", "57P03",
         "cannot connect: il sistema si avvia"},
        {"failed: FATAL:  28P01: no user pw\n", "pw", "28P01", "cannot connect"},
        {"failed: FATAL:  12: no\n", NULL, "08001", "cannot connect: FATAL:  12: no"},
        {"", NULL, "08001", "cannot connect: "},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char sqlstate[STORE_SQLSTATE_SIZE];
        char storage[256];
        struct buffer words;
        buffer_init_fixed(&words, storage, sizeof storage);
        postgres_connect_failure(cases[i].text, cases[i].password, sqlstate, &words);
        assert_string_equal(sqlstate, cases[i].sqlstate);
        assert_string_equal(buffer_text(&words), cases[i].words);
    }
}

/* Without memory a statement is refused with 53200, and the store goes on. */
static void test_every_allocation_may_fail(void **state)
{
    struct bench *bench = *state;
    char url[URL_SIZE];
    struct error error;
    int deaf = bind_to_loopback(url, "");
    for (uint64_t nth = 1; nth <= 2; nth++) {
        struct postgres_store *store = NULL;
        heap_fail_at(bench->heap, nth, false);
        assert_int_equal(postgres_store_open(bench->heap, bench->reactor, url, &store, &error), ERR_NO_MEMORY);
        heap_fail_at(bench->heap, 0, false);
    }
    bench->store = bench_open_store(bench, url);
    int refused = 0;
    for (uint64_t nth = 1; nth <= 6; nth++) {
        struct trial trial = trial_of(bench, STORE_SUBSCRIBERS);
        heap_fail_at(bench->heap, nth, false);
        trial_start(bench->store, &trial);
        bench_wait(bench, &trial.call.done);
        heap_fail_at(bench->heap, 0, false);
        refused += trial.result.code == ERR_NO_MEMORY ? 1 : 0;
        assert_true(trial.result.code == ERR_NO_MEMORY || strcmp(trial.result.sqlstate, "08001") == 0);
    }
    assert_true(refused >= 1);
    (void)close(deaf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, bench_set_up, bench_tear_down)
        LAW(test_a_server_that_starts_up_is_57P03),
        LAW(test_what_speaks_otherwise_is_no_connection),
        LAW(test_a_connection_that_breaks_during_a_write_leaves_its_effect_unknown),
        LAW(test_a_refused_connection_is_08001),
        LAW(test_silence_and_locks_have_limits),
        LAW(test_connecting_can_be_given_up),
        LAW(test_a_url_is_read_strictly),
        LAW(test_a_failure_to_connect_is_told_without_the_password),
        LAW(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
