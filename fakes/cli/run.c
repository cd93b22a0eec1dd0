#include "fakes/cli/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "fakes/cli/child.h"
#include "fakes/cli/history_file.h"
#include "fakes/cli/run_folder.h"
#include "fakes/cli/setting.h"
#include "fakes/cli/told_files.h"
#include "fakes/front/bucket_front.h"
#include "fakes/front/control_front.h"
#include "fakes/front/object_files.h"
#include "fakes/front/sandbox_machines.h"
#include "fakes/front/ssh_front.h"
#include "fakes/front/statement.h"
#include "fakes/front/vast_front.h"
#include "fakes/front/verdict_report.h"

enum { KEY_BYTES = 32, STATEMENT_MAX = 64 * 1024 * 1024 };

/* All of one run. */
struct fake {
    struct heap *heap;
    const struct fake_values *values;
    struct setting setting;
    struct run_folder folder;
    struct content_store *objects; /* NULL: the object store is in memory */
    struct history history;
    struct history_file history_file;
    struct clock_page *clock;
    struct reactor *reactor;
    struct stage_server stage;
    struct journal journal;
    struct vast_front vast;
    struct bucket_front bucket;
    struct control_front control;
    struct ssh_front *ssh;              /* NULL with --no-ssh */
    struct sandbox_machines *sandboxes; /* NULL unless hosts are sandboxed */
    struct reactor_watch signals;
    char api_key[STAGE_API_KEY_SIZE];
    char database[FILE_PATH_SIZE + 8];
    char vast_url[HTTP_ORIGIN_SIZE];
    char b2_url[HTTP_ORIGIN_SIZE];
    char control_url[HTTP_ORIGIN_SIZE];
    struct variables variables;
    struct child child;
    bool over;
    struct verdict_report report; /* made at the end */
};

/* ---- Setting the stage -------------------------------------------------------------------------------------------------- */

static enum error_code draw_key(char key[STAGE_API_KEY_SIZE], struct error *error)
{
    unsigned char bytes[KEY_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return error_set(error, ERR_NO_MEMORY, "no randomness for a key: %s", strerror(errno));
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)text_format(key + 2 * i, 3, "%02x", (unsigned)bytes[i]);
    }
    return ERR_OK;
}

/* What reports of those that rehearse may say of the stage. */
static void describe_stage(struct fake *fake)
{
    const struct cloud_scenario *scenario = &fake->setting.scenario;
    struct clock_stage stage = {.seed = scenario->seed};
    (void)text_copy(stage.scenario, sizeof stage.scenario, scenario->name);
    (void)text_copy(stage.timing, sizeof stage.timing, scenario->timing_name);
    (void)text_copy(stage.boot_from, sizeof stage.boot_from, provenance_name(scenario->timing.boot_from));
    (void)text_copy(stage.ssh_from, sizeof stage.ssh_from, provenance_name(scenario->timing.ssh_from));
    clock_page_describe(fake->clock, &stage);
}

/* The clock stands still until all is there. */
static enum error_code make_clock(struct fake *fake, struct error *error)
{
    enum error_code code = clock_page_create(fake->heap, fake->folder.clock, fake->setting.scenario.epoch,
                                             fake->values->speed_milli, &fake->clock, error);
    if (code != ERR_OK) {
        return code;
    }
    clock_page_freeze(fake->clock, true);
    describe_stage(fake);
    fake->reactor = reactor_new(fake->heap, fake->clock);
    return fake->reactor == NULL ? error_set(error, ERR_NO_MEMORY, "no memory or descriptors for the loop") : ERR_OK;
}

/* A folder for the verdict that cannot be made is said before anything runs. */
static enum error_code make_folders(struct fake *fake, struct error *error)
{
    enum error_code code =
        fake->values->report_dir == NULL ? ERR_OK : folder_make(fake->values->report_dir, FOLDER_PUBLIC, error);
    if (code != ERR_OK) {
        return code;
    }
    code = run_folder_make(&fake->folder, fake->values->data, error);
    return code == ERR_OK ? run_folder_make_events(&fake->folder, fake->setting.scenario.epoch,
                                                   &fake->setting.scenario.faults, error)
                          : code;
}

/* With --data the object store outlives the run. */
static enum error_code open_objects(struct fake *fake, struct error *error)
{
    char folder[FILE_PATH_SIZE];
    if (fake->values->data == NULL) {
        return ERR_OK;
    }
    if (!text_format(folder, sizeof folder, "%s/b2", fake->values->data)) {
        return error_set(error, ERR_USAGE, "--data: the path is too long");
    }
    return object_files_open(fake->heap, folder, &fake->objects, error);
}

static enum error_code open_stage(struct fake *fake, struct error *error)
{
    const struct stage_options options = {
        .heap = fake->heap,
        .reactor = fake->reactor,
        .clock = fake->clock,
        .history = &fake->history,
        .scenario = &fake->setting.scenario,
        .offers = fake->setting.offers,
        .api_key = fake->api_key,
        .ssh_public_key = fake->folder.public_key,
        .folder = fake->folder.path,
        .objects = fake->objects,
    };
    history_init(&fake->history, fake->heap);
    journal_init(&fake->journal, fake->heap, fake->api_key);
    enum error_code code =
        history_file_open(&fake->history_file, fake->reactor, &fake->history, fake->values->history, error);
    return code == ERR_OK ? stage_open(&fake->stage, &options, error) : code;
}

static enum error_code open_ssh(struct fake *fake, struct error *error)
{
    struct ssh_front_options options = {.heap = fake->heap, .keepalive_ns = fake->values->ssh_keepalive_ns};
    if (fake->values->no_ssh) {
        return ERR_OK;
    }
    if (fake->sandboxes != NULL) {
        options.program = sandbox_machines_program;
        options.program_context = fake->sandboxes;
    }
    fake->ssh = ssh_front_new(&options);
    fake->control.ssh = fake->ssh;
    return fake->ssh == NULL ? error_set(error, ERR_NO_MEMORY, "no memory for the SSH front")
                             : stage_add_service(&fake->stage, ssh_front_service(fake->ssh), error);
}

/* Without SSH nobody would reach them: their onstart runs all the same. */
static enum error_code open_sandboxes(struct fake *fake, struct error *error)
{
    if (fake->values->host != HOST_SANDBOXED) {
        return ERR_OK;
    }
    enum error_code code = sandbox_machines_new(fake->heap, &fake->sandboxes, error);
    return code == ERR_OK ? stage_add_service(&fake->stage, sandbox_machines_service(fake->sandboxes), error) : code;
}

static enum error_code open_services(struct fake *fake, struct error *error)
{
    fake->vast = (struct vast_front){
        .port = fake->values->vast_port,
        .tls_cert = fake->values->tls_cert,
        .tls_key = fake->values->tls_key,
        .journal = &fake->journal,
    };
    fake->bucket = (struct bucket_front){.port = fake->values->b2_port, .journal = &fake->journal};
    fake->control = (struct control_front){.port = fake->values->control_port, .journal = &fake->journal};
    vast_front_init(&fake->vast);
    bucket_front_init(&fake->bucket);
    control_front_init(&fake->control);
    struct stage_service *const services[] = {&fake->vast.service, &fake->bucket.service, &fake->control.service};
    for (size_t i = 0; i < ARRAY_LENGTH(services); i++) {
        enum error_code code = stage_add_service(&fake->stage, services[i], error);
        if (code != ERR_OK) {
            return code;
        }
    }
    http_front_origin(fake->vast.http, fake->vast_url);
    if (!cloud_set_origin(fake->stage.cloud, fake->vast_url)) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the market's address");
    }
    http_front_origin(fake->bucket.http, fake->b2_url);
    http_front_origin(fake->control.http, fake->control_url);
    return ERR_OK;
}

/* ---- Signals ------------------------------------------------------------------------------------------------------------ */

static void take_signal(struct fake *fake, int signal_number)
{
    if (signal_number == SIGCHLD) {
        fake->over = child_ended(&fake->child) || fake->over;
    } else if (fake->child.pid == 0) {
        fake->over = true;
    } else {
        child_signal(&fake->child, signal_number);
    }
}

static void signals_came(void *context, unsigned ready)
{
    struct fake *fake = context;
    struct signalfd_siginfo info;
    (void)ready;
    while (read(fake->signals.descriptor, &info, sizeof info) == (ssize_t)sizeof info) {
        take_signal(fake, (int)info.ssi_signo);
    }
}

static enum error_code watch_signals(struct fake *fake, struct error *error)
{
    static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LENGTH(watched); i++) {
        (void)sigaddset(&set, watched[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    fake->signals = (struct reactor_watch){
        .descriptor = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), .ready = signals_came, .context = fake};
    if (fake->signals.descriptor < 0 || !reactor_watch(fake->reactor, &fake->signals, REACTOR_READ)) {
        return error_set(error, ERR_NO_MEMORY, "signals cannot be watched: %s", strerror(errno));
    }
    return ERR_OK;
}

/* ---- The command -------------------------------------------------------------------------------------------------------- */

static const char *unless_set(const char *name, const char *value)
{
    const char *given = getenv(name);
    return given == NULL || given[0] == '\0' ? value : given;
}

/* Ours, those of Backblaze's tools, and rclone's. */
static void name_bucket_variables(struct fake *fake)
{
    struct variables *variables = &fake->variables;
    const struct bucket_service *bucket = cloud_bucket(fake->stage.cloud, fake->stage.now_ns, NULL);
    variables_add(variables, "DUMONT_B2_URL", fake->b2_url);
    variables_add(variables, "DUMONT_B2_BUCKET", CLOUD_BUCKET_NAME);
    variables_add(variables, "B2_APPLICATION_KEY_ID", bucket_key_id(bucket));
    variables_add(variables, "B2_APPLICATION_KEY", bucket_key(bucket));
    variables_add(variables, "RCLONE_B2_ACCOUNT", bucket_key_id(bucket));
    variables_add(variables, "RCLONE_B2_KEY", bucket_key(bucket));
    variables_add(variables, "RCLONE_B2_ENDPOINT", fake->b2_url);
}

static void name_variables(struct fake *fake)
{
    struct variables *variables = &fake->variables;
    (void)text_format(fake->database, sizeof fake->database, "sqlite:%s", fake->folder.events);
    variables_add(variables, "VAST_URL", fake->vast_url);
    variables_add(variables, "VAST_API_KEY", fake->api_key);
    variables_add(variables, "DUMONT_SSH_KEY", fake->folder.ssh_key);
    variables_add(variables, "DUMONT_CLOCK", fake->folder.clock);
    variables_add(variables, "DUMONT_STATE_DIR", unless_set("DUMONT_STATE_DIR", fake->folder.state));
    variables_add(variables, "DUMONT_CONTROL_URL", fake->control_url);
    name_bucket_variables(fake);
    variables_add(variables, "VASTAI_NO_UPDATE_CHECK", "1");
    variables_add(variables, "DUMONT_DATABASE", unless_set("DUMONT_DATABASE", fake->database));
}

static enum error_code tell_where(struct fake *fake, struct error *error)
{
    const struct bucket_service *bucket = cloud_bucket(fake->stage.cloud, fake->stage.now_ns, NULL);
    const struct told told = {
        .vast_url = fake->vast_url,
        .b2_url = fake->b2_url,
        .b2_bucket = CLOUD_BUCKET_NAME,
        .b2_key_id = bucket_key_id(bucket),
        .b2_key = bucket_key(bucket),
        .control_url = fake->control_url,
        .api_key = fake->api_key,
        .ssh_key = fake->folder.ssh_key,
        .clock = fake->folder.clock,
    };
    enum error_code code = ERR_OK;
    if (fake->values->env_file != NULL) {
        code = env_file_write(fake->heap, fake->values->env_file, &fake->variables, error);
    }
    if (code == ERR_OK && fake->values->ready_file != NULL) {
        code = ready_file_write(fake->heap, fake->values->ready_file, &told, error);
    }
    return code;
}

static void turn_until_over(struct fake *fake)
{
    while (!fake->over) {
        stage_prepare(&fake->stage);
        reactor_turn(fake->reactor, true);
    }
    (void)stage_catch_up(&fake->stage);
    cloud_bill(fake->stage.cloud, fake->stage.now_ns);
}

/* ---- The end ------------------------------------------------------------------------------------------------------------ */

/* JSON goes to standard output only where no command has that for itself. */
static enum exit_status tell_statement(struct fake *fake, bool with_command)
{
    const struct verdict *verdict = with_command || fake->values->report_dir != NULL ? fake->report.verdict : NULL;
    struct buffer text;
    buffer_init(&text, fake->heap, STATEMENT_MAX);
    if (fake->values->json) {
        statement_write_json(&fake->stage, &fake->journal, verdict, &text);
    } else {
        statement_write_text(&fake->stage, &fake->journal, verdict, &text);
    }
    enum exit_status status = EXIT_DONE;
    if (fake->values->json && !with_command) {
        status = fake_print(&text);
    } else {
        (void)fwrite(buffer_text(&text), 1, text.length, stderr);
    }
    buffer_release(&text);
    return status;
}

typedef enum error_code step_function(struct fake *fake, struct error *error);

static enum error_code set_stage(struct fake *fake, struct error *error)
{
    static step_function *const steps[] = {
        make_folders, make_clock, open_objects, open_stage, open_services, open_sandboxes, open_ssh, watch_signals,
    };
    enum error_code code = setting_make(&fake->setting, fake->values, error);
    code = code == ERR_OK ? draw_key(fake->api_key, error) : code;
    for (size_t i = 0; code == ERR_OK && i < ARRAY_LENGTH(steps); i++) {
        code = steps[i](fake, error);
    }
    return code;
}

/* The run's exit status, all going well: the verdict's when it is asked for, else the command's, else that the stage has stood. */
static enum exit_status status_of(const struct fake *fake, bool with_command, enum exit_status told)
{
    if (fake->values->expect) {
        return fake->report.verdict->passed ? told : EXIT_FAILED;
    }
    if (!with_command) {
        return told;
    }
    bool unwanted = fake->child.status == 0 && statement_machines_left(fake->stage.cloud) > 0;
    return unwanted ? EXIT_MACHINES_UNWANTED : (enum exit_status)fake->child.status;
}

/* The statement and the verdict, once all is over. */
static enum exit_status conclude(struct fake *fake, const char *command)
{
    const struct verdict_end end = {command, fake->child.status};
    struct error error;
    enum error_code code = verdict_report_make(&fake->report, &fake->stage, &fake->journal, &end, &error);
    if (code != ERR_OK) {
        verdict_report_release(&fake->report);
        return fake_say(&error);
    }
    enum exit_status status = status_of(fake, command != NULL, tell_statement(fake, command != NULL));
    if (fake->values->report_dir != NULL) {
        code = verdict_report_write(&fake->report, fake->values->report_dir, &error);
    }
    verdict_report_release(&fake->report);
    if (code != ERR_OK) {
        enum exit_status unwritten = fake_say(&error);
        status = status == EXIT_DONE ? unwritten : status;
    }
    return status;
}

/* From the clock's start to the statement. */
static enum exit_status play(struct fake *fake, char *const argv[], struct error *error)
{
    bool with_command = argv[0] != NULL;
    name_variables(fake);
    clock_page_freeze(fake->clock, false);
    enum error_code code = tell_where(fake, error);
    if (code == ERR_OK && with_command) {
        code = child_start(fake->heap, argv, &fake->variables, &fake->child, error);
    }
    if (code != ERR_OK) {
        return fake_say(error);
    }
    turn_until_over(fake);
    return conclude(fake, with_command ? argv[0] : NULL);
}

static void clear_stage(struct fake *fake)
{
    stage_close(&fake->stage);
    object_files_close(fake->objects);
    ssh_front_free(fake->ssh);
    sandbox_machines_free(fake->sandboxes);
    journal_release(&fake->journal);
    if (fake->reactor != NULL) {
        reactor_unwatch(fake->reactor, &fake->signals);
    }
    if (fake->signals.descriptor > 0) {
        (void)close(fake->signals.descriptor);
    }
    reactor_free(fake->reactor);
    clock_page_close(fake->clock);
    run_folder_remove(&fake->folder);
}

enum exit_status fake_run(const struct fake_values *values, char *const argv[])
{
    struct error error;
    struct heap *heap = heap_new();
    struct fake *fake = heap == NULL ? NULL : heap_alloc(heap, sizeof *fake);
    if (fake == NULL) {
        heap_free(heap);
        (void)error_set(&error, ERR_NO_MEMORY, "no memory");
        return fake_say(&error);
    }
    fake->heap = heap;
    fake->values = values;
    fake->setting.heap = heap;
    if (values->ready_file != NULL) {
        (void)unlink(values->ready_file); /* who waits for it must not find an older run's */
    }
    enum error_code code = set_stage(fake, &error);
    enum exit_status status = code == ERR_OK ? play(fake, argv, &error) : fake_say(&error);
    if (history_file_close(&fake->history_file, &error) != ERR_OK) {
        enum exit_status unwritten = fake_say(&error);
        status = status == EXIT_DONE ? unwritten : status;
    }
    clear_stage(fake);
    heap_free(heap);
    return status;
}
