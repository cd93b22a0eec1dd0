/*
 * What a client made twice, left, or believed wrongly is found; one that did neither passes.
 */
#include "fakes/verdict/write.h"
#include "planted.h"

static const char unlabelled[] = "{\"image\":\"i\",\"disk\":10}";
static const char labelled[] = "{\"image\":\"i\",\"disk\":10,\"label\":\"mine\"}";
static const char relabelled[] = "{\"image\":\"i\",\"disk\":10,\"label\":\"mine-2\"}";
static const char same_label_other_image[] = "{\"label\":\"mine\",\"image\":\"j\"}";
static const char other_image[] = "{\"image\":\"j\",\"disk\":10}";

static struct verdict_request *plant_create(struct planted *planted, int64_t at_ms, const char *body)
{
    struct verdict_request *request = planted_request(planted, API_CREATE, 1234, at_ms, 200);
    request->body = span_of(body);
    return request;
}

/* Rents, polls, destroys, reads back. */
static void plant_clean_client(struct planted *planted)
{
    (void)planted_request(planted, API_SEARCH, 0, 0, 200);
    (void)planted_machine(planted, plant_create(planted, 5000, labelled), 77, 30050);
    (void)planted_request(planted, API_SHOW, 77, 10000, 200);
    (void)planted_request(planted, API_SHOW, 77, 20000, 200);
    (void)planted_request(planted, API_DESTROY, 77, 30000, 200);
    (void)planted_request(planted, API_SHOW, 77, 33000, 200);
}

static const struct verdict_check *check_of(const struct verdict *verdict, const char *name)
{
    for (size_t i = 0; i < verdict->check_count; i++) {
        if (strcmp(verdict->checks[i].name, name) == 0) {
            return &verdict->checks[i];
        }
    }
    return NULL;
}

static void test_a_clean_client_passes(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    planted.expect.exit_status = (struct maybe_int64){PRESENT, 0};
    planted.expect.machines_created = (struct maybe_int64){PRESENT, 1};
    planted.expect.destroyed_unread = (struct maybe_int64){PRESENT, 0};
    planted.expect.polls_after_gone = (struct maybe_int64){PRESENT, 0};
    planted.expect.rate_limits_broken = (struct maybe_int64){PRESENT, 0};
    plant_clean_client(&planted);
    const struct verdict *verdict = planted_judge(&planted);
    assert_true(verdict->passed);
    assert_int_equal(verdict->finding_count, 0);
    assert_int_equal(verdict->check_count, 7);
    assert_int_equal(verdict->machines[0].belief, BELIEF_GONE);
    assert_true(verdict->machines[0].is_so);
    planted_end(&planted);
}

/* What a scenario expects decides; what it does not name is asked for only when everybody is asked for it. */
static void test_the_scenario_decides(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    plant_clean_client(&planted);
    planted.input.exit_status = 3;
    assert_true(planted_judge(&planted)->passed);
    assert_null(check_of(planted.verdict, "exit_status"));
    planted.expect.exit_status = (struct maybe_int64){PRESENT, 0};
    planted.expect.error.presence = PRESENT;
    planted.expect.fault_count = 1;
    assert_false(planted_judge(&planted)->passed);
    assert_false(check_of(planted.verdict, "exit_status")->passed);
    assert_int_equal(planted.verdict->not_judged_count, 2);
    planted.expect.exit_status.value = 3;
    planted.expect.max_nusd = (struct maybe_int64){PRESENT, 100};
    planted.input.charged_nusd = 100;
    assert_true(planted_judge(&planted)->passed);
    planted.input.charged_nusd = 101;
    assert_false(planted_judge(&planted)->passed);
    planted_end(&planted);
}

/* Without a command there is no exit status to judge. */
static void test_without_a_command_its_status_is_not_judged(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    planted.input.with_command = false;
    planted.expect.exit_status = (struct maybe_int64){PRESENT, 5};
    const struct verdict *verdict = planted_judge(&planted);
    assert_true(verdict->passed);
    assert_int_equal(verdict->not_judged_count, 1);
    planted_end(&planted);
}

static void test_a_machine_left_is_found_and_fails(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    (void)planted_machine(&planted, plant_create(&planted, 0, labelled), 77, -1);
    (void)planted_machine(&planted, plant_create(&planted, 9000, other_image), 78, -1);
    const struct verdict *verdict = planted_judge(&planted);
    assert_false(verdict->passed);
    assert_int_equal(verdict->machines_left, 2);
    assert_int_equal(verdict->left_nusd_per_hour, 2 * 168900000);
    assert_int_equal(verdict->found[FINDING_MACHINE_LEFT], 2);
    assert_int_equal(verdict->found[FINDING_LEFT_UNSAID], 1);
    planted.input.exit_status = 1; /* it did not say that all is well */
    assert_int_equal(planted_judge(&planted)->found[FINDING_LEFT_UNSAID], 0);
    planted.expect.machines_left = (struct maybe_int64){PRESENT, 2};
    assert_true(planted_judge(&planted)->passed);
    planted_end(&planted);
}

/* ---- Doubled creates ---------------------------------------------------------------------------------------------------- */

/* Two creates, the first one's reply lost; what is found of them. */
static void judge_two(const char *first, const char *second, int64_t first_destroyed_ms, bool lost, uint64_t doubled,
                      uint64_t perhaps)
{
    struct planted planted;
    planted_begin(&planted);
    struct verdict_request *create = plant_create(&planted, 0, first);
    (void)planted_machine(&planted, create, 77, first_destroyed_ms);
    if (lost) {
        planted_lose(create, 5000);
    }
    (void)planted_machine(&planted, plant_create(&planted, 20000, second), 78, -1);
    const struct verdict *verdict = planted_judge(&planted);
    assert_int_equal(verdict->creates_doubled, doubled);
    assert_int_equal(verdict->found[FINDING_CREATE_DOUBLED], doubled);
    assert_int_equal(verdict->found[FINDING_CREATE_PERHAPS_DOUBLED], perhaps);
    assert_int_equal(verdict->machines[1].is_double, doubled == 1);
    assert_int_equal(check_of(verdict, "creates_doubled")->passed, doubled == 0);
    planted_end(&planted);
}

static void test_a_doubled_create_is_found(void **state)
{
    (void)state;
    judge_two(unlabelled, unlabelled, -1, true, 1, 0);
    judge_two(labelled, labelled, -1, true, 1, 0);
    judge_two(labelled, same_label_other_image, -1, true, 1, 0);
}

static void test_a_guess_is_called_one(void **state)
{
    (void)state;
    judge_two(labelled, relabelled, -1, true, 0, 1);
}

static void test_two_machines_that_were_wanted_are_not_doubled(void **state)
{
    (void)state;
    judge_two(unlabelled, unlabelled, -1, false, 0, 0);
    judge_two(labelled, labelled, -1, false, 0, 0);
    judge_two(unlabelled, other_image, -1, true, 0, 0);
    judge_two(unlabelled, labelled, -1, true, 0, 0);
    judge_two(labelled, labelled, 15000, true, 0, 0); /* it was found and destroyed before the second */
}

static void test_a_lost_create_must_be_looked_up(void **state)
{
    (void)state;
    for (int looks = 0; looks < 2; looks++) {
        struct planted planted;
        planted_begin(&planted);
        struct verdict_request *create = plant_create(&planted, 0, labelled);
        planted_lose(create, 5000);
        (void)planted_machine(&planted, create, 77, -1);
        if (looks == 1) {
            (void)planted_request(&planted, API_LIST, 0, 8000, 200);
        }
        const struct verdict *verdict = planted_judge(&planted);
        assert_int_equal(verdict->found[FINDING_CREATE_LOST], looks == 0 ? 1 : 0);
        assert_int_equal(verdict->machines[0].belief, looks == 0 ? BELIEF_UNAWARE : BELIEF_UNNOTICED);
        assert_false(verdict->machines[0].is_so);
        planted_end(&planted);
    }
}

/* ---- Belief and truth --------------------------------------------------------------------------------------------------- */

static void test_what_is_not_read_back_is_only_believed(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    (void)planted_machine(&planted, plant_create(&planted, 0, labelled), 77, 10050);
    (void)planted_request(&planted, API_DESTROY, 77, 10000, 200);
    const struct verdict *verdict = planted_judge(&planted);
    assert_int_equal(verdict->machines[0].belief, BELIEF_DESTROYED);
    assert_true(verdict->machines[0].is_so);
    assert_int_equal(verdict->destroyed_unread, 1);
    assert_int_equal(verdict->found[FINDING_DESTROYED_UNREAD], 1);
    (void)planted_request(&planted, API_LIST, 0, 20000, 503); /* a list that could not be read shows nothing */
    assert_int_equal(planted_judge(&planted)->destroyed_unread, 1);
    (void)planted_request(&planted, API_LIST, 0, 30000, 200);
    assert_int_equal(planted_judge(&planted)->destroyed_unread, 0);
    assert_int_equal(planted.verdict->machines[0].belief, BELIEF_GONE);
    planted_end(&planted);
}

static void test_a_destruction_without_effect_is_found(void **state)
{
    (void)state;
    for (int told = 0; told < 2; told++) {
        struct planted planted;
        planted_begin(&planted);
        (void)planted_machine(&planted, plant_create(&planted, 0, labelled), 77, -1);
        (void)planted_request(&planted, API_DESTROY, 77, 10000, told == 1 ? 200 : 500);
        const struct verdict *verdict = planted_judge(&planted);
        assert_int_equal(verdict->found[FINDING_BELIEF_WRONG], told);
        assert_int_equal(verdict->found[FINDING_DESTROY_UNSURE], 1 - told);
        assert_false(verdict->machines[0].is_so);
        planted_end(&planted);
    }
}

/* A call about many names its machines in its body; a number that is part of another is no name. */
static void test_calls_about_many_count_for_each(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    (void)planted_machine(&planted, plant_create(&planted, 0, labelled), 77, 10050);
    (void)planted_machine(&planted, plant_create(&planted, 5000, other_image), 78, -1);
    struct verdict_request *request = planted_request(&planted, API_DESTROY_MANY, 0, 10000, 200);
    request->method = "DELETE";
    request->path = span_of("/api/v0/instances/");
    request->body = span_of("{\"ids\":[77,178,780]}");
    const struct verdict *verdict = planted_judge(&planted);
    assert_int_equal(verdict->machines[0].destroys, 1);
    assert_int_equal(verdict->machines[1].destroys, 0);
    planted_end(&planted);
}

static void test_polls_of_what_is_gone_are_counted(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    plant_clean_client(&planted);
    (void)planted_request(&planted, API_SHOW, 77, 40000, 200); /* once more to be sure is careful */
    assert_int_equal(planted_judge(&planted)->polls_after_gone, 1);
    assert_int_equal(planted.verdict->found[FINDING_POLLED_AFTER_GONE], 0);
    (void)planted_request(&planted, API_SHOW, 77, 50000, 404);
    assert_int_equal(planted_judge(&planted)->polls_after_gone, 2);
    assert_int_equal(planted.verdict->found[FINDING_POLLED_AFTER_GONE], 1);
    planted_end(&planted);
}

static void test_a_machine_that_never_was_is_noticed(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    plant_clean_client(&planted);
    (void)planted_request(&planted, API_SHOW, 770, 90000, 404);
    assert_int_equal(planted_judge(&planted)->found[FINDING_NO_SUCH_MACHINE], 1);
    planted_end(&planted);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------------- */

static void test_no_verdict_is_made_without_memory(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    plant_clean_client(&planted);
    (void)planted_request(&planted, API_SHOW, 77, 90000, 503);
    for (uint64_t nth = 1;; nth++) {
        heap_fail_at(planted.heap, nth, false);
        struct verdict *verdict = verdict_judge(planted.heap, &planted.input);
        heap_fail_at(planted.heap, 0, false);
        if (verdict != NULL) {
            assert_true(nth > 4);
            verdict_free(verdict);
            break;
        }
        assert_int_equal(heap_live_blocks(planted.heap), 0);
    }
    planted_end(&planted);
}

/* ---- Markup ------------------------------------------------------------------------------------------------------------- */

static void test_markup_is_shown_as_text(void **state)
{
    static const struct {
        const char *text, *escaped;
    } rows[] = {
        {"plain", "plain"},
        {"<script>a&b</script>", "&lt;script&gt;a&amp;b&lt;/script&gt;"},
        {"\" onload='x'", "&quot; onload=&#39;x&#39;"},
        {"a\x01\n\x7f", "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xC3\xA9\xF0\x9F\x98\x80", "\xC3\xA9\xF0\x9F\x98\x80"},
        {"\xE2\x80\xAE", "\xEF\xBF\xBD"}, /* turns the text behind it round */
        {"\xEF\xBF\xBF", "\xEF\xBF\xBD"}, /* U+FFFF, which XML forbids */
        {"\xC3", "\xEF\xBF\xBD"},
    };
    char storage[256];
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct buffer out;
        buffer_init_fixed(&out, storage, sizeof storage);
        markup_text(&out, span_of(rows[i].text));
        assert_string_equal(buffer_text(&out), rows[i].escaped);
    }
}

/* All machines of a request that makes many are told of by its answer; a refusal that names one tells of it too. */
static void test_every_machine_of_a_request_is_told_of(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    struct verdict_request *many = plant_create(&planted, 0, unlabelled);
    (void)planted_machine(&planted, many, 77, 30050);
    (void)planted_machine(&planted, many, 78, -1);
    struct verdict_request *refused = plant_create(&planted, 9000, other_image);
    refused->status = 400;
    (void)planted_machine(&planted, refused, 79, -1);
    struct verdict_request *lost = plant_create(&planted, 18000, labelled);
    planted_lose(lost, 3000);
    (void)planted_machine(&planted, lost, 80, -1);
    (void)planted_request(&planted, API_DESTROY, 77, 30000, 200);
    const struct verdict *verdict = planted_judge(&planted);
    assert_int_equal(verdict->machines[0].belief, BELIEF_DESTROYED);
    assert_int_equal(verdict->machines[1].belief, BELIEF_CREATED);
    assert_int_equal(verdict->machines[1].create_ordinal, 1);
    assert_true(verdict->machines[1].is_so);
    assert_int_equal(verdict->machines[2].belief, BELIEF_REFUSED);
    assert_false(verdict->machines[2].is_so);
    assert_int_equal(verdict->machines[3].belief, BELIEF_UNAWARE);
    planted_end(&planted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_machine_of_a_request_is_told_of),
        cmocka_unit_test(test_a_clean_client_passes),
        cmocka_unit_test(test_the_scenario_decides),
        cmocka_unit_test(test_without_a_command_its_status_is_not_judged),
        cmocka_unit_test(test_a_machine_left_is_found_and_fails),
        cmocka_unit_test(test_a_doubled_create_is_found),
        cmocka_unit_test(test_a_guess_is_called_one),
        cmocka_unit_test(test_two_machines_that_were_wanted_are_not_doubled),
        cmocka_unit_test(test_a_lost_create_must_be_looked_up),
        cmocka_unit_test(test_what_is_not_read_back_is_only_believed),
        cmocka_unit_test(test_a_destruction_without_effect_is_found),
        cmocka_unit_test(test_calls_about_many_count_for_each),
        cmocka_unit_test(test_polls_of_what_is_gone_are_counted),
        cmocka_unit_test(test_a_machine_that_never_was_is_noticed),
        cmocka_unit_test(test_no_verdict_is_made_without_memory),
        cmocka_unit_test(test_markup_is_shown_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
