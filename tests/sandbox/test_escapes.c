/* What a machine's user may try: nothing of it reaches outside the machine, and the machine's end is always the end of it. */
#include "sandbox_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DISK (64 * MIB)

/* ---- files ---- */

/* A file of ours that everybody may read: a machine must not even see its name. */
static void test_files_outside_are_not_there(void **state)
{
    struct sandbox_test *test = *state;
    char path[] = "/tmp/dumont-escape-XXXXXX";
    char command[256];
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, "secret", 6), 6);
    assert_int_equal(fchmod(descriptor, 0666), 0);
    add_machine(test, 0, DISK, NULL);
    (void)text_format(command, sizeof command,
                      "cat %s; ln -s %s l; cat l; cat /proc/1/root%s; cat /proc/self/root%s; "
                      "cat ../../../../../..%s; echo changed > %s; true",
                      path, path, path, path, path, path);
    assert_string_equal(run(test, command), "");
    char content[16] = "";
    assert_int_equal(pread(descriptor, content, sizeof content, 0), 6);
    assert_string_equal(content, "secret");
    (void)close(descriptor);
    assert_int_equal(unlink(path), 0);
    expect(test, "ls -A /home /opt; ls -d /mnt /srv /media 2>/dev/null || true; ls -A /root/.ssh",
           "/home:\n\n/opt:\nauthorized_keys\n");
}

static void test_the_system_cannot_be_changed(void **state)
{
    struct sandbox_test *test = *state;
    static const char *const attempts[] = {
        "touch /usr/bin/planted",
        "rm -f /usr/bin/env",
        "chmod 777 /usr/bin/env",
        "mount -o remount,rw /usr",
        "mount -t tmpfs none /usr",
        "mount --bind /root /usr/bin",
        "echo x > /proc/sys/kernel/core_pattern",
        "echo 1 > /proc/sys/vm/overcommit_memory",
        "echo b > /proc/sysrq-trigger",
        "hostname other",
        "mknod /root/disk b 8 0 && cat /root/disk",
        "cat /dev/mem",
        "cat /dev/kmsg",
        "echo -17 > /proc/1/oom_adj && echo x > /proc/1/mem",
        "swapoff -a && reboot -f",
        "modprobe dummy",
        "unshare -m sh -c 'mount -o remount,rw /usr && touch /usr/bin/planted'",
        "unshare -rm sh -c 'mount -o remount,rw,bind /usr && touch /usr/bin/planted'",
        "unshare -rm sh -c 'umount -l /usr'",
        "chroot /proc/1/root touch /usr/bin/planted",
        "nsenter -t 1 -m -- touch /usr/bin/planted",
    };
    add_machine(test, 0, DISK, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(attempts); i++) {
        (void)run(test, attempts[i]);
        if (test->status == 0) {
            print_message("this was possible: %s\n", attempts[i]);
        }
        assert_int_not_equal(test->status, 0);
    }
    assert_int_not_equal(access("/usr/bin/planted", F_OK), 0);
    assert_int_equal(access("/usr/bin/env", X_OK), 0);
}

/* ---- processes ---- */

static void test_other_processes_are_not_seen(void **state)
{
    struct sandbox_test *test = *state;
    struct command other = {.out = NULL};
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            (void)pause();
        }
    }
    assert_true(child > 0);
    add_machine(test, 0, DISK, NULL);
    add_machine(test, 1, DISK, NULL);
    begin(test, 1, &other, "exec sleep 1000");
    (void)run_on(test, 1, "echo > /root/mine; echo > /tmp/mine; true", span_of(""));
    /* All that it can reach, it may kill; that is itself. */
    (void)run(test, "ls /proc | grep -c '^[0-9]'; test $(ls /proc | grep -c '^[0-9]') -lt 10");
    assert_int_equal(test->status, 0);
    assert_string_equal(run(test, "ls /root/mine /tmp/mine 2>/dev/null"), "");
    char command[128];
    (void)text_format(command, sizeof command, "kill -9 %d; kill -9 %d; kill -9 -- -%d; true", (int)child,
                      (int)getpid(), (int)getppid());
    (void)run(test, command);
    (void)run(test, "kill -9 -1");
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    expect(test, "echo still there", "still there\n"); /* its first process cannot be killed from inside */
    assert_false(other.ended);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    sandbox_process_close(other.process);
}

static void test_there_is_no_network(void **state)
{
    struct sandbox_test *test = *state;
    add_machine(test, 0, DISK, NULL);
    (void)run(test, "exec 3<>/dev/tcp/127.0.0.1/22");
    assert_int_not_equal(test->status, 0);
    (void)run(test, "exec 3<>/dev/udp/192.0.2.1/53");
    assert_int_not_equal(test->status, 0);
    expect(test, "cat /proc/net/dev | tail -n +3 | grep -vc lo: || true", "0\n");
}

/* Law: a fork bomb fills its own machine, and the fake, another machine and the end of this one do not notice. */
static void test_a_fork_bomb_stays_inside(void **state)
{
    struct sandbox_test *test = *state;
    struct command bomb = {.out = NULL};
    add_machine(test, 0, DISK, NULL);
    add_machine(test, 1, DISK, NULL);
    begin(test, 0, &bomb, "f() { f | f & }; f; sleep 1000");
    long count = 0;
    int64_t deadline_ns = monotonic_now_ns() + 20 * NS_PER_S;
    while (count < 90 && monotonic_now_ns() < deadline_ns) {
        count = strtol(run(test, "set -- /proc/[0-9]*; echo $#"), NULL, 10); /* which needs no further process */
    }
    assert_in_range(count, 90, 110);
    (void)run_on(test, 1, "echo alive", span_of(""));
    assert_string_equal(buffer_text(&test->out), "alive\n");
    sandbox_stop(test->machines[0]);
    assert_true(bomb.ended);
    sandbox_process_close(bomb.process);
    assert_true(sandbox_start(test->machines[0]));
    expect(test, "set -- /proc/[0-9]*; echo $#", "2\n");
}

static void test_memory_is_bounded(void **state)
{
    struct sandbox_test *test = *state;
    add_machine(test, 0, DISK, NULL);
    if (SANDBOX_ADDRESS_SPACE_BYTES != 0) {
        (void)run(test, "head -c 4000000000 /dev/zero | tail -c 3900000000 | wc -c"); /* tail keeps all of it */
        assert_string_not_equal(buffer_text(&test->out), "3900000000\n");
    }
    expect(test, "dd if=/dev/zero of=/dev/shm/f bs=1M count=100 2>/dev/null; stat -c %s /dev/shm/f", "67108864\n");
    expect(
        test,
        "dd if=/dev/zero of=/run/f bs=1M count=100 2>/dev/null; test $(stat -c %s /run/f) -le 16777216 && echo bounded",
        "bounded\n");
}

/* A machine with such bounds, in the place of the first. */
static void add_bounded(struct sandbox_test *test, struct guest_bounds bounds)
{
    struct sandbox_options options = {.heap = test->heap,
                                      .reactor = test->reactor,
                                      .program = test->program,
                                      .machine = test_machine(41803846, DISK)};
    options.machine.bounds = bounds;
    test->machines[0] = sandbox_new(&options);
    assert_non_null(test->machines[0]);
    assert_true(sandbox_start(test->machines[0]));
}

/* `count` processes that have 90 MB each and wait; the status of the first of them that ends, "alive" if a small one lives then. */
static const char *run_large(struct sandbox_test *test, int count)
{
    char text[512];
    (void)text_format(text, sizeof text,
                      "sleep 1000 & small=$!\n"
                      "for i in $(seq %d); do\n"
                      "tail -c 90000000 < <(head -c 90000000 /dev/zero; exec sleep 1000) & large=\"$large $!\"\n"
                      "done\n"
                      "wait -n $large; echo $?; kill -0 $small && echo alive; kill -9 -1",
                      count);
    return run(test, text);
}

/* Law: many that have little are held to the machine's memory too: the largest goes, as in a container, and the rest stays. */
static void test_all_memory_together_is_bounded(void **state)
{
    struct sandbox_test *test = *state;
    add_bounded(test, (struct guest_bounds){.processes = 100, .memory_bytes = 256 * MIB});
    assert_string_equal(run_large(test, 4), "137\nalive\n");
}

/* Law: CPU time is bounded for one process by the kernel, and for any number of short-lived ones together. */
static void test_cpu_time_is_bounded(void **state)
{
    struct sandbox_test *test = *state;
    add_bounded(test, (struct guest_bounds){.processes = 100, .cpu_s = 2});
    expect(test, "ulimit -t", "2\n");
    (void)run(test, "while :; do :; done");
    assert_int_equal(test->status, 128 + SIGKILL);
    /* What is small goes on; what takes more than its second does not, though its own bound is far. */
    expect(test, "echo still here", "still here\n");
    (void)run(test, "ulimit -t; while :; do :; done");
    assert_int_equal(test->status, 128 + SIGKILL);
    sandbox_stop(test->machines[0]);
    assert_true(sandbox_start(test->machines[0]));
    expect(test, "i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); done; echo $i", "1000\n");
}

/* Law: while the computer itself is short of memory, disks do not grow and the large go; here it always is. */
static void test_the_computer_s_reserve_is_left_alone(void **state)
{
    struct sandbox_test *test = *state;
    add_bounded(test, (struct guest_bounds){.processes = 100, .reserve_bytes = INT64_MAX});
    (void)run(test, "while echo more >> /root/more; do :; done; df -B1 --output=avail / | tail -1 | tr -d ' '");
    assert_string_equal(buffer_text(&test->out), "0\n");
    assert_string_equal(run_large(test, 1), "137\nalive\n");
}

/* ---- the disk ---- */

static void test_a_full_disk_is_full_and_no_more(void **state)
{
    struct sandbox_test *test = *state;
    add_machine(test, 0, DISK, NULL);
    add_machine(test, 1, DISK, NULL);
    (void)run(test, "dd if=/dev/zero of=/workspace/f bs=1M");
    assert_int_equal(test->status, 1);
    assert_non_null(strstr(buffer_text(&test->err), "No space left on device"));
    expect(test, "df -B1 --output=avail / | tail -1 | tr -d ' '", "0\n");
    (void)run(test, "echo more > /root/more");
    assert_int_equal(test->status, 1);
    (void)run_on(test, 1, "echo more > /root/more && echo room", span_of(""));
    assert_string_equal(buffer_text(&test->out), "room\n");
    /* As on a real machine, what was deleted is free again, and a stop does not lose the rest. */
    sandbox_stop(test->machines[0]);
    assert_true(sandbox_start(test->machines[0]));
    expect(test, "rm /workspace/f; echo more > /root/more; cat /root/more", "more\n");
}

/* ---- what goes over the wire ---- */

/* Law: 10 GB that nobody reads stay where they come from, and what is read in the end is whole. */
static void test_much_output_waits_for_its_reader(void **state)
{
    struct sandbox_test *test = *state;
    struct command yes = {.slow = true};
    add_machine(test, 0, DISK, NULL);
    size_t before = heap_peak_bytes(test->heap);
    begin(test, 0, &yes, "head -c 10000000000 /dev/zero");
    expect(test, "echo others are served", "others are served\n");
    assert_true(heap_peak_bytes(test->heap) < before + 8 * 1024 * 1024);
    yes.slow = false;
    take_output(&yes);
    while (yes.out_bytes < 200 * MIB) {
        reactor_turn(test->reactor, true);
    }
    assert_false(yes.ended);
    sandbox_process_close(yes.process); /* it is told by SIGPIPE */
    expect(test, "while pgrep -x head >/dev/null; do sleep 0.01; done; echo gone", "gone\n");
}

static void test_long_commands_are_refused(void **state)
{
    struct sandbox_test *test = *state;
    size_t size = 1024 * 1024;
    char *text = malloc(size);
    assert_non_null(text);
    add_machine(test, 0, DISK, NULL);
    memset(text, 'a', size);
    memcpy(text, "echo ", 5);
    struct command command = {.out = NULL};
    struct sandbox_request request = request_of(&command, (struct span){text, size});
    assert_null(sandbox_exec(test->machines[0], &request));
    request.command.length = 100000;
    buffer_clear(&test->out);
    command.out = &test->out;
    command.test = test;
    command.process = sandbox_exec(test->machines[0], &request);
    assert_non_null(command.process);
    finish(&command);
    assert_int_equal(test->out.length, 100000 - 5 + 1);
    free(text);
}

/* Law: when the fake dies, however, all of its machines die. */
static void test_machines_die_with_the_fake(void **state)
{
    struct sandbox_test *test = *state;
    /* By its size the machine is known among those of whoever runs the same test beside this one. */
    int64_t disk_bytes = DISK + 4096 * (int64_t)getpid();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t fake = fork();
    if (fake == 0) { /* another fake, with a machine, which is killed */
        struct command command = {.out = &test->out};
        (void)close(ends[0]);
        add_machine(test, 0, disk_bytes, NULL);
        begin(test, 0, &command, "echo up; exec sleep 1000");
        while (test->out.length == 0) {
            reactor_turn(test->reactor, true);
        }
        (void)!write(ends[1], "u", 1);
        (void)raise(SIGKILL);
    }
    (void)close(ends[1]);
    /* The keeper and bubblewrap are of the killed one's group, so whoever is left of them would show. */
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(waitpid(fake, NULL, 0), fake);
    char question[128];
    assert_true(text_format(question, sizeof question, "pgrep -f '[d]umont-guest keep %lld' >/dev/null",
                            (long long)disk_bytes));
    bool gone = false;
    for (int64_t deadline_ns = monotonic_now_ns() + 20 * NS_PER_S; !gone && monotonic_now_ns() < deadline_ns;) {
        gone = system(question) != 0;
    }
    assert_true(gone);
    (void)close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SANDBOX_TEST(test_machines_die_with_the_fake),
        SANDBOX_TEST(test_files_outside_are_not_there),
        SANDBOX_TEST(test_the_system_cannot_be_changed),
        SANDBOX_TEST(test_other_processes_are_not_seen),
        SANDBOX_TEST(test_there_is_no_network),
        SANDBOX_TEST(test_a_fork_bomb_stays_inside),
        SANDBOX_TEST(test_memory_is_bounded),
        SANDBOX_TEST(test_all_memory_together_is_bounded),
        SANDBOX_TEST(test_cpu_time_is_bounded),
        SANDBOX_TEST(test_the_computer_s_reserve_is_left_alone),
        SANDBOX_TEST(test_a_full_disk_is_full_and_no_more),
        SANDBOX_TEST(test_much_output_waits_for_its_reader),
        SANDBOX_TEST(test_long_commands_are_refused),
    };
    int skipped = status_without_sandboxes();
    return skipped != 0 ? skipped : cmocka_run_group_tests(tests, NULL, NULL);
}
