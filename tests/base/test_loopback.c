#include "testing.h"

#include "base/loopback.h"

static void test_only_what_is_plainly_this_machine_is_loopback(void **state)
{
    (void)state;
    static const char *const here[] = {"127.0.0.1", "127.255.0.9", "127.0.0.0",        "localhost",
                                       "LocalHost", "[::1]",       "[0:0:0:0:0:0:0:1]"};
    static const char *const elsewhere[] = {
        "",
        "127",
        "127.1",
        "127.0.0",
        "127.0.0.1.",
        "127.0.0.1.example",
        "127.0.0.256",
        "127.0.0.01",
        "127.0.0.1:8",
        "0127.0.0.1",
        "1270.0.0.1",
        "127.0..1",
        "127.0.0.-1",
        "128.0.0.1",
        "0.0.0.0",
        "::1",
        "[::2]",
        "[::ffff:127.0.0.1]",
        "localhost.example",
        "localhos",
        "localhostx",
        "example",
        "2130706433",
        "127.0.0.1111",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(here); i++) {
        assert_true(host_is_loopback(span_of(here[i])));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(elsewhere); i++) {
        assert_false(host_is_loopback(span_of(elsewhere[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_plainly_this_machine_is_loopback),
    };
    return cmocka_run_group_tests_name("loopback", tests, NULL, NULL);
}
