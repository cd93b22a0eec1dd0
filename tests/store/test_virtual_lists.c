/* Lists of many pages, and what they add up to, in virtual time. */
#include "virtual_store.h"

enum { PART = 5000, NAMES = 10050, VERSIONS = 1005, LARGE = 2 * PART };

struct order {
    char last[B2_NAME_SIZE];
    int64_t count;
    bool sorted;
};

static bool see(void *context, const struct b2_file *file)
{
    struct order *order = context;
    order->sorted = order->sorted && strcmp(order->last, file->name) < 0;
    assert_true(text_copy(order->last, sizeof order->last, file->name));
    order->count++;
    return true;
}

/* Many files of four bytes, in one life of the client. */
static void put_many(void *argument)
{
    struct virtual_store *store = argument;
    const struct b2_transfer_options options = {.parallel = 1};
    struct b2_access access = store_access(store);
    struct order order = {.sorted = true};
    struct b2_call call;
    assert_int_equal(b2_open(&store->b2, virtual_world_door(store->world), access, &store->error), ERR_OK);
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        (void)text_format(name, sizeof name, "many/%05d", (i * 7919) % NAMES);
        assert_int_equal(b2_upload(&store->b2, "four", name, &options, &store->put, &store->error), ERR_OK);
    }
    b2_call_open(&call, &store->b2);
    assert_int_equal(b2_list(&call, B2_LIST_NAMES, "many/", see, &order, &store->error), ERR_OK);
    b2_call_close(&call);
    assert_int_equal(order.count, NAMES);
    assert_true(order.sorted);
    assert_string_equal(order.last, "many/10049");
}

static void test_a_list_of_many_pages_has_each_name_once_and_in_order(void **state)
{
    struct virtual_store store;
    (void)state;
    virtual_store_open(&store, PART, false);
    make_file(&store, "four", "1234", 4);
    assert_true(virtual_world_start(store.world, put_many, &store));
    assert_int_equal(virtual_world_run(store.world, 0), RUN_FINISHED);
    store_must(&store, "usage", "", "");
    assert_int_equal(store.usage.files, NAMES);
    assert_int_equal(store.usage.bytes, 4 * NAMES);
    assert_int_equal(store.usage.nusd_per_30_days, 0); /* the first 10 GB are free */
    virtual_store_close(&store);
}

/* More versions of one name than a page has rows; all of them go. */
static void put_versions(void *argument)
{
    struct virtual_store *store = argument;
    const struct b2_transfer_options options = {.parallel = 1};
    struct b2_access access = store_access(store);
    assert_int_equal(b2_open(&store->b2, virtual_world_door(store->world), access, &store->error), ERR_OK);
    for (int i = 0; i < VERSIONS; i++) {
        assert_int_equal(b2_upload(&store->b2, "four", "name", &options, &store->put, &store->error), ERR_OK);
    }
    assert_int_equal(b2_upload(&store->b2, "four", "name-after", &options, &store->put, &store->error), ERR_OK);
}

static void test_a_name_of_many_versions_goes_with_all_of_them(void **state)
{
    struct virtual_store store;
    (void)state;
    virtual_store_open(&store, PART, false);
    make_file(&store, "four", "1234", 4);
    assert_true(virtual_world_start(store.world, put_versions, &store));
    assert_int_equal(virtual_world_run(store.world, 0), RUN_FINISHED);
    store_must(&store, "usage", "", "");
    assert_int_equal(store.usage.files, 2);
    assert_int_equal(store.usage.old_versions, VERSIONS - 1);
    assert_int_equal(store.usage.old_bytes, 4 * (VERSIONS - 1));
    store_must(&store, "rm", "name", "");
    assert_int_equal(totals_of(&store).versions, 1);
    assert_int_equal(stored_size(&store, "name-after"), 4);
    virtual_store_close(&store);
}

static void test_unfinished_files_of_many_pages_are_swept(void **state)
{
    enum { UNFINISHED = 105 };
    struct virtual_store store;
    static char bytes[LARGE];
    (void)state;
    virtual_store_open(&store, PART, false);
    pattern(bytes, sizeof bytes, 1);
    make_file(&store, "large", bytes, sizeof bytes);
    set_fault(&store, "b2-cap-exceeded:endpoint=b2_upload_part");
    for (int i = 0; i < UNFINISHED; i++) {
        char name[32];
        (void)text_format(name, sizeof name, "left/%03d", i);
        assert_int_equal(store_do(&store, "put", "large", name), ERR_CAP_EXCEEDED);
    }
    assert_int_equal(totals_of(&store).unfinished, UNFINISHED);
    store_must(&store, "sweep", "", "");
    assert_int_equal(store.sweep.cancelled, UNFINISHED);
    assert_int_equal(totals_of(&store).unfinished, 0);
    virtual_store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_of_many_pages_has_each_name_once_and_in_order),
        cmocka_unit_test(test_a_name_of_many_versions_goes_with_all_of_them),
        cmocka_unit_test(test_unfinished_files_of_many_pages_are_swept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
