/* What real clients run on a rented machine, and what they get: every row of the reference's list. */
#include "host_test.h"

#define TABLE_HEAD                                                                                                     \
    "Mon Aug  3 10:20:00 2026\n"                                                                                       \
    "+-----------------------------------------------------------------------------------------+\n"                    \
    "| NVIDIA-SMI 580.95.05              Driver Version: 580.95.05      CUDA Version: 13.0     |\n"                    \
    "+-----------------------------------------+------------------------+----------------------+\n"                    \
    "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |\n"                    \
    "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |\n"                    \
    "|                                         |                        |               MIG M. |\n"                    \
    "|=========================================+========================+======================|\n"
#define TABLE_FOOT                                                                                                     \
    "|                                         |                        |                  N/A |\n"                    \
    "+-----------------------------------------+------------------------+----------------------+\n"                    \
    "\n"                                                                                                               \
    "+-----------------------------------------------------------------------------------------+\n"                    \
    "| Processes:                                                                              |\n"                    \
    "|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |\n"                    \
    "|        ID   ID                                                               Usage      |\n"                    \
    "|=========================================================================================|\n"                    \
    "|  No running processes found                                                             |\n"                    \
    "+-----------------------------------------------------------------------------------------+\n"

static const struct host_gpu_load training = {
    .utilization_percent = 97,
    .memory_utilization_percent = 60,
    .memory_used_mib = 18432,
    .temperature_c = 61,
    .power_draw_mw = 341270,
    .fan_percent = 45,
    .performance_state = 2,
};

/* The UUID that -L shows: 40 characters of its own form. */
static void copy_uuid(struct host_test *test, char uuid[64])
{
    const char *line = run(test, "nvidia-smi -L");
    const char *start = strstr(line, "GPU-");
    assert_non_null(start);
    (void)text_format(uuid, 64, "%.40s", start);
    assert_string_equal(start + 40, ")\n");
}

/* Law: nvidia-smi answers every query of the list, idle and busy, digit for digit. */
static void test_gpu_queries_answer_as_recorded(void **state)
{
    struct host_test *test = *state;
    expect(test, "nvidia-smi --query-gpu=name --format=csv,noheader", "NVIDIA GeForce RTX 4090\n");
    expect(test, "nvidia-smi --query-gpu=driver_version --format=csv,noheader", "580.95.05\n");
    expect(test, "nvidia-smi --query-gpu=name,memory.total --format=csv,noheader",
           "NVIDIA GeForce RTX 4090, 24564 MiB\n");
    expect(test, "nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv",
           "name, memory.total [MiB], driver_version\nNVIDIA GeForce RTX 4090, 24564 MiB, 580.95.05\n");
    expect(test, "nvidia-smi --query-gpu=name,compute_cap --format=csv,noheader", "NVIDIA GeForce RTX 4090, 8.9\n");
    expect(test, "nvidia-smi --query-gpu=name,utilization.gpu --format=csv,noheader", "NVIDIA GeForce RTX 4090, 0 %\n");
    host_set_gpu_load(test->host, &training);
    expect(test, "nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader,nounits", "97\n");
    expect(
        test,
        "nvidia-smi --query-gpu=utilization.gpu,memory.used,memory.total,temperature.gpu --format=csv,noheader,nounits",
        "97, 18432, 24564, 61\n");
    char uuid[64];
    char line[160];
    copy_uuid(test, uuid);
    (void)text_format(line, sizeof line, "0, NVIDIA GeForce RTX 4090, %s, 18432, 24564, 97, 61, 341.27\n", uuid);
    expect(test,
           "nvidia-smi --query-gpu=index,name,uuid,memory.used,memory.total,utilization.gpu,temperature.gpu,power.draw "
           "--format=csv,noheader,nounits",
           line);
    (void)text_format(line, sizeof line, "GPU 0: NVIDIA GeForce RTX 4090 (UUID: %s)\n", uuid);
    expect(test, "nvidia-smi -L", line);
    expect(test, "nvidia-smi --query-compute-apps=pid,used_memory --format=csv,noheader,nounits", "");
}

/* Law: the bare table has the real tool's columns. */
static void test_the_bare_table_is_the_real_one(void **state)
{
    struct host_test *test = *state;
    char bus_id[32];
    char expected[4096];
    (void)text_format(bus_id, sizeof bus_id, "%.16s",
                      run(test, "nvidia-smi --query-gpu=pci.bus_id --format=csv,noheader"));
    host_set_gpu_load(test->host, &training);
    (void)text_format(
        expected, sizeof expected,
        TABLE_HEAD
        "|   0  NVIDIA GeForce RTX 4090        On  |   %s Off |                  Off |\n"
        "| 45%%   61C    P2            341W /  450W |   18432MiB /  24564MiB |     97%%      Default |\n" TABLE_FOOT,
        bus_id);
    expect(test, "nvidia-smi", expected);
}

/* Law: a missing tool, a missing driver, a lost GPU and no GPU are told apart by text and status. */
static void test_broken_gpus_have_their_texts(void **state)
{
    struct host_test *test = *state;
    host_set_gpu_state(test->host, HOST_GPU_NO_TOOL);
    expect_failure(test, "nvidia-smi", "bash: line 1: nvidia-smi: command not found\n", 127);
    expect_status(test, "command -v nvidia-smi || which nvidia-smi", "", 1);
    host_set_gpu_state(test->host, HOST_GPU_NO_DRIVER);
    expect_status(
        test, "nvidia-smi",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest "
        "NVIDIA driver is installed and running.\n\n",
        9);
    host_set_gpu_state(test->host, HOST_GPU_LOST);
    expect_status(test, "nvidia-smi -L", "Failed to initialize NVML: Unknown Error\n", 255);
    host_set_gpu_state(test->host, HOST_GPU_NONE);
    expect_status(test, "nvidia-smi", "No devices were found\n", 6);
}

/* Law: the first check of every client works, and the name is a container's id. */
static void test_the_first_check_works(void **state)
{
    const char *output = run(*state, "echo 'SSH_OK' && hostname");
    assert_int_equal(strlen(output), strlen("SSH_OK\n") + 13);
    assert_memory_equal(output, "SSH_OK\n", 7);
    assert_int_equal(strspn(output + 7, "0123456789abcdef"), 12);
}

/* Law: df shows the rented disk, not the machine's. */
static void test_df_shows_the_rented_disk(void **state)
{
    struct host_test *test = *state;
    expect(test, "df -h /",
           "Filesystem      Size  Used Avail Use% Mounted on\noverlay          20G  6.2G   14G  31% /\n");
    host_set_disk_used(test->host, 20 * GIB - INT64_C(14817116160));
    expect(test, "df -B1 --output=avail /workspace", "      Avail\n14817116160\n");
    expect(test, "df -B1 --output=avail /workspace | tail -n 1 | tr -d ' '", "14817116160\n");
    expect(test, "df / | awk 'NR==2 {print $4}'", "14469840\n");
}

/* Law: the machine's size is what was rented. */
static void test_the_machine_has_the_rented_size(void **state)
{
    expect(*state, "nproc", "32\n");
    expect(*state, "free -m | awk '/^Mem:/ {print $2}'", "64128\n");
    expect(
        *state, "cat ~/.vast_containerlabel; tr '\\0' '\\n' < /proc/1/environ | grep -E 'ID|LABEL|IP|COUNT'",
        "C.41803846\nCONTAINER_ID=41803846\nVAST_CONTAINERLABEL=C.41803846\nPUBLIC_IPADDR=203.0.113.20\nGPU_COUNT=1\n");
    expect(*state, "ls -A ~ ~/.ssh; whoami; pwd",
           "/root:\n.no_auto_tmux\n.ssh\n.vast_api_key\n.vast_containerlabel\nhasbooted\nonstart.sh\n\n/root/.ssh:\n"
           "authorized_keys\nroot\n/root\n");
    expect(*state, "stat -c '%a %n' ~/.ssh ~/.ssh/authorized_keys; env | grep -c VAST; true",
           "700 /root/.ssh\n600 /root/.ssh/authorized_keys\n0\n");
}

/* Law: digests have two blanks before the name, and a backslash before the line when the name needs one. */
static void test_digests_are_printed_as_md5sum_does(void **state)
{
    expect(*state, "printf abc > f; md5sum f; sha1sum f; sha256sum < f",
           "900150983cd24fb0d6963f7d28e17f72  f\na9993e364706816aba3e25717850c26c9cd0d89d  f\n"
           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n");
    expect(*state, "n=$(printf 'a\\nb\\\\c'); printf abc > \"$n\"; md5sum \"$n\"",
           "\\900150983cd24fb0d6963f7d28e17f72  a\\nb\\\\c\n");
    expect(*state, "md5sum f \"$(printf 'a\\nb\\\\c')\" > sums; md5sum -c sums", "f: OK\n\\a\\nb\\\\c: OK\n");
    (void)run(*state, "printf abd > f; md5sum -c sums");
    struct host_test *test = *state;
    assert_string_equal(buffer_text(&test->out), "f: FAILED\n\\a\\nb\\\\c: OK\n");
    assert_string_equal(buffer_text(&test->err), "md5sum: WARNING: 1 computed checksum did NOT match\n");
    assert_int_equal(test->status, 1);
}

/* Law: sizes, times and tails let a client resume a download. */
static void test_a_download_can_be_resumed(void **state)
{
    expect(*state, "dd if=/dev/zero of=FILE bs=1024 count=1024 2>/dev/null; stat -c '%s %Y' FILE",
           "1048576 1785752400\n");
    expect(*state,
           "seq 1 1000 > n; tail -c +1025 n | wc -c; head -c 1024 n > m; tail -c +1025 n >> m; cmp m n && cat m | "
           "md5sum; md5sum < n",
           "2869\n53d025127ae99ab79e8502aae2d9bea6  -\n53d025127ae99ab79e8502aae2d9bea6  -\n");
}

/* Law: pgrep finds what runs, and says 1 with nothing when it does not. */
static void test_pgrep_tells_whether_something_runs(void **state)
{
    expect_status(*state, "pgrep -f train.py", "", 1);
    expect(*state, "pgrep -f 'usr/sbin/sshd'", "214\n");
}

/* Law: the load that clients work out of top is a number with at most one decimal. */
static void test_the_load_comes_out_of_top(void **state)
{
    struct host_test *test = *state;
    expect(test, "top -bn1 | grep \"Cpu(s)\" | awk '{print 100 - $8}'", "0\n");
    host_set_gpu_load(test->host, &training);
    expect(test, "top -bn1 | grep \"Cpu(s)\" | awk '{print 100 - $8}'", "34.1\n");
}

/* Law: tools that an image lacks are not found, packages that do not exist neither. */
static void test_missing_tools_are_not_found(void **state)
{
    expect_failure(*state, "rsync --version", "bash: line 1: rsync: command not found\n", 127);
    expect_status(*state, "rclone copy a b --config /root/rclone.conf", "", 127);
    expect_failure(*state, "apt-get install -y nothing-such", "E: Unable to locate package nothing-such\n", 100);
    expect_status(*state, "apt-get update >/dev/null", "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(test_gpu_queries_answer_as_recorded),     HOST_TEST(test_the_bare_table_is_the_real_one),
        HOST_TEST(test_broken_gpus_have_their_texts),       HOST_TEST(test_the_first_check_works),
        HOST_TEST(test_df_shows_the_rented_disk),           HOST_TEST(test_the_machine_has_the_rented_size),
        HOST_TEST(test_digests_are_printed_as_md5sum_does), HOST_TEST(test_a_download_can_be_resumed),
        HOST_TEST(test_pgrep_tells_whether_something_runs), HOST_TEST(test_the_load_comes_out_of_top),
        HOST_TEST(test_missing_tools_are_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
