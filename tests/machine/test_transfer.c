/* Transfers against the system's own sh, in virtual time: whatever breaks, the target is whole or untouched. */
#include "machine/transfer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scripted_world.h"
#include "testing.h"

enum { PIECE_BYTES = 1000, FILE_BYTES = 3500, PATH_SIZE = 512, OUTPUT_SIZE = 1 << 16 };

static struct scripted_world scripted;
static struct world_operations operations;
static char folder[] = "/tmp/dumont-transfer-XXXXXX";
static char local[PATH_SIZE], remote[PATH_SIZE];
static char content[FILE_BYTES];
static size_t source_size; /* of one that changes */

/* ---- This machine's files ------------------------------------------------------------------------------------------------- */

static int descriptor_of(const struct world_file *file)
{
    return *(int *)file->opened;
}

static enum error_code open_file(struct world *world, const char *path, enum world_file_use use,
                                 struct world_file *file, struct error *error)
{
    bool reads = use == WORLD_FILE_READ;
    int descriptor = open(path, reads ? O_RDONLY : O_RDWR | O_CREAT, 0600);
    if (descriptor < 0) {
        return error_set(error, reads ? ERR_INPUT_UNREADABLE : ERR_CANNOT_WRITE, "%s", path);
    }
    file->opened = heap_alloc(world->heap, sizeof descriptor);
    assert_non_null(file->opened);
    *(int *)file->opened = descriptor;
    return ERR_OK;
}

static void close_file(struct world *world, struct world_file *file)
{
    (void)close(descriptor_of(file));
    heap_release(world->heap, file->opened);
}

static enum error_code look(struct world_file *file, struct world_file_facts *facts, struct error *error)
{
    struct stat status;
    (void)error;
    assert_int_equal(fstat(descriptor_of(file), &status), 0);
    *facts = (struct world_file_facts){status.st_size, status.st_mtim.tv_sec * NS_PER_S + status.st_mtim.tv_nsec,
                                       status.st_mode & 0777U};
    return ERR_OK;
}

static enum error_code read_file(struct world_file *file, int64_t offset, void *out, size_t size, size_t *got,
                                 struct error *error)
{
    (void)error;
    ssize_t count = pread(descriptor_of(file), out, size, offset);
    assert_true(count >= 0);
    *got = (size_t)count;
    return ERR_OK;
}

static enum error_code write_file(struct world_file *file, int64_t offset, const void *bytes, size_t size,
                                  struct error *error)
{
    (void)error;
    assert_int_equal(pwrite(descriptor_of(file), bytes, size, offset), size);
    return ERR_OK;
}

static enum error_code resize(struct world_file *file, int64_t size, struct error *error)
{
    (void)error;
    assert_int_equal(ftruncate(descriptor_of(file), size), 0);
    return ERR_OK;
}

static enum error_code stamp(struct world_file *file, const struct world_file_facts *facts, struct error *error)
{
    (void)error;
    const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = facts->modified_unix_ns / NS_PER_S}};
    assert_int_equal(fchmod(descriptor_of(file), facts->mode), 0);
    assert_int_equal(futimens(descriptor_of(file), times), 0);
    return ERR_OK;
}

static enum error_code sync_file(struct world_file *file, struct error *error)
{
    (void)file;
    (void)error;
    return ERR_OK;
}

static enum error_code rename_file(struct world *world, const char *from, const char *to, struct error *error)
{
    (void)world;
    (void)error;
    assert_int_equal(rename(from, to), 0);
    return ERR_OK;
}

static void remove_file(struct world *world, const char *path)
{
    (void)world;
    (void)unlink(path);
}

static const struct world_file_operations files = {open_file, look,      read_file,  write_file,  resize,
                                                   stamp,     sync_file, close_file, rename_file, remove_file};

static void write_whole(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static size_t read_whole(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t length = file == NULL ? 0 : fread(out, 1, size, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    return length;
}

/* ---- The machine ------------------------------------------------------------------------------------------------------------ */

/* What befalls its commands. */
static struct plan {
    int nth;   /* of them, from 1; 0: none */
    int count; /* and how many from there on */
    enum fortune { BEFORE, HALFWAY, AFTERWARDS, DISK_FULL, KILLED, SPOILS, SHRINKS, SOURCE_CHANGES } what;
    int seen;
    int pieces; /* that reached sh */
} plan;

static void append_file(const char *path, struct buffer *out)
{
    static char bytes[OUTPUT_SIZE];
    buffer_append(out, bytes, read_whole(path, bytes, sizeof bytes));
}

static int run_sh(struct span command, struct span input, struct buffer *out, struct buffer *err)
{
    static const char *const names[] = {"command", "in", "out", "err"};
    char paths[4][PATH_SIZE];
    char line[4 * PATH_SIZE + 64];
    for (size_t i = 0; i < 4; i++) {
        assert_true(text_format(paths[i], PATH_SIZE, "%s/.sh-%s", folder, names[i]));
    }
    write_whole(paths[0], command.at, command.length);
    write_whole(paths[1], input.at, input.length);
    assert_true(text_format(line, sizeof line, "sh %s < %s > %s 2> %s", paths[0], paths[1], paths[2], paths[3]));
    int status = system(line);
    append_file(paths[2], out);
    append_file(paths[3], err);
    return WEXITSTATUS(status);
}

static bool is_piece(const struct shell_session *session)
{
    char text[4 * PATH_SIZE];
    assert_true(text_format(text, sizeof text, "%.*s", (int)session->command.length, session->command.at));
    return strstr(text, "cat >") != NULL || strncmp(text, "tail ", 5) == 0;
}

static void spoil(void)
{
    char line[2 * PATH_SIZE];
    assert_true(text_format(
        line, sizeof line, "for f in %s/.dumont-*; do printf X | dd of=\"$f\" conv=notrunc 2>/dev/null; done", folder));
    assert_int_equal(system(line), 0);
}

static void carry_out(struct shell_session *session)
{
    struct span input = session->input;
    bool piece = is_piece(session);
    bool pieces_only = plan.what >= DISK_FULL;
    plan.seen += !pieces_only || piece ? 1 : 0;
    bool hit = plan.nth > 0 && plan.seen >= plan.nth && plan.seen < plan.nth + plan.count && (piece || !pieces_only);
    if (hit && plan.what == DISK_FULL) {
        buffer_append_text(session->err, "cat: write error: No space left on device\n");
        session->exit_status = 1;
        return;
    }
    if (hit && plan.what == KILLED) {
        session->exit_status = 137;
        return;
    }
    if (hit && plan.what == SHRINKS) {
        content[0]++;
        write_whole(remote, content, FILE_BYTES - 1500);
    }
    if (hit && plan.what == SOURCE_CHANGES) {
        content[FILE_BYTES - 2]++;
        write_whole(local, content, source_size);
    }
    if (hit && plan.what <= AFTERWARDS) {
        session->fate = FATE_DROPPED;
        input.length = plan.what == HALFWAY ? input.length / 2 : input.length;
    }
    if (!hit || plan.what != BEFORE) {
        plan.pieces += piece ? 1 : 0;
        session->exit_status = run_sh(session->command, input, session->out, session->err);
    }
    if (hit && plan.what == SPOILS) {
        spoil();
    }
}

/* ---- Runs ------------------------------------------------------------------------------------------------------------------- */

struct run {
    bool get;
    struct machine machine;
    struct transfer transfer;
    enum error_code code;
    struct error error;
};

static void procedure(void *argument)
{
    struct run *run = argument;
    struct transfer_room *room = heap_alloc(scripted.world.heap, sizeof *room);
    assert_non_null(room);
    machine_init(&run->machine, &scripted.world, 7, true, 30 * NS_PER_S);
    assert_true(machine_set_address(&run->machine, "ssh8.example.test", 13846));
    run->transfer = (struct transfer){.local = local, .remote = remote};
    assert_int_equal(transfer_room_take(room, &run->machine, PIECE_BYTES), ERR_OK);
    run->code =
        run->get ? transfer_get(room, &run->transfer, &run->error) : transfer_put(room, &run->transfer, &run->error);
    machine_close(&run->machine);
    transfer_room_release(room);
    heap_release(scripted.world.heap, room);
}

/* A source of its own, no target, and nothing left of former runs. */
static void begin(bool get)
{
    char line[2 * PATH_SIZE];
    assert_true(text_format(line, sizeof line, "rm -rf %s/* %s/.[a-z]*", folder, folder));
    assert_int_equal(system(line), 0);
    for (size_t i = 0; i < sizeof content; i++) {
        content[i] = (char)(i * 31 % 251);
    }
    write_whole(get ? remote : local, content, sizeof content);
}

static enum error_code transfer(struct run *run, bool get, struct plan planned)
{
    plan = planned;
    *run = (struct run){.get = get};
    scripted_world_run(&scripted, procedure, run);
    return run->code;
}

static bool target_holds(bool get, size_t size)
{
    static char found[FILE_BYTES + 1];
    size_t length = read_whole(get ? local : remote, found, sizeof found);
    return length == size && memcmp(found, content, size) == 0;
}

static int parts_left(void)
{
    char line[2 * PATH_SIZE];
    assert_true(text_format(line, sizeof line, "exit $(ls -a %s | grep -c '^[.]dumont-')", folder));
    return WEXITSTATUS(system(line));
}

/* ---- Laws ------------------------------------------------------------------------------------------------------------------- */

/* Wherever the connection breaks, before, amid or after a command, the transfer goes on from what is there and sends little twice. */
static void test_a_drop_at_any_command_costs_one_piece_at_most(void **state)
{
    (void)state;
    for (int get = 0; get <= 1; get++) {
        begin(get == 1);
        struct run run;
        assert_int_equal(transfer(&run, get == 1, (struct plan){0}), ERR_OK);
        int commands = plan.seen;
        assert_int_equal(run.transfer.sent_bytes, FILE_BYTES);
        for (int nth = 1; nth <= commands; nth++) {
            for (enum fortune what = BEFORE; what <= AFTERWARDS; what++) {
                begin(get == 1);
                assert_int_equal(transfer(&run, get == 1, (struct plan){.nth = nth, .count = 1, .what = what}), ERR_OK);
                assert_true(target_holds(get == 1, FILE_BYTES));
                assert_int_equal(run.transfer.attempts, 2);
                assert_in_range(plan.pieces, 4, 5);
                assert_int_equal(parts_left(), 0);
            }
        }
    }
}

/* A connection that never holds is given up after a bounded number of attempts, with pauses that double. */
static void test_attempts_without_progress_are_bounded(void **state)
{
    (void)state;
    struct run run;
    begin(false);
    int64_t began_ns = scripted.now_ns;
    assert_int_equal(transfer(&run, false, (struct plan){.nth = 2, .count = 1000, .what = BEFORE}), ERR_SSH_DROPPED);
    assert_int_equal(run.transfer.attempts, TRANSFER_ATTEMPTS);
    int64_t pauses_ns = (1 + 2 + 4 + 8 + 16 + 30 + 30) * NS_PER_S;
    assert_in_range(scripted.now_ns - began_ns, pauses_ns, pauses_ns + pauses_ns / 4);
    assert_int_equal(count_lines(&scripted.notes, "ssh-drop-mid-command", "gave up"), 1);
}

/* A full disk has its name, and nothing of the file stays on it. */
static void test_a_full_disk_is_final_and_is_left_clean(void **state)
{
    (void)state;
    struct run run;
    begin(false);
    assert_int_equal(transfer(&run, false, (struct plan){.nth = 3, .count = 1, .what = DISK_FULL}), ERR_DISK_FULL);
    assert_int_equal(run.transfer.attempts, 1);
    assert_int_equal(parts_left(), 0);
    assert_true(target_holds(false, 0));
}

/* A copy whose digest is another one never gets the target's name: it is sent anew, and given up after some times. */
static void test_a_spoilt_copy_never_gets_the_name(void **state)
{
    (void)state;
    for (int get = 0; get <= 1; get++) {
        struct run run;
        begin(get == 1);
        assert_int_equal(transfer(&run, get == 1, (struct plan){.nth = 4, .count = 1, .what = SPOILS}), ERR_OK);
        assert_true(target_holds(get == 1, FILE_BYTES));
        begin(get == 1);
        assert_int_equal(transfer(&run, get == 1, (struct plan){.nth = 1, .count = 1000, .what = SPOILS}),
                         ERR_FILE_DIFFERS);
        assert_int_equal(run.transfer.attempts, TRANSFER_RESTARTS);
        assert_true(target_holds(get == 1, 0));
    }
}

/* What has no end, as a device has none, is not read at all. */
static void test_what_is_no_file_is_not_fetched(void **state)
{
    struct run run;
    (void)state;
    begin(true);
    assert_int_equal(unlink(remote), 0);
    assert_int_equal(symlink("/dev/null", remote), 0);
    assert_int_equal(transfer(&run, true, (struct plan){0}), ERR_COMMAND_FAILED);
    assert_int_equal(plan.seen, 1);
    assert_int_equal(parts_left(), 0);
}

/* A command that a signal ends says nothing itself, so we do; it is not taken for a file that differs, nor begun again. */
static void test_a_command_that_is_killed_is_told(void **state)
{
    struct run run;
    (void)state;
    begin(false);
    assert_int_equal(transfer(&run, false, (struct plan){.nth = 1, .count = 1000, .what = KILLED}), ERR_COMMAND_FAILED);
    assert_non_null(strstr(run.error.message, "killed (status 137)"));
    assert_int_equal(plan.seen, 1);
    assert_true(target_holds(false, 0));
}

/* A source on the machine that becomes another file is begun again; one that never rests is given up. */
static void test_a_source_that_shrinks_is_begun_again(void **state)
{
    (void)state;
    struct run run;
    begin(true);
    assert_int_equal(transfer(&run, true, (struct plan){.nth = 3, .count = 1, .what = SHRINKS}), ERR_OK);
    assert_true(target_holds(true, FILE_BYTES - 1500));
    assert_int_equal(parts_left(), 0);
    begin(true);
    assert_int_equal(transfer(&run, true, (struct plan){.nth = 1, .count = 1000, .what = SHRINKS}), ERR_FILE_DIFFERS);
    assert_true(target_holds(true, 0));
}

/* A local source that changes is told, and does not become the target. */
static void test_a_source_that_changes_is_told(void **state)
{
    (void)state;
    for (source_size = FILE_BYTES - 1; source_size <= FILE_BYTES; source_size++) {
        struct run run;
        begin(false);
        struct plan change = {.nth = 2, .count = 1, .what = SOURCE_CHANGES};
        assert_int_equal(transfer(&run, false, change), ERR_INPUT_UNREADABLE);
        assert_true(target_holds(false, 0));
        assert_true(run.transfer.sent_bytes <= FILE_BYTES);
    }
}

/* What an interruption leaves, the next run goes on from. */
static void test_an_interrupted_transfer_is_gone_on_from(void **state)
{
    (void)state;
    for (int get = 0; get <= 1; get++) {
        struct run run;
        begin(get == 1);
        scripted.cancel_at_ns = scripted.now_ns + NS_PER_S / 2; /* in the pause after the drop */
        struct plan drop = {.nth = 5, .count = 1, .what = AFTERWARDS};
        assert_int_equal(transfer(&run, get == 1, drop), ERR_INTERRUPTED);
        scripted.cancel_at_ns = 0;
        assert_int_equal(parts_left(), 1);
        assert_int_equal(transfer(&run, get == 1, (struct plan){0}), ERR_OK);
        assert_in_range(run.transfer.resumed_from, PIECE_BYTES, FILE_BYTES);
        assert_int_equal(run.transfer.sent_bytes, FILE_BYTES - run.transfer.resumed_from);
        assert_true(target_holds(get == 1, FILE_BYTES));
    }
}

static int set_up(void **state)
{
    (void)state;
    scripted_world_open(&scripted);
    operations = *scripted.world.operations;
    operations.files = &files;
    scripted.world.operations = &operations;
    scripted.carry_out = carry_out;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scripted_world_close(&scripted);
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    bool fits = text_format(local, sizeof local, "%s/here it's", folder) &&
                text_format(remote, sizeof remote, "%s/there \"it\" is", folder);
    return fits ? 0 : 1;
}

static int remove_folder(void **state)
{
    (void)state;
    char line[PATH_SIZE];
    return text_format(line, sizeof line, "rm -rf %s", folder) && system(line) == 0 ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_a_drop_at_any_command_costs_one_piece_at_most),
        LAW(test_attempts_without_progress_are_bounded),
        LAW(test_a_full_disk_is_final_and_is_left_clean),
        LAW(test_a_spoilt_copy_never_gets_the_name),
        LAW(test_what_is_no_file_is_not_fetched),
        LAW(test_a_command_that_is_killed_is_told),
        LAW(test_a_source_that_shrinks_is_begun_again),
        LAW(test_a_source_that_changes_is_told),
        LAW(test_an_interrupted_transfer_is_gone_on_from),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
