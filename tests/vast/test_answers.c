#include <cjson/cJSON.h>
#include <string.h>

#include "base/units.h"
#include "testing.h"
#include "vast/codec.h"

/* ---- Answers ------------------------------------------------------------------------------------------------------------ */

static const struct answer_row {
    int status;
    const char *body;
    enum error_code code;
    int64_t retry_after_ms;
} answers[] = {
    {200, "{\"success\":true,\"new_contract\":41803846}", ERR_OK, 0},
    {200, "{\"instances\":null}", ERR_OK, 0},
    {200, "{}", ERR_OK, 0},
    {200, "[]", ERR_REPLY_UNEXPECTED, 0},
    {200, "", ERR_REPLY_MALFORMED, 0},
    {204, "", ERR_REPLY_MALFORMED, 0},
    {200, "<html></html>", ERR_REPLY_MALFORMED, 0},
    {403, "{\"success\":false,\"error\":\"auth_error\",\"msg\":\"This action requires login.\"}", ERR_NOT_AUTHENTICATED,
     0},
    {401, "{\"success\":false,\"error\":\"auth_error\",\"msg\":\"Invalid user key\"}", ERR_NOT_AUTHENTICATED, 0},
    {404, "{\"success\":false,\"error\":\"auth_error\",\"msg\":\"Invalid user key\"}", ERR_NOT_AUTHENTICATED, 0},
    {404, "{\"success\":false,\"error\":\"auth_error\",\"msg\":\"Session expired. Please log in again.\"}",
     ERR_NOT_AUTHENTICATED, 0},
    {403, "{\"success\":false,\"error\":\"forbidden\",\"msg\":\"You do not have permission.\"}", ERR_NOT_PERMITTED, 0},
    {429, "{\"detail\":\"API requests too frequent endpoint threshold=1.0\"}", ERR_RATE_LIMITED, 1000},
    {429, "{\"success\":false,\"error\":\"rate_limit_exceeded\",\"msg\":\"too frequent endpoint threshold=3.0\"}",
     ERR_RATE_LIMITED, 3000},
    {429, "API requests too frequent", ERR_RATE_LIMITED, 0},
    {429, "API requests too frequent: endpoint threshold=4.5", ERR_RATE_LIMITED, 4500},
    {429, "{\"detail\":\"threshold=\"}", ERR_RATE_LIMITED, 0},
    {429, "threshold=", ERR_RATE_LIMITED, 0},
    {429, "threshold=1.2.3", ERR_RATE_LIMITED, 0},
    {429, "threshold=99999999", ERR_RATE_LIMITED, 0},
    {429, "", ERR_RATE_LIMITED, 0},
    {400, "{\"success\":false,\"error\":\"invalid_args\",\"msg\":\"vm is not a valid search key\"}",
     ERR_REQUEST_REJECTED, 0},
    {400, "{\"success\":false,\"error\":\"invalid_token\",\"msg\":\"invalid after_token\"}", ERR_REQUEST_REJECTED, 0},
    {404, "{\"success\":false,\"error\":\"no_such_instance\",\"msg\":\"Instance 41809999 not found.\"}",
     ERR_NO_SUCH_INSTANCE, 0},
    {200, "{\"success\":false,\"error\":\"resources_unavailable\",\"msg\":\"state change queued.\"}",
     ERR_REQUEST_REJECTED, 0},
    {400, "{\"success\":false,\"error\":\"invalid_price\",\"msg\":\"Please set a bid price >= 0.001.\"}",
     ERR_REQUEST_REJECTED, 0},
    {410, "{\"success\":false,\"error\":\"deprecated_endpoint\",\"msg\":\"use another\"}", ERR_ENDPOINT_GONE, 0},
    {200, "{\"success\":false,\"error\":\"deprecated_endpoint\",\"msg\":\"use another\"}", ERR_ENDPOINT_GONE, 0},
    {403, "<html>\r\n<head><title>403 Forbidden</title></head></html>\r\n", ERR_SERVER_ERROR, 0},
    {502, "<html><head><title>502 Bad Gateway</title></head></html>", ERR_SERVER_ERROR, 0},
    {503, "", ERR_SERVER_ERROR, 0},
    {500, "{\"success\":false,\"error\":\"oops\"}", ERR_SERVER_ERROR, 0},
    {410, "{\"success\":false,\"error\":\"no_such_ask\",\"msg\":\"Instance type 1 is no longer available.\"}",
     ERR_OFFER_TAKEN, 0},
    {404, "{\"success\":false,\"error\":\"invalid_args\",\"msg\":\"error 404/3603: no_such_ask by id 1\"}",
     ERR_OFFER_TAKEN, 0},
    {400, "{\"success\":false,\"error\":\"insufficient_credit\",\"msg\":\"Your account lacks credit.\"}", ERR_NO_CREDIT,
     0},
    {400, "{\"success\":false,\"error\":\"bid_too_low\",\"msg\":\"below the minimum\",\"new_contract\":41803848}",
     ERR_REQUEST_REJECTED, 0},
    {302, "", ERR_REPLY_UNEXPECTED, 0},
    {100, "", ERR_REQUEST_REJECTED, 0},
};

static enum error_code answer_to(const struct answer_row *row, struct vast_answer *answer, struct error *error)
{
    struct http_reply reply = {.status = row->status};
    char storage[1024];
    buffer_init_fixed(&reply.body, storage, sizeof storage);
    buffer_append_text(&reply.body, row->body);
    enum error_code code = decode_status(&reply, answer, error);
    return code == ERR_OK ? decode_done((struct span){reply.body.data, reply.body.length}, error) : code;
}

/* Each known answer means one error, and the pause that a refusal asks for is understood in all its forms. */
static void test_each_known_answer_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        struct vast_answer answer;
        struct error error;
        assert_int_equal(answer_to(&answers[i], &answer, &error), answers[i].code);
        assert_int_equal(error.retry_after_ns, answers[i].retry_after_ms * NS_PER_MS);
        assert_true(answers[i].code == ERR_OK || error.message[0] != '\0');
    }
}

/* What the server says is quoted on one line, without what a terminal would obey. */
static void test_the_servers_words_stay_on_one_line(void **state)
{
    (void)state;
    static const struct answer_row row = {400, "{\"msg\":\"first\\nsecond\\u001b[2Jthird\"}", ERR_REQUEST_REJECTED, 0};
    struct vast_answer answer;
    struct error error;
    assert_int_equal(answer_to(&row, &answer, &error), ERR_REQUEST_REJECTED);
    assert_string_equal(error.message, "HTTP 400: first second [2Jthird");
}

/* ---- Requests ----------------------------------------------------------------------------------------------------------- */

static const struct vast_wish the_wish = {
    .gpu_name = "RTX 4090",
    .num_gpus = 1,
    .max_price_nusd_per_hour = 400000000,
    .min_reliability_millionths = 950000,
    .min_inet_down_mbps = 500,
    .disk_gb = 50,
    .limit = 20,
};

static cJSON *encoded(void (*encode)(struct buffer *out, const void *wish), const void *wish)
{
    static char storage[8192];
    struct buffer body;
    buffer_init_fixed(&body, storage, sizeof storage);
    encode(&body, wish);
    assert_false(body.failed);
    cJSON *json = cJSON_Parse(body.data);
    assert_non_null(json);
    return json;
}

static void encode_search_of(struct buffer *out, const void *wish)
{
    encode_search(out, wish);
}

static void encode_create_of(struct buffer *out, const void *wish)
{
    encode_create(out, wish);
}

static const cJSON *filter(const cJSON *json, const char *field, const char *operator)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, field), operator);
}

/* A search asks for exactly what is wished, in the units of the API. */
static void test_a_search_asks_for_what_is_wished(void **state)
{
    (void)state;
    cJSON *json = encoded(encode_search_of, &the_wish);
    assert_string_equal(filter(json, "gpu_name", "eq")->valuestring, "RTX 4090");
    assert_int_equal(filter(json, "num_gpus", "eq")->valueint, 1);
    assert_true(filter(json, "dph_total", "lte")->valuedouble == 0.4);
    assert_true(filter(json, "reliability2", "gte")->valuedouble == 0.95);
    assert_int_equal(filter(json, "inet_down", "gte")->valueint, 500);
    assert_int_equal(filter(json, "disk_space", "gte")->valueint, 50);
    assert_null(cJSON_GetObjectItem(json, "verified")); /* the recorded client did not ask for it */
    assert_true(cJSON_IsTrue(filter(json, "rentable", "eq")));
    assert_true(cJSON_IsFalse(filter(json, "external", "eq")));
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, "limit")->valueint, 20);
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, "allocated_storage")->valueint, 50);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "type")->valuestring, "on-demand");
    cJSON_Delete(json);
    json = encoded(encode_search_of, &(struct vast_wish){.limit = 5});
    assert_null(cJSON_GetObjectItemCaseSensitive(json, "gpu_name"));
    assert_null(cJSON_GetObjectItemCaseSensitive(json, "dph_total"));
    assert_null(cJSON_GetObjectItemCaseSensitive(json, "num_gpus"));
    cJSON_Delete(json);
}

/* Whatever stands in the texts of a create, the body is JSON that says it, and asks never to leave a stopped machine. */
static void test_a_create_says_what_is_wished(void **state)
{
    (void)state;
    static const struct create_wish wish = {"image:\"tag\"", "dumont-check-1-0", "echo 'a' \\\n\t\"b\" \xc3\xa9", 20,
                                            0};
    cJSON *json = encoded(encode_create_of, &wish);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "image")->valuestring, wish.image);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "label")->valuestring, wish.label);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "onstart")->valuestring, wish.onstart);
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, "disk")->valueint, 20);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(json, "price")));
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "cancel_unavail")));
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "runtype")->valuestring, "ssh_direc ssh_proxy");
    cJSON_Delete(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_known_answer_has_its_meaning),
        cmocka_unit_test(test_the_servers_words_stay_on_one_line),
        cmocka_unit_test(test_a_search_asks_for_what_is_wished),
        cmocka_unit_test(test_a_create_says_what_is_wished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
