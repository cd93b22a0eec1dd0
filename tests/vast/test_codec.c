#include "vast/codec.h"

#include "base/units.h"
#include "bodies.h"
#include "testing.h"

enum { BODY_SIZE = 16 * 1024, WANTED_ID = 41803846 };

static const struct vast_wish the_wish = {
    .gpu_name = "RTX 4090",
    .num_gpus = 1,
    .max_price_nusd_per_hour = 400000000,
    .min_reliability_millionths = 950000,
    .min_inet_down_mbps = 500,
    .disk_gb = 50,
    .limit = 20,
};

/* ---- One field replaced by everything that it should not be ------------------------------------------------------------ */

static char long_text[4002]; /* in quotes */

/* What a value is to a field of each kind. */
static const struct stand_in {
    const char *value; /* NULL: left out */
    enum presence number, text;
} stand_ins[] = {
    {NULL, ABSENT, ABSENT},
    {"null", IS_NULL, IS_NULL},
    {"true", WRONG_TYPE, WRONG_TYPE},
    {"0", PRESENT, WRONG_TYPE},
    {"-1", PRESENT, WRONG_TYPE},
    {"1e400", WRONG_TYPE, WRONG_TYPE},
    {"99999999999999999999", WRONG_TYPE, WRONG_TYPE},
    {"\"\"", WRONG_TYPE, PRESENT},
    {"\"text\"", WRONG_TYPE, PRESENT},
    {"\"a \\ud800 \\u0000 b\"", WRONG_TYPE, PRESENT},
    {long_text, WRONG_TYPE, PRESENT},
    {"[]", WRONG_TYPE, WRONG_TYPE},
    {"{}", WRONG_TYPE, WRONG_TYPE},
    {"[[[{\"a\":[null]}]]]", WRONG_TYPE, WRONG_TYPE},
};

static const char *const no_json[] = {
    "\"\\x\"", "\"\\u12g4\"", "\"tab\there\"", "\"\xff\"", "01", "+1", "nul", "'a'", "", "NaN", "]"};

static const struct watched_field {
    const char *name;
    size_t offset;
    bool text;
} watched_fields[] = {
#define WATCHED(member, name, text)                                                                                    \
    {                                                                                                                  \
        name, offsetof(struct vast_instance, member), text                                                             \
    }
    WATCHED(machine_id, "machine_id", false),
    WATCHED(ssh_port, "ssh_port", false),
    WATCHED(price_nusd_per_hour, "dph_total", false),
    WATCHED(uptime_ns, "uptime_mins", false),
    WATCHED(actual_status, "actual_status", true),
    WATCHED(intended_status, "intended_status", true),
    WATCHED(status_msg, "status_msg", true),
    WATCHED(label, "label", true),
    WATCHED(ssh_host, "ssh_host", true),
    WATCHED(public_ipaddr, "public_ipaddr", true),
#undef WATCHED
};

static enum presence presence_of(const struct vast_instance *instance, const struct watched_field *field)
{
    enum presence presence;
    memcpy(&presence, (const char *)instance + field->offset, sizeof presence);
    return presence;
}

static enum error_code show(const char *changed, const char *value, struct vast_instance *instance, struct error *error)
{
    char storage[BODY_SIZE];
    struct buffer body;
    buffer_init_fixed(&body, storage, sizeof storage);
    buffer_append_text(&body, "{\"instances\":");
    append_instance(&body, changed, value);
    buffer_append_text(&body, "}");
    assert_false(body.failed);
    return decode_instance(text_of(&body), WANTED_ID, instance, error);
}

static int fill_long_text(void **state)
{
    (void)state;
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[0] = long_text[sizeof long_text - 2] = '"';
    return 0;
}

/* An instance as the service sends it arrives whole. */
static void test_an_instance_is_read_exactly(void **state)
{
    (void)state;
    struct vast_instance instance;
    struct error error;
    assert_int_equal(show(NULL, NULL, &instance, &error), ERR_OK);
    assert_false(instance.gone);
    assert_int_equal(instance.id.value, WANTED_ID);
    assert_int_equal(instance.machine_id.value, 30211);
    assert_int_equal(instance.ssh_port.value, 13846);
    assert_int_equal(instance.price_nusd_per_hour.value, 300166667);
    assert_int_equal(instance.uptime_ns.value, 2490 * NS_PER_S);
    assert_int_equal(instance.direct_port, 40112);
    assert_string_equal(instance.actual_status.text, "running");
    assert_string_equal(instance.label.text, "demo-7");
    assert_string_equal(instance.ssh_host.text, "ssh8.vast.ai");
    assert_string_equal(instance.public_ipaddr.text, "203.0.113.20");
}

/* A field of an instance may be anything: its presence says what it was, and no other field suffers. */
static void test_any_field_of_an_instance_may_be_anything(void **state)
{
    (void)state;
    for (size_t f = 0; f < ARRAY_LENGTH(watched_fields); f++) {
        for (size_t v = 0; v < ARRAY_LENGTH(stand_ins); v++) {
            const struct watched_field *field = &watched_fields[f];
            struct vast_instance instance;
            struct error error;
            assert_int_equal(show(field->name, stand_ins[v].value, &instance, &error), ERR_OK);
            bool negative_age = strcmp(field->name, "uptime_mins") == 0 && v == 4;
            enum presence expected = field->text ? stand_ins[v].text : stand_ins[v].number;
            assert_int_equal(presence_of(&instance, field), negative_age ? WRONG_TYPE : expected);
            for (size_t other = 0; other < ARRAY_LENGTH(watched_fields); other++) {
                assert_true(other == f || presence_of(&instance, &watched_fields[other]) == PRESENT);
            }
            assert_int_equal(instance.direct_port, 40112);
        }
    }
}

/* An instance without its own id is no answer to the question. */
static void test_an_instance_under_another_id_is_refused(void **state)
{
    (void)state;
    struct vast_instance instance;
    struct error error;
    for (size_t v = 0; v < ARRAY_LENGTH(stand_ins); v++) {
        assert_int_equal(show("id", stand_ins[v].value, &instance, &error), ERR_REPLY_UNEXPECTED);
    }
    assert_int_equal(show("id", "41803847", &instance, &error), ERR_REPLY_UNEXPECTED);
    assert_int_equal(show("id", "41803846.0", &instance, &error), ERR_OK);
}

/* One value that is no JSON makes the whole reply unreadable, wherever it stands. */
static void test_a_field_that_is_no_json_spoils_the_reply(void **state)
{
    (void)state;
    for (size_t f = 0; f < ARRAY_LENGTH(instance_members); f++) {
        for (size_t v = 0; v < ARRAY_LENGTH(no_json); v++) {
            struct vast_instance instance;
            struct error error;
            assert_int_equal(show(instance_members[f].name, no_json[v], &instance, &error), ERR_REPLY_MALFORMED);
            assert_false(instance.gone);
        }
    }
}

/* JSON null means still provisioning; "unknown" means that the host has gone quiet: they stay apart. */
static void test_a_null_status_is_not_the_text_unknown(void **state)
{
    (void)state;
    struct vast_instance quiet;
    struct vast_instance provisioning;
    struct error error;
    assert_int_equal(show("actual_status", "\"unknown\"", &quiet, &error), ERR_OK);
    assert_int_equal(show("actual_status", "null", &provisioning, &error), ERR_OK);
    assert_int_equal(quiet.actual_status.presence, PRESENT);
    assert_string_equal(quiet.actual_status.text, "unknown");
    assert_int_equal(provisioning.actual_status.presence, IS_NULL);
    assert_string_equal(provisioning.actual_status.text, "");
}

/* The direct port is the first mapping of 22/tcp that is a port; anything else is none. */
static void test_the_direct_port_is_a_port_or_none(void **state)
{
    (void)state;
    static const struct {
        const char *ports;
        int64_t port;
    } rows[] = {
        {"null", 0},
        {"{}", 0},
        {"[]", 0},
        {"7", 0},
        {"{\"22/tcp\":null}", 0},
        {"{\"22/tcp\":[]}", 0},
        {"{\"22/tcp\":{}}", 0},
        {"{\"22/tcp\":[null,7,\"x\",{}]}", 0},
        {"{\"22/tcp\":[{\"HostPort\":40112}]}", 0},
        {"{\"22/tcp\":[{\"HostPort\":\"0\"},{\"HostPort\":\"65536\"},{\"HostPort\":\"-1\"},{\"HostPort\":\"4x\"}]}", 0},
        {"{\"22/tcp\":[{\"HostPort\":\"\"},{\"HostPort\":null},{\"HostPort\":\"65535\"}]}", 65535},
        {"{\"22\\/tcp\":[{\"HostPort\":\"5\"}]}", 5},
        {"{\"2222/tcp\":[{\"HostPort\":\"5\"}]}", 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct vast_instance instance;
        struct error error;
        assert_int_equal(show("ports", rows[i].ports, &instance, &error), ERR_OK);
        assert_int_equal(instance.direct_port, rows[i].port);
    }
}

/* ---- The envelope of show ----------------------------------------------------------------------------------------------- */

/* Only an explicit null in a reply without an error means that there is no such machine. */
static void test_only_an_explicit_null_means_gone(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum error_code code;
    } rows[] = {
        {"{\"instances\":null}", ERR_OK},
        {"{\"success\":true,\"instances\":null}", ERR_OK},
        {"{}", ERR_REPLY_UNEXPECTED},
        {"{\"instances\":[]}", ERR_REPLY_UNEXPECTED},
        {"{\"instances\":{}}", ERR_REPLY_UNEXPECTED},
        {"{\"instances\":false}", ERR_REPLY_UNEXPECTED},
        {"{\"instances\":0}", ERR_REPLY_UNEXPECTED},
        {"{\"instances\":\"\"}", ERR_REPLY_UNEXPECTED},
        {"{\"instance\":null}", ERR_REPLY_UNEXPECTED},
        {"{\"instances\":{\"id\":41803846},\"instances\":null}", ERR_REPLY_UNEXPECTED},
        {"{\"instances\":null,\"instances\":null}", ERR_REPLY_UNEXPECTED},
        {"{\"instances\":null,\"error\":\"try again\"}", ERR_REPLY_UNEXPECTED},
        {"null", ERR_REPLY_UNEXPECTED},
        {"[]", ERR_REPLY_UNEXPECTED},
        {"", ERR_REPLY_MALFORMED},
        {"{\"instances\":null", ERR_REPLY_MALFORMED},
        {"{\"instances\":null}}", ERR_REPLY_MALFORMED},
        {"<html></html>", ERR_REPLY_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct vast_instance instance;
        struct error error;
        assert_int_equal(decode_instance(span_of(rows[i].body), WANTED_ID, &instance, &error), rows[i].code);
        assert_true(rows[i].code != ERR_OK || instance.gone);
        assert_true(rows[i].code == ERR_OK || error.message[0] != '\0');
    }
}

/* ---- Listing ------------------------------------------------------------------------------------------------------------ */

static void count_row(void *context, const struct vast_instance *instance)
{
    (void)instance;
    (*(int *)context)++;
}

/* A listing is whole, or it is unknown: never shorter than what the server has. */
static void test_a_page_is_whole_or_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum error_code code;
        int rows;
        const char *token;
    } rows[] = {
        {"{\"success\":true,\"instances\":[],\"next_token\":null}", ERR_OK, 0, ""},
        {"{\"success\":true,\"instances\":null,\"next_token\":null}", ERR_OK, 0, ""},
        {"{\"instances\":null}", ERR_REPLY_UNEXPECTED, 0, NULL},
        {"{\"success\":true}", ERR_REPLY_UNEXPECTED, 0, NULL},
        {"{\"success\":true,\"instances\":{}}", ERR_REPLY_UNEXPECTED, 0, NULL},
        {"{\"success\":true,\"instances\":[{\"id\":1},{\"id\":2}],\"next_token\":\"e=9+/\"}", ERR_OK, 2, "e=9+/"},
        {"{\"success\":true,\"instances\":[{\"id\":1},{\"id\":null}]}", ERR_REPLY_UNEXPECTED, 1, NULL},
        {"{\"success\":true,\"instances\":[{\"id\":1},{}]}", ERR_REPLY_UNEXPECTED, 1, NULL},
        {"{\"success\":true,\"instances\":[{\"id\":0}]}", ERR_REPLY_UNEXPECTED, 0, NULL},
        {"{\"success\":true,\"instances\":[{\"id\":-5}]}", ERR_REPLY_UNEXPECTED, 0, NULL},
        {"{\"success\":true,\"instances\":[null,{\"id\":1}]}", ERR_REPLY_UNEXPECTED, 1, NULL},
        {"{\"success\":true,\"instances\":[],\"next_token\":7}", ERR_REPLY_UNEXPECTED, 0, NULL},
        {"{\"success\":true,\"instances\":[],\"next_token\":{}}", ERR_REPLY_UNEXPECTED, 0, NULL},
        {"{\"success\":true,\"instances\":[],\"next_token\":\"\\u0000more\"}", ERR_REPLY_UNEXPECTED, 0, NULL},
        {"{\"success\":true,\"instances\":[{\"id\":1},", ERR_REPLY_MALFORMED, 1, NULL},
        {"[]", ERR_REPLY_UNEXPECTED, 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int seen = 0;
        char token[VAST_TOKEN_SIZE];
        struct error error;
        assert_int_equal(decode_instance_page(span_of(rows[i].body), count_row, &seen, token, &error), rows[i].code);
        assert_int_equal(seen, rows[i].rows);
        if (rows[i].token != NULL) {
            assert_string_equal(token, rows[i].token);
        }
    }
}

/* A token that is longer than we can hold is refused, not cut. */
static void test_a_token_is_never_cut(void **state)
{
    (void)state;
    for (size_t length = VAST_TOKEN_SIZE - 1; length <= VAST_TOKEN_SIZE; length++) {
        char storage[1024];
        struct buffer body;
        buffer_init_fixed(&body, storage, sizeof storage);
        buffer_append_text(&body, "{\"success\":true,\"instances\":[],\"next_token\":\"");
        buffer_append_repeated(&body, "t", length);
        buffer_append_text(&body, "\"}");
        int seen = 0;
        char token[VAST_TOKEN_SIZE] = "";
        struct error error;
        enum error_code code = decode_instance_page(text_of(&body), count_row, &seen, token, &error);
        assert_int_equal(code, length < VAST_TOKEN_SIZE ? ERR_OK : ERR_REPLY_UNEXPECTED);
        assert_int_equal(strlen(token), code == ERR_OK ? length : 0);
    }
}

/* ---- Offers ------------------------------------------------------------------------------------------------------------- */

static enum error_code search(const struct vast_wish *wish, const char *changed, const char *value,
                              struct vast_offers *list, struct error *error)
{
    char storage[BODY_SIZE];
    struct buffer body;
    buffer_init_fixed(&body, storage, sizeof storage);
    buffer_append_text(&body, "{\"offers\":[");
    append_offer(&body, changed, value);
    buffer_append_text(&body, ",");
    append_offer(&body, "id", "7");
    buffer_append_text(&body, "]}");
    assert_false(body.failed);
    return decode_offers(text_of(&body), wish, list, error);
}

/* An offer as the service sends it arrives whole. */
static void test_an_offer_is_read_exactly(void **state)
{
    (void)state;
    struct vast_offer storage[4];
    struct vast_offers list = {.offers = storage, .capacity = 4};
    struct error error;
    assert_int_equal(search(&the_wish, NULL, NULL, &list, &error), ERR_OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(storage[0].id, 7);
    assert_int_equal(storage[1].id, 41200101);
    assert_int_equal(storage[1].machine_id, 30211);
    assert_int_equal(storage[1].num_gpus, 1);
    assert_int_equal(storage[1].gpu_ram_mib, 24564);
    assert_int_equal(storage[1].price_nusd_per_hour, 297666667);
    assert_int_equal(storage[1].storage_nusd_per_gb_month, 150000000);
    assert_int_equal(storage[1].reliability_millionths, 998200);
    assert_string_equal(storage[1].gpu_name, "RTX 4090");
    assert_string_equal(storage[1].geolocation, "Quebec, CA");
    assert_string_equal(storage[1].driver_version, "580.95.05");
}

/* A row that lacks what the decision rests on is left out; any other oddity of it does no harm, and none to its neighbour. */
static void test_any_field_of_an_offer_may_be_anything(void **state)
{
    (void)state;
    static const char needed[] = " id num_gpus dph_total gpu_name reliability2 inet_down ";
    for (size_t f = 0; f < ARRAY_LENGTH(offer_members); f++) {
        char name[64];
        assert_true(text_format(name, sizeof name, " %s ", offer_members[f].name));
        for (size_t v = 0; v < ARRAY_LENGTH(stand_ins); v++) {
            struct vast_offer storage[4];
            struct vast_offers list = {.offers = storage, .capacity = 4};
            struct error error;
            assert_int_equal(search(&the_wish, offer_members[f].name, stand_ins[v].value, &list, &error), ERR_OK);
            bool small_disk = strcmp(name, " disk_space ") == 0 && stand_ins[v].number == PRESENT;
            assert_int_equal(list.found, 2);
            assert_int_equal(list.count, strstr(needed, name) != NULL || small_disk ? 1 : 2);
            assert_int_equal(storage[0].id, 7);
        }
    }
}

/* Rows that the server should have left out are left out here. */
static void test_offers_that_do_not_fit_the_wish_are_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        const char *value;
    } rows[] = {
        {"gpu_name", "\"RTX 3090\""},
        {"gpu_name", "\"RTX 4090 Ti\""},
        {"num_gpus", "2"},
        {"dph_total", "0.400000001"},
        {"dph_total", "0"},
        {"dph_total", "-0.1"},
        {"reliability2", "0.9"},
        {"inet_down", "499"},
        {"disk_space", "49"},
        {"rentable", "false"},
        {"id", "0"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct vast_offer storage[4];
        struct vast_offers list = {.offers = storage, .capacity = 4};
        struct error error;
        assert_int_equal(search(&the_wish, rows[i].field, rows[i].value, &list, &error), ERR_OK);
        assert_int_equal(list.fitting, 1);
        assert_int_equal(storage[0].id, 7);
    }
    struct vast_offer offer = {.price_nusd_per_hour = 5};
    assert_true(offer_fits(&offer, &(struct vast_wish){0}));
}

/* Cheapest first, equal prices by id; a bounded list keeps the cheapest, whatever the order they come in. */
static void test_the_cheapest_offers_are_kept_in_order(void **state)
{
    (void)state;
    static const int prices[] = {5, 3, 9, 1, 3, 7, 2, 8, 1, 6};
    static const int64_t expected[] = {104, 109, 107, 102};
    char body_storage[BODY_SIZE];
    struct buffer body;
    buffer_init_fixed(&body, body_storage, sizeof body_storage);
    buffer_append_text(&body, "{\"offers\":[null");
    for (size_t i = 0; i < ARRAY_LENGTH(prices); i++) {
        buffer_printf(&body, ",{\"id\":%zu,\"num_gpus\":1,\"dph_total\":0.%d}", 101 + i, prices[i]);
    }
    buffer_append_text(&body, ",[],7]}");
    for (size_t capacity = 0; capacity <= 4; capacity++) {
        struct vast_offer storage[5] = {[4] = {.id = -1}};
        struct vast_offers list = {.offers = storage, .capacity = capacity};
        struct error error;
        assert_int_equal(decode_offers(text_of(&body), &(struct vast_wish){0}, &list, &error), ERR_OK);
        assert_int_equal(list.found, 13);
        assert_int_equal(list.fitting, 10);
        assert_int_equal(list.count, capacity);
        for (size_t i = 0; i < capacity; i++) {
            assert_int_equal(storage[i].id, expected[i]);
        }
        assert_int_equal(storage[4].id, -1);
    }
}

/* A reply without a list of offers is not a market without offers. */
static void test_no_list_is_not_an_empty_market(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{}", "[]", "null", "{\"offers\":null}", "{\"offers\":{}}", "{\"offer\":[]}"};
    struct vast_offers list = {.capacity = 0};
    struct error error;
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        assert_int_equal(decode_offers(span_of(bodies[i]), &the_wish, &list, &error), ERR_REPLY_UNEXPECTED);
    }
    assert_int_equal(decode_offers(span_of("{\"offers\":[]}"), &the_wish, &list, &error), ERR_OK);
    assert_int_equal(list.found, 0);
}

/* ---- Create and account ------------------------------------------------------------------------------------------------- */

/* A created machine has an id above 0; without one the reply is not understood. */
static void test_a_create_is_read_or_not_understood(void **state)
{
    (void)state;
    static const char *const unreadable[] = {
        "{\"success\":true}",
        "{\"success\":true,\"new_contract\":null}",
        "{\"success\":true,\"new_contract\":\"41803846\"}",
        "{\"success\":true,\"new_contract\":0}",
        "{\"success\":true,\"new_contract\":-3}",
        "{\"success\":true,\"new_contract\":1.5}",
        "{\"success\":true,\"new_contract\":1e30}",
        "[41803846]",
    };
    int64_t id = 0;
    char key[129] = "";
    struct error error;
    for (size_t i = 0; i < ARRAY_LENGTH(unreadable); i++) {
        assert_int_equal(decode_create(span_of(unreadable[i]), &id, key, sizeof key, &error), ERR_REPLY_UNEXPECTED);
        assert_int_equal(id, 0);
    }
    static const char good[] = "{\"success\":true,\"new_contract\":41803846,\"instance_api_key\":\"9c9c\"}";
    assert_int_equal(decode_create(span_of(good), &id, key, sizeof key, &error), ERR_OK);
    assert_int_equal(id, 41803846);
    assert_string_equal(key, "9c9c");
}

/* Credit is exact to the nano-dollar, may be negative, and is never invented. */
static void test_an_account_has_its_credit_or_is_unknown(void **state)
{
    (void)state;
    struct vast_account account;
    struct error error;
    assert_int_equal(decode_account(span_of("{\"credit\":12.123456789,\"balance\":null}"), &account, &error), ERR_OK);
    assert_int_equal(account.credit_nusd.value, 12123456789);
    assert_int_equal(account.balance_nusd.presence, IS_NULL);
    assert_int_equal(decode_account(span_of("{\"credit\":-0.5}"), &account, &error), ERR_OK);
    assert_int_equal(account.credit_nusd.value, -500000000);
    static const char *const unknown[] = {"{}", "{\"credit\":null}", "{\"credit\":\"5\"}", "{\"credit\":1e99}"};
    for (size_t i = 0; i < ARRAY_LENGTH(unknown); i++) {
        assert_int_equal(decode_account(span_of(unknown[i]), &account, &error), ERR_REPLY_UNEXPECTED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_instance_is_read_exactly),
        cmocka_unit_test(test_any_field_of_an_instance_may_be_anything),
        cmocka_unit_test(test_an_instance_under_another_id_is_refused),
        cmocka_unit_test(test_a_field_that_is_no_json_spoils_the_reply),
        cmocka_unit_test(test_a_null_status_is_not_the_text_unknown),
        cmocka_unit_test(test_the_direct_port_is_a_port_or_none),
        cmocka_unit_test(test_only_an_explicit_null_means_gone),
        cmocka_unit_test(test_a_page_is_whole_or_an_error),
        cmocka_unit_test(test_a_token_is_never_cut),
        cmocka_unit_test(test_an_offer_is_read_exactly),
        cmocka_unit_test(test_any_field_of_an_offer_may_be_anything),
        cmocka_unit_test(test_offers_that_do_not_fit_the_wish_are_dropped),
        cmocka_unit_test(test_the_cheapest_offers_are_kept_in_order),
        cmocka_unit_test(test_no_list_is_not_an_empty_market),
        cmocka_unit_test(test_a_create_is_read_or_not_understood),
        cmocka_unit_test(test_an_account_has_its_credit_or_is_unknown),
    };
    return cmocka_run_group_tests(tests, fill_long_text, NULL);
}
