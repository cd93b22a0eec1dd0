#include "testing.h"

#include <string.h>

#include "b2/codec.h"

#define STORAGE                                                                                                        \
    "\"absoluteMinimumPartSize\":5000000,\"recommendedPartSize\":100000000,\"apiUrl\":\"https://api000.example\","     \
    "\"downloadUrl\":\"https://f000.example\""

static enum error_code authorize(const char *body, bool secure, struct b2_account *account)
{
    struct error error;
    return b2_decode_authorize(span_of(body), secure, account, &error);
}

static void test_both_shapes_of_an_authorization_say_the_same(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"accountId\":\"a1\",\"authorizationToken\":\"t1\"," STORAGE
        ",\"allowed\":{\"capabilities\":[\"listFiles\",\"readFiles\"],\"bucketId\":\"b1\",\"bucketName\":\"n1\","
        "\"namePrefix\":\"jobs/\"}}",
        "{\"accountId\":\"a1\",\"authorizationToken\":\"t1\",\"apiInfo\":{\"groupsApi\":null,\"storageApi\":{" STORAGE
        ",\"bucketId\":\"b1\",\"bucketName\":\"n1\",\"namePrefix\":\"jobs/\",\"capabilities\":[\"listFiles\","
        "\"readFiles\"]}}}",
        "{\"accountId\":\"a1\",\"authorizationToken\":\"t1\",\"apiInfo\":{\"storageApi\":{" STORAGE
        ",\"allowed\":{\"buckets\":[{\"id\":\"b1\",\"name\":\"n1\"}],\"capabilities\":[\"listFiles\",\"readFiles\"],"
        "\"namePrefix\":\"jobs/\"}}}}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        struct b2_account account;
        assert_int_equal(authorize(bodies[i], true, &account), ERR_OK);
        assert_string_equal(account.account_id, "a1");
        assert_string_equal(account.token, "t1");
        assert_string_equal(account.api_origin, "https://api000.example");
        assert_string_equal(account.download_origin, "https://f000.example");
        assert_string_equal(account.bucket_id, "b1");
        assert_string_equal(account.bucket_name, "n1");
        assert_string_equal(account.name_prefix, "jobs/");
        assert_string_equal(account.capabilities, " listFiles readFiles ");
        assert_true(account.recommended_part_bytes == 100000000 && account.least_part_bytes == 5000000);
    }
}

static void test_a_token_is_not_sent_where_it_could_be_read(void **state)
{
    (void)state;
    struct b2_account account;
    static const char body[] = "{\"accountId\":\"a\",\"authorizationToken\":\"t\",\"absoluteMinimumPartSize\":5000000,"
                               "\"recommendedPartSize\":5000000,\"apiUrl\":\"http://127.0.0.1:1\","
                               "\"downloadUrl\":\"http://%s:1\"}";
    static const struct {
        const char *host;
        bool secure;
        enum error_code code;
    } rows[] = {
        {"127.0.0.1", false, ERR_OK},
        {"127.0.0.1", true, ERR_REPLY_UNEXPECTED},
        {"example.org", false, ERR_REPLY_UNEXPECTED},
        {"127.0.0.1:1@example.org", false, ERR_REPLY_UNEXPECTED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        struct buffer out;
        buffer_init_fixed(&out, text, sizeof text);
        const char *gap = strstr(body, "%s");
        buffer_append(&out, body, (size_t)(gap - body));
        buffer_append_text(&out, rows[i].host);
        buffer_append_text(&out, gap + 2);
        assert_int_equal(authorize(text, rows[i].secure, &account), rows[i].code);
    }
}

static void test_an_authorization_without_what_is_needed_is_none(void **state)
{
    (void)state;
    struct b2_account account;
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"accountId\":\"a\",\"authorizationToken\":\"t\"}",
        "{\"accountId\":\"a\",\"authorizationToken\":\"t\\r\\nX: y\"," STORAGE "}",
        "{\"accountId\":7,\"authorizationToken\":\"t\"," STORAGE "}",
        "{\"accountId\":\"a\",\"authorizationToken\":\"t\"," STORAGE "} trailing",
        "{\"accountId\":\"a\",\"authorizationToken\":\"t\",\"apiInfo\":[[[[" STORAGE,
        "{\"accountId\":\"a\",\"authorizationToken\":\"t\",\"absoluteMinimumPartSize\":0}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        assert_int_equal(authorize(bodies[i], true, &account), ERR_REPLY_UNEXPECTED);
    }
}

static void test_each_answer_of_refusal_has_its_error(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum error_code code;
    } rows[] = {
        {401, "{\"status\":401,\"code\":\"expired_auth_token\",\"message\":\"\"}", ERR_TOKEN_EXPIRED},
        {401, "{\"status\":401,\"code\":\"bad_auth_token\",\"message\":\"\"}", ERR_TOKEN_EXPIRED},
        {401, "{\"status\":401,\"code\":\"unauthorized\",\"message\":\"\"}", ERR_NOT_PERMITTED},
        {403, "{\"code\":\"storage_cap_exceeded\"}", ERR_CAP_EXCEEDED},
        {403, "{\"code\":\"download_cap_exceeded\"}", ERR_CAP_EXCEEDED},
        {403, "{\"code\":\"transaction_cap_exceeded\"}", ERR_CAP_EXCEEDED},
        {403, "{\"code\":\"cap_exceeded\"}", ERR_CAP_EXCEEDED},
        {403, "{\"code\":\"access_denied\"}", ERR_NOT_PERMITTED},
        {400, "{\"code\":\"bad_request\",\"message\":\"Checksum did not match data received\"}", ERR_CHECKSUM_MISMATCH},
        {400, "{\"code\":\"bad_request\",\"message\":\"Sha1 did not match data received\"}", ERR_CHECKSUM_MISMATCH},
        {400, "{\"code\":\"bad_bucket_id\"}", ERR_NO_SUCH_BUCKET},
        {400, "{\"code\":\"file_not_present\"}", ERR_NO_SUCH_FILE},
        {400, "{\"code\":\"missing_part\"}", ERR_REQUEST_REJECTED},
        {404, "", ERR_NO_SUCH_FILE},
        {408, "{\"code\":\"request_timeout\"}", ERR_SERVER_ERROR},
        {416, "{}", ERR_REQUEST_REJECTED},
        {429, "{}", ERR_RATE_LIMITED},
        {500, "<html>", ERR_SERVER_ERROR},
        {503, "{\"code\":\"service_unavailable\"}", ERR_SERVER_ERROR},
        {302, "", ERR_REPLY_UNEXPECTED},
        {200, "", ERR_REPLY_UNEXPECTED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error error;
        char body[256];
        struct http_reply reply = {.status = rows[i].status};
        buffer_init_fixed(&reply.body, body, sizeof body);
        buffer_append_text(&reply.body, rows[i].body);
        assert_int_equal(b2_decode_error(&reply, &error), rows[i].code);
        assert_int_equal(error.http_status, rows[i].status);
    }
}

static void test_the_servers_wish_to_wait_is_read_and_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *wish;
        int64_t seconds;
    } rows[] = {{"3", 3}, {"3600", 3600}, {"3601", 0}, {"-1", 0}, {"soon", 0}, {"99999999999999999999", 0}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error error;
        char body[8];
        char headers[64];
        struct http_reply reply = {.status = 503};
        buffer_init_fixed(&reply.body, body, sizeof body);
        buffer_init_fixed(&reply.headers, headers, sizeof headers);
        http_reply_add_header(&reply, "Retry-After", rows[i].wish);
        (void)b2_decode_error(&reply, &error);
        assert_true(error.retry_after_ns == rows[i].seconds * NS_PER_S);
    }
}

static bool count_file(void *context, const struct b2_file *file)
{
    int *count = context;
    assert_true(file->name[0] != '\0' && file->size >= 0);
    (*count)++;
    return true;
}

static void test_a_list_that_cannot_be_read_whole_is_no_list(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{}",
        "{\"files\":null}",
        "{\"files\":{}}",
        "{\"files\":[{}]}",
        "{\"files\":[{\"action\":\"upload\",\"fileName\":\"a\",\"fileId\":null,\"contentLength\":1}]}",
        "{\"files\":[{\"action\":\"upload\",\"fileName\":\"a\",\"fileId\":\"i\",\"contentLength\":-1}]}",
        "{\"files\":[{\"action\":\"upload\",\"fileName\":\"a\",\"fileId\":\"i\",\"contentLength\":1}",
        "{\"parts\":[{\"partNumber\":1,\"contentLength\":1}]}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        struct error error;
        struct b2_next next;
        int count = 0;
        assert_int_equal(b2_decode_files(span_of(bodies[i]), count_file, &count, &next, &error), ERR_REPLY_UNEXPECTED);
    }
}

static void test_a_page_says_where_the_next_begins(void **state)
{
    (void)state;
    static const char body[] =
        "{\"files\":[{\"action\":\"upload\",\"fileName\":\"a\",\"fileId\":\"i\",\"size\":7,\"contentSha1\":\"none\","
        "\"fileInfo\":{\"large_file_sha1\":\"AA0102030405060708090a0b0c0d0e0f10111213\",\"dumont\":\"parts-5\"}},"
        "{\"action\":\"folder\",\"fileName\":\"b/\",\"fileId\":null,\"uploadTimestamp\":0}],"
        "\"nextFileName\":\"c \",\"nextFileId\":null}";
    struct error error;
    struct b2_next next;
    int count = 0;
    assert_int_equal(b2_decode_files(span_of(body), count_file, &count, &next, &error), ERR_OK);
    assert_int_equal(count, 2);
    assert_string_equal(next.name, "c ");
    assert_string_equal(next.id, "");
}

static void test_digests_are_the_same_in_every_dress(void **state)
{
    (void)state;
    static const char lower[] = "aa0102030405060708090a0b0c0d0e0f10111213";
    assert_true(b2_sha1_equal(lower, "AA0102030405060708090A0B0C0D0E0F10111213"));
    assert_true(b2_sha1_equal(lower, "unverified:aa0102030405060708090a0b0c0d0e0f10111213"));
    assert_false(b2_sha1_equal(lower, "aa0102030405060708090a0b0c0d0e0f10111214"));
    assert_false(b2_sha1_equal("none", "none"));
    assert_false(b2_sha1_equal("", ""));
    assert_false(b2_sha1_equal("aa01", "aa01"));
}

static void test_content_ranges_are_read_strictly(void **state)
{
    (void)state;
    int64_t first;
    int64_t last;
    int64_t size;
    assert_true(b2_read_content_range(span_of("bytes 0-2/6"), &first, &last, &size));
    assert_true(first == 0 && last == 2 && size == 6);
    static const char *const wrong[] = {"",
                                        "bytes 0-2",
                                        "bytes 0-2/*",
                                        "bytes 0-6/6",
                                        "bytes 3-2/6",
                                        "bytes -1-2/6",
                                        "bytes 0-2/6 ",
                                        "bytes */6",
                                        "bytes 0-2/99999999999999999999999999"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_false(b2_read_content_range(span_of(wrong[i]), &first, &last, &size));
    }
    assert_false(b2_read_content_range((struct span){NULL, 0}, &first, &last, &size));
}

static void test_dates_are_read(void **state)
{
    (void)state;
    struct wall_time moment;
    assert_true(b2_read_date(span_of("Mon, 03 Aug 2026 10:20:09 GMT"), &moment));
    assert_true(moment.unix_ns == INT64_C(1785752409) * NS_PER_S);
    assert_false(b2_read_date(span_of("Mon, 03 Foo 2026 10:20:09 GMT"), &moment));
    assert_false(b2_read_date(span_of("Mon"), &moment));
    assert_false(b2_read_date(span_of("Mon, 03 Aug 2026 10:20:09 CET"), &moment));
}

static void test_names_are_judged_as_the_store_judges_them(void **state)
{
    (void)state;
    char longest[B2_NAME_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[B2_NAME_MAX + 1] = '\0';
    assert_non_null(b2_name_mistake(longest));
    longest[B2_NAME_MAX] = '\0';
    assert_null(b2_name_mistake(longest));
    assert_null(b2_name_mistake("a/b \xc3\xbc.txt"));
    static const char *const wrong[] = {"", "/a", "a/", "a//b", "a\x7f", "a\n", "a\xff", "\xc3"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_non_null(b2_name_mistake(wrong[i]));
    }
}

/* Whatever is cut off or changed: no crash, and every answer either good or refused. */
static void test_answers_that_are_cut_or_changed_do_no_harm(void **state)
{
    (void)state;
    static const char body[] =
        "{\"accountId\":\"a1\",\"authorizationToken\":\"t1\",\"apiInfo\":{\"storageApi\":{" STORAGE
        ",\"allowed\":{\"buckets\":[{\"id\":\"b1\",\"name\":\"n1\"}],\"capabilities\":[\"listFiles\"],"
        "\"namePrefix\":null}}},\"files\":[{\"action\":\"upload\",\"fileName\":\"a\",\"fileId\":\"i\",\"size\":7,"
        "\"fileInfo\":{\"dumont\":\"parts-5\"}}],\"parts\":[{\"partNumber\":1,\"contentLength\":5}],"
        "\"uploadUrl\":\"https://pod.example/b2api\",\"buckets\":[{\"bucketId\":\"b\",\"bucketName\":\"n\"}]}";
    static const char replacements[] = {'\0', '"', '{', ']', '\\', '0', '\x80'};
    for (size_t at = 0; at < sizeof body - 1; at++) {
        for (size_t i = 0; i <= sizeof replacements; i++) {
            char text[sizeof body];
            struct b2_account account;
            struct b2_upload_url url;
            struct b2_file file;
            struct b2_next next;
            struct error error;
            char id[B2_ID_SIZE];
            int count = 0;
            memcpy(text, body, sizeof body);
            struct span span = {text, i == sizeof replacements ? at : sizeof body - 1};
            text[at] = i == sizeof replacements ? text[at] : replacements[i];
            (void)b2_decode_authorize(span, true, &account, &error);
            (void)b2_decode_upload_url(span, true, &url, &error);
            (void)b2_decode_file(span, &file, &error);
            (void)b2_decode_files(span, count_file, &count, &next, &error);
            (void)b2_decode_bucket(span, "n", id, &error);
            assert_true(count <= 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_shapes_of_an_authorization_say_the_same),
        cmocka_unit_test(test_a_token_is_not_sent_where_it_could_be_read),
        cmocka_unit_test(test_an_authorization_without_what_is_needed_is_none),
        cmocka_unit_test(test_each_answer_of_refusal_has_its_error),
        cmocka_unit_test(test_the_servers_wish_to_wait_is_read_and_bounded),
        cmocka_unit_test(test_a_list_that_cannot_be_read_whole_is_no_list),
        cmocka_unit_test(test_a_page_says_where_the_next_begins),
        cmocka_unit_test(test_digests_are_the_same_in_every_dress),
        cmocka_unit_test(test_content_ranges_are_read_strictly),
        cmocka_unit_test(test_dates_are_read),
        cmocka_unit_test(test_names_are_judged_as_the_store_judges_them),
        cmocka_unit_test(test_answers_that_are_cut_or_changed_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
