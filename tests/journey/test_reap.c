/* Reaping: only what nobody wants, on evidence, and only when asked to act. */
#include <string.h>

#include "journey/destroy.h"
#include "journey/reap.h"
#include "journey/status.h"
#include "scripted_world.h"
#include "testing.h"

#define KNOWN_LABEL "dumont-check-00000000000000aa-0"
#define STRANGE_LABEL "dumont-check-00000000000000bb-0"

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

static void reply(const char *body)
{
    scripted_reply(&scripted, (struct scripted_reply){.status = 200, .body = body});
}

static void refuse(int status, const char *body)
{
    scripted_reply(&scripted, (struct scripted_reply){.status = status, .body = body});
}

#define ROW(id, label) "{\"id\":" id ",\"machine_id\":3,\"label\":\"" label "\",\"dph_total\":0.25}"
#define PAGE(rows) "{\"success\":true,\"next_token\":null,\"instances\":[" rows "]}"
#define SHOWN(row) "{\"instances\":" row "}"
#define GONE "{\"instances\":null}"
#define DONE "{\"success\":true}"

/* The ledger has one open intent, of a run that created machine 9. */
static void give_intent(void)
{
    static struct store_value row[9];
    row[0] = store_text(KNOWN_LABEL);
    row[1] = store_text("00000000000000aa");
    row[2] = store_text("check");
    row[3] = store_int(5);
    row[4] = store_int(3);
    row[5] = store_int(NUSD_PER_USD / 4);
    row[6] = store_int(0);
    row[7] = store_text("created");
    row[8] = store_int(9);
    scripted.statements[STORE_INTENTS_OPEN].rows = row;
    scripted.statements[STORE_INTENTS_OPEN].row_count = 1;
}

struct run {
    struct reap_options options;
    enum exit_status status;
};

static void reap(void *argument)
{
    struct run *run = argument;
    run->status = reap_run(&scripted.world, &run->options);
}

static enum exit_status run_reap(bool act, bool known_only)
{
    struct run run;
    reap_defaults(&run.options);
    run.options.access = (struct vast_access){"https://vast.example", "key-of-this-test"};
    run.options.act = act;
    run.options.known_only = known_only;
    scripted_world_run(&scripted, reap, &run);
    assert_int_equal(scripted.replies_used, scripted.reply_count);
    return run.status;
}

static int deletions(void)
{
    return count_lines(&scripted.requests, "DELETE ", NULL);
}

static int decisions(const char *what, const char *why)
{
    char text[64];
    (void)text_format(text, sizeof text, "\"what\":\"%s\"", what);
    return count_lines(&scripted.notes, text, why);
}

/* ---- What is shown ------------------------------------------------------------------------------------------------------ */

/* One look is enough to show; the ledger stays as it is. */
static void test_without_leave_it_only_shows(void **state)
{
    (void)state;
    give_intent();
    reply(PAGE(ROW("9", KNOWN_LABEL) "," ROW("10", STRANGE_LABEL) "," ROW("11", "somebody's own")));
    assert_int_equal(run_reap(false, false), EXIT_DONE);
    assert_int_equal(deletions(), 0);
    assert_int_equal(decisions("would-reap", NULL), 2);
    assert_int_equal(decisions("would-reap", "\"instance\":11"), 0);
    assert_int_equal(count_lines(&scripted.store, "INTENT_SET", NULL), 0);
}

/* ---- What is destroyed -------------------------------------------------------------------------------------------------- */

static void test_the_machine_of_a_dead_run_is_sighted_again_and_destroyed(void **state)
{
    (void)state;
    give_intent();
    reply(PAGE(ROW("9", KNOWN_LABEL)));
    reply(SHOWN(ROW("9", KNOWN_LABEL)));
    reply(DONE);
    reply(GONE);
    assert_int_equal(run_reap(true, false), EXIT_DONE);
    assert_int_equal(deletions(), 1);
    assert_int_equal(count_lines(&scripted.store, "INTENT_SET", "closed"), 1);
    assert_int_equal(count_lines(&scripted.shell, "forget 9", NULL), 1); /* whoever bears its number later is another */
}

static void test_the_machine_of_a_living_run_is_spared(void **state)
{
    (void)state;
    give_intent();
    scripted.locked = true;
    reply(PAGE(ROW("9", KNOWN_LABEL)));
    assert_int_equal(run_reap(true, false), EXIT_DONE);
    assert_int_equal(deletions(), 0);
    assert_int_equal(decisions("spare", "alive"), 1);
}

/* One that the ledger does not know may belong to a run elsewhere that has only begun: it must outlive the grace time. */
static void test_a_stranger_is_destroyed_only_after_two_listings_a_grace_time_apart(void **state)
{
    (void)state;
    int64_t began_ns = scripted.now_ns;
    reply(PAGE(ROW("10", STRANGE_LABEL)));
    reply(PAGE(ROW("10", STRANGE_LABEL)));
    reply(SHOWN(ROW("10", STRANGE_LABEL)));
    reply(DONE);
    reply(GONE);
    assert_int_equal(run_reap(true, false), EXIT_DONE);
    assert_int_equal(deletions(), 1);
    assert_true(scripted.now_ns >= began_ns + 120 * NS_PER_S);
}

static void test_a_stranger_that_ended_within_the_grace_time_is_not_touched(void **state)
{
    (void)state;
    reply(PAGE(ROW("10", STRANGE_LABEL)));
    reply(PAGE(ROW("12", STRANGE_LABEL)));
    reply(PAGE(""));
    assert_int_equal(run_reap(true, false), EXIT_DONE);
    assert_int_equal(deletions(), 0);
}

/* Several computers may use one account. */
static void test_strangers_can_be_spared_altogether(void **state)
{
    (void)state;
    reply(PAGE(ROW("10", STRANGE_LABEL)));
    assert_int_equal(run_reap(true, true), EXIT_DONE);
    assert_int_equal(deletions(), 0);
    assert_int_equal(decisions("spare", "does not know"), 1);
}

/* A label may begin like ours by chance: each part of it has to be what we write. */
static void test_a_label_that_only_begins_like_ours_is_left_alone_and_said_so(void **state)
{
    (void)state;
    static const char *const labels[] = {
        "dumont-foo",
        "dumont-",
        "dumont-check",
        "dumont-check-00000000000000bb",
        "dumont-check-00000000000000bb-",
        "dumont-check-00000000000000bb-x",
        "dumont-check-00000000000000bb-00",
        "dumont-check-00000000000000bb-0-1",
        "dumont-check-00000000000000bb-12345678901",
        "dumont-check-00000000000000BB-0",
        "dumont-check-0000000000000bb-0",
        "dumont-check-000000000000000bb-0",
        "dumont-checker-00000000000000bb-0",
        "dumont-worker-00000000000000bb-0",
    };
    char rows[ARRAY_LENGTH(labels) * 128] = "";
    char page[sizeof rows + 128];
    for (size_t i = 0; i < ARRAY_LENGTH(labels); i++) {
        size_t length = strlen(rows);
        (void)text_format(rows + length, sizeof rows - length, "%s{\"id\":%zu,\"label\":\"%s\"}", i == 0 ? "" : ",",
                          100 + i, labels[i]);
    }
    (void)text_format(page, sizeof page, PAGE("%s"), rows);
    for (int act = 0; act <= 1; act++) {
        reply(page);
        assert_int_equal(run_reap(act == 1, false), EXIT_DONE);
        assert_int_equal(deletions(), 0);
        assert_int_equal(decisions("spare", "only begins like ours"), (act + 1) * (int)ARRAY_LENGTH(labels));
    }
}

/* Two sightings of a stranger say it once, and what begins like ours by the hundred leaves room for what is ours. */
static void test_many_labels_that_begin_like_ours_hide_none_of_ours(void **state)
{
    (void)state;
    enum { ALIKE = 300 };
    static char rows[ALIKE * 48];
    static char page[sizeof rows + 256];
    size_t length = 0;
    for (int i = 0; i < ALIKE; i++) {
        (void)text_format(rows + length, sizeof rows - length, "{\"id\":%d,\"label\":\"dumont-foo\"},", 1000 + i);
        length += strlen(rows + length);
    }
    (void)text_format(page, sizeof page, PAGE("%s" ROW("10", STRANGE_LABEL)), rows);
    reply(page);
    reply(page);
    reply(SHOWN(ROW("10", STRANGE_LABEL)));
    reply(DONE);
    reply(GONE);
    assert_int_equal(run_reap(true, false), EXIT_DONE);
    assert_int_equal(deletions(), 1);
    assert_int_equal(decisions("spare", "only begins like ours"), 32);
}

/* Whoever took the label away may want it as well; what the ledger knows needs no label. */
static void test_a_stranger_that_shows_no_label_any_more_is_not_destroyed(void **state)
{
    (void)state;
    reply(PAGE(ROW("10", STRANGE_LABEL)));
    reply(PAGE(ROW("10", STRANGE_LABEL)));
    reply(SHOWN("{\"id\":10,\"machine_id\":3,\"label\":null,\"dph_total\":0.25}"));
    assert_int_equal(run_reap(true, false), EXIT_MACHINE_LEFT);
    assert_int_equal(deletions(), 0);
}

/* Whoever gave it another label wants it. */
static void test_what_was_relabelled_since_it_was_listed_is_spared(void **state)
{
    (void)state;
    give_intent();
    reply(PAGE(ROW("9", KNOWN_LABEL)));
    reply(SHOWN(ROW("9", "keep this")));
    assert_int_equal(run_reap(true, false), EXIT_DONE);
    assert_int_equal(deletions(), 0);
}

static void test_what_is_gone_since_it_was_listed_closes_its_intent(void **state)
{
    (void)state;
    give_intent();
    reply(PAGE(ROW("9", KNOWN_LABEL)));
    reply(GONE);
    assert_int_equal(run_reap(true, false), EXIT_DONE);
    assert_int_equal(deletions(), 0);
    assert_int_equal(count_lines(&scripted.store, "INTENT_SET", "closed"), 1);
}

/* The first page names a machine of a dead run; without the second it is no inventory. */
static void test_half_a_listing_destroys_nothing_and_says_what_may_be_left(void **state)
{
    (void)state;
    give_intent();
    reply("{\"success\":true,\"next_token\":\"eyJ9\",\"instances\":[" ROW("9", KNOWN_LABEL) "]}");
    refuse(401, "{\"error\":\"auth_error\",\"msg\":\"Invalid user key\"}");
    assert_int_equal(run_reap(true, false), EXIT_MACHINE_LEFT);
    assert_int_equal(deletions(), 0);
}

/* ---- Destroy ------------------------------------------------------------------------------------------------------------ */

struct destruction {
    struct destroy_options options;
    enum exit_status status;
};

static void destroy(void *argument)
{
    struct destruction *run = argument;
    run->status = destroy_run(&scripted.world, &run->options);
}

static enum exit_status run_destroy(struct destroy_options options)
{
    struct destruction run = {.options = options};
    run.options.access = (struct vast_access){"https://vast.example", "key-of-this-test"};
    run.options.instance_id = 9;
    scripted_world_run(&scripted, destroy, &run);
    assert_int_equal(scripted.replies_used, scripted.reply_count);
    return run.status;
}

static void test_a_foreign_machine_is_destroyed_with_leave_alone(void **state)
{
    (void)state;
    reply(SHOWN(ROW("9", "somebody's own")));
    assert_int_equal(run_destroy((struct destroy_options){.foreign = false}), EXIT_USAGE);
    assert_int_equal(deletions(), 0);
    reply(SHOWN(ROW("9", "somebody's own")));
    reply(DONE);
    reply(GONE);
    assert_int_equal(run_destroy((struct destroy_options){.foreign = true}), EXIT_DONE);
    assert_int_equal(deletions(), 1);
}

/* Only a yes destroys; a machine spared by a no is not one that is left behind. */
static void test_destroying_is_asked_for_and_shown(void **state)
{
    (void)state;
    scripted.answer = ANSWER_NO;
    reply(SHOWN(ROW("9", KNOWN_LABEL)));
    assert_int_equal(run_destroy((struct destroy_options){.consent = CONSENT_ASKED}), EXIT_FAILED);
    reply(SHOWN(ROW("9", KNOWN_LABEL)));
    assert_int_equal(run_destroy((struct destroy_options){.consent = CONSENT_DRY_RUN}), EXIT_DONE);
    assert_int_equal(deletions(), 0);
    scripted.answer = ANSWER_YES;
    reply(SHOWN(ROW("9", KNOWN_LABEL)));
    reply(DONE);
    reply(GONE);
    assert_int_equal(run_destroy((struct destroy_options){.consent = CONSENT_ASKED}), EXIT_DONE);
    assert_int_equal(deletions(), 1);
    assert_int_equal(count_lines(&scripted.told, "machine 9: ", "$0.2500 per hour"), 3);
    assert_int_equal(count_lines(&scripted.told, "Destroy it", NULL), 2);
}

/* ---- Status ------------------------------------------------------------------------------------------------------------- */

struct survey {
    struct status_result result;
    enum exit_status status;
};

static void survey(void *argument)
{
    struct survey *run = argument;
    run->status = status_run(&scripted.world, (struct vast_access){"https://vast.example", "key"}, &run->result);
}

static void test_a_status_lists_all_pages_and_sums_what_they_cost(void **state)
{
    (void)state;
    struct survey run;
    reply("{\"next_token\":\"eyJ9\",\"instances\":[" ROW("9", KNOWN_LABEL) "]}");
    reply(PAGE("{\"id\":10,\"label\":null,\"actual_status\":null,\"gpu_name\":\"RTX "
               "3060\",\"num_gpus\":2,\"dph_total\":0.5}"));
    reply("{\"credit\":5.0}");
    scripted_world_run(&scripted, survey, &run);
    assert_int_equal(run.status, EXIT_DONE);
    assert_int_equal(run.result.count, 2);
    assert_int_equal(run.result.ours, 1);
    assert_int_equal(run.result.price_nusd_per_hour, 3 * NUSD_PER_USD / 4);
    assert_int_equal(run.result.credit_nusd.value, 5 * NUSD_PER_USD);
    assert_int_equal(run.result.machines[1].actual_status.presence, IS_NULL);
    assert_string_equal(run.result.machines[1].gpu_name.text, "RTX 3060");
    status_release(&run.result);
}

/* A restricted key may list and not see the credit. */
static void test_a_credit_that_may_not_be_seen_is_unknown(void **state)
{
    (void)state;
    struct survey run;
    reply(PAGE(""));
    refuse(403, "{\"error\":\"auth_error\",\"msg\":\"forbidden\"}");
    scripted_world_run(&scripted, survey, &run);
    assert_int_equal(run.status, EXIT_DONE);
    assert_int_not_equal(run.result.credit_nusd.presence, PRESENT);
    status_release(&run.result);
}

static void test_half_a_listing_is_no_status(void **state)
{
    (void)state;
    struct survey run;
    reply("{\"next_token\":\"eyJ9\",\"instances\":[" ROW("9", KNOWN_LABEL) "]}");
    refuse(401, "{\"error\":\"auth_error\",\"msg\":\"Invalid user key\"}");
    scripted_world_run(&scripted, survey, &run);
    assert_int_equal(run.status, EXIT_AUTHENTICATION);
    status_release(&run.result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_without_leave_it_only_shows),
        LAW(test_the_machine_of_a_dead_run_is_sighted_again_and_destroyed),
        LAW(test_the_machine_of_a_living_run_is_spared),
        LAW(test_a_stranger_is_destroyed_only_after_two_listings_a_grace_time_apart),
        LAW(test_a_stranger_that_ended_within_the_grace_time_is_not_touched),
        LAW(test_strangers_can_be_spared_altogether),
        LAW(test_a_label_that_only_begins_like_ours_is_left_alone_and_said_so),
        LAW(test_many_labels_that_begin_like_ours_hide_none_of_ours),
        LAW(test_a_stranger_that_shows_no_label_any_more_is_not_destroyed),
        LAW(test_what_was_relabelled_since_it_was_listed_is_spared),
        LAW(test_what_is_gone_since_it_was_listed_closes_its_intent),
        LAW(test_half_a_listing_destroys_nothing_and_says_what_may_be_left),
        LAW(test_a_foreign_machine_is_destroyed_with_leave_alone),
        LAW(test_destroying_is_asked_for_and_shown),
        LAW(test_a_status_lists_all_pages_and_sums_what_they_cost),
        LAW(test_a_credit_that_may_not_be_seen_is_unknown),
        LAW(test_half_a_listing_is_no_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
