#include <stdlib.h>

#include "base/random.h"
#include "bodies.h"
#include "testing.h"
#include "vast/codec.h"

enum { BODY_SIZE = 16 * 1024, WANTED_ID = 41803846, MUTATIONS = 20000, CHANGES_MAX = 4 };

/* ---- The replies that are damaged, and what reads them ------------------------------------------------------------------ */

static void count_row(void *context, const struct vast_instance *instance)
{
    assert_true(instance->id.presence == PRESENT && instance->id.value > 0);
    assert_true(strlen(instance->label.text) < sizeof instance->label.text);
    (*(int *)context)++;
}

static void write_instance(struct buffer *out)
{
    buffer_append_text(out, "{\"instances\":");
    append_instance(out, NULL, NULL);
    buffer_append_text(out, "}");
}

static enum error_code read_instance(struct span body, struct error *error)
{
    struct vast_instance instance;
    enum error_code code = decode_instance(body, WANTED_ID, &instance, error);
    assert_true(code != ERR_OK || instance.gone || instance.id.value == WANTED_ID);
    assert_true(instance.direct_port >= 0 && instance.direct_port < 65536);
    return code;
}

static void write_page(struct buffer *out)
{
    buffer_append_text(out, "{\"success\":true,\"instances_found\":2,\"next_token\":\"eyJ2IjoxfQ==\",\"instances\":[");
    append_instance(out, NULL, NULL);
    buffer_append_text(out, ",");
    append_instance(out, "id", "41804113");
    buffer_append_text(out, "]}");
}

static enum error_code read_page(struct span body, struct error *error)
{
    int rows = 0;
    char token[VAST_TOKEN_SIZE] = "";
    enum error_code code = decode_instance_page(body, count_row, &rows, token, error);
    assert_true(strlen(token) < sizeof token);
    return code;
}

static void write_offers(struct buffer *out)
{
    buffer_append_text(out, "{\"offers\":[");
    append_offer(out, NULL, NULL);
    buffer_append_text(out, ",");
    append_offer(out, "dph_total", "0.2");
    buffer_append_text(out, "]}");
}

static enum error_code read_offers(struct span body, struct error *error)
{
    struct vast_offer storage[1];
    struct vast_offers list = {.offers = storage, .capacity = 1};
    enum error_code code = decode_offers(body, &(struct vast_wish){.num_gpus = 1}, &list, error);
    assert_true(list.count <= 1 && list.fitting <= list.found);
    assert_true(list.count == 0 || (storage[0].id > 0 && storage[0].price_nusd_per_hour > 0));
    return code;
}

static void write_create(struct buffer *out)
{
    buffer_append_text(out, "{\"success\":true,\"new_contract\":41803846,\"instance_api_key\":\"9c9c9c9c\"}");
}

static enum error_code read_create(struct span body, struct error *error)
{
    int64_t id = 0;
    char key[16];
    enum error_code code = decode_create(body, &id, key, sizeof key, error);
    assert_true(code == ERR_REPLY_MALFORMED ? id == 0 : code != ERR_OK || id > 0);
    return code;
}

static void write_refusal(struct buffer *out)
{
    buffer_append_text(out, "{\"success\":false,\"error\":\"rate_limit_exceeded\",\"msg\":\"endpoint threshold=3.0\"}");
}

static enum error_code read_answer(struct span body, struct error *error)
{
    static char storage[BODY_SIZE];
    struct http_reply reply = {.status = 429};
    buffer_init_fixed(&reply.body, storage, sizeof storage);
    buffer_append(&reply.body, body.at, body.length);
    struct vast_answer answer;
    assert_int_equal(decode_status(&reply, &answer, error), ERR_RATE_LIMITED);
    assert_true(error->retry_after_ns >= 0);
    return decode_done(body, error);
}

static void write_started(struct buffer *out)
{
    buffer_append_text(out, "{\"success\":false,\"error\":\"resources_unavailable\",\"msg\":\"state change queued\"}");
}

static enum error_code read_started(struct span body, struct error *error)
{
    bool queued;
    enum error_code code = decode_started(body, &queued, error);
    assert_true(!queued || code == ERR_OK);
    return code;
}

static void write_result(struct buffer *out)
{
    buffer_append_text(out, "{\"success\":true,\"result_url\":\"https://s3.example.test/logs/0a.log\",\"msg\":\"\"}");
}

static enum error_code read_result(struct span body, struct error *error)
{
    struct vast_result_url url;
    enum error_code code = decode_result_url(body, "http://127.0.0.1:4000", &url, error);
    assert_true(code != ERR_OK || (strncmp(url.origin, "http", 4) == 0 && url.path[0] == '/'));
    return code;
}

static void count_key(void *context, const struct vast_key *key)
{
    assert_true(key->id.presence == PRESENT && key->id.value > 0);
    (*(int *)context)++;
}

static void write_keys(struct buffer *out)
{
    buffer_append_text(out, "[{\"id\":77120,\"user_id\":4,\"key\":\"ssh-ed25519 AAAA me\",\"deleted_at\":null},"
                            "{\"id\":77121,\"key\":\"ssh-rsa BBBB\"}]");
}

static enum error_code read_keys(struct span body, struct error *error)
{
    int keys = 0;
    return decode_keys(body, count_key, &keys, error);
}

static void write_key_created(struct buffer *out)
{
    buffer_append_text(out, "{\"success\":true,\"key\":{\"id\":77120,\"public_key\":\"ssh-ed25519 AAAA me\"}}");
}

static enum error_code read_key_created(struct span body, struct error *error)
{
    int64_t id;
    enum error_code code = decode_key_created(body, &id, error);
    assert_true(code == ERR_OK ? id > 0 : id == 0);
    return code;
}

static void write_attached(struct buffer *out)
{
    buffer_append_text(
        out, "{\"success\":true,\"ssh_keys\":\"[{\\\"id\\\":7,\\\"public_key\\\":\\\"ssh-rsa \\\\u0041\\\"}]\"}");
}

static enum error_code read_attached(struct span body, struct error *error)
{
    static char storage[BODY_SIZE];
    struct buffer inner;
    int keys = 0;
    buffer_init_fixed(&inner, storage, sizeof storage);
    return decode_attached(body, &inner, count_key, &keys, error);
}

static const struct subject {
    const char *name;
    void (*write)(struct buffer *out);
    enum error_code (*read)(struct span body, struct error *error);
} subjects[] = {
    {"instance", write_instance, read_instance},  {"page", write_page, read_page},
    {"offers", write_offers, read_offers},        {"create", write_create, read_create},
    {"answer", write_refusal, read_answer},       {"started", write_started, read_started},
    {"result", write_result, read_result},        {"keys", write_keys, read_keys},
    {"key", write_key_created, read_key_created}, {"attached", write_attached, read_attached},
};

/* In memory of exactly its size, so that a read beyond its end is seen by the tools that look for it. */
static enum error_code read_copy(const struct subject *subject, const char *bytes, size_t length)
{
    char *copy = malloc(length + (length == 0 ? 1 : 0));
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    struct error error = {0};
    enum error_code code = subject->read((struct span){copy, length}, &error);
    free(copy);
    assert_true(code == ERR_OK || error.code == code);
    return code;
}

static bool is_named(enum error_code code)
{
    return code == ERR_OK || code == ERR_REPLY_MALFORMED || code == ERR_REPLY_UNEXPECTED ||
           code == ERR_REQUEST_REJECTED;
}

/* A reply that is cut anywhere is no reply. */
static void test_a_reply_cut_at_any_byte_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(subjects); i++) {
        char storage[BODY_SIZE];
        struct buffer body;
        buffer_init_fixed(&body, storage, sizeof storage);
        subjects[i].write(&body);
        assert_false(body.failed);
        for (size_t length = 0; length < body.length; length++) {
            assert_int_equal(read_copy(&subjects[i], body.data, length), ERR_REPLY_MALFORMED);
        }
        enum error_code whole = read_copy(&subjects[i], body.data, body.length);
        assert_int_equal(whole, subjects[i].read == read_answer ? ERR_REQUEST_REJECTED : ERR_OK);
    }
}

/* One change: a byte replaced, left out, or said twice, or a run of bytes copied elsewhere. */
static size_t change(char *bytes, size_t length, uint64_t bits)
{
    static const char liked[] = "{}[]\",:\\0123456789.eE+-ntf\x80\xff";
    size_t at = (size_t)(bits >> 32) % length;
    size_t from = (size_t)(bits >> 16 & 0xFFFF) % length;
    size_t run = bits >> 8 & 0xF;
    switch (bits & 3) {
    case 0:
        bytes[at] = (bits & 4) != 0 ? (char)(bits >> 8) : liked[(bits >> 8) % sizeof liked];
        return length;
    case 1:
        memmove(bytes + at, bytes + at + 1, length - at - 1);
        return length > 1 ? length - 1 : length;
    case 2:
        memmove(bytes + at + 1, bytes + at, length - at);
        return length + 1;
    default:
        run = run < length - at ? run : length - at;
        run = run < length - from ? run : length - from;
        memmove(bytes + at, bytes + from, run);
        return length;
    }
}

/* However a reply is damaged, it is read as a reply or refused by a named error: no crash, nothing out of bounds. */
static void test_a_damaged_reply_is_read_or_refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LENGTH(subjects); i++) {
        int refused = 0;
        char whole[BODY_SIZE];
        struct buffer body;
        buffer_init_fixed(&body, whole, sizeof whole);
        subjects[i].write(&body);
        for (uint32_t round = 0; round < MUTATIONS; round++) {
            char damaged[BODY_SIZE];
            size_t length = body.length;
            memcpy(damaged, body.data, length);
            uint64_t changes = 1 + random_bits(1, (struct random_address){i, RANDOM_FAULT, round, 0}) % CHANGES_MAX;
            for (uint32_t c = 1; c <= changes; c++) {
                length = change(damaged, length, random_bits(1, (struct random_address){i, RANDOM_FAULT, round, c}));
            }
            enum error_code code = read_copy(&subjects[i], damaged, length);
            assert_true(is_named(code));
            refused += code == ERR_OK ? 0 : 1;
        }
        assert_true(refused > MUTATIONS / 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reply_cut_at_any_byte_is_malformed),
        cmocka_unit_test(test_a_damaged_reply_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
