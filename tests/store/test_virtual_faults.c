/*
 * Every fault of the store's layer in virtual time, as tests/store/faults.json has it: what the client says, what it has done, and
 * what is truly there afterwards. store.py holds the same rows to the same over sockets.
 */
#include "virtual_store.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "fakes/fault/catalogue.h"

enum { PART = 5000, LARGE = 3 * PART + 7, SMALL = 2500, TEXT_MAX = 256 * 1024 };

static char small[SMALL];
static char large[LARGE];
static const char before[] = "what was there";
static cJSON *rows;

static int set_up(void **state)
{
    static char text[TEXT_MAX];
    (void)state;
    FILE *file = fopen(DUMONT_SOURCE_DIR "/tests/store/faults.json", "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    rows = cJSON_ParseWithLength(text, length);
    assert_true(cJSON_IsArray(rows) && cJSON_GetArraySize(rows) > 0);
    pattern(small, sizeof small, 1);
    pattern(large, sizeof large, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cJSON_Delete(rows);
    return 0;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text == NULL ? "" : text;
}

static int number_of(const cJSON *object, const char *key, int otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valueint : otherwise;
}

static const char *nth(const cJSON *array, int index)
{
    const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(array, index));
    return text == NULL ? "" : text;
}

/* The bytes of "small", "large", "before". */
static struct span bytes_of(const char *file)
{
    if (strcmp(file, "small") == 0) {
        return (struct span){small, sizeof small};
    }
    return strcmp(file, "large") == 0 ? (struct span){large, sizeof large} : (struct span){before, sizeof before};
}

static void set_stage(struct virtual_store *store, const cJSON *row)
{
    const cJSON *pair;
    virtual_store_open(store, PART, false);
    make_file(store, "small", small, sizeof small);
    make_file(store, "large", large, sizeof large);
    make_file(store, "target", before, sizeof before);
    store_must(store, "ls", "", "");
    cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(row, "stored"))
    {
        store_must(store, "put", nth(pair, 0), nth(pair, 1));
    }
    set_fault(store, text_of(row, "fault"));
}

/* The faults that the client named are exactly those of the row. */
static void check_seen(const struct virtual_store *store, const cJSON *row, size_t from)
{
    const cJSON *seen = cJSON_GetObjectItemCaseSensitive(row, "seen");
    const char *history = buffer_text(&store->history.text) + from;
    for (size_t i = 0; i < catalogue_count(); i++) {
        char named[128];
        const char *id = catalogue_row(i)->id;
        bool expected = false;
        const cJSON *each;
        cJSON_ArrayForEach(each, seen)
        {
            expected = expected || strcmp(cJSON_GetStringValue(each), id) == 0;
        }
        (void)text_format(named, sizeof named, "\"kind\":\"fault.seen\",\"ids\":{},\"data\":{\"fault\":\"%s\"", id);
        if (expected != (strstr(history, named) != NULL)) {
            fail_msg("%s: %s %s named", text_of(row, "fault"), id, expected ? "was not" : "was");
        }
    }
}

static void expect(const cJSON *row, const char *what, int64_t found, int64_t expected)
{
    if (found != expected) {
        fail_msg("%s, %s: %s is %lld, not %lld", text_of(row, "fault"),
                 nth(cJSON_GetObjectItemCaseSensitive(row, "do"), 0), what, (long long)found, (long long)expected);
    }
}

static void check_truth(struct virtual_store *store, const cJSON *row)
{
    const char *name = text_of(row, "name");
    const char *target = text_of(row, "target");
    int versions = number_of(row, "versions", -1);
    if (strcmp(name, "absent") == 0) {
        expect(row, "the size of what is to be absent", stored_size(store, "name"), -1);
    } else if (name[0] != '\0') {
        struct span bytes = bytes_of(name);
        expect(row, "that the name holds the bytes", stored_is(store, "name", bytes.at, bytes.length), true);
        no_fault(store);
        store_must(store, "get", "name", "check");
        assert_true(file_is(store, "check", bytes.at, bytes.length));
    }
    if (target[0] != '\0') {
        struct span bytes = bytes_of(target);
        expect(row, "that the target holds the bytes", file_is(store, "target", bytes.at, bytes.length), true);
    }
    expect(row, "unfinished", (int64_t)totals_of(store).unfinished, number_of(row, "unfinished", 0));
    if (versions >= 0) {
        expect(row, "versions", (int64_t)totals_of(store).versions, versions);
    }
}

/* The history is left to whoever wants to compare it. */
static void play(struct virtual_store *store, const cJSON *row)
{
    const cJSON *words = cJSON_GetObjectItemCaseSensitive(row, "do");
    set_stage(store, row);
    size_t from = store->history.text.length;
    enum error_code code = store_do(store, nth(words, 0), nth(words, 1), nth(words, 2));
    if (strcmp(error_name(code), text_of(row, "code")) != 0) {
        fail_msg("%s, %s %s: %s and not %s: %s", text_of(row, "fault"), nth(words, 0), nth(words, 1), error_name(code),
                 text_of(row, "code"), store->error.message);
    }
    expect(row, "the exit status", error_exit_status(code), number_of(row, "status", -1));
    check_seen(store, row, from);
    check_truth(store, row);
}

static void test_each_fault_has_its_error_and_its_truth(void **state)
{
    const cJSON *row;
    (void)state;
    cJSON_ArrayForEach(row, rows)
    {
        struct virtual_store store;
        play(&store, row);
        virtual_store_close(&store);
    }
}

static void test_each_fault_is_the_same_again(void **state)
{
    const cJSON *row;
    (void)state;
    cJSON_ArrayForEach(row, rows)
    {
        struct virtual_store one;
        struct virtual_store other;
        play(&one, row);
        play(&other, row);
        assert_int_equal(one.history.text.length, other.history.text.length);
        assert_memory_equal(buffer_text(&one.history.text), buffer_text(&other.history.text), one.history.text.length);
        virtual_store_close(&one);
        virtual_store_close(&other);
    }
}

/* How often the client asked for a token from byte `from` of the history on. */
static int authorizations(const struct virtual_store *store, size_t from)
{
    int count = 0;
    const char *at = buffer_text(&store->history.text) + from;
    for (at = strstr(at, "\"path\":\"/b2api/v3/b2_authorize_account\""); at != NULL;
         at = strstr(at + 1, "\"path\":\"/b2api/v3/b2_authorize_account\"")) {
        count++;
    }
    return count;
}

/* The tokens of both tasks expire at the same moment: one of them asks for a new one, and the other waits for that. */
static void test_tasks_share_one_new_token(void **state)
{
    static const char *const words[][3] = {{"put", "large", "name"}, {"get", "name", "target"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        struct virtual_store store;
        virtual_store_open(&store, PART, false);
        make_file(&store, "large", large, sizeof large);
        store_must(&store, "put", "large", "name");
        set_fault(&store, i == 0 ? "b2-expired-token:endpoint=b2_get_upload_part_url,nth=1"
                                 : "b2-expired-token:endpoint=b2_download_file_by_id,nth=1");
        size_t from = store.history.text.length;
        store_must(&store, words[i][0], words[i][1], words[i][2]);
        assert_int_equal(authorizations(&store, from), 2); /* the first is the run's own */
        virtual_store_close(&store);
    }
}

static void test_each_fault_of_the_layer_has_a_row(void **state)
{
    size_t found = 0;
    (void)state;
    for (size_t i = 0; i < catalogue_count(); i++) {
        const struct fault_row *fault = catalogue_row(i);
        if (strcmp(fault->layer, "b2") != 0) {
            continue;
        }
        bool has_row = false;
        const cJSON *row;
        cJSON_ArrayForEach(row, rows)
        {
            const char *text = text_of(row, "fault");
            size_t length = strcspn(text, ":");
            has_row = has_row || (strlen(fault->id) == length && memcmp(text, fault->id, length) == 0);
        }
        if (!has_row) {
            fail_msg("%s has no row", fault->id);
        }
        found++;
    }
    assert_int_equal(found, 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault_has_its_error_and_its_truth),
        cmocka_unit_test(test_each_fault_is_the_same_again),
        cmocka_unit_test(test_tasks_share_one_new_token),
        cmocka_unit_test(test_each_fault_of_the_layer_has_a_row),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
