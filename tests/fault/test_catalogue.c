#include "faults.h"

#include <cjson/cJSON.h>

#include "fakes/fault/catalogue.h"

/* Every fault of the list that this project promises is there, once. */
static void test_every_promised_fault_is_there_once(void **state)
{
    (void)state;
    static const char *const promised[] = {
        "null-status",
        "slow-boot",
        "stuck-loading",
        "missing-table",
        "pg-unavailable",
        "pg-read-only",
        "pg-commit-unknown",
        "webhook-slow",
        "webhook-duplicate",
        "rate-limit-429",
        "api-5xx",
        "create-response-lost",
        "offer-taken",
        "destroy-rejected",
        "destroy-false-success",
        "host-offline",
        "ssh-refused",
        "ssh-banner-stall",
        "ssh-key-not-synced",
        "ssh-drop-mid-command",
        "nullable-fields",
        "schema-drift",
        "disk-full",
        "b2-503-busy",
        "empty-snapshot",
        "b2-expired-token",
        "sha1-mismatch",
        "sha1-odd",
        "partial-snapshot-visible",
        "bad-download",
        "wrong-snapshot",
        "b2-cap-exceeded",
        "unfinished-large-file",
        "retry-partial-body",
        "b2-404-reinit",
        "retention-wrong",
        "host-returns",
        "container-start-failed",
        "torn-snapshot",
        "gpu-lost",
        "slow-link",
        "clock-skew",
        "oom-or-reboot",
        "ssh-banner-noise",
        "ssh-half-open",
        "ssh-hostkey-changed",
        "ssh-maxstartups",
    };
    assert_int_equal(catalogue_count(), ARRAY_LENGTH(promised));
    for (size_t i = 0; i < ARRAY_LENGTH(promised); i++) {
        const struct fault_row *row = catalogue_find(promised[i]);
        assert_non_null(row);
        assert_string_equal(row->id, promised[i]);
    }
    assert_null(catalogue_find("no-such-fault"));
    assert_null(catalogue_find(""));
}

/* A row's defaults are values that its own rules allow, and it has exactly what carries it out. */
static void test_every_row_is_consistent(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalogue_count(); i++) {
        const struct fault_row *row = catalogue_row(i);
        bool acts_on_calls = row->http != NULL || row->rewrite != NULL;
        bool acts_on_bucket = row->bucket != NULL || row->bucket_rewrite != NULL;
        int kinds = (acts_on_calls ? 1 : 0) + (acts_on_bucket ? 1 : 0) + (row->timeline != NULL) +
                    (row->command != NULL) + (row->connect != NULL) + (row->store != NULL) + (row->receiver != NULL);
        assert_int_equal(kinds, 1);
        assert_true(row->concerns == NULL || row->command != NULL);
        assert_int_equal(acts_on_calls, row->endpoints != 0);
        assert_int_equal(acts_on_bucket, row->bucket_calls != 0);
        assert_int_equal(acts_on_bucket, row->bucket_usual != 0);
        assert_true((row->bucket_usual & ~row->bucket_calls) == 0);
        assert_int_equal(acts_on_calls || acts_on_bucket, row->points != 0);
        assert_true(!acts_on_calls || (row->endpoints & 1U << row->endpoint) != 0);
        assert_true(row->points == 0 || (row->points & 1U << row->point) != 0);
        assert_true(row->nth >= 1 && (row->count >= 1 || row->count == -1));
        assert_true(strlen(row->id) < FAULT_ID_SIZE);
        assert_true(row->description[strlen(row->description) - 1] == '.');
        for (const struct fault_parameter *own = row->parameters; own->key != NULL; own++) {
            struct fault_plan plan = {.count = 0};
            struct error error = {0};
            char text[256];
            (void)text_format(text, sizeof text, "%s:%s=%s", row->id, own->key, own->usual);
            assert_true(own->usual[0] == '\0' || fault_plan_add(&plan, text, &error) == ERR_OK);
        }
    }
}

/* The JSON form is well-formed and holds every fault with every parameter. */
static void test_the_json_form_is_whole(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    struct buffer text;
    struct json_writer writer;
    buffer_init(&text, heap, 65536);
    json_writer_init(&writer, &text, 2);
    catalogue_write_json(&writer);
    cJSON *whole = cJSON_Parse(buffer_text(&text));
    assert_non_null(whole);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(whole, "common")), COMMON_PARAMETERS);
    const cJSON *list = cJSON_GetObjectItem(whole, "faults");
    assert_int_equal(cJSON_GetArraySize(list), catalogue_count());
    for (size_t i = 0; i < catalogue_count(); i++) {
        const struct fault_row *row = catalogue_row(i);
        const cJSON *item = cJSON_GetArrayItem(list, (int)i);
        assert_string_equal(cJSON_GetObjectItem(item, "id")->valuestring, row->id);
        int parameters = 0;
        for (const struct fault_parameter *own = row->parameters; own->key != NULL; own++) {
            const cJSON *shown = cJSON_GetArrayItem(cJSON_GetObjectItem(item, "parameters"), parameters++);
            assert_string_equal(cJSON_GetObjectItem(shown, "key")->valuestring, own->key);
        }
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(item, "parameters")), parameters);
    }
    cJSON_Delete(whole);
    heap_free(heap);
}

/* The text form names every fault and parameter and fits a terminal. */
static void test_the_text_form_fits_eighty_columns(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    struct buffer text;
    buffer_init(&text, heap, 65536);
    catalogue_write_text(&text);
    for (size_t i = 0; i < catalogue_count(); i++) {
        const struct fault_row *row = catalogue_row(i);
        assert_non_null(strstr(buffer_text(&text), row->id));
        for (const struct fault_parameter *own = row->parameters; own->key != NULL; own++) {
            assert_non_null(strstr(buffer_text(&text), own->key));
        }
    }
    for (const char *line = buffer_text(&text); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        assert_true(length <= 80);
        assert_true(length == 0 || line[length - 1] != ' ');
        line += length + 1;
    }
    heap_free(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_promised_fault_is_there_once),
        cmocka_unit_test(test_every_row_is_consistent),
        cmocka_unit_test(test_the_json_form_is_whole),
        cmocka_unit_test(test_the_text_form_fits_eighty_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
