#include "testing.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/fate.h"

/* A name that histories and reports can carry: lower case, digits and underscores. */
static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* Every code has a name of its own, a sentence without a final point, and is found by its name. */
static void test_every_code_has_a_name_of_its_own_and_a_sentence(void **state)
{
    (void)state;
    for (enum error_code code = ERR_OK; code < ERROR_COUNT; code++) {
        assert_true(is_plain_name(error_name(code)));
        const char *sentence = error_sentence(code);
        assert_true(strlen(sentence) > 0 && sentence[strlen(sentence) - 1] != '.');
        assert_int_equal(error_by_name(error_name(code)), code);
        for (enum error_code other = ERR_OK; other < code; other++) {
            assert_string_not_equal(error_name(other), error_name(code));
        }
    }
}

/* A name that no code has is found nowhere. */
static void test_an_unknown_name_has_no_code(void **state)
{
    (void)state;
    assert_int_equal(error_by_name("no_such_error"), ERROR_COUNT);
    assert_int_equal(error_by_name(""), ERROR_COUNT);
    assert_int_equal(error_by_name("OK"), ERROR_COUNT);
}

/* Only success exits with 0, and every other status is one that --help lists. */
static void test_only_success_exits_with_zero(void **state)
{
    (void)state;
    for (enum error_code code = ERR_OK; code < ERROR_COUNT; code++) {
        enum exit_status status = error_exit_status(code);
        assert_int_equal(status == EXIT_DONE, code == ERR_OK);
        assert_true((status >= EXIT_DONE && status <= EXIT_MACHINES_UNWANTED) || status == EXIT_INTERRUPTED ||
                    status == EXIT_TERMINATED);
    }
}

/* What may have happened is never declared safe to ask again. */
static void test_unknown_outcomes_are_ambiguous(void **state)
{
    (void)state;
    assert_int_equal(error_retry_class(ERR_OUTCOME_UNKNOWN), RETRY_AMBIGUOUS);
    assert_int_equal(error_retry_class(ERR_SSH_DROPPED), RETRY_AMBIGUOUS);
    assert_int_equal(error_retry_class(ERR_CONNECTION_REFUSED), RETRY_SAFE);
    assert_string_equal(retry_class_name(RETRY_SAFE), "safe");
    assert_string_equal(retry_class_name(RETRY_LATER), "later");
    assert_string_equal(retry_class_name(RETRY_AMBIGUOUS), "ambiguous");
    assert_string_equal(retry_class_name(RETRY_FATAL), "fatal");
}

/* Setting an error forgets what it said before. */
static void test_setting_an_error_forgets_the_former(void **state)
{
    (void)state;
    struct error error = {.http_status = 500, .retry_after_ns = 7, .next_step = "old"};
    assert_int_equal(error_set(&error, ERR_NO_OFFER, "none of %d offers fits", 8), ERR_NO_OFFER);
    assert_int_equal(error.code, ERR_NO_OFFER);
    assert_int_equal(error.http_status, 0);
    assert_int_equal(error.retry_after_ns, 0);
    assert_string_equal(error.message, "none of 8 offers fits");
    assert_string_equal(error.next_step, "");
}

/* Context goes in front, advice beside, and the code stays. */
static void test_context_goes_in_front_of_the_message(void **state)
{
    (void)state;
    struct error error;
    (void)error_set(&error, ERR_TIMED_OUT, "no answer in 30 s");
    error_wrap(&error, "instance %d", 7);
    error_wrap(&error, "destroy");
    error_advise(&error, "run dumont destroy %d", 7);
    assert_string_equal(error.message, "destroy: instance 7: no answer in 30 s");
    assert_string_equal(error.next_step, "run dumont destroy 7");
    assert_int_equal(error.code, ERR_TIMED_OUT);
}

/* However long the parts are, the message is cut at its end and stays a text. */
static void test_long_messages_are_cut_at_their_end(void **state)
{
    (void)state;
    char text[2 * ERROR_MESSAGE_SIZE];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct error error;
    (void)error_set(&error, ERR_USAGE, "%s", text);
    assert_int_equal(strlen(error.message), ERROR_MESSAGE_SIZE - 1);
    error_wrap(&error, "front");
    assert_int_equal(strlen(error.message), ERROR_MESSAGE_SIZE - 1);
    assert_memory_equal(error.message, "front: xxx", 10);
    error_wrap(&error, "%s", text);
    error_advise(&error, "%s", text);
    assert_int_equal(strlen(error.message), ERROR_MESSAGE_SIZE - 1);
    assert_int_equal(strlen(error.next_step), ERROR_NEXT_STEP_SIZE - 1);
}

/* Quoted words, whatever control characters stand in them, stay on one line and give a terminal no commands. */
static void test_quoted_words_stay_on_one_line(void **state)
{
    (void)state;
    struct error error;
    (void)error_set(&error, ERR_USAGE, "a\nb\r\tc\x1b[2J\x7f \xc3\xa9");
    assert_string_equal(error.message, "a b  c [2J  \xc3\xa9");
    error_wrap(&error, "front\n");
    error_advise(&error, "run\nit");
    assert_string_equal(error.message, "front : a b  c [2J  \xc3\xa9");
    assert_string_equal(error.next_step, "run it");
}

/* Every fate has a name of its own and an error of its own; only delivery is none. */
static void test_every_fate_has_an_error_of_its_own(void **state)
{
    (void)state;
    for (enum transport_fate fate = FATE_DELIVERED; fate < FATE_COUNT; fate++) {
        assert_true(is_plain_name(fate_name(fate)));
        assert_true(fate_error(fate) < ERROR_COUNT);
        assert_int_equal(fate_error(fate) == ERR_OK, fate == FATE_DELIVERED);
        for (enum transport_fate other = FATE_DELIVERED; other < fate; other++) {
            assert_string_not_equal(fate_name(other), fate_name(fate));
            assert_int_not_equal(fate_error(other), fate_error(fate));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_a_name_of_its_own_and_a_sentence),
        cmocka_unit_test(test_an_unknown_name_has_no_code),
        cmocka_unit_test(test_only_success_exits_with_zero),
        cmocka_unit_test(test_unknown_outcomes_are_ambiguous),
        cmocka_unit_test(test_setting_an_error_forgets_the_former),
        cmocka_unit_test(test_context_goes_in_front_of_the_message),
        cmocka_unit_test(test_long_messages_are_cut_at_their_end),
        cmocka_unit_test(test_quoted_words_stay_on_one_line),
        cmocka_unit_test(test_every_fate_has_an_error_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
