/*
 * Any two faults at once: the run ends, no two machines exist at one time, and none is left unsaid.
 */
#include "stage.h"

/* Faults of the spine, each where it hurts, as on the command line. */
static const char *const faults[] = {
    "null-status:count=-1",
    "slow-boot:factor=4",
    "stuck-loading",
    "missing-table",
    "pg-unavailable:as=hang",
    "pg-commit-unknown:count=-1",
    "rate-limit-429:endpoint=any,count=3",
    "rate-limit-429:endpoint=create,count=3",
    "rate-limit-429:endpoint=list,count=-1,shape=detail",
    "rate-limit-429:endpoint=show,count=-1,shape=threshold",
    "rate-limit-429:endpoint=destroy,count=4,shape=error",
    "api-5xx:endpoint=create,count=2,point=request",
    "api-5xx:endpoint=create,count=-1,point=reply,status=504",
    "api-5xx:endpoint=list,count=-1",
    "api-5xx:endpoint=show,count=-1,body=empty",
    "api-5xx:endpoint=destroy,count=3,status=500",
    "api-5xx:endpoint=account,count=-1",
    "create-response-lost:as=timeout,count=-1",
    "create-response-lost:as=reset,count=2",
    "create-response-lost:as=502",
    "offer-taken:count=-1",
    "offer-taken:code=404,count=2",
    "destroy-rejected:as=429,count=-1",
    "destroy-rejected:as=500,count=5",
    "destroy-rejected:as=400,count=2",
    "destroy-rejected:as=refused,count=3",
    "destroy-false-success:count=-1",
    "destroy-false-success:count=2",
    "host-offline:after_s=30,lag_s=5",
    "host-offline:after_s=80,lag_s=30,status=unknown",
    "ssh-refused:for_s=-1",
    "ssh-banner-stall:for_s=60",
    "ssh-key-not-synced:for_s=-1",
    "ssh-drop-mid-command:nth=1,count=-1",
    "nullable-fields:endpoint=list,fields=label,as=null",
    "nullable-fields:endpoint=list,fields=label,as=absent,count=2",
    "nullable-fields:endpoint=list,fields=machine_id,as=null",
    "nullable-fields:endpoint=show,fields=actual_status,as=type",
    "nullable-fields:endpoint=show,fields=ssh_host,as=newline",
    "schema-drift:endpoint=show,shape=list",
    "schema-drift:endpoint=show,shape=success-false,count=4",
    "schema-drift:endpoint=list,shape=empty-object",
    "schema-drift:endpoint=list,shape=success-false",
    "schema-drift:endpoint=create,shape=success-false,count=1",
    "schema-drift:endpoint=create,shape=empty-object,count=-1",
    "schema-drift:endpoint=destroy,shape=html,count=2",
    "schema-drift:endpoint=search,shape=html,count=1",
    "disk-full",
};

static void add_fault(struct fault_plan *plan, const char *fault)
{
    struct error error;
    if (fault_plan_add(plan, fault, &error) != ERR_OK) {
        fail_msg("%s: %s", fault, error.message);
    }
}

/* A machine that is left is either none, or one that the exit status tells of. */
static void assert_nothing_unsaid(const struct rehearsal_result *result, const char *first, const char *second)
{
    bool said = result->machines_left == 0 || result->status == EXIT_MACHINE_LEFT;
    if (result->end != RUN_FINISHED || !said || result->machines_at_once > 1 || result->leaked_blocks > 0) {
        fail_msg("%s with %s: end %d, status %d, %zu left, %zu at once, %zu leaked", first, second, (int)result->end,
                 (int)result->status, result->machines_left, result->machines_at_once, result->leaked_blocks);
    }
}

static void play_pair(struct stage *stage, size_t first, size_t second)
{
    stage->scenario->cloud.faults.count = 0;
    add_fault(&stage->scenario->cloud.faults, faults[first]);
    if (first != second) {
        add_fault(&stage->scenario->cloud.faults, faults[second]);
    }
    stage_play(stage, (struct rehearsal_variation){.run = (uint32_t)(first * ARRAY_LENGTH(faults) + second)});
    assert_nothing_unsaid(&stage->result, faults[first], faults[second]);
}

static void test_no_pair_of_faults_leaves_a_machine_unsaid(void **state)
{
    (void)state;
    struct stage stage = stage_open("seed-run");
    for (size_t first = 0; first < ARRAY_LENGTH(faults); first++) {
        for (size_t second = first; second < ARRAY_LENGTH(faults); second++) {
            play_pair(&stage, first, second);
        }
    }
    stage_close(&stage);
}

/* Killed somewhere under any single fault, and reaped while the fault still acts. */
static void test_no_fault_lets_a_killed_run_leave_a_machine_unsaid(void **state)
{
    (void)state;
    struct stage stage = stage_open("seed-run");
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
        stage.scenario->cloud.faults.count = 0;
        add_fault(&stage.scenario->cloud.faults, faults[i]);
        for (uint64_t step = 3; step < 130; step += 4) {
            stage_play(&stage,
                       (struct rehearsal_variation){.run = (uint32_t)i, .kill_at = step, .reap_after_kill = true});
            assert_nothing_unsaid(&stage.result, faults[i], "a kill");
        }
    }
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_pair_of_faults_leaves_a_machine_unsaid),
        cmocka_unit_test(test_no_fault_lets_a_killed_run_leave_a_machine_unsaid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
