/* Large files: parts in any order, again, missing; finish and cancel. */
#include "rig.h"

enum { ROWS = 4096 };

static int finish(struct rig *rig, const char *file_id, const char *first, const char *second)
{
    char more[RIG_TEXT];
    (void)text_format(more, sizeof more, ",\"partSha1Array\":[\"%s\",\"%s\"]", first, second);
    return rig_call_file(rig, "b2_finish_large_file", file_id, more);
}

/* Two parts of a large file: the least that a part may have, and a small last one. */
struct pair {
    char *bytes;
    struct span first, last;
    char first_sha1[DIGEST_HEX_SIZE], last_sha1[DIGEST_HEX_SIZE];
};

static void pair_start(struct rig *rig, struct pair *pair)
{
    enum { LAST = 1234 };
    pair->bytes = rig_bytes(rig, RIG_PART + LAST, 3);
    pair->first = (struct span){pair->bytes, RIG_PART};
    pair->last = (struct span){pair->bytes + RIG_PART, LAST};
    rig_sha1(rig, pair->first, pair->first_sha1);
    rig_sha1(rig, pair->last, pair->last_sha1);
}

static void test_parts_in_any_order_make_the_file(void **state)
{
    (void)state;
    struct rig rig;
    struct pair pair;
    char id[RIG_TEXT];
    char sha1[DIGEST_HEX_SIZE];
    char rows[ROWS];
    rig_start(&rig);
    pair_start(&rig, &pair);
    rig_start_large(&rig, "big", id);
    rig_part(&rig, id, 2, pair.last, sha1);
    rig_part(&rig, id, 1, span_of("replaced later"), sha1);
    rig_part(&rig, id, 1, pair.first, sha1);
    assert_string_equal(rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows), "");
    rig_get(&rig, "/file/" RIG_BUCKET "/big", NULL);
    rig_expect_error(&rig, 404, "not_found");
    assert_int_equal(finish(&rig, id, pair.first_sha1, pair.last_sha1), 200);
    rig_text(&rig, "contentSha1", rows, sizeof rows);
    assert_string_equal(rows, "none");
    rig_text(&rig, "fileId", rows, sizeof rows);
    assert_string_equal(rows, id);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/big", NULL), 200);
    assert_int_equal(rig.body_size, pair.first.length + pair.last.length);
    assert_memory_equal(rig.body, pair.bytes, rig.body_size);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/big", "bytes=4999999-5000001"), 206);
    assert_memory_equal(rig.body, pair.bytes + 4999999, 3);
    finish(&rig, id, pair.first_sha1, pair.last_sha1);
    rig_expect_error(&rig, 400, "bad_request");
    struct bucket_totals totals;
    bucket_totals(rig.service, &totals);
    assert_int_equal(totals.stored_bytes, pair.first.length + pair.last.length);
    heap_release(rig.heap, pair.bytes);
    rig_end(&rig);
}

static void test_a_finish_that_does_not_fit_its_parts_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    struct pair pair;
    char id[RIG_TEXT];
    char sha1[DIGEST_HEX_SIZE];
    rig_start(&rig);
    pair_start(&rig, &pair);
    rig_start_large(&rig, "big", id);
    rig_part(&rig, id, 1, pair.first, sha1);
    finish(&rig, id, pair.first_sha1, pair.last_sha1);
    rig_expect_error(&rig, 400, "missing_part");
    assert_non_null(strstr(rig.body, "Part number 2 has not been uploaded"));
    rig_part(&rig, id, 2, pair.last, sha1);
    finish(&rig, id, pair.first_sha1, pair.first_sha1);
    rig_expect_error(&rig, 400, "part_sha1_mismatch");
    rig_call_file(&rig, "b2_finish_large_file", id, ",\"partSha1Array\":[\"x\"]");
    rig_expect_error(&rig, 400, "bad_request");
    rig_part(&rig, id, 3, pair.last, sha1);
    finish(&rig, id, pair.first_sha1, pair.last_sha1);
    rig_expect_error(&rig, 400, "bad_request");
    char more[RIG_TEXT];
    (void)text_format(more, sizeof more, ",\"partSha1Array\":[\"%s\",\"%s\",\"%s\"]", pair.first_sha1, pair.last_sha1,
                      pair.last_sha1);
    rig_call_file(&rig, "b2_finish_large_file", id, more);
    rig_expect_error(&rig, 400, "bad_request"); /* the second is too small not to be the last */
    assert_non_null(strstr(rig.body, "smaller than 5000000"));
    heap_release(rig.heap, pair.bytes);
    rig_end(&rig);
}

static void test_parts_are_listed_in_pages(void **state)
{
    (void)state;
    struct rig rig;
    char id[RIG_TEXT];
    char sha1[DIGEST_HEX_SIZE];
    rig_start(&rig);
    rig_start_large(&rig, "big", id);
    for (int number = 9; number >= 1; number -= 2) {
        rig_part(&rig, id, number, span_of("part"), sha1);
    }
    int64_t next = 2;
    int seen = 0;
    while (next != 0) {
        char more[64];
        (void)text_format(more, sizeof more, ",\"startPartNumber\":%d,\"maxPartCount\":2", (int)next);
        assert_int_equal(rig_call_file(&rig, "b2_list_parts", id, more), 200);
        cJSON *json = rig_json(&rig);
        const cJSON *part;
        cJSON_ArrayForEach(part, rig_member(json, "parts"))
        {
            assert_int_equal(rig_member(part, "partNumber")->valueint, 3 + 2 * seen++);
            assert_string_equal(cJSON_GetStringValue(rig_member(part, "contentSha1")), sha1);
        }
        next = rig_member(json, "nextPartNumber")->valueint;
        cJSON_Delete(json);
    }
    assert_int_equal(seen, 4);
    rig_end(&rig);
}

static void test_unfinished_files_are_listed_and_cancelled(void **state)
{
    (void)state;
    struct rig rig;
    char ids[3][RIG_TEXT];
    char rows[ROWS];
    char sha1[DIGEST_HEX_SIZE];
    struct bucket_totals totals;
    rig_start(&rig);
    for (int i = 0; i < 3; i++) {
        char name[16];
        rig.now_ns = i * NS_PER_S;
        (void)text_format(name, sizeof name, "%c/big", (char)('c' - i));
        rig_start_large(&rig, name, ids[i]);
        rig_part(&rig, ids[i], 1, span_of("part"), sha1);
    }
    assert_string_equal(rig_list(&rig, "b2_list_unfinished_large_files", "", rows, sizeof rows),
                        "start:c/big start:b/big start:a/big");
    assert_string_equal(rig_list(&rig, "b2_list_unfinished_large_files", ",\"namePrefix\":\"b/\"", rows, sizeof rows),
                        "start:b/big");
    assert_string_equal(rig_list(&rig, "b2_list_unfinished_large_files", ",\"maxFileCount\":2", rows, sizeof rows),
                        "start:c/big start:b/big");
    rig_text(&rig, "nextFileId", rows, sizeof rows);
    assert_string_equal(rows, ids[2]);
    char more[RIG_TEXT];
    (void)text_format(more, sizeof more, ",\"startFileId\":\"%s\"", ids[1]);
    assert_string_equal(rig_list(&rig, "b2_list_unfinished_large_files", more, rows, sizeof rows),
                        "start:b/big start:a/big");
    assert_int_equal(rig_call_file(&rig, "b2_cancel_large_file", ids[0], ""), 200);
    rig_call_file(&rig, "b2_cancel_large_file", ids[0], "");
    rig_expect_error(&rig, 400, "bad_request");
    assert_int_equal(rig_call_file(&rig, "b2_delete_file_version", ids[1], ",\"fileName\":\"b/big\""), 200);
    bucket_totals(rig.service, &totals);
    assert_int_equal(totals.unfinished, 1);
    assert_int_equal(totals.stored_bytes, 4);
    rig_end(&rig);
}

static void test_a_part_may_be_copied_from_a_file(void **state)
{
    (void)state;
    struct rig rig;
    struct pair pair;
    char source[RIG_TEXT];
    char id[RIG_TEXT];
    char body[RIG_TEXT];
    char sha1[DIGEST_HEX_SIZE];
    rig_start(&rig);
    pair_start(&rig, &pair);
    rig_start_large(&rig, "source", source);
    rig_part(&rig, source, 1, pair.first, sha1);
    rig_part(&rig, source, 2, pair.last, sha1);
    assert_int_equal(finish(&rig, source, pair.first_sha1, pair.last_sha1), 200);
    rig_start_large(&rig, "target", id);
    (void)text_format(
        body, sizeof body,
        "{\"sourceFileId\":\"%s\",\"largeFileId\":\"%s\",\"partNumber\":1,\"range\":\"bytes=100-5000099\"}", source,
        id);
    assert_int_equal(rig_call(&rig, "b2_copy_part", body), 200);
    rig_text(&rig, "contentSha1", body, sizeof body);
    rig_sha1(&rig, (struct span){pair.bytes + 100, RIG_PART}, sha1);
    assert_string_equal(body, sha1);
    char last[DIGEST_HEX_SIZE];
    rig_part(&rig, id, 2, span_of("end"), last);
    assert_int_equal(finish(&rig, id, sha1, last), 200);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/target", "bytes=4999998-"), 206);
    assert_int_equal(rig.body_size, 5);
    assert_memory_equal(rig.body, pair.bytes + RIG_PART + 98, 2);
    assert_memory_equal(rig.body + 2, "end", 3);
    heap_release(rig.heap, pair.bytes);
    rig_end(&rig);
}

static void look_on(struct rig *rig)
{
    (void)rig;
}

/* Deletes the source of the copy that is under way, once. */
static char doomed[RIG_TEXT];
static void delete_source(struct rig *rig)
{
    struct rig other = *rig;
    other.between = NULL;
    if (doomed[0] != '\0') {
        assert_int_equal(rig_call_file(&other, "b2_delete_file_version", doomed, ",\"fileName\":\"source\""), 200);
        doomed[0] = '\0';
    }
    rig->body = other.body;
    rig->event_count = other.event_count;
    rig->billed_nusd = other.billed_nusd;
}

static void test_a_large_copy_is_worked_on_in_slices(void **state)
{
    (void)state;
    struct rig rig;
    struct pair pair;
    char source[RIG_TEXT];
    char body[RIG_TEXT];
    char whole[RIG_TEXT];
    char sliced[RIG_TEXT];
    char unused[DIGEST_HEX_SIZE];
    rig_start(&rig);
    pair_start(&rig, &pair);
    rig_start_large(&rig, "source", source);
    rig_part(&rig, source, 1, pair.first, unused);
    rig_part(&rig, source, 2, pair.first, unused);
    assert_int_equal(finish(&rig, source, pair.first_sha1, pair.first_sha1), 200);
    (void)text_format(body, sizeof body,
                      "{\"sourceFileId\":\"%s\",\"fileName\":\"copy\",\"range\":\"bytes=7-9999999\"}", source);
    assert_int_equal(rig_call(&rig, "b2_copy_file", body), 200);
    rig_text(&rig, "contentSha1", whole, sizeof whole);
    rig.between = look_on;
    assert_int_equal(rig_call(&rig, "b2_copy_file", body), 200);
    rig_text(&rig, "contentSha1", sliced, sizeof sliced);
    assert_string_equal(sliced, whole);
    assert_int_equal(rig.slices, 2); /* of 4 MiB; the rest takes effect */
    (void)text_copy(doomed, sizeof doomed, source);
    rig.between = delete_source;
    rig_call(&rig, "b2_copy_file", body);
    rig_expect_error(&rig, 404, "not_found");
    heap_release(rig.heap, pair.bytes);
    rig_end(&rig);
}

static void test_a_part_goes_to_its_own_file_alone(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_url first;
    struct rig_url second;
    char ids[2][RIG_TEXT];
    rig_start(&rig);
    rig_start_large(&rig, "one", ids[0]);
    rig_start_large(&rig, "two", ids[1]);
    assert_int_equal(rig_call_file(&rig, "b2_get_upload_part_url", ids[0], ""), 200);
    rig_read_url(&rig, &first);
    assert_int_equal(rig_call_file(&rig, "b2_get_upload_part_url", ids[1], ""), 200);
    rig_read_url(&rig, &second);
    struct rig_url crossed = first;
    (void)text_copy(crossed.token, sizeof crossed.token, second.token);
    rig_send_part(&rig, &crossed, 1, span_of("x"), "do_not_verify");
    rig_expect_error(&rig, 400, "bad_request");
    rig_upload_with(&rig, &first, "a", span_of("x"), "do_not_verify");
    rig_expect_error(&rig, 400, "bad_request");
    rig_send_part(&rig, &first, 10001, span_of("x"), "do_not_verify");
    rig_expect_error(&rig, 400, "bad_request");
    rig_send_part(&rig, &first, 1, span_of(""), "do_not_verify");
    rig_expect_error(&rig, 400, "bad_request");
    assert_int_equal(rig_call_file(&rig, "b2_cancel_large_file", ids[0], ""), 200);
    rig_send_part(&rig, &first, 1, span_of("x"), "do_not_verify");
    rig_expect_error(&rig, 400, "bad_request");
    rig_end(&rig);
}

/* Parts that share their bytes take no room: so a file may be larger than any disk here. */
static void test_a_file_of_twenty_gigabytes_is_read_at_its_end(void **state)
{
    (void)state;
    enum { PARTS = 4300 };
    struct rig rig;
    char source[RIG_TEXT];
    char id[RIG_TEXT];
    char body[RIG_TEXT];
    char sha1[DIGEST_HEX_SIZE];
    struct rig_url url;
    rig_start(&rig);
    char *bytes = rig_bytes(&rig, RIG_PART, 4);
    struct span whole = {bytes, RIG_PART};
    rig_sha1(&rig, whole, sha1);
    rig_upload_url(&rig, &url);
    assert_int_equal(rig_upload_with(&rig, &url, "source", whole, sha1), 200);
    rig_text(&rig, "fileId", source, sizeof source);
    rig_start_large(&rig, "large", id);
    struct buffer finish_body;
    buffer_init(&finish_body, rig.heap, BUCKET_REQUEST_MAX);
    buffer_printf(&finish_body, "{\"fileId\":\"%s\",\"partSha1Array\":[", id);
    for (int part = 1; part <= PARTS; part++) {
        (void)text_format(body, sizeof body, "{\"sourceFileId\":\"%s\",\"largeFileId\":\"%s\",\"partNumber\":%d}",
                          source, id, part);
        assert_int_equal(rig_call(&rig, "b2_copy_part", body), 200);
        buffer_printf(&finish_body, "%s\"%s\"", part == 1 ? "" : ",", sha1);
        rig.event_count = 0;
    }
    buffer_append_text(&finish_body, "]}");
    assert_int_equal(rig_call(&rig, "b2_finish_large_file", buffer_text(&finish_body)), 200);
    buffer_release(&finish_body);
    cJSON *json = rig_json(&rig);
    assert_true(rig_member(json, "contentLength")->valuedouble == (double)PARTS * RIG_PART);
    cJSON_Delete(json);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/large", "bytes=21495000007-21495000011"), 206);
    assert_int_equal(rig.body_size, 5);
    assert_memory_equal(rig.body, bytes + 7, 5);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/large", "bytes=-3"), 206);
    assert_memory_equal(rig.body, bytes + RIG_PART - 3, 3);
    (void)text_format(body, sizeof body, "{\"sourceFileId\":\"%s\",\"fileName\":\"copy\"}", id);
    rig_call(&rig, "b2_copy_file", body);
    rig_expect_error(&rig, 400, "source_too_large");
    heap_release(rig.heap, bytes);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_in_any_order_make_the_file),
        cmocka_unit_test(test_a_finish_that_does_not_fit_its_parts_is_refused),
        cmocka_unit_test(test_parts_are_listed_in_pages),
        cmocka_unit_test(test_unfinished_files_are_listed_and_cancelled),
        cmocka_unit_test(test_a_part_may_be_copied_from_a_file),
        cmocka_unit_test(test_a_large_copy_is_worked_on_in_slices),
        cmocka_unit_test(test_a_part_goes_to_its_own_file_alone),
        cmocka_unit_test(test_a_file_of_twenty_gigabytes_is_read_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
