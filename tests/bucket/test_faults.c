/* The faults of the object store, in virtual time: what each does to a request, and that nothing is stored which was not said. */
#include "cloud_rig.h"

static void test_a_busy_store_refuses_and_a_new_url_serves(void **state)
{
    static const struct {
        const char *as;
        int status;
        const char *code;
    } cases[] = {{"busy", 503, "service_unavailable"},  {"tomes", 503, "service_unavailable"},
                 {"vault", 503, "service_unavailable"}, {"500", 500, "internal_error"},
                 {"408", 408, "request_timeout"},       {"429", 429, "too_many_requests"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct stage stage;
        char fault[64];
        char text[TEXT];
        (void)text_format(fault, sizeof fault, "b2-503-busy:count=1,as=%s", cases[i].as);
        stage_begin(&stage, fault);
        upload(&stage, "a", "hello\n");
        expect_code(&stage, cases[i].status, cases[i].code);
        assert_string_equal(header(&stage, "Retry-After", text), strcmp(cases[i].as, "429") == 0     ? "3"
                                                                 : strcmp(cases[i].as, "vault") == 0 ? "1"
                                                                                                     : "");
        assert_int_equal(totals_of(&stage).versions, 0);
        assert_int_equal(upload(&stage, "a", "hello\n"), 200);
        stage_end(&stage);
    }
    struct stage stage;
    stage_begin(&stage, "b2-503-busy:count=1,as=broken-pipe");
    upload(&stage, "a", "hello\n");
    assert_int_equal(stage.fate, FATE_CLOSED_EARLY);
    assert_int_equal(totals_of(&stage).versions, 0);
    stage_end(&stage);
}

static void test_an_empty_snapshot_is_stored_and_told_by_its_digest(void **state)
{
    (void)state;
    struct stage stage;
    char text[TEXT];
    stage_begin(&stage, "empty-snapshot");
    assert_int_equal(upload(&stage, "snapshot.tar", "much that matters"), 200);
    text_of(&stage, "contentSha1", text);
    assert_string_equal(text, "34e163be8e43c5631d8b92e9c43ab0bf0fa62b9c");
    assert_int_equal(get(&stage, HTTP_GET, "snapshot.tar", NULL), 200);
    assert_int_equal(stage.size, 10240);
    for (size_t i = 0; i < stage.size; i++) {
        assert_int_equal(stage.body[i], 0);
    }
    assert_int_equal(upload(&stage, "snapshot.tar", "hello\n"), 200);
    assert_int_equal(get(&stage, HTTP_GET, "snapshot.tar", NULL), 200);
    assert_string_equal(stage.body, "hello\n");
    stage_end(&stage);
}

static void test_tokens_expire_for_all_until_they_are_asked_for_again(void **state)
{
    (void)state;
    struct stage stage;
    char body[TEXT];
    stage_begin(&stage, "b2-expired-token:nth=2");
    with_bucket(&stage, "", body);
    call(&stage, "b2_list_file_names", body);
    expect_code(&stage, 401, "expired_auth_token");
    call(&stage, "b2_list_file_names", body);
    expect_code(&stage, 401, "expired_auth_token");
    authorize(&stage);
    assert_int_equal(call(&stage, "b2_list_file_names", body), 200);
    stage_end(&stage);
    stage_begin(&stage, "b2-expired-token:nth=2,code=bad_auth_token");
    with_bucket(&stage, "", body);
    call(&stage, "b2_list_file_names", body);
    expect_code(&stage, 401, "bad_auth_token");
    assert_int_equal(call(&stage, "b2_list_file_names", body), 200);
    stage_end(&stage);
}

static void test_a_digest_that_does_not_fit_is_told_on_either_way(void **state)
{
    (void)state;
    struct stage stage;
    char text[TEXT];
    stage_begin(&stage, "sha1-mismatch:wording=sha1");
    upload(&stage, "a", "hello\n");
    expect_code(&stage, 400, "bad_request");
    assert_non_null(strstr(stage.body, "Sha1 did not match data received"));
    assert_int_equal(totals_of(&stage).versions, 0);
    stage_end(&stage);
    stage_begin(&stage, "sha1-mismatch:endpoint=b2_download_file_by_name");
    assert_int_equal(upload(&stage, "a", "hello\n"), 200);
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_string_equal(stage.body, "hello\n");
    assert_string_not_equal(header(&stage, "x-bz-content-sha1", text), SHA1_OF_HELLO);
    assert_int_equal(strlen(text), 40);
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_string_equal(header(&stage, "x-bz-content-sha1", text), SHA1_OF_HELLO);
    stage_end(&stage);
}

static void test_an_odd_digest_is_odd_everywhere(void **state)
{
    static const struct {
        const char *as, *shown;
    } cases[] = {{"none", "none"},
                 {"unverified", "unverified:" SHA1_OF_HELLO},
                 {"upper", "F572D396FAE9206628714FB2CE00F72E94F2258F"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct stage stage;
        char text[TEXT];
        char fault[64];
        (void)text_format(fault, sizeof fault, "sha1-odd:as=%s", cases[i].as);
        stage_begin(&stage, fault);
        assert_int_equal(upload(&stage, "a", "hello\n"), 200);
        text_of(&stage, "contentSha1", text);
        assert_string_equal(text, cases[i].shown);
        assert_non_null(strstr(list(&stage), cases[i].shown));
        assert_int_equal(get(&stage, HTTP_HEAD, "a", NULL), 200);
        assert_string_equal(header(&stage, "x-bz-content-sha1", text), cases[i].shown);
        assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
        assert_string_equal(stage.body, "hello\n");
        stage_end(&stage);
    }
}

static void test_a_partial_snapshot_is_visible(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "partial-snapshot-visible");
    assert_int_equal(upload(&stage, "s/1", "1"), 200);
    assert_int_equal(upload(&stage, "s/2", "2"), 200);
    upload(&stage, "s/3", "3");
    assert_int_equal(stage.fate, FATE_RESET);
    upload(&stage, "s/4", "4");
    assert_int_equal(stage.fate, FATE_RESET);
    assert_non_null(strstr(list(&stage), "s/2"));
    assert_null(strstr(stage.body, "s/3"));
    assert_int_equal(totals_of(&stage).versions, 2);
    stage_end(&stage);
}

static void test_a_bad_download_is_bad_in_its_own_way(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "bad-download:shape=short,at=4");
    assert_int_equal(upload(&stage, "a", "0123456789"), 200);
    get(&stage, HTTP_GET, "a", NULL);
    assert_int_equal(stage.fate, FATE_TRUNCATED);
    assert_int_equal(stage.told_size, 10);
    assert_string_equal(stage.body, "0123");
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_string_equal(stage.body, "0123456789");
    stage_end(&stage);
    stage_begin(&stage, "bad-download:shape=whole");
    assert_int_equal(upload(&stage, "a", "0123456789"), 200);
    assert_int_equal(get(&stage, HTTP_GET, "a", "bytes=2-3"), 200);
    assert_string_equal(stage.body, "0123456789");
    assert_int_equal(get(&stage, HTTP_GET, "a", "bytes=2-3"), 206);
    stage_end(&stage);
    stage_begin(&stage, "bad-download:shape=bytes,at=3");
    assert_int_equal(upload(&stage, "a", "0123456789"), 200);
    assert_int_equal(get(&stage, HTTP_HEAD, "a", NULL), 200); /* no occasion */
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_string_equal(stage.body, "0122456789");
    stage_end(&stage);
    stage_begin(&stage, "bad-download:shape=empty");
    assert_int_equal(upload(&stage, "a", "0123456789"), 200);
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_int_equal(stage.told_size, 0);
    assert_int_equal(stage.size, 0);
    stage_end(&stage);
}

static void test_a_wrong_snapshot_is_the_newest_of_its_list(void **state)
{
    (void)state;
    struct stage stage;
    for (size_t shape = 0; shape < 3; shape++) {
        static const char *const faults[] = {"wrong-snapshot", "wrong-snapshot:shape=foreign",
                                             "wrong-snapshot:shape=swapped"};
        stage_begin(&stage, faults[shape]);
        assert_int_equal(upload(&stage, "s/old", "1"), 200);
        stage.now_ns += NS_PER_S;
        assert_int_equal(upload(&stage, "s/young", "2"), 200);
        cJSON *json = cJSON_Parse(list(&stage));
        const cJSON *files = cJSON_GetObjectItemCaseSensitive(json, "files");
        const char *newest = "";
        double time = 0;
        const cJSON *file;
        cJSON_ArrayForEach(file, files)
        {
            double own = cJSON_GetObjectItemCaseSensitive(file, "uploadTimestamp")->valuedouble;
            newest = own > time ? cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "fileName")) : newest;
            time = own > time ? own : time;
        }
        static const char *const expected[] = {"s/old", "s/another-host-young", "s/old"};
        static const int counts[] = {1, 3, 2};
        assert_string_equal(newest, expected[shape]);
        assert_int_equal(cJSON_GetArraySize(files), counts[shape]);
        cJSON_Delete(json);
        stage_end(&stage);
    }
}

static void test_a_cap_is_met_by_what_it_caps(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "b2-cap-exceeded");
    upload(&stage, "a", "x");
    expect_code(&stage, 403, "storage_cap_exceeded");
    assert_non_null(list(&stage));
    stage_end(&stage);
    stage_begin(&stage, "b2-cap-exceeded:endpoint=b2_download_file_by_name");
    assert_int_equal(upload(&stage, "a", "x"), 200);
    get(&stage, HTTP_GET, "a", NULL);
    expect_code(&stage, 403, "download_cap_exceeded");
    stage_end(&stage);
    stage_begin(&stage, "b2-cap-exceeded:cap=any");
    upload(&stage, "a", "x");
    expect_code(&stage, 403, "cap_exceeded");
    stage_end(&stage);
}

/* Starts a large file; its id. */
static void start_large(struct stage *stage, char id[TEXT])
{
    char body[TEXT];
    with_bucket(stage, ",\"fileName\":\"big\",\"contentType\":\"b2/x-auto\"", body);
    assert_int_equal(call(stage, "b2_start_large_file", body), 200);
    text_of(stage, "fileId", id);
}

static int on_file(struct stage *stage, const char *name, const char *id, const char *more)
{
    char body[TEXT];
    (void)text_format(body, sizeof body, "{\"fileId\":\"%s\"%s}", id, more);
    return call(stage, name, body);
}

static void test_a_large_file_stays_unfinished(void **state)
{
    (void)state;
    struct stage stage;
    char id[TEXT];
    stage_begin(&stage, "unfinished-large-file");
    start_large(&stage, id);
    on_file(&stage, "b2_finish_large_file", id, ",\"partSha1Array\":[]");
    expect_code(&stage, 500, "internal_error");
    on_file(&stage, "b2_finish_large_file", id, ",\"partSha1Array\":[]");
    expect_code(&stage, 400, "bad_request");
    assert_int_equal(totals_of(&stage).unfinished, 1);
    stage_end(&stage);
    stage_begin(&stage, "unfinished-large-file:endpoint=b2_cancel_large_file,point=effect");
    start_large(&stage, id);
    assert_int_equal(on_file(&stage, "b2_cancel_large_file", id, ""), 200);
    assert_non_null(strstr(stage.body, id));
    assert_null(strstr(stage.body, "action"));
    assert_int_equal(totals_of(&stage).unfinished, 1);
    assert_int_equal(on_file(&stage, "b2_cancel_large_file", id, ""), 200);
    assert_int_equal(totals_of(&stage).unfinished, 0);
    stage_end(&stage);
    stage_begin(&stage, "unfinished-large-file:endpoint=b2_cancel_large_file,point=reply,as=timeout");
    start_large(&stage, id);
    on_file(&stage, "b2_cancel_large_file", id, "");
    assert_int_equal(stage.fate, FATE_SILENT);
    assert_int_equal(totals_of(&stage).unfinished, 0);
    stage_end(&stage);
}

static void test_a_body_that_is_broken_off_leaves_nothing(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "retry-partial-body:bytes=10");
    upload(&stage, "a", "a text of some length");
    assert_int_equal(stage.fate, FATE_RESET);
    assert_in_range(stage.taken, 10, 20);
    assert_int_equal(totals_of(&stage).versions, 0);
    assert_int_equal(upload(&stage, "a", "a text of some length"), 200);
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_string_equal(stage.body, "a text of some length");
    stage_end(&stage);
}

static void test_a_file_that_is_there_is_not_found_once(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "b2-404-reinit");
    assert_int_equal(upload(&stage, "a", "x"), 200);
    get(&stage, HTTP_GET, "a", NULL);
    expect_code(&stage, 404, "not_found");
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    stage_end(&stage);
    stage_begin(&stage, "b2-404-reinit:endpoint=b2_list_file_names");
    assert_int_equal(upload(&stage, "a", "x"), 200);
    assert_string_equal(list(&stage), "{\"files\":[],\"nextFileName\":null}");
    assert_non_null(strstr(list(&stage), "\"a\""));
    stage_end(&stage);
}

static void test_a_delete_deletes_nothing_or_too_much(void **state)
{
    (void)state;
    struct stage stage;
    char id[TEXT];
    stage_begin(&stage, "retention-wrong");
    assert_int_equal(upload(&stage, "a", "x"), 200);
    text_of(&stage, "fileId", id);
    assert_int_equal(on_file(&stage, "b2_delete_file_version", id, ",\"fileName\":\"a\""), 200);
    char expected[TEXT];
    (void)text_format(expected, sizeof expected, "{\"fileId\":\"%s\",\"fileName\":\"a\"}", id);
    assert_string_equal(stage.body, expected);
    assert_int_equal(totals_of(&stage).versions, 1);
    stage_end(&stage);
    stage_begin(&stage, "retention-wrong:as=every-version");
    assert_int_equal(upload(&stage, "a", "old"), 200);
    text_of(&stage, "fileId", id);
    assert_int_equal(upload(&stage, "a", "good"), 200);
    assert_int_equal(upload(&stage, "b", "x"), 200);
    assert_int_equal(on_file(&stage, "b2_delete_file_version", id, ",\"fileName\":\"a\""), 200);
    assert_int_equal(totals_of(&stage).versions, 1);
    stage_end(&stage);
}

static void test_a_call_takes_its_time_and_so_do_its_bytes(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "b2-503-busy:active=false");
    int64_t before_ns = stage.now_ns;
    list(&stage);
    assert_true(stage.now_ns - before_ns >= CALL_MS * NS_PER_MS);
    char long_text[1001];
    memset(long_text, 'x', 1000);
    long_text[1000] = '\0';
    assert_int_equal(upload(&stage, "a", long_text), 200);
    before_ns = stage.now_ns;
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_int_equal(stage.now_ns - before_ns, CALL_MS * NS_PER_MS + NS_PER_MS); /* 1000 bytes at 1 MB/s */
    stage_end(&stage);
}

static void test_what_happens_stands_in_the_history(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "b2-503-busy:count=1");
    upload(&stage, "a", "x");
    upload(&stage, "a", "x");
    const char *text = buffer_text(&stage.history.text);
    assert_non_null(strstr(text, "\"fault.on\""));
    assert_non_null(
        strstr(text, "\"kind\":\"b2.object\",\"ids\":{},\"data\":{\"name\":\"a\",\"state\":\"upload\",\"size\":1"));
    assert_non_null(strstr(text, "\"call\":\"b2_upload_file\",\"status\":200"));
    assert_null(strstr(text, bucket_key(cloud_bucket(stage.cloud, stage.now_ns, NULL))));
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_busy_store_refuses_and_a_new_url_serves),
        cmocka_unit_test(test_an_empty_snapshot_is_stored_and_told_by_its_digest),
        cmocka_unit_test(test_tokens_expire_for_all_until_they_are_asked_for_again),
        cmocka_unit_test(test_a_digest_that_does_not_fit_is_told_on_either_way),
        cmocka_unit_test(test_an_odd_digest_is_odd_everywhere),
        cmocka_unit_test(test_a_partial_snapshot_is_visible),
        cmocka_unit_test(test_a_bad_download_is_bad_in_its_own_way),
        cmocka_unit_test(test_a_wrong_snapshot_is_the_newest_of_its_list),
        cmocka_unit_test(test_a_cap_is_met_by_what_it_caps),
        cmocka_unit_test(test_a_large_file_stays_unfinished),
        cmocka_unit_test(test_a_body_that_is_broken_off_leaves_nothing),
        cmocka_unit_test(test_a_file_that_is_there_is_not_found_once),
        cmocka_unit_test(test_a_delete_deletes_nothing_or_too_much),
        cmocka_unit_test(test_a_call_takes_its_time_and_so_do_its_bytes),
        cmocka_unit_test(test_what_happens_stands_in_the_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
