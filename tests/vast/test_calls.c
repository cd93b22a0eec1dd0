#include <string.h>

#include "vast/calls.h"

#include "bodies.h"
#include "scripted_world.h"
#include "testing.h"

static struct scripted_world scripted;

/* What a procedure is to do, and what came of it. */
struct call {
    enum error_code code;
    struct error error;
    int64_t instance_id;
    struct vast_instance instance;
    int rows;
    enum error_code opened;
    const char *api_key;
};

static int set_up(void **state)
{
    (void)state;
    scripted_world_open(&scripted);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scripted_world_close(&scripted);
    return 0;
}

static struct call new_call(void)
{
    return (struct call){.code = ERROR_COUNT, .instance_id = -1, .api_key = "sesame-key"};
}

static bool open_vast(struct call *call, struct vast *vast)
{
    struct vast_access access = {"https://vast.example.test", call->api_key};
    memset(vast, 0xa5, sizeof *vast); /* whatever the memory held before, opening makes it new */
    call->opened = vast_open(vast, &scripted.world, access, 30 * NS_PER_S);
    return call->opened == ERR_OK;
}

static void create(void *argument)
{
    struct call *call = argument;
    struct vast vast;
    if (open_vast(call, &vast)) {
        struct create_wish wish = {"image", "dumont-check-1-0", "", 20, 0};
        call->code = vast_create(&vast, 41200101, &wish, &call->instance_id, &call->error);
    }
    vast_close(&vast);
}

static void show(void *argument)
{
    struct call *call = argument;
    struct vast vast;
    if (open_vast(call, &vast)) {
        call->code = vast_show(&vast, 41803846, &call->instance, &call->error);
    }
    vast_close(&vast);
}

static void count_row(void *context, const struct vast_instance *instance)
{
    (void)instance;
    (*(int *)context)++;
}

static void list(void *argument)
{
    struct call *call = argument;
    struct vast vast;
    if (open_vast(call, &vast)) {
        call->code = vast_list(&vast, count_row, &call->rows, &call->error);
    }
    vast_close(&vast);
}

static void destroy(void *argument)
{
    struct call *call = argument;
    struct vast vast;
    if (open_vast(call, &vast)) {
        call->code = vast_destroy(&vast, 41803846, &call->error);
    }
    vast_close(&vast);
}

static struct call run(task_function *procedure, struct scripted_reply reply)
{
    struct call call = new_call();
    scripted_reply(&scripted, reply);
    scripted_world_run(&scripted, procedure, &call);
    return call;
}

static struct scripted_reply answer(int status, const char *body)
{
    return (struct scripted_reply){.status = status, .body = body};
}

/* ---- Create ------------------------------------------------------------------------------------------------------------- */

static const struct {
    enum transport_fate fate;
    bool certain; /* the request cannot have reached the server */
} create_fates[] = {
    {FATE_NAME_UNKNOWN, true}, {FATE_UNREACHABLE, true},   {FATE_REFUSED, true},    {FATE_TLS_REFUSED, true},
    {FATE_RESET, false},       {FATE_CLOSED_EARLY, false}, {FATE_TRUNCATED, false}, {FATE_MALFORMED, false},
    {FATE_TOO_LARGE, false},   {FATE_SILENT, false},
};

/* A create whose request may have arrived has an unknown outcome; one that was never sent has failed for certain. */
static void test_a_create_that_may_have_arrived_has_an_unknown_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(create_fates); i++) {
        struct scripted_reply reply = answer(200, "{\"success\":true,\"new_contract\":5}");
        reply.fate = create_fates[i].fate;
        struct call call = run(create, reply);
        assert_int_equal(call.code, create_fates[i].certain ? fate_error(create_fates[i].fate) : ERR_OUTCOME_UNKNOWN);
        assert_int_equal(call.error.code, call.code);
        assert_int_equal(call.instance_id, 0);
    }
    assert_int_equal(run(create, (struct scripted_reply){.never = true}).code, ERR_OUTCOME_UNKNOWN);
    struct scripted_reply no_room = {.status = 200, .body = "{}", .out_of_memory = true};
    assert_int_equal(run(create, no_room).code, ERR_OUTCOME_UNKNOWN);
}

/* An interruption while a create is under way leaves its outcome unknown; before it, nothing was asked. */
static void test_an_interrupted_create_is_unknown_only_once_it_was_sent(void **state)
{
    (void)state;
    scripted.cancel_at_ns = scripted.now_ns + NS_PER_S;
    assert_int_equal(run(create, (struct scripted_reply){.never = true}).code, ERR_OUTCOME_UNKNOWN);
    assert_int_equal(scripted.http_abandoned, 1);
    scripted.cancel_at_ns = -1;
    assert_int_equal(run(create, (struct scripted_reply){.never = true}).code, ERR_INTERRUPTED);
    assert_int_equal(scripted.http_started, 1);
}

static const struct {
    int status;
    const char *body;
    enum error_code code;
    int64_t instance_id;
} create_answers[] = {
    {200, "{\"success\":true,\"new_contract\":41803846}", ERR_OK, 41803846},
    {200, "{\"success\":true}", ERR_OUTCOME_UNKNOWN, 0},
    {200, "{\"success\":true,\"new_contract\":null}", ERR_OUTCOME_UNKNOWN, 0},
    {200, "[]", ERR_OUTCOME_UNKNOWN, 0},
    {200, "", ERR_OUTCOME_UNKNOWN, 0},
    {200, "{\"success\":true,\"new_contract\":4180", ERR_OUTCOME_UNKNOWN, 0},
    {502, "{\"success\":false,\"new_contract\":4180", ERR_OUTCOME_UNKNOWN, 0},
    {500, "", ERR_OUTCOME_UNKNOWN, 0},
    {502, "<html></html>", ERR_OUTCOME_UNKNOWN, 0},
    {503, "{\"success\":false,\"error\":\"busy\"}", ERR_OUTCOME_UNKNOWN, 0},
    {302, "", ERR_OUTCOME_UNKNOWN, 0},
    {403, "<html></html>", ERR_SERVER_ERROR, 0},
    {429, "API requests too frequent", ERR_RATE_LIMITED, 0},
    {410, "{\"success\":false,\"error\":\"no_such_ask\",\"msg\":\"gone\"}", ERR_OFFER_TAKEN, 0},
    {404, "{\"success\":false,\"error\":\"invalid_args\",\"msg\":\"error 404/3603: no_such_ask\"}", ERR_OFFER_TAKEN, 0},
    {400, "{\"success\":false,\"error\":\"insufficient_credit\",\"msg\":\"none left\"}", ERR_NO_CREDIT, 0},
    {400, "{\"success\":false,\"error\":\"invalid_price\",\"msg\":\"no\"}", ERR_REQUEST_REJECTED, 0},
    {200, "{\"success\":false,\"error\":\"invalid_args\",\"msg\":\"no\"}", ERR_OUTCOME_UNKNOWN, 0},
    {401, "{\"success\":false,\"error\":\"auth_error\"}", ERR_NOT_AUTHENTICATED, 0},
    {400, "{\"success\":false,\"error\":\"bid_too_low\",\"msg\":\"low\",\"new_contract\":41803848}",
     ERR_REQUEST_REJECTED, 41803848},
    {200, "{\"success\":false,\"error\":\"bid_too_low\",\"msg\":\"low\",\"new_contract\":41803848}",
     ERR_REQUEST_REJECTED, 41803848},
    {500, "{\"success\":false,\"new_contract\":41803849}", ERR_SERVER_ERROR, 41803849},
};

/* Each answer to a create is a machine, a certain failure, or unknown; a contract is handed out even beside an error. */
static void test_each_answer_to_a_create_is_a_machine_a_failure_or_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(create_answers); i++) {
        struct call call = run(create, answer(create_answers[i].status, create_answers[i].body));
        assert_int_equal(call.code, create_answers[i].code);
        assert_int_equal(call.instance_id, create_answers[i].instance_id);
    }
    assert_int_equal(count_lines(&scripted.requests, "PUT /api/v0/asks/41200101/ {", "\"label\":\"dumont-check-1-0\""),
                     ARRAY_LENGTH(create_answers));
}

/* A reply cut within the number of a contract never hands out a part of it: that would be somebody else's machine. */
static void test_a_cut_reply_never_names_another_machine(void **state)
{
    (void)state;
    static const char whole[] = "{\"success\":true,\"new_contract\":41803846}";
    for (size_t length = 1; length < sizeof whole - 1; length++) {
        struct scripted_reply reply = answer(length % 2 == 0 ? 200 : 500, whole);
        reply.length = length;
        struct call call = run(create, reply);
        assert_int_equal(call.code, ERR_OUTCOME_UNKNOWN);
        assert_int_equal(call.instance_id, 0);
    }
}

/* The key of the new machine goes to what is never written, and nowhere else; so does ours. */
static void test_secrets_are_hidden_and_stand_nowhere(void **state)
{
    (void)state;
    struct call call =
        run(create, answer(200, "{\"success\":true,\"new_contract\":41803846,\"instance_api_key\":\"9c9c9c9c\"}"));
    assert_int_equal(call.code, ERR_OK);
    assert_string_equal(buffer_text(&scripted.hidden), "sesame-key\n9c9c9c9c\n");
    assert_int_equal(count_lines(&scripted.notes, "9c9c9c9c", NULL), 0);
    assert_int_equal(count_lines(&scripted.notes, "sesame", NULL), 0);
    assert_null(strstr(call.error.message, "9c9c"));
}

/* An empty key is no key: none is sent, and nothing is hidden. */
static void test_an_empty_key_is_no_key(void **state)
{
    (void)state;
    struct call call = new_call();
    call.api_key = "";
    scripted_reply(&scripted, answer(200, "{\"instances\":null}"));
    scripted_world_run(&scripted, show, &call);
    assert_int_equal(call.code, ERR_OK);
    assert_int_equal(count_lines(&scripted.requests, "(no key)", NULL), 1);
    assert_int_equal(scripted.hidden.length, 0);
}

/* ---- Show --------------------------------------------------------------------------------------------------------------- */

/* A machine is gone by an explicit null or by the server's very word for it; what only resembles that is not believed. */
static void test_a_machine_is_gone_only_by_the_servers_word(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum error_code code;
        bool gone;
    } rows[] = {
        {200, "{\"instances\":null}", ERR_OK, true},
        {404, "{\"success\":false,\"error\":\"no_such_instance\",\"msg\":\"Instance 41803846 not found.\"}", ERR_OK,
         true},
        {404, "{\"success\":false,\"error\":\"not_found\",\"msg\":\"There is no such call.\"}", ERR_NO_SUCH_INSTANCE,
         false},
        {404, "<html>not_found no_such_instance</html>", ERR_REQUEST_REJECTED, false},
        {500, "{\"success\":false,\"error\":\"no_such_instance\"}", ERR_NO_SUCH_INSTANCE, false},
        {200, "{\"success\":false,\"instances\":null}", ERR_REQUEST_REJECTED, false},
        {410, "{\"success\":false,\"error\":\"deprecated_endpoint\"}", ERR_ENDPOINT_GONE, false},
        {200, "{\"instances\":{\"id\":5}}", ERR_REPLY_UNEXPECTED, false},
        {200, "", ERR_REPLY_MALFORMED, false},
        {429, "", ERR_RATE_LIMITED, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct call call = run(show, answer(rows[i].status, rows[i].body));
        assert_int_equal(call.code, rows[i].code);
        assert_true(call.instance.gone == rows[i].gone);
    }
}

/* ---- List --------------------------------------------------------------------------------------------------------------- */

/* A listing follows the pages to the last one, and sends each token as it came, percent-encoded. */
static void test_a_listing_follows_all_pages(void **state)
{
    (void)state;
    struct call call = new_call();
    scripted_reply(
        &scripted,
        answer(200, "{\"success\":true,\"instances\":[{\"id\":1},{\"id\":2}],\"next_token\":\"e+/=&? ~-\"}"));
    scripted_reply(&scripted, answer(200, "{\"success\":true,\"instances\":[],\"next_token\":\"\\u00e9\"}"));
    scripted_reply(&scripted, answer(200, "{\"success\":true,\"instances\":[{\"id\":3}],\"next_token\":null}"));
    scripted_world_run(&scripted, list, &call);
    assert_int_equal(call.code, ERR_OK);
    assert_int_equal(call.rows, 3);
    assert_string_equal(buffer_text(&scripted.requests),
                        "GET /api/v1/instances/?limit=25 \n"
                        "GET /api/v1/instances/?limit=25&after_token=e%2B%2F%3D%26%3F%20~- \n"
                        "GET /api/v1/instances/?limit=25&after_token=%C3%A9 \n");
}

/* A page that fails fails the listing. */
static void test_a_listing_with_an_unreadable_page_is_an_error(void **state)
{
    (void)state;
    struct call call = new_call();
    scripted_reply(&scripted, answer(200, "{\"success\":true,\"instances\":[{\"id\":1}],\"next_token\":\"t\"}"));
    scripted_reply(&scripted, answer(502, ""));
    scripted_world_run(&scripted, list, &call);
    assert_int_equal(call.code, ERR_SERVER_ERROR);
    assert_non_null(strstr(call.error.message, "page 2"));
}

/* A server whose pages never end is given up, whether it repeats itself or not. */
static void test_a_listing_without_end_is_given_up(void **state)
{
    (void)state;
    struct call call = new_call();
    for (int i = 0; i < 400; i++) {
        scripted_reply(&scripted, answer(200, i % 2 == 0 ? "{\"success\":true,\"instances\":[],\"next_token\":\"a\"}"
                                                         : "{\"success\":true,\"instances\":[],\"next_token\":\"b\"}"));
    }
    scripted_world_run(&scripted, list, &call);
    assert_int_equal(call.code, ERR_REPLY_UNEXPECTED);
    assert_int_equal(scripted.http_started, 400);
}

/* ---- Destroy ------------------------------------------------------------------------------------------------------------ */

/* A destroy is accepted, refused for certain, without an object, or unknown. */
static void test_each_answer_to_a_destroy_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum error_code code;
    } rows[] = {
        {200, "{\"success\":true}", ERR_OK},
        {200, "{}", ERR_OK},
        {404, "{\"success\":false,\"error\":\"no_such_instance\",\"msg\":\"Instance 41803846 not found.\"}",
         ERR_NO_SUCH_INSTANCE},
        {200, "{\"success\":false,\"error\":\"busy\",\"msg\":\"try later\"}", ERR_REQUEST_REJECTED},
        {429, "{\"detail\":\"endpoint threshold=3.0\"}", ERR_RATE_LIMITED},
        {401, "{\"success\":false,\"error\":\"auth_error\"}", ERR_NOT_AUTHENTICATED},
        {502, "<html></html>", ERR_OUTCOME_UNKNOWN},
        {204, "", ERR_OUTCOME_UNKNOWN},
        {200, "ok", ERR_OUTCOME_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(run(destroy, answer(rows[i].status, rows[i].body)).code, rows[i].code);
    }
    assert_int_equal(count_lines(&scripted.requests, "DELETE /api/v0/instances/41803846/ {}", NULL),
                     ARRAY_LENGTH(rows));
    struct scripted_reply refused = {.fate = FATE_REFUSED};
    assert_int_equal(run(destroy, refused).code, ERR_CONNECTION_REFUSED);
    assert_int_equal(run(destroy, (struct scripted_reply){.never = true}).code, ERR_OUTCOME_UNKNOWN);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------------- */

static void destroy_without_memory(void *argument)
{
    struct call *call = argument;
    struct vast vast;
    if (open_vast(call, &vast)) {
        heap_fail_at(scripted.world.heap, 1, true);
        call->code = vast_destroy(&vast, 41803846, &call->error);
        if (call->code == ERR_OK) {
            call->code = vast_show(&vast, 41803846, &call->instance, &call->error);
        }
        heap_fail_at(scripted.world.heap, 0, false);
    }
    vast_close(&vast);
}

/* A machine can be destroyed, and its absence read back, when memory is gone. */
static void test_a_machine_can_be_destroyed_without_memory(void **state)
{
    (void)state;
    struct call call = new_call();
    scripted_reply(&scripted, answer(200, "{\"success\":true}"));
    scripted_reply(&scripted, answer(200, "{\"instances\":null}"));
    scripted_world_run(&scripted, destroy_without_memory, &call);
    assert_int_equal(call.code, ERR_OK);
    assert_true(call.instance.gone);
}

/* Without memory for its reply a handle does not open, and nothing is sent. */
static void test_a_handle_without_memory_does_not_open(void **state)
{
    (void)state;
    struct call call = new_call();
    heap_fail_at(scripted.world.heap, 2, true); /* the first request is the task */
    scripted_world_run(&scripted, show, &call);
    heap_fail_at(scripted.world.heap, 0, false);
    assert_int_equal(call.opened, ERR_NO_MEMORY);
    assert_int_equal(scripted.http_started, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_a_create_that_may_have_arrived_has_an_unknown_outcome),
        LAW(test_an_interrupted_create_is_unknown_only_once_it_was_sent),
        LAW(test_each_answer_to_a_create_is_a_machine_a_failure_or_unknown),
        LAW(test_a_cut_reply_never_names_another_machine),
        LAW(test_secrets_are_hidden_and_stand_nowhere),
        LAW(test_an_empty_key_is_no_key),
        LAW(test_a_machine_is_gone_only_by_the_servers_word),
        LAW(test_a_listing_follows_all_pages),
        LAW(test_a_listing_with_an_unreadable_page_is_an_error),
        LAW(test_a_listing_without_end_is_given_up),
        LAW(test_each_answer_to_a_destroy_has_its_meaning),
        LAW(test_a_machine_can_be_destroyed_without_memory),
        LAW(test_a_handle_without_memory_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
