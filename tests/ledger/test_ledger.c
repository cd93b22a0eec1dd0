#include "ledger/ledger.h"

#include <string.h>

#include "scripted_world.h"
#include "testing.h"

static struct scripted_world scripted;

struct entry {
    struct intent intent;
    enum error_code code;
    struct error error;
    struct intent found[4];
    size_t capacity;
    size_t count;
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

static struct entry new_entry(void)
{
    return (struct entry){
        .intent = {.label = "dumont-check-1-0",
                   .run = "00ff",
                   .journey = "check",
                   .offer_id = 41200101,
                   .machine_id = 30211,
                   .price_nusd_per_hour = 297666667,
                   .created = {INT64_C(1767380000123456789)}},
        .capacity = 4,
    };
}

static void intend(void *argument)
{
    struct entry *entry = argument;
    entry->code = ledger_intend(&scripted.world, &entry->intent, &entry->error);
}

static void move_on(void *argument)
{
    struct entry *entry = argument;
    entry->code = ledger_set(&scripted.world, &entry->intent, INTENT_CREATED, 41803846, &entry->error);
    if (entry->code == ERR_OK) {
        entry->code = ledger_set(&scripted.world, &entry->intent, INTENT_DESTROYING, 0, &entry->error);
    }
}

static void read_open(void *argument)
{
    struct entry *entry = argument;
    entry->code = ledger_open_intents(&scripted.world, entry->found, entry->capacity, &entry->count, &entry->error);
}

/* An intent is one row with everything that finds the machine again, and it is told once it is on disk. */
static void test_an_intent_is_on_disk_when_the_call_returns(void **state)
{
    (void)state;
    struct entry entry = new_entry();
    scripted.statements[STORE_INTENT_ADD].delay_ns = 7 * NS_PER_MS;
    int64_t began_ns = scripted.now_ns;
    scripted_world_run(&scripted, intend, &entry);
    assert_int_equal(entry.code, ERR_OK);
    assert_int_equal(scripted.now_ns - began_ns, 7 * NS_PER_MS);
    assert_string_equal(buffer_text(&scripted.store),
                        "INTENT_ADD|dumont-check-1-0|00ff|check|41200101|30211|297666667|1767380000123456789\n");
    assert_string_equal(buffer_text(&scripted.notes),
                        "ledger.write {\"label\":\"dumont-check-1-0\"} {\"state\":\"intended\"}\n");
}

/* An intent that is not on disk is an error that stops the create, in one line with a cure; nothing claims that it was written. */
static void test_an_intent_that_is_not_on_disk_is_an_error(void **state)
{
    (void)state;
    static const struct scripted_statement failures[] = {
        {.sqlstate = "53100"}, {.sqlstate = "23505"}, {.sqlstate = "55P03"}, {.sqlstate = "42P01"}, {.never = true}};
    for (size_t i = 0; i < ARRAY_LENGTH(failures); i++) {
        struct entry entry = new_entry();
        scripted.statements[STORE_INTENT_ADD] = failures[i];
        scripted_world_run(&scripted, intend, &entry);
        assert_int_equal(entry.code, ERR_LEDGER_UNWRITABLE);
        assert_true(entry.error.next_step[0] != '\0');
        assert_non_null(strstr(entry.error.message, failures[i].never ? "08000" : failures[i].sqlstate));
    }
    assert_int_equal(count_lines(&scripted.notes, "ledger.write", NULL), 0);
    assert_int_equal(scripted.store_abandoned, 1);
}

/* An interruption is no fault of the ledger. */
static void test_an_interrupted_entry_says_so(void **state)
{
    (void)state;
    struct entry entry = new_entry();
    scripted.cancel_at_ns = -1;
    scripted_world_run(&scripted, intend, &entry);
    assert_int_equal(entry.code, ERR_INTERRUPTED);
    assert_int_equal(scripted.store.length, 0);
}

/* Moving an intent on keeps the id of its machine when none is given. */
static void test_an_intent_moves_on_and_keeps_its_machine(void **state)
{
    (void)state;
    struct entry entry = new_entry();
    scripted_world_run(&scripted, move_on, &entry);
    assert_int_equal(entry.code, ERR_OK);
    assert_int_equal(entry.intent.state, INTENT_DESTROYING);
    assert_int_equal(entry.intent.instance_id, 41803846);
    assert_string_equal(buffer_text(&scripted.store), "INTENT_SET|dumont-check-1-0|created|41803846\n"
                                                      "INTENT_SET|dumont-check-1-0|destroying|null\n");
}

enum { COLUMNS = 9 };

static void fill_row(struct store_value row[COLUMNS], const char *label)
{
    const struct store_value values[COLUMNS] = {
        store_text(label), store_text("00ff"),     store_text("check"),   store_int(41200101), store_null(),
        store_int(5),      store_int(NS_PER_HOUR), store_text("created"), store_int(41803846),
    };
    memcpy(row, values, sizeof values);
}

/* Open intents come back as they were written, as many as there is room for; the count says how many there are. */
static void test_open_intents_are_read_and_counted(void **state)
{
    (void)state;
    struct store_value rows[3][COLUMNS];
    fill_row(rows[0], "dumont-a");
    fill_row(rows[1], "dumont-b");
    rows[1][7] = store_text("intended");
    rows[1][8] = store_null();
    fill_row(rows[2], "dumont-c");
    scripted.statements[STORE_INTENTS_OPEN] = (struct scripted_statement){.rows = rows[0], .row_count = 3};
    for (size_t capacity = 0; capacity <= 4; capacity++) {
        struct entry entry = new_entry();
        entry.capacity = capacity;
        scripted_world_run(&scripted, read_open, &entry);
        assert_int_equal(entry.code, ERR_OK);
        assert_int_equal(entry.count, 3);
        assert_string_equal(entry.found[0].label, capacity > 0 ? "dumont-a" : "");
        assert_string_equal(entry.found[2].label, capacity > 2 ? "dumont-c" : "");
        assert_string_equal(entry.found[3].label, "");
        assert_int_equal(entry.found[0].instance_id, capacity > 0 ? 41803846 : 0);
        assert_int_equal(entry.found[1].instance_id, 0);
        assert_int_equal(entry.found[1].state, INTENT_INTENDED);
        assert_int_equal(entry.found[0].created.unix_ns, capacity > 0 ? NS_PER_HOUR : 0);
    }
}

/* A row that cannot be read is an error: a machine may hang on it. */
static void test_a_row_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    static char long_text[200];
    memset(long_text, 'x', sizeof long_text - 1);
    const struct {
        size_t column;
        struct store_value value;
    } oddities[] = {
        {0, store_null()},           {0, store_int(5)},
        {0, store_text(long_text)},  {1, store_text(long_text)},
        {2, store_null()},           {3, store_null()},
        {3, store_text("7")},        {4, store_text("7")},
        {5, store_null()},           {6, store_text("1")},
        {7, store_text("melted")},   {7, store_text("")},
        {7, store_int(1)},           {7, store_null()},
        {8, store_text("41803846")}, {0, {.kind = STORE_TEXT, .text = {"dumont\0-a", 9}}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(oddities); i++) {
        struct store_value rows[2][COLUMNS];
        struct entry entry = new_entry();
        fill_row(rows[0], "dumont-a");
        fill_row(rows[1], "dumont-b");
        rows[0][oddities[i].column] = oddities[i].value;
        scripted.statements[STORE_INTENTS_OPEN] = (struct scripted_statement){.rows = rows[0], .row_count = 2};
        scripted_world_run(&scripted, read_open, &entry);
        assert_int_equal(entry.code, ERR_LEDGER_UNWRITABLE);
        assert_int_equal(entry.count, 0);
    }
}

/* A ledger that does not answer is not an empty ledger. */
static void test_a_silent_ledger_is_not_an_empty_one(void **state)
{
    (void)state;
    struct entry entry = new_entry();
    scripted.statements[STORE_INTENTS_OPEN].never = true;
    scripted_world_run(&scripted, read_open, &entry);
    assert_int_equal(entry.code, ERR_LEDGER_UNWRITABLE);
    assert_non_null(strstr(entry.error.message, "give its entries"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_an_intent_is_on_disk_when_the_call_returns),
        LAW(test_an_intent_that_is_not_on_disk_is_an_error),
        LAW(test_an_interrupted_entry_says_so),
        LAW(test_an_intent_moves_on_and_keeps_its_machine),
        LAW(test_open_intents_are_read_and_counted),
        LAW(test_a_row_that_cannot_be_read_is_an_error),
        LAW(test_a_silent_ledger_is_not_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
