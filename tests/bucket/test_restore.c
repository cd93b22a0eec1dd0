/* Records: a service that is made anew from them is the one that wrote them. */
#include "rig.h"

enum { RECORDS_MAX = 4096 };

/* A content store that keeps its records and survives its service: memory_content with a book. */
struct durable {
    struct content_store store;
    struct heap *heap;
    struct content_store *memory;
    struct kept {
        uint64_t number;
        void *content;
        int64_t size;
        bool gone;
    } kept[RECORDS_MAX];
    size_t kept_count;
    char *records[RECORDS_MAX];
    size_t record_count;
    size_t renewals;
    size_t fail_after; /* records that are still written; SIZE_MAX: all */
};

static struct durable *own(struct content_store *store)
{
    return (struct durable *)store;
}

static void *durable_create(struct content_store *store, int64_t size, uint64_t *number)
{
    struct durable *durable = own(store);
    void *content = durable->memory->operations->create(durable->memory, size, number);
    assert_true(durable->kept_count < RECORDS_MAX);
    durable->kept[durable->kept_count++] = (struct kept){*number, content, 0, false};
    return content;
}

static struct kept *kept_of(struct durable *durable, const void *content)
{
    size_t i = 0;
    while (durable->kept[i].content != content || durable->kept[i].gone) {
        i++;
    }
    return &durable->kept[i];
}

static bool durable_append(struct content_store *store, void *content, const void *bytes, size_t size)
{
    struct durable *durable = own(store);
    kept_of(durable, content)->size += (int64_t)size;
    return durable->memory->operations->append(durable->memory, content, bytes, size);
}

static bool durable_seal(struct content_store *store, void *content)
{
    struct durable *durable = own(store);
    return durable->memory->operations->seal(durable->memory, content);
}

static bool durable_read(struct content_store *store, void *content, int64_t offset, void *out, size_t size)
{
    struct durable *durable = own(store);
    return durable->memory->operations->read(durable->memory, content, offset, out, size);
}

static void durable_drop(struct content_store *store, void *content)
{
    struct durable *durable = own(store);
    kept_of(durable, content)->gone = true;
    durable->memory->operations->drop(durable->memory, content);
}

static void durable_close(struct content_store *store, void *content)
{
    (void)store;
    (void)content;
}

static void *durable_open(struct content_store *store, uint64_t number, int64_t size)
{
    struct durable *durable = own(store);
    for (size_t i = 0; i < durable->kept_count; i++) {
        const struct kept *kept = &durable->kept[i];
        if (kept->number == number && !kept->gone && kept->size == size) {
            return kept->content;
        }
    }
    return NULL;
}

static bool durable_write(struct content_store *store, struct span record)
{
    struct durable *durable = own(store);
    if (durable->fail_after == 0) {
        return false;
    }
    durable->fail_after -= durable->fail_after == SIZE_MAX ? 0 : 1;
    assert_true(durable->record_count < RECORDS_MAX);
    char *copy = heap_alloc(durable->heap, record.length + 1);
    assert_non_null(copy);
    memcpy(copy, record.at, record.length);
    durable->records[durable->record_count++] = copy;
    return true;
}

static bool durable_replay(struct content_store *store, content_record_function *take, void *context)
{
    struct durable *durable = own(store);
    bool good = true;
    for (size_t i = 0; i < durable->record_count && good; i++) {
        good = take(context, span_of(durable->records[i]));
    }
    return good;
}

static bool durable_begin_anew(struct content_store *store)
{
    struct durable *durable = own(store);
    for (size_t i = 0; i < durable->record_count; i++) {
        heap_release(durable->heap, durable->records[i]);
    }
    durable->record_count = 0;
    durable->renewals++;
    return true;
}

static bool durable_commit_anew(struct content_store *store)
{
    (void)store;
    return true;
}

static void durable_sweep(struct content_store *store, bool (*needed)(void *context, uint64_t number), void *context)
{
    struct durable *durable = own(store);
    for (size_t i = 0; i < durable->kept_count; i++) {
        struct kept *kept = &durable->kept[i];
        if (!kept->gone && !needed(context, kept->number)) {
            durable_drop(store, kept->content);
        }
    }
}

static const struct content_operations durable_operations = {
    .create = durable_create,
    .append = durable_append,
    .seal = durable_seal,
    .read = durable_read,
    .drop = durable_drop,
    .close = durable_close,
};

static const struct record_operations durable_records = {
    .write = durable_write,
    .replay = durable_replay,
    .begin_anew = durable_begin_anew,
    .commit_anew = durable_commit_anew,
    .open = durable_open,
    .sweep = durable_sweep,
};

static void durable_start(struct durable *durable)
{
    memset(durable, 0, sizeof *durable);
    durable->heap = heap_new();
    assert_non_null(durable->heap);
    durable->memory = memory_content_new(durable->heap);
    durable->store = (struct content_store){&durable_operations, &durable_records};
    durable->fail_after = SIZE_MAX;
}

static void durable_end(struct durable *durable)
{
    heap_free(durable->heap);
}

/* A rig over the store, with what it recorded taken up. */
static void begin_life(struct rig *rig, struct durable *durable, uint64_t seed)
{
    struct error error;
    rig_prepare(rig);
    struct bucket_options options = rig_options(rig);
    options.content = &durable->store;
    options.seed = seed;
    rig->service = bucket_service_new(rig->heap, &options);
    assert_non_null(rig->service);
    if (bucket_open(rig->service, 0, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    rig_authorize(rig);
    rig_find_bucket(rig);
}

/* Versions, a hidden name, a copy, a deleted one, a finished and an unfinished large file, a key. */
static void live(struct rig *rig, char unfinished[RIG_TEXT])
{
    char id[RIG_TEXT];
    char more[RIG_TEXT];
    char sha1[DIGEST_HEX_SIZE];
    char last[DIGEST_HEX_SIZE];
    rig_upload(rig, "a", "first", NULL);
    rig_upload(rig, "a", "second", NULL);
    rig_upload(rig, "gone", "x", id);
    assert_int_equal(rig_call_file(rig, "b2_delete_file_version", id, ",\"fileName\":\"gone\""), 200);
    rig_upload(rig, "hidden", "x", NULL);
    (void)text_format(more, sizeof more, "{\"bucketId\":\"%s\",\"fileName\":\"hidden\"}", rig->bucket_id);
    assert_int_equal(rig_call(rig, "b2_hide_file", more), 200);
    rig_upload(rig, "%C3%A4%20%22", "umlaut", id);
    (void)text_format(more, sizeof more, "{\"sourceFileId\":\"%s\",\"fileName\":\"copy\",\"range\":\"bytes=1-3\"}", id);
    assert_int_equal(rig_call(rig, "b2_copy_file", more), 200);
    char *bytes = rig_bytes(rig, RIG_PART, 9);
    rig_start_large(rig, "large", id);
    rig_part(rig, id, 1, span_of("replaced"), sha1);
    rig_part(rig, id, 1, (struct span){bytes, RIG_PART}, sha1);
    rig_part(rig, id, 2, span_of("end"), last);
    (void)text_format(more, sizeof more, ",\"partSha1Array\":[\"%s\",\"%s\"]", sha1, last);
    assert_int_equal(rig_call_file(rig, "b2_finish_large_file", id, more), 200);
    heap_release(rig->heap, bytes);
    rig_start_large(rig, "unfinished", unfinished);
    rig_part(rig, unfinished, 3, span_of("third"), sha1);
    assert_int_equal(rig_call(rig, "b2_create_key", "{\"keyName\":\"k\",\"capabilities\":[\"listFiles\"]}"), 200);
    (void)text_format(more, sizeof more,
                      "{\"accountId\":\"%s\",\"bucketId\":\"%s\",\"lifecycleRules\":[{\"fileNamePrefix\":\"\"}]}",
                      bucket_account_id(rig->service), rig->bucket_id);
    assert_int_equal(rig_call(rig, "b2_update_bucket", more), 200);
}

/* All that can be seen of the service, as one text. */
static void look(struct rig *rig, const char *unfinished, struct buffer *out)
{
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\",\"maxFileCount\":1000}", rig->bucket_id);
    assert_int_equal(rig_call(rig, "b2_list_file_versions", body), 200);
    buffer_append_text(out, rig->body);
    cJSON *json = rig_json(rig);
    const cJSON *row;
    cJSON_ArrayForEach(row, rig_member(json, "files"))
    {
        char path[RIG_TEXT];
        (void)text_format(path, sizeof path, "/b2api/v1/b2_download_file_by_id?fileId=%s",
                          cJSON_GetStringValue(rig_member(row, "fileId")));
        if (rig_get(rig, path, NULL) == 200) {
            char sha1[DIGEST_HEX_SIZE];
            rig_sha1(rig, (struct span){rig->body, rig->body_size}, sha1);
            buffer_append_text(out, sha1);
        }
    }
    cJSON_Delete(json);
    assert_int_equal(rig_call_file(rig, "b2_list_parts", unfinished, ""), 200);
    buffer_append_text(out, rig->body);
    assert_int_equal(rig_call(rig, "b2_list_keys", "{}"), 200);
    buffer_append_text(out, rig->body);
    (void)text_format(body, sizeof body, "{\"accountId\":\"%s\"}", bucket_account_id(rig->service));
    assert_int_equal(rig_call(rig, "b2_list_buckets", body), 200);
    buffer_append_text(out, rig->body);
    struct bucket_totals totals;
    bucket_totals(rig->service, &totals);
    buffer_printf(out, "%zu %zu %lld", totals.versions, totals.unfinished, (long long)totals.stored_bytes);
    assert_false(out->failed);
}

static void test_a_second_life_is_as_the_first_was(void **state)
{
    (void)state;
    struct rig rig;
    struct durable durable;
    char unfinished[RIG_TEXT];
    char token[RIG_TEXT];
    durable_start(&durable);
    struct buffer views[3];
    for (size_t life = 0; life < 3; life++) {
        buffer_init(&views[life], durable.heap, 1 << 20);
        /* The seed of the first life holds for all. */
        begin_life(&rig, &durable, 7 + life);
        if (life == 0) {
            live(&rig, unfinished);
            (void)text_copy(token, sizeof token, rig.account_token);
        } else {
            rig_call_as(&rig, token, "b2_list_buckets", "{}");
            rig_expect_error(&rig, 401, "expired_auth_token");
        }
        look(&rig, unfinished, &views[life]);
        if (life == 1) { /* so much comes and goes that the third begins with records written anew */
            for (int i = 0; i < 600; i++) {
                char id[RIG_TEXT];
                rig_upload(&rig, "passing", "x", id);
                assert_int_equal(rig_call_file(&rig, "b2_delete_file_version", id, ",\"fileName\":\"passing\""), 200);
                rig.event_count = 0;
            }
        }
        assert_int_equal(durable.renewals, life == 2);
        rig_end(&rig);
    }
    assert_string_equal(buffer_text(&views[0]), buffer_text(&views[1]));
    assert_string_equal(buffer_text(&views[0]), buffer_text(&views[2]));
    durable_end(&durable);
}

static void test_what_is_not_recorded_has_not_happened(void **state)
{
    (void)state;
    struct rig rig;
    struct durable durable;
    char id[RIG_TEXT];
    char body[RIG_TEXT];
    struct bucket_totals before;
    struct bucket_totals after;
    durable_start(&durable);
    begin_life(&rig, &durable, 7);
    rig_upload(&rig, "a", "x", id);
    bucket_totals(rig.service, &before);
    struct rig_url url;
    rig_upload_url(&rig, &url);
    durable.fail_after = 0;
    rig_upload_with(&rig, &url, "b", span_of("x"), "do_not_verify");
    rig_expect_error(&rig, 500, "internal_error");
    rig_call_file(&rig, "b2_delete_file_version", id, ",\"fileName\":\"a\"");
    rig_expect_error(&rig, 500, "internal_error");
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\",\"fileName\":\"a\"}", rig.bucket_id);
    rig_call(&rig, "b2_hide_file", body);
    rig_expect_error(&rig, 500, "internal_error");
    rig_call(&rig, "b2_create_key", "{\"keyName\":\"k\",\"capabilities\":[\"listFiles\"]}");
    rig_expect_error(&rig, 500, "internal_error");
    (void)text_format(body, sizeof body,
                      "{\"accountId\":\"%s\",\"bucketName\":\"second-one\",\"bucketType\":\"allPublic\"}",
                      bucket_account_id(rig.service));
    rig_call(&rig, "b2_create_bucket", body);
    rig_expect_error(&rig, 500, "internal_error");
    bucket_totals(rig.service, &after);
    assert_int_equal(before.versions, after.versions);
    assert_int_equal(before.stored_bytes, after.stored_bytes);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/a", NULL), 200);
    rig_end(&rig);
    durable_end(&durable);
}

/* A store with these records opens with that error. */
static void expect_open(const char *const *records, size_t count, enum error_code code)
{
    struct rig rig;
    struct durable durable;
    struct error error;
    durable_start(&durable);
    for (size_t i = 0; i < count; i++) {
        assert_true(durable_write(&durable.store, span_of(records[i])));
    }
    rig_prepare(&rig);
    struct bucket_options options = rig_options(&rig);
    options.content = &durable.store;
    rig.service = bucket_service_new(rig.heap, &options);
    assert_non_null(rig.service);
    assert_int_equal(bucket_open(rig.service, 0, &error), code);
    rig_end(&rig);
    durable_end(&durable);
}

static void test_a_record_that_is_none_is_refused(void **state)
{
    (void)state;
    const char *records[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"op\":\"what\"}",
        "{\"op\":\"life\",\"seed\":\"g\",\"life\":1}",
        "{\"op\":\"version\",\"bucket\":\"x\"}",
        "{\"op\":\"part\",\"handle\":\"00\"}",
        "{\"op\":\"finish\",\"handle\":\"0000000000000001\"}",
        "{\"op\":\"bucket_gone\",\"id\":\"x\"}",
        "{\"op\":\"bucket\",\"id\":\"x\",\"name\":\"y\"}",
        "{\"op\":\"key_gone\",\"number\":1}",
        "{\"op\":\"version\",\"extents\":[[1,2,3]]}",
        "{\"op\":\"version\",\"extents\":[[1,5,3,3]]}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(records); i++) {
        expect_open(&records[i], 1, ERR_INPUT_INVALID);
    }
}

static void test_a_record_without_its_content_is_refused(void **state)
{
    (void)state;
    const char *records[] = {
        "{\"op\":\"bucket\",\"id\":\"0123456789abcdef01234567\",\"name\":\"restored\",\"public\":false,\"revision\":2}",
        "{\"op\":\"version\",\"bucket\":\"0123456789abcdef01234567\",\"name\":\"a\",\"handle\":\"0000000000000001\","
        "\"action\":0,\"large\":false,\"ms\":1,\"standing\":1,\"sha1\":\"\",\"md5\":\"\",\"type\":\"x\",\"info\":{},"
        "\"extents\":[[9,5,0,5]]}",
        "{\"op\":\"version_gone\",\"handle\":\"0000000000000001\"}",
    };
    expect_open(records, 1, ERR_OK);
    expect_open(records, 2, ERR_INPUT_INVALID);
    expect_open(records, 3, ERR_OK); /* it is gone, and so is its content */
}

static void test_a_store_that_is_reset_is_as_new(void **state)
{
    (void)state;
    struct rig rig;
    struct durable durable;
    struct bucket_totals totals;
    char unfinished[RIG_TEXT];
    char id[64];
    durable_start(&durable);
    begin_life(&rig, &durable, 7);
    live(&rig, unfinished);
    assert_true(bucket_reset(rig.service, 5 * NS_PER_S));
    rig.now_ns = 5 * NS_PER_S;
    bucket_totals(rig.service, &totals);
    assert_int_equal(totals.versions + totals.unfinished, 0);
    assert_int_equal(totals.stored_bytes, 0);
    assert_int_equal(totals.charged_nusd, 0);
    rig_call(&rig, "b2_list_keys", "{}");
    rig_expect_error(&rig, 401, "expired_auth_token");
    rig_authorize(&rig);
    (void)text_copy(id, sizeof id, rig.bucket_id);
    rig_find_bucket(&rig);
    assert_string_not_equal(id, rig.bucket_id);
    rig_end(&rig);
    begin_life(&rig, &durable, 7);
    bucket_totals(rig.service, &totals);
    assert_int_equal(totals.versions + totals.unfinished, 0);
    rig_end(&rig);
    durable_end(&durable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_second_life_is_as_the_first_was),
        cmocka_unit_test(test_what_is_not_recorded_has_not_happened),
        cmocka_unit_test(test_a_record_that_is_none_is_refused),
        cmocka_unit_test(test_a_record_without_its_content_is_refused),
        cmocka_unit_test(test_a_store_that_is_reset_is_as_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
