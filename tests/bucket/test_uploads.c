/* Uploads and downloads of whole files: what was acknowledged is read back, and nothing else is there. */
#include "rig.h"

static void test_what_was_acknowledged_is_read_back(void **state)
{
    (void)state;
    struct rig rig;
    char id[RIG_TEXT];
    char text[RIG_TEXT];
    rig_start(&rig);
    rig_upload(&rig, "jobs/demo%207/out.txt", "hello\n", id);
    rig_text(&rig, "contentSha1", text, sizeof text);
    assert_string_equal(text, "f572d396fae9206628714fb2ce00f72e94f2258f");
    rig_text(&rig, "contentMd5", text, sizeof text);
    assert_string_equal(text, "b1946ac92492d2347c6235b4d2611184");
    rig_text(&rig, "action", text, sizeof text);
    assert_string_equal(text, "upload");

    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/jobs/demo%207/out.txt", NULL), 200);
    assert_string_equal(rig.body, "hello\n");
    (void)text_format(text, sizeof text, "/b2api/v1/b2_download_file_by_id?fileId=%s", id);
    assert_int_equal(rig_get(&rig, text, NULL), 200);
    assert_string_equal(rig.body, "hello\n");
    assert_string_equal(rig_header(&rig, "x-bz-file-id", text, sizeof text), id);
    assert_string_equal(rig_header(&rig, "x-bz-file-name", text, sizeof text), "jobs/demo%207/out.txt");
    assert_string_equal(rig_header(&rig, "x-bz-content-sha1", text, sizeof text),
                        "f572d396fae9206628714fb2ce00f72e94f2258f");
    assert_string_equal(rig_header(&rig, "X-Bz-Upload-Timestamp", text, sizeof text), "1785751200000");
    assert_string_equal(rig_header(&rig, "x-bz-info-src_last_modified_millis", text, sizeof text), "1785751200412");
    assert_string_equal(rig_header(&rig, "Accept-Ranges", text, sizeof text), "bytes");
    assert_string_equal(rig_header(&rig, "Date", text, sizeof text), "Mon, 03 Aug 2026 10:00:00 GMT");
    rig_end(&rig);
}

static void test_an_upload_of_every_digest_form_is_kept(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_url url;
    char text[RIG_TEXT];
    static const char trailed[] = "hello\nF572D396FAE9206628714FB2CE00F72E94F2258F";
    rig_start(&rig);
    rig_upload_url(&rig, &url);
    assert_int_equal(
        rig_upload_with(&rig, &url, "upper", span_of("hello\n"), "F572D396FAE9206628714FB2CE00F72E94F2258F"), 200);
    assert_int_equal(rig_upload_with(&rig, &url, "trailed", span_of(trailed), "hex_digits_at_end"), 200);
    rig_text(&rig, "contentSha1", text, sizeof text);
    assert_string_equal(text, "f572d396fae9206628714fb2ce00f72e94f2258f");
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/trailed", NULL), 200);
    assert_string_equal(rig.body, "hello\n");
    assert_int_equal(rig_upload_with(&rig, &url, "unverified", span_of("hello\n"), "do_not_verify"), 200);
    rig_text(&rig, "contentSha1", text, sizeof text);
    assert_string_equal(text, "unverified:f572d396fae9206628714fb2ce00f72e94f2258f");
    assert_int_equal(rig_upload_with(&rig, &url, "empty", span_of(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
                     200);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/empty", NULL), 200);
    assert_int_equal(rig.body_size, 0);
    rig_end(&rig);
}

static void test_a_wrong_digest_leaves_nothing_and_ends_its_token(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_url url;
    struct bucket_totals totals;
    static const char wrong[] = "0000000000000000000000000000000000000000";
    rig_start(&rig);
    rig_upload_url(&rig, &url);
    rig_upload_with(&rig, &url, "a", span_of("hello\n"), wrong);
    rig_expect_error(&rig, 400, "bad_request");
    assert_non_null(strstr(rig.body, "Checksum did not match data received"));
    rig_upload_with(&rig, &url, "a", span_of("hello\n"), wrong);
    rig_expect_error(&rig, 401, "expired_auth_token");
    rig_upload_url(&rig, &url);
    static const char trailed[] = "hello\n0000000000000000000000000000000000000000";
    rig_upload_with(&rig, &url, "a", span_of(trailed), "hex_digits_at_end");
    rig_expect_error(&rig, 400, "bad_request");
    bucket_totals(rig.service, &totals);
    assert_int_equal(totals.versions, 0);
    assert_int_equal(totals.stored_bytes, 0);
    rig_get(&rig, "/file/" RIG_BUCKET "/a", NULL);
    rig_expect_error(&rig, 404, "not_found");
    rig_end(&rig);
}

static void test_a_short_body_is_no_upload(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_url url;
    struct bucket_totals totals;
    rig_start(&rig);
    rig_upload_url(&rig, &url);
    struct http_header headers[] = {{"Authorization", url.token},
                                    {"X-Bz-File-Name", "a"},
                                    {"Content-Type", "b2/x-auto"},
                                    {"X-Bz-Content-Sha1", "f572d396fae9206628714fb2ce00f72e94f2258f"}};
    struct rig_request request = {.method = HTTP_POST,
                                  .path = url.path,
                                  .headers = headers,
                                  .header_count = 4,
                                  .body = span_of("hel"),
                                  .said_size = 6,
                                  .cut = true};
    assert_int_equal(rig_send(&rig, &request), 0);
    bucket_totals(rig.service, &totals);
    assert_int_equal(totals.versions, 0);
    rig_upload_url(&rig, &url);
    request.path = url.path;
    request.cut = false; /* a front that lies about the end */
    rig_send(&rig, &request);
    rig_expect_error(&rig, 400, "bad_request");
    bucket_totals(rig.service, &totals);
    assert_int_equal(totals.versions, 0);
    rig_end(&rig);
}

static void test_a_token_carries_one_upload_at_a_time(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_url url;
    rig_start(&rig);
    rig_upload_url(&rig, &url);
    struct http_header headers[] = {{"Authorization", url.token},
                                    {"X-Bz-File-Name", "a"},
                                    {"Content-Type", "text/plain"},
                                    {"X-Bz-Content-Sha1", "do_not_verify"}};
    struct http_request head = {.method = HTTP_POST, .path = url.path, .headers = headers, .header_count = 4};
    struct bucket_exchange *first = bucket_begin(rig.service, 0, &head, 5);
    assert_non_null(first);
    bucket_take(first, 0, "hel", 3);
    rig_upload_with(&rig, &url, "b", span_of("hello"), "do_not_verify");
    rig_expect_error(&rig, 400, "auth_token_limit");
    bucket_take(first, 0, "lo", 2);
    bucket_finish(first, 0);
    assert_int_equal(first->reply.status, 200);
    bucket_end(first, 0);
    assert_int_equal(rig_upload_with(&rig, &url, "b", span_of("hello"), "do_not_verify"), 200);
    rig_end(&rig);
}

static void test_a_range_is_read_as_asked_for(void **state)
{
    (void)state;
    struct rig rig;
    char text[RIG_TEXT];
    static const struct {
        const char *range;
        int status;
        const char *body, *content_range;
    } cases[] = {
        {"bytes=0-2", 206, "012", "bytes 0-2/10"},
        {"bytes=3-", 206, "3456789", "bytes 3-9/10"},
        {"bytes=8-99", 206, "89", "bytes 8-9/10"},
        {"bytes=-3", 206, "789", "bytes 7-9/10"},
        {"bytes=-99", 206, "0123456789", "bytes 0-9/10"},
        {"bytes=9-9", 206, "9", "bytes 9-9/10"},
        {"bytes=5-4", 200, "0123456789", ""},
        {"lines=1-2", 200, "0123456789", ""},
        {"bytes=1-2,4-5", 200, "0123456789", ""},
        {"bytes=", 200, "0123456789", ""},
    };
    rig_start(&rig);
    rig_upload(&rig, "digits", "0123456789", NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/digits", cases[i].range), cases[i].status);
        assert_string_equal(rig.body, cases[i].body);
        assert_string_equal(rig_header(&rig, "Content-Range", text, sizeof text), cases[i].content_range);
        assert_string_equal(rig_header(&rig, "x-bz-content-sha1", text, sizeof text),
                            "87acec17cd9dcd20a716cc2cf67417b71c8a7016");
    }
    rig_get(&rig, "/file/" RIG_BUCKET "/digits", "bytes=10-");
    rig_expect_error(&rig, 416, "range_not_satisfiable");
    rig_get(&rig, "/file/" RIG_BUCKET "/digits", "bytes=-0");
    rig_expect_error(&rig, 416, "range_not_satisfiable");
    rig_end(&rig);
}

static void test_a_head_tells_all_but_the_body(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig);
    rig_upload(&rig, "digits", "0123456789", NULL);
    struct http_header headers[] = {{"Authorization", rig.account_token}, {"Range", "bytes=2-4"}};
    struct http_request head = {
        .method = HTTP_HEAD, .path = "/file/" RIG_BUCKET "/digits", .headers = headers, .header_count = 2};
    struct bucket_exchange *exchange = bucket_begin(rig.service, 0, &head, -1);
    assert_non_null(exchange);
    bucket_finish(exchange, 0);
    assert_int_equal(exchange->reply.status, 206);
    assert_int_equal(exchange->reply_size, 3);
    char byte;
    assert_int_equal(bucket_read(exchange, &byte, 1), 0);
    assert_string_equal(exchange->reply.content_type, "text/plain");
    bucket_end(exchange, 0);
    rig_end(&rig);
}

static void test_a_version_that_is_deleted_is_still_read_to_its_end(void **state)
{
    (void)state;
    struct rig rig;
    char id[RIG_TEXT];
    char byte[16] = "";
    rig_start(&rig);
    rig_upload(&rig, "digits", "0123456789", id);
    struct http_header headers[] = {{"Authorization", rig.account_token}};
    struct http_request head = {
        .method = HTTP_GET, .path = "/file/" RIG_BUCKET "/digits", .headers = headers, .header_count = 1};
    struct bucket_exchange *exchange = bucket_begin(rig.service, 0, &head, -1);
    assert_non_null(exchange);
    bucket_finish(exchange, 0);
    assert_int_equal(bucket_read(exchange, byte, 4), 4);
    assert_int_equal(rig_call_file(&rig, "b2_delete_file_version", id, ",\"fileName\":\"digits\""), 200);
    assert_int_equal(bucket_read(exchange, byte + 4, 12), 6);
    assert_string_equal(byte, "0123456789");
    bucket_end(exchange, 0);
    rig_end(&rig);
}

static void test_a_bad_head_is_refused_before_the_body(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_url url;
    char longest[1100];
    rig_start(&rig);
    rig_upload_url(&rig, &url);
    memset(longest, 'a', sizeof longest);
    longest[1025] = '\0';
    const char *names[] = {"", "/a", "a/", "a//b", "a%00b", "a%1Fb", "a%7Fb", "a%FFb", "%zz", "%4", longest};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        rig_upload_with(&rig, &url, names[i], span_of("x"), "do_not_verify");
        rig_expect_error(&rig, 400, "bad_request");
    }
    const char *digests[] = {"", "none", "f572d396fae9206628714fb2ce00f72e94f2258",
                             "g572d396fae9206628714fb2ce00f72e94f2258f"};
    for (size_t i = 0; i < ARRAY_LENGTH(digests); i++) {
        rig_upload_with(&rig, &url, "a", span_of("x"), digests[i]);
        rig_expect_error(&rig, 400, "bad_request");
    }
    longest[1024] = '\0';
    assert_int_equal(rig_upload_with(&rig, &url, longest, span_of("x"), "do_not_verify"), 200);
    assert_int_equal(rig_upload_with(&rig, &url, "%C3%BCml+aut/%E2%82%AC", span_of("x"), "do_not_verify"), 200);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/%C3%BCml%20aut/%E2%82%AC", NULL), 200);
    rig_end(&rig);
}

static void test_file_information_is_bounded_and_in_lower_case(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_url url;
    char names[11][32];
    struct http_header headers[4 + 11] = {
        {"X-Bz-File-Name", "a"}, {"Content-Type", "b2/x-auto"}, {"X-Bz-Content-Sha1", "do_not_verify"}};
    rig_start(&rig);
    rig_upload_url(&rig, &url);
    headers[3] = (struct http_header){"Authorization", url.token};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)text_format(names[i], sizeof names[i], "x-BZ-inFo-Name%c", (char)('A' + (int)i));
        headers[4 + i] = (struct http_header){names[i], "50%25"};
    }
    struct rig_request request = {
        .method = HTTP_POST, .path = url.path, .headers = headers, .header_count = 15, .body = span_of("x")};
    rig_send(&rig, &request);
    rig_expect_error(&rig, 400, "bad_request");
    request.header_count = 14;
    assert_int_equal(rig_send(&rig, &request), 200);
    cJSON *json = rig_json(&rig);
    assert_int_equal(cJSON_GetArraySize(rig_member(json, "fileInfo")), 10);
    assert_string_equal(cJSON_GetStringValue(rig_member(rig_member(json, "fileInfo"), "namej")), "50%");
    assert_string_equal(cJSON_GetStringValue(rig_member(json, "contentType")), "application/octet-stream");
    cJSON_Delete(json);
    rig_end(&rig);
}

static void test_some_uploads_fail_in_test_mode_and_a_new_url_helps(void **state)
{
    (void)state;
    struct rig rig;
    int failed = 0;
    rig_start(&rig);
    rig.test_mode = "fail_some_uploads";
    for (int i = 0; i < 40; i++) {
        struct rig_url url;
        rig_upload_url(&rig, &url);
        if (rig_upload_with(&rig, &url, "a", span_of("x"), "do_not_verify") != 200) {
            rig_expect_error(&rig, 503, "service_unavailable");
            failed++;
        }
    }
    assert_in_range(failed, 1, 39);
    rig.test_mode = "force_cap_exceeded";
    struct rig_url url;
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\"}", rig.bucket_id);
    rig_call(&rig, "b2_get_upload_url", body);
    rig_expect_error(&rig, 403, "storage_cap_exceeded");
    rig.test_mode = NULL;
    rig_upload_url(&rig, &url);
    rig.test_mode = "force_cap_exceeded";
    rig_upload_with(&rig, &url, "b", span_of("x"), "do_not_verify");
    rig_expect_error(&rig, 403, "storage_cap_exceeded");
    rig_end(&rig);
}

static void test_a_range_crosses_the_pieces_that_bytes_are_kept_in(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig);
    char *bytes = rig_bytes(&rig, 3 * 1000 * 1000 + 17, 5);
    struct rig_url url;
    char sha1[DIGEST_HEX_SIZE];
    struct span body = {bytes, 3 * 1000 * 1000 + 17};
    rig_upload_url(&rig, &url);
    rig_sha1(&rig, body, sha1);
    assert_int_equal(rig_upload_with(&rig, &url, "big", body, sha1), 200);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/big", "bytes=1048570-2097160"), 206);
    assert_int_equal(rig.body_size, 2097160 - 1048570 + 1);
    assert_memory_equal(rig.body, bytes + 1048570, rig.body_size);
    heap_release(rig.heap, bytes);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_acknowledged_is_read_back),
        cmocka_unit_test(test_an_upload_of_every_digest_form_is_kept),
        cmocka_unit_test(test_a_wrong_digest_leaves_nothing_and_ends_its_token),
        cmocka_unit_test(test_a_short_body_is_no_upload),
        cmocka_unit_test(test_a_token_carries_one_upload_at_a_time),
        cmocka_unit_test(test_a_range_is_read_as_asked_for),
        cmocka_unit_test(test_a_head_tells_all_but_the_body),
        cmocka_unit_test(test_a_version_that_is_deleted_is_still_read_to_its_end),
        cmocka_unit_test(test_a_bad_head_is_refused_before_the_body),
        cmocka_unit_test(test_file_information_is_bounded_and_in_lower_case),
        cmocka_unit_test(test_some_uploads_fail_in_test_mode_and_a_new_url_helps),
        cmocka_unit_test(test_a_range_crosses_the_pieces_that_bytes_are_kept_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
