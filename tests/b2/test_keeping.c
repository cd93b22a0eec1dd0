/* What is kept and what it costs, by the service's own words; and services that do not end. */
#include "b2/keeping.h"

#include "scripted_world.h"
#include "testing.h"

#define AUTHORIZED                                                                                                     \
    "{\"accountId\":\"a1\",\"authorizationToken\":\"t1\",\"apiInfo\":{\"storageApi\":{"                                \
    "\"absoluteMinimumPartSize\":5000000,\"recommendedPartSize\":100000000,\"apiUrl\":\"https://api000.example\","     \
    "\"downloadUrl\":\"https://f000.example\",\"bucketId\":\"b1\",\"bucketName\":\"bucket\","                          \
    "\"capabilities\":[\"listFiles\"]}}}"
#define VERSION(name, action, bytes)                                                                                   \
    "{\"action\":\"" action "\",\"fileId\":\"id\",\"fileName\":\"" name "\",\"contentLength\":" bytes                  \
    ",\"contentSha1\":\"none\",\"uploadTimestamp\":1000,\"fileInfo\":{}}"

static struct scripted_world scripted;

static int set_up(void **state)
{
    (void)state;
    scripted_world_open(&scripted);
    scripted_reply(&scripted, (struct scripted_reply){.status = 200, .body = AUTHORIZED});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scripted_world_close(&scripted);
    return 0;
}

struct measuring {
    struct b2_usage usage;
    enum error_code code;
};

static void measure(void *argument)
{
    static struct b2 b2;
    static struct b2_call call;
    struct measuring *measuring = argument;
    const struct b2_access access = {.origin = "https://api.example", .key_id = "id", .key = "key", .bucket = "bucket"};
    struct error error;
    measuring->code = b2_open(&b2, &scripted.world, access, &error);
    if (measuring->code == ERR_OK) {
        b2_call_open(&call, &b2);
        measuring->code = b2_measure(&call, "", &measuring->usage, &error);
        b2_call_close(&call);
    }
}

static void answer(const char *body)
{
    scripted_reply(&scripted, (struct scripted_reply){.status = 200, .body = body});
}

static void test_all_that_lies_there_costs_beyond_the_free_bytes(void **state)
{
    (void)state;
    struct measuring measuring = {.code = ERR_OK};
    answer("{\"files\":[" VERSION("a", "upload", "8000000000") "," VERSION(
        "a", "upload", "4000000000") "],"
                                     "\"nextFileName\":\"b\",\"nextFileId\":\"id\"}");
    answer("{\"files\":[" VERSION("b", "hide", "0") "," VERSION("b", "upload", "1000000000") "," VERSION(
        "c", "start", "0") "],\"nextFileName\":null,\"nextFileId\":null}");
    answer("{\"files\":[" VERSION("c", "start", "0") "],\"nextFileId\":null}");
    answer("{\"parts\":[{\"fileId\":\"id\",\"partNumber\":1,\"contentLength\":7000000000,"
           "\"contentSha1\":\"f572d396fae9206628714fb2ce00f72e94f2258f\"}],\"nextPartNumber\":null}");
    scripted_world_run(&scripted, measure, &measuring);
    assert_int_equal(measuring.code, ERR_OK);
    assert_int_equal(measuring.usage.files, 1);
    assert_int_equal(measuring.usage.bytes, INT64_C(8000000000));
    assert_int_equal(measuring.usage.old_versions, 2);
    assert_int_equal(measuring.usage.old_bytes, INT64_C(5000000000));
    assert_int_equal(measuring.usage.hide_markers, 1);
    assert_int_equal(measuring.usage.unfinished, 1);
    assert_int_equal(measuring.usage.unfinished_bytes, INT64_C(7000000000));
    assert_int_equal(measuring.usage.nusd_per_30_days, 69500000); /* 10 GB beyond the first 10, at $0.00695 */
}

static void test_a_list_that_gives_the_same_place_twice_is_no_list(void **state)
{
    (void)state;
    struct measuring measuring = {.code = ERR_OK};
    for (int i = 0; i < 3; i++) {
        answer("{\"files\":[" VERSION("a", "upload", "1") "],\"nextFileName\":\"a\",\"nextFileId\":\"id\"}");
    }
    scripted_world_run(&scripted, measure, &measuring);
    assert_int_equal(measuring.code, ERR_REPLY_UNEXPECTED);
}

static void test_a_store_that_refuses_to_be_reached_is_given_up_soon(void **state)
{
    (void)state;
    struct measuring measuring = {.code = ERR_OK};
    scripted.reply_count = 0;
    for (int i = 0; i < 5; i++) {
        scripted_reply(&scripted, (struct scripted_reply){.fate = FATE_REFUSED});
    }
    int64_t begun_ns = scripted.now_ns;
    scripted_world_run(&scripted, measure, &measuring);
    assert_int_equal(measuring.code, ERR_CONNECTION_REFUSED);
    assert_in_range(scripted.now_ns - begun_ns, 7 * NS_PER_S, 10 * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_that_lies_there_costs_beyond_the_free_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_list_that_gives_the_same_place_twice_is_no_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_store_that_refuses_to_be_reached_is_given_up_soon, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
