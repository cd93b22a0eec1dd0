#include "testing.h"

#include <stdbool.h>
#include <string.h>

#include "world/store.h"

/* SQLSTATEs decide what the client may do: 42P01 missing, what passes by itself unavailable, 53200 memory, anything else rejected. */
static void test_sqlstates_have_one_meaning_each(void **state)
{
    (void)state;
    assert_int_equal(store_sqlstate_code("00000"), ERR_OK);
    assert_int_equal(store_sqlstate_code("42P01"), ERR_STORE_TABLE_MISSING);
    assert_int_equal(store_sqlstate_code("42P07"), ERR_STORE_REJECTED);
    static const char *const unavailable[] = {"08006", "25006", "40001", "53300", "55P03", "57P03", "57014"};
    for (size_t i = 0; i < ARRAY_LENGTH(unavailable); i++) {
        assert_int_equal(store_sqlstate_code(unavailable[i]), ERR_STORE_UNAVAILABLE);
    }
    assert_int_equal(store_sqlstate_code("53200"), ERR_NO_MEMORY);
    assert_int_equal(store_sqlstate_code("53100"), ERR_STORE_REJECTED);
    assert_int_equal(store_sqlstate_code(""), ERR_STORE_REJECTED);
}

/* A result's message is one line and is cut to its field, whatever the database says. */
static void test_a_message_is_one_line(void **state)
{
    (void)state;
    struct store_result result;
    char long_message[400];
    memset(long_message, 'x', sizeof long_message);
    long_message[1] = '\n';
    long_message[2] = '\r';
    long_message[sizeof long_message - 1] = '\0';
    assert_int_equal(store_result_set(&result, "XX000", long_message), ERR_STORE_REJECTED);
    assert_int_equal(strlen(result.message), sizeof result.message - 1);
    assert_null(strpbrk(result.message, "\r\n"));
    assert_string_equal(result.sqlstate, "XX000");
}

/* The catalogue tells the truth about itself: as many parameters as its SQL has, and columns within the bound. */
static void test_the_catalogue_counts_its_parameters(void **state)
{
    (void)state;
    for (enum store_statement statement = 0; statement < STORE_STATEMENT_COUNT; statement++) {
        struct buffer next;
        char text[8];
        for (size_t i = 1; i <= store_statement_parameters(statement) + 1; i++) {
            buffer_init_fixed(&next, text, sizeof text);
            buffer_printf(&next, "?%zu", i);
            bool there = strstr(store_statement_sql(statement), text) != NULL;
            assert_int_equal(there, i <= store_statement_parameters(statement));
        }
        assert_in_range(store_statement_columns(statement), 0, STORE_VALUES_MAX);
        assert_in_range(store_statement_parameters(statement), 0, STORE_VALUES_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sqlstates_have_one_meaning_each),
        cmocka_unit_test(test_a_message_is_one_line),
        cmocka_unit_test(test_the_catalogue_counts_its_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
