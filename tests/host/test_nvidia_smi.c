/* nvidia-smi beyond the recorded queries: any list of fields, every model, several GPUs. */
#include "fakes/host/gpu_models.h"
#include "host_test.h"

/* Law: fields may come in any order and any number; the header names them with their units. */
static void test_any_list_of_fields_is_answered(void **state)
{
    expect(*state, "nvidia-smi --format=csv --query-gpu=temperature.gpu,power.limit,pstate,fan.speed,count,memory.free",
           "temperature.gpu, power.limit [W], pstate, fan.speed [%], count, memory.free [MiB]\n"
           "34, 450.00 W, P8, 30 %, 1, 24563 MiB\n");
    expect(*state, "nvidia-smi --query-gpu=gpu_name,clocks.gr,ecc.mode.current,timestamp --format=csv,nounits",
           "name, clocks.current.graphics [MHz], ecc.mode.current, timestamp\n"
           "NVIDIA GeForce RTX 4090, 207, [N/A], 2026/08/03 10:20:00.000\n");
    expect(*state, "nvidia-smi --query-gpu 'name, memory.total' --format noheader,csv",
           "NVIDIA GeForce RTX 4090, 24564 MiB\n");
    expect(*state, "nvidia-smi --query-compute-apps=pid,process_name,used_memory --format=csv",
           "pid, process_name, used_gpu_memory [MiB]\n");
}

/* Law: a field or option that nobody knows is refused by name, with a status of its own. */
static void test_unknown_fields_are_refused(void **state)
{
    expect_status(*state, "nvidia-smi --query-gpu=name,foo --format=csv",
                  "Field \"foo\" is not a valid field to query.\n\n", 2);
    expect_status(*state, "nvidia-smi --query-gpu= --format=csv", "Field \"\" is not a valid field to query.\n\n", 2);
    (void)run(*state, "nvidia-smi --query-gpu=name");
    assert_int_equal(((struct host_test *)*state)->status, 2);
    (void)run(*state, "nvidia-smi --query-gpu=name --format=xml");
    assert_int_equal(((struct host_test *)*state)->status, 2);
    (void)run(*state, "nvidia-smi -q");
    assert_int_equal(((struct host_test *)*state)->status, 2);
}

/* Law: each GPU has a line, an index and an identity of its own, and -i picks among them. */
static void test_several_gpus_have_a_line_each(void **state)
{
    (void)state;
    struct host_test test;
    struct host_facts facts = test_facts();
    facts.num_gpus = 4;
    start_with(&test, &facts);
    expect(&test, "nvidia-smi --query-gpu=index,count --format=csv,noheader", "0, 4\n1, 4\n2, 4\n3, 4\n");
    expect(&test, "nvidia-smi -i 2,3 --query-gpu=index --format=csv,noheader; nvidia-smi --id=0 -L | wc -l",
           "2\n3\n1\n");
    expect(&test,
           "nvidia-smi --query-gpu=uuid,pci.bus_id --format=csv,noheader | sort -u | wc -l; nvidia-smi | grep -c MiB",
           "4\n4\n");
    expect(&test,
           "u=$(nvidia-smi --query-gpu=uuid --format=csv,noheader | sed -n 2p); nvidia-smi -i $u --query-gpu=index "
           "--format=csv,noheader",
           "1\n");
    expect_status(&test, "nvidia-smi -i 4", "No devices were found\n", 6);
    void *stopped = &test;
    (void)stop_host(&stopped);
}

/* Law: every model of the table can be rented: its names, memory and table row stand. */
static void test_every_model_answers(void **state)
{
    (void)state;
    for (int32_t i = 0; gpu_model_at(i) != NULL; i++) {
        const struct gpu_model *model = gpu_model_at(i);
        struct host_test test;
        char expected[256];
        struct host_facts facts = test_facts();
        facts.gpu_ram_mib = 0;
        assert_true(text_copy(facts.gpu_name, sizeof facts.gpu_name, model->vast_name));
        assert_ptr_equal(gpu_model_find(model->vast_name), model);
        start_with(&test, &facts);
        (void)text_format(expected, sizeof expected, "%s, %d MiB, %d.%d, %d.00 W\n", model->marketing_name,
                          model->memory_mib, model->compute_capability / 10, model->compute_capability % 10,
                          model->power_limit_w);
        expect(&test, "nvidia-smi --query-gpu=name,memory.total,compute_cap,power.limit --format=csv,noheader",
               expected);
        expect(&test, "nvidia-smi | tail -n +2 | grep -vc '^.\\{91\\}$'; nvidia-smi | wc -l", "1\n20\n");
        void *stopped = &test;
        (void)stop_host(&stopped);
    }
}

/* Law: a GPU that is not in the table still has a name and an answer. */
static void test_an_unknown_model_answers_too(void **state)
{
    (void)state;
    struct host_test test;
    struct host_facts facts = test_facts();
    (void)text_copy(facts.gpu_name, sizeof facts.gpu_name, "RTX 9999");
    start_with(&test, &facts);
    assert_null(gpu_model_find("RTX 9999"));
    expect(&test, "nvidia-smi --query-gpu=name,memory.total --format=csv,noheader", "NVIDIA RTX 9999, 24564 MiB\n");
    void *stopped = &test;
    (void)stop_host(&stopped);
}

/* Law: the same seed is the same machine, another seed another one. */
static void test_the_seed_makes_the_machine(void **state)
{
    char first[3][256];
    for (uint64_t i = 0; i < 3; i++) {
        struct host_test test;
        struct host_facts facts = test_facts();
        facts.seed = i / 2;
        start_with(&test, &facts);
        (void)text_copy(first[i], sizeof first[i],
                        run(&test, "hostname; nvidia-smi -L; mktemp; head -c 9 /dev/urandom | base64"));
        void *stopped = &test;
        (void)stop_host(&stopped);
    }
    (void)state;
    assert_string_equal(first[0], first[1]);
    assert_string_not_equal(first[1], first[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(test_any_list_of_fields_is_answered),       HOST_TEST(test_unknown_fields_are_refused),
        cmocka_unit_test(test_several_gpus_have_a_line_each), cmocka_unit_test(test_every_model_answers),
        cmocka_unit_test(test_an_unknown_model_answers_too),  cmocka_unit_test(test_the_seed_makes_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
