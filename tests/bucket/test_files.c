/* Lists, versions, hiding, deleting, copying; buckets. */
#include "rig.h"

enum { ROWS = 8192 };

static void test_names_are_listed_in_the_order_of_their_bytes(void **state)
{
    (void)state;
    struct rig rig;
    char rows[ROWS];
    rig_start(&rig);
    const char *names[] = {"b", "a/2", "%C3%A4", "a", "a/10", "B", "a.txt"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        rig_upload(&rig, names[i], "x", NULL);
    }
    assert_string_equal(rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows),
                        "upload:B upload:a upload:a.txt upload:a/10 upload:a/2 upload:b upload:\xC3\xA4");
    assert_string_equal(rig_list(&rig, "b2_list_file_names", ",\"prefix\":\"a/\"", rows, sizeof rows),
                        "upload:a/10 upload:a/2");
    assert_string_equal(rig_list(&rig, "b2_list_file_names", ",\"delimiter\":\"/\"", rows, sizeof rows),
                        "upload:B upload:a upload:a.txt folder:a/ upload:b upload:\xC3\xA4");
    assert_string_equal(
        rig_list(&rig, "b2_list_file_names", ",\"delimiter\":\"/\",\"startFileName\":\"a/11\"", rows, sizeof rows),
        "folder:a/ upload:b upload:\xC3\xA4");
    assert_string_equal(rig_list(&rig, "b2_list_file_names", ",\"prefix\":\"zz\"", rows, sizeof rows), "");
    rig_end(&rig);
}

/* Pages of `most` rows through a list, joined. */
static void walk(struct rig *rig, const char *call, const char *more, int most, char *out, size_t size)
{
    struct buffer all;
    char next[RIG_TEXT] = "";
    buffer_init_fixed(&all, out, size);
    out[0] = '\0';
    for (int page = 0; page < 100; page++) {
        char rows[ROWS];
        char page_more[RIG_TEXT];
        (void)text_format(page_more, sizeof page_more, ",\"maxFileCount\":%d%s%s", most, more, next);
        rig_list(rig, call, page_more, rows, sizeof rows);
        buffer_printf(&all, "%s%s", all.length == 0 || rows[0] == '\0' ? "" : " ", rows);
        cJSON *json = rig_json(rig);
        const char *name = cJSON_GetStringValue(rig_member(json, "nextFileName"));
        const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "nextFileId"));
        next[0] = '\0';
        if (name != NULL) {
            (void)text_format(next, sizeof next, ",\"startFileName\":\"%s\"", name);
        }
        if (id != NULL) {
            (void)text_format(next + strlen(next), sizeof next - strlen(next), ",\"startFileId\":\"%s\"", id);
        }
        bool more_pages = name != NULL;
        cJSON_Delete(json);
        if (!more_pages) {
            return;
        }
    }
    fail_msg("%s", "the list has no end");
}

static void test_pages_of_any_size_join_to_the_whole_list(void **state)
{
    (void)state;
    struct rig rig;
    char file_id[RIG_TEXT];
    rig_start(&rig);
    const char *names[] = {"a", "d/1", "a", "d/2", "d/e/3", "a", "f", "d/1", "g"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        rig_upload(&rig, names[i], "x", NULL);
    }
    rig_start_large(&rig, "c", file_id);
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\",\"fileName\":\"f\"}", rig.bucket_id);
    assert_int_equal(rig_call(&rig, "b2_hide_file", body), 200);
    static const struct {
        const char *call, *more, *all;
    } lists[] = {
        {"b2_list_file_names", "", "upload:a upload:d/1 upload:d/2 upload:d/e/3 upload:g"},
        {"b2_list_file_names", ",\"delimiter\":\"/\"", "upload:a folder:d/ upload:g"},
        {"b2_list_file_names", ",\"delimiter\":\"/\",\"prefix\":\"d/\"", "upload:d/1 upload:d/2 folder:d/e/"},
        {"b2_list_file_versions", "",
         "upload:a upload:a upload:a start:c upload:d/1 upload:d/1 upload:d/2 upload:d/e/3 hide:f upload:f upload:g"},
        {"b2_list_file_versions", ",\"delimiter\":\"/\"",
         "upload:a upload:a upload:a start:c folder:d/ hide:f upload:f upload:g"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        for (int most = 1; most < 14; most++) {
            char all[ROWS];
            walk(&rig, lists[i].call, lists[i].more, most, all, sizeof all);
            assert_string_equal(all, lists[i].all);
        }
    }
    rig_end(&rig);
}

static void test_a_list_of_version_1_has_sizes_and_later_ones_have_not(void **state)
{
    (void)state;
    struct rig rig;
    char rows[ROWS];
    rig_start(&rig);
    rig_upload(&rig, "a", "12345", NULL);
    for (rig.version = 1; rig.version <= 4; rig.version++) {
        rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows);
        cJSON *json = rig_json(&rig);
        const cJSON *row = cJSON_GetArrayItem(rig_member(json, "files"), 0);
        assert_int_equal(rig_member(row, "contentLength")->valueint, 5);
        assert_int_equal(cJSON_HasObjectItem(row, "size"), rig.version == 1);
        cJSON_Delete(json);
    }
    rig_end(&rig);
}

static void test_a_read_call_takes_its_arguments_in_the_query_since_version_2(void **state)
{
    (void)state;
    struct rig rig;
    char path[RIG_TEXT];
    rig_start(&rig);
    rig_upload(&rig, "a b", "12345", NULL);
    (void)text_format(path, sizeof path, "/b2api/v2/b2_list_file_names?bucketId=%s&prefix=a%%20&maxFileCount=1",
                      rig.bucket_id);
    assert_int_equal(rig_get(&rig, path, NULL), 200);
    assert_non_null(strstr(rig.body, "\"a b\""));
    path[8] = '1';
    rig_get(&rig, path, NULL);
    rig_expect_error(&rig, 405, "method_not_allowed");
    (void)text_format(path, sizeof path, "/b2api/v2/b2_list_file_names?bucketId=%s&maxFileCount=x", rig.bucket_id);
    rig_get(&rig, path, NULL);
    rig_expect_error(&rig, 400, "bad_request");
    rig_get(&rig, "/b2api/v2/b2_hide_file?bucketId=x", NULL);
    rig_expect_error(&rig, 405, "method_not_allowed");
    rig_get(&rig, "/b2api/v5/b2_list_buckets", NULL);
    rig_expect_error(&rig, 404, "not_found");
    rig_end(&rig);
}

static void test_a_hidden_name_is_gone_until_its_marker_is_deleted(void **state)
{
    (void)state;
    struct rig rig;
    char body[RIG_TEXT];
    char marker[RIG_TEXT];
    char rows[ROWS];
    rig_start(&rig);
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\",\"fileName\":\"a\"}", rig.bucket_id);
    rig_call(&rig, "b2_hide_file", body);
    rig_expect_error(&rig, 400, "no_such_file");
    rig_upload(&rig, "a", "1", NULL);
    assert_int_equal(rig_call(&rig, "b2_hide_file", body), 200);
    rig_text(&rig, "fileId", marker, sizeof marker);
    rig_text(&rig, "contentType", rows, sizeof rows);
    assert_string_equal(rows, "application/x-bz-hide-marker");
    rig_call(&rig, "b2_hide_file", body);
    rig_expect_error(&rig, 400, "already_hidden");
    rig_get(&rig, "/file/" RIG_BUCKET "/a", NULL);
    rig_expect_error(&rig, 404, "not_found");
    assert_string_equal(rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows), "");
    assert_string_equal(rig_list(&rig, "b2_list_file_versions", "", rows, sizeof rows), "hide:a upload:a");
    assert_int_equal(rig_call_file(&rig, "b2_delete_file_version", marker, ",\"fileName\":\"a\""), 200);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/a", NULL), 200);
    rig_end(&rig);
}

static void test_a_version_is_deleted_by_its_own_name_only_and_once(void **state)
{
    (void)state;
    struct rig rig;
    char first[RIG_TEXT];
    char second[RIG_TEXT];
    rig_start(&rig);
    rig_upload(&rig, "a", "first", first);
    rig_upload(&rig, "a", "second", second);
    rig_call_file(&rig, "b2_delete_file_version", second, ",\"fileName\":\"b\"");
    rig_expect_error(&rig, 400, "file_not_present");
    assert_int_equal(rig_call_file(&rig, "b2_delete_file_version", second, ",\"fileName\":\"a\""), 200);
    rig_call_file(&rig, "b2_delete_file_version", second, ",\"fileName\":\"a\"");
    rig_expect_error(&rig, 400, "file_not_present");
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/a", NULL), 200);
    assert_string_equal(rig.body, "first");
    assert_int_equal(rig_call_file(&rig, "b2_get_file_info", first, ""), 200);
    rig_call_file(&rig, "b2_get_file_info", second, "");
    rig_expect_error(&rig, 404, "not_found");
    rig_end(&rig);
}

static int copy(struct rig *rig, const char *source, const char *name, const char *more)
{
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"sourceFileId\":\"%s\",\"fileName\":\"%s\"%s}", source, name, more);
    return rig_call(rig, "b2_copy_file", body);
}

static void test_a_copy_has_the_bytes_and_the_words_that_were_asked_for(void **state)
{
    (void)state;
    struct rig rig;
    char id[RIG_TEXT];
    char text[RIG_TEXT];
    rig_start(&rig);
    rig_upload(&rig, "a", "0123456789", id);
    assert_int_equal(copy(&rig, id, "b", ""), 200);
    rig_text(&rig, "action", text, sizeof text);
    assert_string_equal(text, "copy");
    assert_non_null(strstr(rig.body, "\"src_last_modified_millis\":\"1785751200412\""));
    assert_int_equal(copy(&rig, id, "c",
                          ",\"metadataDirective\":\"REPLACE\",\"contentType\":\"x/y\",\"fileInfo\":{\"k\":\"v\"},"
                          "\"range\":\"bytes=2-4\""),
                     200);
    rig_text(&rig, "contentSha1", text, sizeof text);
    assert_string_equal(text, "0ec09ef9836da03f1add21e3ef607627e687e790"); /* of "234" */
    assert_int_equal(rig_call_file(&rig, "b2_delete_file_version", id, ",\"fileName\":\"a\""), 200);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/b", NULL), 200);
    assert_string_equal(rig.body, "0123456789");
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/c", NULL), 200);
    assert_string_equal(rig.body, "234");
    assert_string_equal(rig_header(&rig, "x-bz-info-k", text, sizeof text), "v");
    rig_call_file(&rig, "b2_get_file_info", id, "");
    copy(&rig, id, "d", "");
    rig_expect_error(&rig, 404, "not_found");
    rig_end(&rig);
}

static void test_a_copy_that_contradicts_itself_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    char id[RIG_TEXT];
    rig_start(&rig);
    rig_upload(&rig, "a", "0123456789", id);
    copy(&rig, id, "b", ",\"metadataDirective\":\"COPY\",\"contentType\":\"x/y\"");
    rig_expect_error(&rig, 400, "bad_request");
    copy(&rig, id, "b", ",\"metadataDirective\":\"REPLACE\"");
    rig_expect_error(&rig, 400, "bad_request");
    copy(&rig, id, "b", ",\"metadataDirective\":\"MOVE\"");
    rig_expect_error(&rig, 400, "bad_request");
    copy(&rig, id, "b", ",\"range\":\"bytes=10-12\"");
    rig_expect_error(&rig, 416, "range_not_satisfiable");
    copy(&rig, id, "b", ",\"destinationBucketId\":\"ffffffffffffffffffffffff\"");
    rig_expect_error(&rig, 400, "bad_bucket_id");
    rig_end(&rig);
}

static int on_bucket(struct rig *rig, const char *call, const char *more)
{
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"accountId\":\"%s\"%s}", bucket_account_id(rig->service), more);
    return rig_call(rig, call, body);
}

static void test_a_bucket_is_made_changed_and_deleted(void **state)
{
    (void)state;
    struct rig rig;
    char id[64];
    char more[RIG_TEXT];
    rig_start(&rig);
    assert_int_equal(on_bucket(&rig, "b2_create_bucket",
                               ",\"bucketName\":\"second-one\",\"bucketType\":\"allPrivate\","
                               "\"bucketInfo\":{\"k\":\"v\"}"),
                     200);
    rig_text(&rig, "bucketId", id, sizeof id);
    assert_non_null(strstr(rig.body, "\"bucketInfo\":{\"k\":\"v\"}"));
    on_bucket(&rig, "b2_create_bucket", ",\"bucketName\":\"second-one\",\"bucketType\":\"allPrivate\"");
    rig_expect_error(&rig, 400, "duplicate_bucket_name");
    (void)text_format(more, sizeof more, ",\"bucketId\":\"%s\",\"bucketType\":\"allPublic\",\"ifRevisionIs\":1", id);
    on_bucket(&rig, "b2_update_bucket", more);
    rig_expect_error(&rig, 409, "conflict");
    more[strlen(more) - 1] = '2';
    assert_int_equal(on_bucket(&rig, "b2_update_bucket", more), 200);
    assert_non_null(strstr(rig.body, "\"bucketInfo\":{\"k\":\"v\"}"));
    assert_non_null(strstr(rig.body, "allPublic"));
    assert_int_equal(on_bucket(&rig, "b2_list_buckets", ""), 200);
    cJSON *json = rig_json(&rig);
    assert_int_equal(cJSON_GetArraySize(rig_member(json, "buckets")), 2);
    cJSON_Delete(json);
    (void)text_format(more, sizeof more, ",\"bucketId\":\"%s\"", id);
    assert_int_equal(on_bucket(&rig, "b2_delete_bucket", more), 200);
    on_bucket(&rig, "b2_delete_bucket", more);
    rig_expect_error(&rig, 400, "bad_bucket_id");
    rig_upload(&rig, "a", "x", NULL);
    (void)text_format(more, sizeof more, ",\"bucketId\":\"%s\"", rig.bucket_id);
    on_bucket(&rig, "b2_delete_bucket", more);
    rig_expect_error(&rig, 400, "cannot_delete_non_empty_bucket");
    rig_end(&rig);
}

static void test_a_bad_bucket_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    char more[RIG_TEXT];
    rig_start(&rig);
    const char *names[] = {"short",
                           "b2-is-reserved",
                           "under_score",
                           "dot.dot",
                           "",
                           "a123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)text_format(more, sizeof more, ",\"bucketName\":\"%s\",\"bucketType\":\"allPrivate\"", names[i]);
        on_bucket(&rig, "b2_create_bucket", more);
        rig_expect_error(&rig, 400, "bad_request");
    }
    on_bucket(&rig, "b2_create_bucket", ",\"bucketName\":\"a-good-one\",\"bucketType\":\"some\"");
    rig_expect_error(&rig, 400, "bad_request");
    rig_call(&rig, "b2_list_buckets", "{\"accountId\":\"nobody\"}");
    rig_expect_error(&rig, 400, "bad_request");
    for (int i = 1; i < 100; i++) {
        (void)text_format(more, sizeof more, ",\"bucketName\":\"bucket-%d\",\"bucketType\":\"allPrivate\"", i);
        assert_int_equal(on_bucket(&rig, "b2_create_bucket", more), 200);
    }
    on_bucket(&rig, "b2_create_bucket", ",\"bucketName\":\"one-too-many\",\"bucketType\":\"allPrivate\"");
    rig_expect_error(&rig, 400, "too_many_buckets");
    rig_end(&rig);
}

static void test_a_malformed_request_is_400(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig);
    rig_call(&rig, "b2_list_file_names", "{\"bucketId\":");
    rig_expect_error(&rig, 400, "bad_json");
    rig_call(&rig, "b2_list_file_names", "[]");
    rig_expect_error(&rig, 400, "bad_json");
    rig_call(&rig, "b2_list_file_names", "{\"bucketId\":7}");
    rig_expect_error(&rig, 400, "bad_request");
    rig_call(&rig, "b2_list_file_names", "{}");
    rig_expect_error(&rig, 400, "bad_request");
    rig_call(&rig, "b2_list_file_names", "{\"bucketId\":\"ffffffffffffffffffffffff\"}");
    rig_expect_error(&rig, 400, "bad_bucket_id");
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\",\"maxFileCount\":10001}", rig.bucket_id);
    rig_call(&rig, "b2_list_file_names", body);
    rig_expect_error(&rig, 400, "bad_request");
    rig_call(&rig, "b2_no_such_call", "{}");
    rig_expect_error(&rig, 404, "not_found");
    rig_end(&rig);
}

static void test_two_thousand_names_come_and_go(void **state)
{
    (void)state;
    struct rig rig;
    enum { COUNT = 2000 };
    rig_start(&rig);
    struct rig_url url;
    rig_upload_url(&rig, &url);
    for (unsigned i = 0; i < COUNT; i++) {
        char name[32];
        (void)text_format(name, sizeof name, "n%u", i * 7919 % COUNT);
        assert_int_equal(rig_upload_with(&rig, &url, name, span_of("x"), "do_not_verify"), 200);
    }
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\",\"maxFileCount\":10000}", rig.bucket_id);
    assert_int_equal(rig_call(&rig, "b2_list_file_versions", body), 200);
    cJSON *json = rig_json(&rig);
    assert_int_equal(cJSON_GetArraySize(rig_member(json, "files")), COUNT);
    const char *before = "";
    const cJSON *row;
    cJSON_ArrayForEach(row, rig_member(json, "files"))
    {
        const char *name = cJSON_GetStringValue(rig_member(row, "fileName"));
        assert_true(strcmp(before, name) < 0);
        before = name;
        char file[RIG_TEXT];
        (void)text_format(file, sizeof file, ",\"fileName\":\"%s\"", name);
        assert_int_equal(
            rig_call_file(&rig, "b2_delete_file_version", cJSON_GetStringValue(rig_member(row, "fileId")), file), 200);
        rig.event_count = 0;
    }
    cJSON_Delete(json);
    struct bucket_totals totals;
    bucket_totals(rig.service, &totals);
    assert_int_equal(totals.versions, 0);
    assert_int_equal(totals.stored_bytes, 0);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_listed_in_the_order_of_their_bytes),
        cmocka_unit_test(test_pages_of_any_size_join_to_the_whole_list),
        cmocka_unit_test(test_a_list_of_version_1_has_sizes_and_later_ones_have_not),
        cmocka_unit_test(test_a_read_call_takes_its_arguments_in_the_query_since_version_2),
        cmocka_unit_test(test_a_hidden_name_is_gone_until_its_marker_is_deleted),
        cmocka_unit_test(test_a_version_is_deleted_by_its_own_name_only_and_once),
        cmocka_unit_test(test_a_copy_has_the_bytes_and_the_words_that_were_asked_for),
        cmocka_unit_test(test_a_copy_that_contradicts_itself_is_refused),
        cmocka_unit_test(test_a_bucket_is_made_changed_and_deleted),
        cmocka_unit_test(test_a_bad_bucket_is_refused),
        cmocka_unit_test(test_a_malformed_request_is_400),
        cmocka_unit_test(test_two_thousand_names_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
