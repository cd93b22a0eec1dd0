/* Keys and tokens: no capability, bucket or prefix limit can be stepped over. */
#include "rig.h"

static void test_each_version_has_its_own_shape_of_authorization(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig);
    for (rig.version = 1; rig.version <= 4; rig.version++) {
        rig_authorize(&rig);
        cJSON *json = rig_json(&rig);
        const cJSON *storage = json;
        if (rig.version >= 3) {
            storage = rig_member(rig_member(json, "apiInfo"), "storageApi");
            assert_true(cJSON_IsNull(rig_member(json, "applicationKeyExpirationTimestamp")));
        }
        assert_string_equal(cJSON_GetStringValue(rig_member(storage, "apiUrl")), "http://127.0.0.1:9");
        assert_string_equal(cJSON_GetStringValue(rig_member(storage, "downloadUrl")), "http://127.0.0.1:9");
        assert_int_equal(rig_member(storage, "recommendedPartSize")->valueint, 100000000);
        assert_int_equal(rig_member(storage, "absoluteMinimumPartSize")->valueint, 5000000);
        assert_int_equal(cJSON_HasObjectItem(storage, "minimumPartSize"), rig.version == 1);
        const cJSON *allowed = rig.version == 3 ? storage : rig_member(storage, "allowed");
        assert_true(cJSON_GetArraySize(rig_member(allowed, "capabilities")) > 8);
        assert_true(cJSON_IsNull(rig_member(allowed, "namePrefix")));
        assert_true(cJSON_IsNull(rig_member(allowed, rig.version == 4 ? "buckets" : "bucketId")));
        assert_string_equal(cJSON_GetStringValue(rig_member(json, "accountId")), bucket_account_id(rig.service));
        assert_string_not_equal(bucket_account_id(rig.service), bucket_key_id(rig.service));
        cJSON_Delete(json);
    }
    rig_end(&rig);
}

static void test_a_wrong_key_is_told_so(void **state)
{
    (void)state;
    struct rig rig;
    char token[RIG_TEXT];
    char text[RIG_TEXT];
    rig_start(&rig);
    rig_authorize_as(&rig, bucket_key_id(rig.service), "K000wrong", token);
    rig_expect_error(&rig, 401, "bad_auth_token");
    assert_string_equal(rig_header(&rig, "WWW-Authenticate", text, sizeof text), "BASIC realm=\"authorize_account\"");
    rig_authorize_as(&rig, bucket_account_id(rig.service), bucket_key(rig.service), token);
    rig_expect_error(&rig, 401, "bad_auth_token");
    rig_end(&rig);
}

static void test_a_token_that_is_none_of_ours_is_bad_and_an_old_one_expired(void **state)
{
    (void)state;
    struct rig rig;
    char token[RIG_TEXT];
    rig_start(&rig);
    const char *body = "{}";
    rig_call_as(&rig, "", "b2_list_buckets", body);
    rig_expect_error(&rig, 401, "bad_auth_token");
    (void)text_copy(token, sizeof token, rig.account_token);
    token[strlen(token) - 2] ^= 1;
    rig_call_as(&rig, token, "b2_list_buckets", body);
    rig_expect_error(&rig, 401, "bad_auth_token");
    rig.now_ns = 24 * NS_PER_HOUR;
    rig_call(&rig, "b2_list_buckets", body);
    rig_expect_error(&rig, 401, "expired_auth_token");
    rig_authorize(&rig);
    rig_call(&rig, "b2_list_buckets", body);
    rig_expect_error(&rig, 400, "bad_request");
    bucket_expire_account_tokens(rig.service);
    rig_call(&rig, "b2_list_buckets", body);
    rig_expect_error(&rig, 401, "expired_auth_token");
    rig_authorize(&rig);
    for (int i = 0; i < 1024; i++) { /* so many newer ones push it out */
        assert_int_equal(rig_authorize_as(&rig, bucket_key_id(rig.service), bucket_key(rig.service), token), 200);
    }
    rig_call(&rig, "b2_list_buckets", body);
    rig_expect_error(&rig, 401, "expired_auth_token");
    rig_end(&rig);
}

static void test_some_account_tokens_expire_in_test_mode(void **state)
{
    (void)state;
    struct rig rig;
    int expired = 0;
    rig_start(&rig);
    rig.test_mode = "expire_some_account_authorization_tokens";
    for (int i = 0; i < 60; i++) {
        if (rig_call(&rig, "b2_list_buckets", "{}") == 401) {
            expired++;
            rig_expect_error(&rig, 401, "expired_auth_token");
            rig_authorize(&rig);
        }
    }
    assert_in_range(expired, 1, 59);
    rig_end(&rig);
}

/* Makes a key with those members and becomes it. */
static void become(struct rig *rig, const char *members)
{
    char body[RIG_TEXT];
    char id[RIG_TEXT];
    char key[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"accountId\":\"%s\",\"keyName\":\"k\",%s}", bucket_account_id(rig->service),
                      members);
    assert_int_equal(rig_call(rig, "b2_create_key", body), 200);
    rig_text(rig, "applicationKeyId", id, sizeof id);
    rig_text(rig, "applicationKey", key, sizeof key);
    assert_int_equal(rig_authorize_as(rig, id, key, rig->account_token), 200);
}

/* One call of each kind with what it needs. %1 the bucket, %2 a file's id, %3 an unfinished file's, %4 the account. */
struct probe {
    const char *call, *capability, *body;
};

static const struct probe probes[] = {
    {"b2_list_buckets", "listBuckets", "{\"accountId\":\"%4\",\"bucketId\":\"%1\"}"},
    {"b2_create_bucket", "writeBuckets",
     "{\"accountId\":\"%4\",\"bucketName\":\"another-one\",\"bucketType\":\"allPrivate\"}"},
    {"b2_update_bucket", "writeBuckets", "{\"accountId\":\"%4\",\"bucketId\":\"%1\"}"},
    {"b2_get_upload_url", "writeFiles", "{\"bucketId\":\"%1\"}"},
    {"b2_start_large_file", "writeFiles", "{\"bucketId\":\"%1\",\"fileName\":\"in/x\",\"contentType\":\"b2/x-auto\"}"},
    {"b2_get_upload_part_url", "writeFiles", "{\"fileId\":\"%3\"}"},
    {"b2_list_parts", "writeFiles", "{\"fileId\":\"%3\"}"},
    {"b2_list_unfinished_large_files", "listFiles", "{\"bucketId\":\"%1\",\"namePrefix\":\"in/\"}"},
    {"b2_list_file_names", "listFiles", "{\"bucketId\":\"%1\",\"prefix\":\"in/\"}"},
    {"b2_list_file_versions", "listFiles", "{\"bucketId\":\"%1\",\"prefix\":\"in/\"}"},
    {"b2_get_file_info", "readFiles", "{\"fileId\":\"%2\"}"},
    {"b2_download_file_by_id", "readFiles", "{\"fileId\":\"%2\"}"},
    {"b2_get_download_authorization", "shareFiles",
     "{\"bucketId\":\"%1\",\"fileNamePrefix\":\"in/\",\"validDurationInSeconds\":10}"},
    {"b2_copy_file", "writeFiles,readFiles", "{\"sourceFileId\":\"%2\",\"fileName\":\"in/copy\"}"},
    {"b2_list_keys", "listKeys", "{\"accountId\":\"%4\"}"},
    {"b2_hide_file", "writeFiles", "{\"bucketId\":\"%1\",\"fileName\":\"in/file\"}"},
    {"b2_cancel_large_file", "writeFiles", "{\"fileId\":\"%3\"}"},
    {"b2_delete_file_version", "deleteFiles", "{\"fileId\":\"%2\",\"fileName\":\"in/file\"}"},
};

static void fill(char *out, size_t size, const char *form, const char *const values[4])
{
    struct buffer text;
    buffer_init_fixed(&text, out, size);
    for (const char *c = form; *c != '\0'; c++) {
        if (*c == '%') {
            buffer_append_text(&text, values[*++c - '1']);
        } else {
            buffer_append_char(&text, *c);
        }
    }
    assert_false(text.failed);
}

static int probe(struct rig *rig, const struct probe *what, const char *file, const char *unfinished)
{
    char body[RIG_TEXT];
    const char *const values[4] = {rig->bucket_id, file, unfinished, bucket_account_id(rig->service)};
    fill(body, sizeof body, what->body, values);
    return rig_call(rig, what->call, body);
}

/* As JSON: "a,b" is "a","b". */
static void quote(const char *names, char *out, size_t size)
{
    struct buffer text;
    buffer_init_fixed(&text, out, size);
    buffer_append_char(&text, '"');
    for (const char *c = names; *c != '\0'; c++) {
        buffer_append_text(&text, *c == ',' ? "\",\"" : (const char[]){*c, '\0'});
    }
    buffer_append_char(&text, '"');
}

static void test_a_call_needs_its_capability_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(probes); i++) {
        struct rig rig;
        char file[RIG_TEXT];
        char unfinished[RIG_TEXT];
        char names[128];
        char members[RIG_TEXT];
        char first[RIG_TEXT];
        rig_start(&rig);
        rig_upload(&rig, "in/file", "x", file);
        rig_start_large(&rig, "in/large", unfinished);
        (void)text_copy(first, sizeof first, rig.account_token);
        /* every capability but its own */
        char all[RIG_TEXT] = "";
        static const char *const every[] = {"listKeys",    "writeKeys",   "deleteKeys",   "listAllBucketNames",
                                            "listBuckets", "readBuckets", "writeBuckets", "deleteBuckets",
                                            "listFiles",   "readFiles",   "shareFiles",   "writeFiles",
                                            "deleteFiles"};
        for (size_t c = 0; c < ARRAY_LENGTH(every); c++) {
            if (strstr(probes[i].capability, every[c]) == NULL) {
                (void)text_format(all + strlen(all), sizeof all - strlen(all), "%s\"%s\"", all[0] == '\0' ? "" : ",",
                                  every[c]);
            }
        }
        (void)text_format(members, sizeof members, "\"capabilities\":[%s]", all);
        become(&rig, members);
        probe(&rig, &probes[i], file, unfinished);
        rig_expect_error(&rig, 401, "unauthorized");
        (void)text_copy(rig.account_token, sizeof rig.account_token, first);
        quote(probes[i].capability, names, sizeof names);
        (void)text_format(members, sizeof members, "\"capabilities\":[%s]", names);
        become(&rig, members);
        if (probe(&rig, &probes[i], file, unfinished) != 200) {
            fail_msg("%s: %s", probes[i].call, rig.body);
        }
        rig_end(&rig);
    }
}

static const char *const all_of_files =
    "\"capabilities\":[\"listBuckets\",\"writeBuckets\",\"listFiles\",\"readFiles\",\"shareFiles\",\"writeFiles\","
    "\"deleteFiles\",\"listKeys\",\"writeKeys\"]";

static void test_a_key_of_one_bucket_reaches_no_other(void **state)
{
    (void)state;
    struct rig rig;
    char members[RIG_TEXT];
    char body[RIG_TEXT];
    char other[64];
    char file[RIG_TEXT];
    char unfinished[RIG_TEXT];
    rig_start(&rig);
    (void)text_format(body, sizeof body,
                      "{\"accountId\":\"%s\",\"bucketName\":\"other-bucket\",\"bucketType\":\"allPrivate\"}",
                      bucket_account_id(rig.service));
    assert_int_equal(rig_call(&rig, "b2_create_bucket", body), 200);
    rig_text(&rig, "bucketId", other, sizeof other);
    rig_upload(&rig, "in/file", "x", file);
    rig_start_large(&rig, "in/large", unfinished);
    (void)text_format(members, sizeof members, "%s,\"bucketId\":\"%s\"", all_of_files, other);
    become(&rig, members);
    for (size_t i = 0; i < ARRAY_LENGTH(probes); i++) {
        if (strcmp(probes[i].call, "b2_list_keys") != 0) {
            probe(&rig, &probes[i], file, unfinished);
            rig_expect_error(&rig, 401, "unauthorized");
        }
    }
    rig_get(&rig, "/file/" RIG_BUCKET "/in/file", NULL);
    rig_expect_error(&rig, 401, "unauthorized");
    (void)text_format(body, sizeof body, "{\"accountId\":\"%s\"}", bucket_account_id(rig.service));
    rig_call(&rig, "b2_list_buckets", body);
    rig_expect_error(&rig, 401, "unauthorized");
    (void)text_format(body, sizeof body, "{\"accountId\":\"%s\",\"bucketName\":\"other-bucket\"}",
                      bucket_account_id(rig.service));
    assert_int_equal(rig_call(&rig, "b2_list_buckets", body), 200);
    rig_end(&rig);
}

static void test_a_key_with_a_prefix_reaches_no_name_without_it(void **state)
{
    (void)state;
    struct rig rig;
    char members[RIG_TEXT];
    char body[RIG_TEXT];
    char file[RIG_TEXT];
    char inside[RIG_TEXT];
    char unfinished[RIG_TEXT];
    struct rig_url url;
    rig_start(&rig);
    rig_upload(&rig, "in/file", "x", file);
    rig_upload(&rig, "other/file", "x", inside);
    rig_start_large(&rig, "in/large", unfinished);
    (void)text_format(members, sizeof members, "%s,\"bucketId\":\"%s\",\"namePrefix\":\"other/\"", all_of_files,
                      rig.bucket_id);
    become(&rig, members);
    for (size_t i = 0; i < ARRAY_LENGTH(probes); i++) {
        if (strstr(probes[i].body, "in/") != NULL || strstr(probes[i].body, "%2") != NULL ||
            strstr(probes[i].body, "%3") != NULL) {
            probe(&rig, &probes[i], file, unfinished);
            rig_expect_error(&rig, 401, "unauthorized");
        }
    }
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\"}", rig.bucket_id);
    rig_call(&rig, "b2_list_file_names", body);
    rig_expect_error(&rig, 401, "unauthorized");
    rig_upload_url(&rig, &url);
    rig_upload_with(&rig, &url, "in/x", span_of("x"), "do_not_verify");
    rig_expect_error(&rig, 401, "unauthorized");
    assert_int_equal(rig_upload_with(&rig, &url, "other/x", span_of("x"), "do_not_verify"), 200);
    (void)text_format(body, sizeof body, "{\"sourceFileId\":\"%s\",\"fileName\":\"in/copy\"}", inside);
    rig_call(&rig, "b2_copy_file", body);
    rig_expect_error(&rig, 401, "unauthorized");
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/other/file", NULL), 200);
    rig_end(&rig);
}

static void test_a_key_makes_no_key_that_may_do_more(void **state)
{
    (void)state;
    struct rig rig;
    char members[RIG_TEXT];
    char body[RIG_TEXT];
    rig_start(&rig);
    (void)text_format(members, sizeof members, "%s,\"bucketId\":\"%s\",\"namePrefix\":\"in/\"", all_of_files,
                      rig.bucket_id);
    become(&rig, members);
    const char *wishes[] = {"\"capabilities\":[\"deleteKeys\"],\"bucketId\":\"%s\",\"namePrefix\":\"in/\"",
                            "\"capabilities\":[\"listFiles\"]", "\"capabilities\":[\"listFiles\"],\"bucketId\":\"%s\"",
                            "\"capabilities\":[\"listFiles\"],\"bucketId\":\"%s\",\"namePrefix\":\"i\""};
    for (size_t i = 0; i < ARRAY_LENGTH(wishes); i++) {
        const char *place = strstr(wishes[i], "%s");
        (void)text_format(members, sizeof members, "%.*s%s%s",
                          place == NULL ? (int)strlen(wishes[i]) : (int)(place - wishes[i]), wishes[i],
                          place == NULL ? "" : rig.bucket_id, place == NULL ? "" : place + 2);
        (void)text_format(body, sizeof body, "{\"keyName\":\"k\",%s}", members);
        rig_call(&rig, "b2_create_key", body);
        rig_expect_error(&rig, 401, "unauthorized");
    }
    (void)text_format(members, sizeof members,
                      "\"capabilities\":[\"listFiles\"],\"bucketId\":\"%s\",\"namePrefix\":\"in/deep/\"",
                      rig.bucket_id);
    become(&rig, members);
    rig_end(&rig);
}

static void test_a_key_ends_with_its_time_and_with_its_deletion(void **state)
{
    (void)state;
    struct rig rig;
    char first[RIG_TEXT];
    char body[RIG_TEXT];
    char id[RIG_TEXT];
    char rows[RIG_TEXT];
    rig_start(&rig);
    (void)text_copy(first, sizeof first, rig.account_token);
    become(&rig, "\"capabilities\":[\"listFiles\"],\"validDurationInSeconds\":60");
    rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows);
    rig.now_ns = 60 * NS_PER_S;
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\"}", rig.bucket_id);
    rig_call(&rig, "b2_list_file_names", body);
    rig_expect_error(&rig, 401, "expired_auth_token");
    (void)text_copy(rig.account_token, sizeof rig.account_token, first);
    become(&rig, "\"capabilities\":[\"listFiles\"]");
    rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows);
    (void)text_format(body, sizeof body, "{\"maxKeyCount\":2}");
    assert_int_equal(rig_call_as(&rig, first, "b2_list_keys", body), 200);
    rig_text(&rig, "nextApplicationKeyId", id, sizeof id);
    (void)text_format(body, sizeof body, "{\"applicationKeyId\":\"%s\"}", id);
    assert_int_equal(rig_call_as(&rig, first, "b2_delete_key", body), 200);
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\"}", rig.bucket_id);
    rig_call(&rig, "b2_list_file_names", body);
    rig_expect_error(&rig, 401, "bad_auth_token");
    (void)text_format(body, sizeof body, "{\"applicationKeyId\":\"%s\"}", bucket_key_id(rig.service));
    rig_call_as(&rig, first, "b2_delete_key", body);
    rig_expect_error(&rig, 400, "bad_request");
    rig_end(&rig);
}

static void test_a_download_token_opens_its_prefix_for_its_time(void **state)
{
    (void)state;
    struct rig rig;
    char token[RIG_TEXT];
    char path[RIG_TEXT];
    char body[RIG_TEXT];
    rig_start(&rig);
    rig_upload(&rig, "in/file", "x", NULL);
    rig_upload(&rig, "out/file", "x", NULL);
    (void)text_format(body, sizeof body,
                      "{\"bucketId\":\"%s\",\"fileNamePrefix\":\"in/\",\"validDurationInSeconds\":60}", rig.bucket_id);
    assert_int_equal(rig_call(&rig, "b2_get_download_authorization", body), 200);
    rig_text(&rig, "authorizationToken", token, sizeof token);
    struct rig_request request = {.method = HTTP_GET, .path = path};
    (void)text_format(path, sizeof path, "/file/" RIG_BUCKET "/in/file?Authorization=%s", token);
    assert_int_equal(rig_send(&rig, &request), 200);
    (void)text_format(path, sizeof path, "/file/" RIG_BUCKET "/out/file?Authorization=%s", token);
    rig_send(&rig, &request);
    rig_expect_error(&rig, 401, "unauthorized");
    rig_call_as(&rig, token, "b2_list_file_names", body);
    rig_expect_error(&rig, 401, "bad_auth_token");
    rig.now_ns = 60 * NS_PER_S;
    (void)text_format(path, sizeof path, "/file/" RIG_BUCKET "/in/file?Authorization=%s", token);
    rig_send(&rig, &request);
    rig_expect_error(&rig, 401, "expired_auth_token");
    (void)text_copy(path, sizeof path, "/file/" RIG_BUCKET "/in/file");
    rig_send(&rig, &request);
    rig_expect_error(&rig, 401, "unauthorized");
    rig_end(&rig);
}

static void test_a_public_bucket_is_read_by_anybody(void **state)
{
    (void)state;
    struct rig rig;
    char body[RIG_TEXT];
    rig_start(&rig);
    rig_upload(&rig, "in/file", "x", NULL);
    (void)text_format(body, sizeof body, "{\"accountId\":\"%s\",\"bucketId\":\"%s\",\"bucketType\":\"allPublic\"}",
                      bucket_account_id(rig.service), rig.bucket_id);
    assert_int_equal(rig_call(&rig, "b2_update_bucket", body), 200);
    struct rig_request request = {.method = HTTP_GET, .path = "/file/" RIG_BUCKET "/in/file"};
    assert_int_equal(rig_send(&rig, &request), 200);
    rig_end(&rig);
}

static void test_an_upload_token_is_no_account_token(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_url url;
    rig_start(&rig);
    rig_upload_url(&rig, &url);
    rig_call_as(&rig, url.token, "b2_list_buckets", "{}");
    rig_expect_error(&rig, 401, "bad_auth_token");
    (void)text_copy(url.token, sizeof url.token, rig.account_token);
    rig_upload_with(&rig, &url, "a", span_of("x"), "do_not_verify");
    rig_expect_error(&rig, 401, "bad_auth_token");
    rig_upload_url(&rig, &url);
    bucket_expire_upload_tokens(rig.service);
    rig_upload_with(&rig, &url, "a", span_of("x"), "do_not_verify");
    rig_expect_error(&rig, 401, "expired_auth_token");
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_version_has_its_own_shape_of_authorization),
        cmocka_unit_test(test_a_wrong_key_is_told_so),
        cmocka_unit_test(test_a_token_that_is_none_of_ours_is_bad_and_an_old_one_expired),
        cmocka_unit_test(test_some_account_tokens_expire_in_test_mode),
        cmocka_unit_test(test_a_call_needs_its_capability_and_no_other),
        cmocka_unit_test(test_a_key_of_one_bucket_reaches_no_other),
        cmocka_unit_test(test_a_key_with_a_prefix_reaches_no_name_without_it),
        cmocka_unit_test(test_a_key_makes_no_key_that_may_do_more),
        cmocka_unit_test(test_a_key_ends_with_its_time_and_with_its_deletion),
        cmocka_unit_test(test_a_download_token_opens_its_prefix_for_its_time),
        cmocka_unit_test(test_a_public_bucket_is_read_by_anybody),
        cmocka_unit_test(test_an_upload_token_is_no_account_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
