/*
 * ssh_stage_main CLOCK PUBLIC_KEY [key=value…]: a stage for tests/front/ssh.py. Reads one command a line on standard input, answers each with one line:
 *   rent | destroy N | rotate N | lose N | find N | state N | peers | quit
 * Keys: speed (milli), stage=AFTER_MS:STAGE[:PORT], connect_ms, command_ms, refused_ms, keepalive_ms, fault.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front/ssh_stage.h"

struct main_stage {
    struct ssh_rig stage;
    struct reactor_watch input;
    bool over;
};

static void add_stage(struct machine_timeline *timeline, char *text)
{
    char *save = NULL;
    char *after = strtok_r(text, ":", &save);
    char *name = strtok_r(NULL, ":", &save);
    char *port = strtok_r(NULL, ":", &save);
    timeline->ssh[timeline->ssh_count++] = (struct ssh_step){
        .after_ns = atoll(after) * NS_PER_MS,
        .stage = ssh_stage_by_name(name),
        .ports = port == NULL ? 0 : 1U << ssh_port_by_name(port),
    };
}

static int64_t set(struct ssh_rig *stage, char *key, char *value, bool *first_step)
{
    struct timing *timing = &stage->scenario.timing;
    struct error error;
    if (strcmp(key, "stage") == 0) {
        timing->timeline.ssh_count = *first_step ? 0 : timing->timeline.ssh_count;
        *first_step = false;
        add_stage(&timing->timeline, value);
    } else if (strcmp(key, "session_ms") == 0) {
        timing->ssh_session_ns[0] = atoll(value) * NS_PER_MS;
        timing->ssh_connect_permille = 500;
        timing->effect_permille = 500;
    } else if (strcmp(key, "keepalive_ms") == 0) {
        stage->keepalive_ns = atoll(value) * NS_PER_MS;
    } else if (strcmp(key, "refused_ms") == 0) {
        timing->refused_ns = atoll(value) * NS_PER_MS;
    } else if (strcmp(key, "fault") == 0 && fault_plan_add(&stage->scenario.faults, value, &error) != ERR_OK) {
        (void)fprintf(stderr, "%s\n", error.message);
        exit(2);
    } else if (strcmp(key, "seed") == 0) {
        stage->scenario.seed = (uint64_t)atoll(value);
    }
    return strcmp(key, "speed") == 0 ? atoll(value) : 0;
}

static void say_machine(struct ssh_rig *stage, int64_t contract)
{
    struct contract_view view;
    if (contract < 0) {
        (void)printf("-\n");
        return;
    }
    market_contract(cloud_market(stage->stage.cloud), (size_t)contract, &view);
    (void)printf("%lld %s %lld %lld\n", (long long)contract, view.ssh_host, (long long)view.ssh_port,
                 (long long)view.direct_port);
}

static void obey(struct main_stage *main_stage, const char *line)
{
    struct ssh_rig *stage = &main_stage->stage;
    char word[16] = "";
    long long number = 0;
    (void)sscanf(line, "%15s %lld", word, &number);
    uint32_t contract = (uint32_t)number;
    struct cloud *cloud = stage->stage.cloud;
    if (strcmp(word, "rent") == 0) {
        say_machine(stage, ssh_stage_rent(stage));
    } else if (strcmp(word, "destroy") == 0) {
        (void)printf("%d\n", ssh_stage_destroy(stage, contract));
    } else if (strcmp(word, "rotate") == 0) {
        (void)printf("%d\n", cloud_ssh_rotate_host_key(cloud, contract));
    } else if (strcmp(word, "lose") == 0 || strcmp(word, "find") == 0) {
        (void)printf("%d\n", cloud_ssh_lose(cloud, contract, word[0] == 'l'));
    } else if (strcmp(word, "state") == 0) {
        say_machine(stage, number);
    } else if (strcmp(word, "peers") == 0) {
        (void)printf("%zu %zu %llu %zu\n", ssh_front_peers(stage->front), ssh_front_programs(stage->front),
                     (unsigned long long)ssh_front_accepted(stage->front), heap_live_blocks(stage->heap));
    } else {
        main_stage->over = true;
    }
    (void)fflush(stdout);
}

static void read_lines(void *context, unsigned ready)
{
    struct main_stage *main_stage = context;
    char text[4096];
    (void)ready;
    ssize_t got = read(STDIN_FILENO, text, sizeof text - 1);
    if (got <= 0) {
        main_stage->over = true;
        return;
    }
    text[got] = '\0';
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        obey(main_stage, line);
    }
}

int main(int argc, char **argv)
{
    struct main_stage main_stage = {.over = false};
    struct ssh_rig *stage = &main_stage.stage;
    int64_t speed_milli = CLOCK_SPEED_REAL_MILLI;
    bool first_step = true;
    ssh_stage_defaults(stage);
    for (int i = 3; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        *value++ = '\0';
        int64_t speed = set(stage, argv[i], value, &first_step);
        speed_milli = speed > 0 ? speed : speed_milli;
    }
    if (argc < 3 || !ssh_stage_open(stage, argv[1], speed_milli, argv[2])) {
        (void)fprintf(stderr, "the stage does not open\n");
        return 3;
    }
    main_stage.input = (struct reactor_watch){.descriptor = STDIN_FILENO, .ready = read_lines, .context = &main_stage};
    if (!reactor_watch(stage->reactor, &main_stage.input, REACTOR_READ)) {
        return 3;
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    while (!main_stage.over) {
        ssh_stage_turn(stage, true);
    }
    reactor_unwatch(stage->reactor, &main_stage.input);
    bool clean = ssh_stage_close(stage);
    (void)printf(clean ? "clean\n" : "something is left\n");
    return clean ? 0 : 1;
}
