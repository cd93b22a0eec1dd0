#include "world/world.h"

#include <string.h>

#include "scripted_world.h"
#include "testing.h"
#include "world/note.h"

static struct scripted_world scripted;

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

/* ---- HTTP --------------------------------------------------------------------------------------------------------------- */

struct http_case {
    const char *path;
    size_t limit;
    int64_t deadline_ns; /* from now */
    int64_t shield_ns;   /* 0: none; else from now, before the request */
    enum error_code code;
    uint64_t ordinal;
    int64_t ended_ns;
    int status;
    char body[64];
};

static void run_http(void *argument)
{
    struct http_case *test = argument;
    struct world *world = &scripted.world;
    struct http_request request = {.method = HTTP_GET, .origin = "https://example.test", .path = test->path};
    struct http_reply reply = {0};
    buffer_init(&reply.body, world->heap, test->limit);
    struct shield shield = {0};
    if (test->shield_ns != 0) {
        shield = task_shield_begin(world->scheduler, scripted.now_ns + test->shield_ns);
    }
    test->ordinal = 77;
    test->code = world_http(world, &request, &reply, scripted.now_ns + test->deadline_ns, &test->ordinal);
    if (test->shield_ns != 0) {
        task_shield_end(world->scheduler, shield);
    }
    test->ended_ns = scripted.now_ns;
    test->status = reply.status;
    (void)text_copy(test->body, sizeof test->body, buffer_text(&reply.body));
    buffer_release(&reply.body);
}

static struct http_case http_case(void)
{
    return (struct http_case){.path = "/api/v0/x/", .limit = 4096, .deadline_ns = 30 * NS_PER_S};
}

/* Each way in which a reply can fail to arrive is one named error of the client. */
static void test_each_fate_of_a_reply_gives_its_error(void **state)
{
    (void)state;
    for (int fate = 0; fate < FATE_COUNT; fate++) {
        struct http_case test = http_case();
        scripted_reply(&scripted,
                       (struct scripted_reply){.status = 200, .body = "{}", .fate = (enum transport_fate)fate});
        scripted_world_run(&scripted, run_http, &test);
        assert_int_equal(test.code, fate_error((enum transport_fate)fate));
        assert_int_equal(test.ordinal, fate + 1);
    }
    assert_int_equal(count_lines(&scripted.notes, "http.req", NULL), FATE_COUNT);
    assert_int_equal(count_lines(&scripted.notes, "http.resp", "\"error\":\"connection_refused\""), 1);
    assert_int_equal(count_lines(&scripted.notes, "http.resp", "\"status\":200"), 1);
    assert_int_equal(scripted.http_abandoned, 0);
}

/* A reply that does not come is given up at exactly the deadline, and the exchange is abandoned once. */
static void test_a_silent_server_ends_at_the_deadline(void **state)
{
    (void)state;
    struct http_case test = http_case();
    scripted_reply(&scripted, (struct scripted_reply){.never = true});
    int64_t began_ns = scripted.now_ns;
    scripted_world_run(&scripted, run_http, &test);
    assert_int_equal(test.code, ERR_TIMED_OUT);
    assert_int_equal(test.ended_ns - began_ns, 30 * NS_PER_S);
    assert_int_equal(scripted.http_abandoned, 1);
    assert_int_equal(count_lines(&scripted.notes, "http.resp", "timed_out"), 1);
}

/* A cancellation ends the exchange at once. */
static void test_a_cancelled_exchange_is_interrupted_and_abandoned_once(void **state)
{
    (void)state;
    struct http_case test = http_case();
    scripted_reply(&scripted, (struct scripted_reply){.never = true});
    scripted.cancel_at_ns = scripted.now_ns + 5 * NS_PER_S;
    int64_t began_ns = scripted.now_ns;
    scripted_world_run(&scripted, run_http, &test);
    assert_int_equal(test.code, ERR_INTERRUPTED);
    assert_int_equal(test.ended_ns - began_ns, 5 * NS_PER_S);
    assert_int_equal(scripted.http_abandoned, 1);
}

/* Whoever is cancelled already sends nothing. */
static void test_nothing_is_sent_by_a_cancelled_task(void **state)
{
    (void)state;
    struct http_case test = http_case();
    scripted.cancel_at_ns = -1;
    scripted_world_run(&scripted, run_http, &test);
    assert_int_equal(test.code, ERR_INTERRUPTED);
    assert_int_equal(test.ordinal, 0);
    assert_int_equal(scripted.http_started, 0);
    assert_int_equal(count_lines(&scripted.notes, NULL, NULL), 0);
}

/* A request whose time has passed, by its own deadline or by the shield around it, is not sent: it cannot take effect. */
static void test_nothing_is_sent_after_the_deadline(void **state)
{
    (void)state;
    struct http_case late = http_case();
    late.deadline_ns = 0;
    scripted_world_run(&scripted, run_http, &late);
    assert_int_equal(late.code, ERR_TIMED_OUT);
    struct http_case shielded = http_case();
    shielded.shield_ns = -1;
    scripted_world_run(&scripted, run_http, &shielded);
    assert_int_equal(shielded.code, ERR_DEADLINE);
    assert_int_equal(scripted.http_started, 0);
}

/* A reply up to the limit arrives whole, one byte more is an error of its own. */
static void test_a_reply_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    static const char text[] = "0123456789";
    for (size_t limit = 9; limit <= 10; limit++) {
        struct http_case test = http_case();
        test.limit = limit;
        scripted_reply(&scripted, (struct scripted_reply){.status = 200, .body = text});
        scripted_world_run(&scripted, run_http, &test);
        assert_int_equal(test.code, limit == 9 ? ERR_REPLY_TOO_LARGE : ERR_OK);
        assert_string_equal(test.body, limit == 9 ? "" : text);
    }
}

/* A reply for which there is no memory is ERR_NO_MEMORY, not an empty reply. */
static void test_a_reply_without_memory_for_it_is_an_error(void **state)
{
    (void)state;
    struct http_case test = http_case();
    scripted_reply(&scripted, (struct scripted_reply){.status = 200, .body = "{}", .delay_ns = 1});
    heap_fail_at(scripted.world.heap, 2, true); /* the first request is the task itself */
    scripted_world_run(&scripted, run_http, &test);
    heap_fail_at(scripted.world.heap, 0, false);
    assert_int_equal(test.code, ERR_NO_MEMORY);
}

/* The history has the path of a request without its query: keys and tokens travel there. */
static void test_the_query_of_a_path_is_never_in_the_history(void **state)
{
    (void)state;
    struct http_case test = http_case();
    test.path = "/api/v0/instances/7/?api_key=sesame&x=1";
    scripted_reply(&scripted, (struct scripted_reply){.status = 404, .body = "{}"});
    scripted_world_run(&scripted, run_http, &test);
    assert_int_equal(test.code, ERR_OK);
    assert_int_equal(test.status, 404);
    assert_int_equal(count_lines(&scripted.notes, "sesame", NULL), 0);
    assert_int_equal(count_lines(&scripted.notes, "?", NULL), 0);
    assert_string_equal(buffer_text(&scripted.notes),
                        "http.req {\"req\":1} {\"method\":\"GET\",\"path\":\"/api/v0/instances/7/\",\"bytes\":0}\n"
                        "http.resp {\"req\":1} {\"status\":404,\"bytes\":2}\n");
}

/* ---- Sleep -------------------------------------------------------------------------------------------------------------- */

static void sleep_in_a_shield(void *argument)
{
    enum error_code *codes = argument;
    struct world *world = &scripted.world;
    codes[0] = world_sleep_until(world, scripted.now_ns + NS_PER_S);
    struct shield shield = task_shield_begin(world->scheduler, scripted.now_ns + 5 * NS_PER_S);
    codes[1] = world_sleep_until(world, scripted.now_ns + 5 * NS_PER_S);
    codes[2] = world_sleep_until(world, scripted.now_ns + 1);
    task_shield_end(world->scheduler, shield);
}

/* A sleep that the surrounding shield ends too early says so; a loop around it would turn for ever at one moment. */
static void test_a_sleep_cut_by_its_shield_is_not_taken_for_a_sleep(void **state)
{
    (void)state;
    enum error_code codes[3];
    scripted_world_run(&scripted, sleep_in_a_shield, codes);
    assert_int_equal(codes[0], ERR_OK);
    assert_int_equal(codes[1], ERR_OK);
    assert_int_equal(codes[2], ERR_DEADLINE);
}

/* ---- Shell -------------------------------------------------------------------------------------------------------------- */

struct shell_case {
    int64_t limit_ns;
    bool second; /* one more command on the same session */
    enum error_code opened;
    enum error_code ran;
    enum error_code ran_again;
    int64_t ended_ns;
    int exit_status;
    bool left_open;
};

static void run_shell(void *argument)
{
    struct shell_case *test = argument;
    struct world *world = &scripted.world;
    static const struct shell_target target = {"ssh8.example.test", 13846, 7};
    struct shell_session session;
    char out_storage[64];
    char err_storage[64];
    struct buffer out;
    struct buffer err;
    buffer_init_fixed(&out, out_storage, sizeof out_storage);
    buffer_init_fixed(&err, err_storage, sizeof err_storage);
    test->opened = shell_open(world, &session, &target, scripted.now_ns + test->limit_ns);
    if (test->opened == ERR_OK) {
        test->ran = shell_run(world, &session, span_of("true"), (struct span){"", 0}, &out, &err,
                              scripted.now_ns + test->limit_ns);
        test->exit_status = session.exit_status;
        if (test->ran == ERR_OK && test->second) {
            test->ran_again = shell_run(world, &session, span_of("false"), (struct span){"", 0}, &out, &err,
                                        scripted.now_ns + test->limit_ns);
        }
    }
    test->ended_ns = scripted.now_ns;
    test->left_open = session.channel != NULL;
    shell_close(world, &session);
}

/* Each fate of opening a session is its error, and leaves nothing to close. */
static void test_each_fate_of_opening_a_shell_gives_its_error(void **state)
{
    (void)state;
    for (int fate = FATE_DELIVERED + 1; fate < FATE_COUNT; fate++) {
        struct shell_case test = {.limit_ns = 5 * NS_PER_S};
        scripted_open(&scripted, (struct scripted_step){.fate = (enum transport_fate)fate});
        scripted_world_run(&scripted, run_shell, &test);
        assert_int_equal(test.opened, fate_error((enum transport_fate)fate));
        assert_false(test.left_open);
    }
}

/* Each fate of a command is its error, and closes the session. */
static void test_each_fate_of_a_command_gives_its_error(void **state)
{
    (void)state;
    for (int fate = 0; fate < FATE_COUNT; fate++) {
        struct shell_case test = {.limit_ns = 5 * NS_PER_S};
        scripted_command(&scripted, (struct scripted_step){.fate = (enum transport_fate)fate, .exit_status = 3});
        scripted_world_run(&scripted, run_shell, &test);
        assert_int_equal(test.ran, fate_error((enum transport_fate)fate));
        assert_true(test.left_open == (fate == FATE_DELIVERED));
        assert_int_equal(scripted.sessions_open, 0);
    }
    assert_int_equal(scripted.shell_abandoned, 0);
}

/* A server that accepts and says nothing is told from one that is just slow: the silence has a name. */
static void test_a_silent_shell_ends_at_the_deadline_with_what_its_silence_means(void **state)
{
    (void)state;
    static const struct {
        enum transport_fate silence;
        enum error_code code;
    } rows[] = {{FATE_DELIVERED, ERR_TIMED_OUT}, {FATE_SILENT, ERR_TIMED_OUT}, {FATE_BANNER_SILENT, ERR_SSH_SILENT}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct shell_case test = {.limit_ns = 5 * NS_PER_S};
        scripted_open(&scripted, (struct scripted_step){.never = true, .silence = rows[i].silence});
        int64_t began_ns = scripted.now_ns;
        scripted_world_run(&scripted, run_shell, &test);
        assert_int_equal(test.opened, rows[i].code);
        assert_int_equal(test.ended_ns - began_ns, 5 * NS_PER_S);
        assert_int_equal(scripted.shell_abandoned, i + 1);
        assert_false(test.left_open);
    }
}

/* A command that does not end is given up at its deadline: the session is lost with it. */
static void test_a_command_without_an_end_loses_the_session(void **state)
{
    (void)state;
    struct shell_case test = {.limit_ns = 5 * NS_PER_S, .second = true};
    scripted_command(&scripted, (struct scripted_step){.exit_status = 1});
    scripted_command(&scripted, (struct scripted_step){.never = true});
    scripted_world_run(&scripted, run_shell, &test);
    assert_int_equal(test.ran, ERR_OK);
    assert_int_equal(test.exit_status, 1);
    assert_int_equal(test.ran_again, ERR_TIMED_OUT);
    assert_false(test.left_open);
    assert_int_equal(scripted.shell_abandoned, 1);
}

/* A cancelled task opens no session, and a cancellation during a command ends it. */
static void test_a_cancelled_shell_is_interrupted(void **state)
{
    (void)state;
    struct shell_case test = {.limit_ns = 5 * NS_PER_S};
    scripted.cancel_at_ns = -1;
    scripted_world_run(&scripted, run_shell, &test);
    assert_int_equal(test.opened, ERR_INTERRUPTED);
    assert_int_equal(scripted.opens_used, 0);
    scripted.cancel_at_ns = scripted.now_ns + NS_PER_S;
    scripted_command(&scripted, (struct scripted_step){.never = true});
    scripted_world_run(&scripted, run_shell, &test);
    assert_int_equal(test.ran, ERR_INTERRUPTED);
    assert_false(test.left_open);
}

/* ---- Store -------------------------------------------------------------------------------------------------------------- */

static void run_store(void *argument)
{
    struct store_result *result = argument;
    const struct store_value values[] = {store_text("label"), store_text("closed"), store_null()};
    enum error_code code =
        world_store(&scripted.world, STORE_INTENT_SET, values, 3, NULL, NULL, result, scripted.now_ns + 2 * NS_PER_S);
    assert_int_equal(code, result->code);
}

/* A store's answer, its silence and an interruption are three different things. */
static void test_a_statement_ends_with_its_answer_or_says_that_none_came(void **state)
{
    (void)state;
    struct scripted_statement *script = &scripted.statements[STORE_INTENT_SET];
    struct store_result result;
    scripted_world_run(&scripted, run_store, &result);
    assert_int_equal(result.code, ERR_OK);
    *script = (struct scripted_statement){.sqlstate = "42P01"};
    scripted_world_run(&scripted, run_store, &result);
    assert_int_equal(result.code, ERR_STORE_TABLE_MISSING);
    assert_string_equal(result.sqlstate, "42P01");
    *script = (struct scripted_statement){.never = true};
    scripted_world_run(&scripted, run_store, &result);
    assert_int_equal(result.code, ERR_STORE_UNAVAILABLE);
    assert_string_equal(result.sqlstate, "08000");
    assert_int_equal(scripted.store_abandoned, 1);
    scripted.cancel_at_ns = scripted.now_ns + NS_PER_S;
    scripted_world_run(&scripted, run_store, &result);
    assert_int_equal(result.code, ERR_INTERRUPTED);
    assert_int_equal(scripted.store_abandoned, 2);
    scripted.cancel_at_ns = -1;
    int calls = script->calls;
    scripted_world_run(&scripted, run_store, &result);
    assert_int_equal(result.code, ERR_INTERRUPTED);
    assert_int_equal(script->calls, calls);
}

/* ---- Notes -------------------------------------------------------------------------------------------------------------- */

/* An event that does not fit keeps its ids and says that it was cut; it is JSON all the same. */
static void test_a_note_that_does_not_fit_says_that_it_was_cut(void **state)
{
    (void)state;
    char text[NOTE_DATA_SIZE + 1];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "instance", 7);
    json_member_string(&note.data, "long", text);
    note_end(&scripted.world, &note, "client.decide");
    assert_string_equal(buffer_text(&scripted.notes), "client.decide {\"instance\":7} {\"cut\":true}\n");
}

/* Notes need no memory of the client. */
static void test_notes_are_written_when_memory_is_gone(void **state)
{
    (void)state;
    heap_fail_at(scripted.world.heap, 1, true);
    note_log(&scripted.world, "warning", "%d \"quoted\"", 5);
    note_fault(&scripted.world, "api-5xx", "%s", "seen");
    heap_fail_at(scripted.world.heap, 0, false);
    assert_string_equal(buffer_text(&scripted.notes),
                        "log.line {} {\"level\":\"warning\",\"text\":\"5 \\\"quoted\\\"\"}\n"
                        "fault.seen {} {\"fault\":\"api-5xx\",\"text\":\"seen\"}\n");
}

static void ask_the_person(void *argument)
{
    enum error_code *code = argument;
    world_tell(&scripted.world, "an offer\n");
    *code = world_ask(&scripted.world, "Rent it? [y/N] ", world_deadline_ns(&scripted.world, 60 * NS_PER_S));
}

/* Only a yes is a yes: no answer in time is none, and an interruption is told as such. */
static void test_a_question_is_answered_by_yes_alone(void **state)
{
    (void)state;
    static const struct {
        enum scripted_answer answer;
        int64_t cancel_at_ns;
        enum error_code code;
        int abandoned;
    } cases[] = {{ANSWER_YES, 0, ERR_OK, 0},
                 {ANSWER_NO, 0, ERR_DECLINED, 0},
                 {ANSWER_NEVER, 0, ERR_DECLINED, 1},
                 {ANSWER_NEVER, 10 * NS_PER_S, ERR_INTERRUPTED, 1}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        enum error_code code = ERR_OK;
        scripted.answer = cases[i].answer;
        scripted.cancel_at_ns = cases[i].cancel_at_ns == 0 ? 0 : scripted.now_ns + cases[i].cancel_at_ns;
        scripted.questions_abandoned = 0;
        buffer_clear(&scripted.told);
        scripted_world_run(&scripted, ask_the_person, &code);
        assert_int_equal(code, cases[i].code);
        assert_int_equal(scripted.questions_abandoned, cases[i].abandoned);
        assert_string_equal(buffer_text(&scripted.told), "an offer\nRent it? [y/N] \n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_each_fate_of_a_reply_gives_its_error),
        LAW(test_a_silent_server_ends_at_the_deadline),
        LAW(test_a_cancelled_exchange_is_interrupted_and_abandoned_once),
        LAW(test_nothing_is_sent_by_a_cancelled_task),
        LAW(test_nothing_is_sent_after_the_deadline),
        LAW(test_a_reply_beyond_the_limit_is_refused),
        LAW(test_a_reply_without_memory_for_it_is_an_error),
        LAW(test_the_query_of_a_path_is_never_in_the_history),
        LAW(test_a_sleep_cut_by_its_shield_is_not_taken_for_a_sleep),
        LAW(test_each_fate_of_opening_a_shell_gives_its_error),
        LAW(test_each_fate_of_a_command_gives_its_error),
        LAW(test_a_silent_shell_ends_at_the_deadline_with_what_its_silence_means),
        LAW(test_a_command_without_an_end_loses_the_session),
        LAW(test_a_cancelled_shell_is_interrupted),
        LAW(test_a_statement_ends_with_its_answer_or_says_that_none_came),
        LAW(test_a_note_that_does_not_fit_says_that_it_was_cut),
        LAW(test_notes_are_written_when_memory_is_gone),
        LAW(test_a_question_is_answered_by_yes_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
