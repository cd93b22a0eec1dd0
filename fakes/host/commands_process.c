/* Processes: ps, pgrep, pkill, kill, top. What runs in the container is its first process and sshd; jobs are over at once. */
#include <string.h>

#include "fakes/host/calendar.h"
#include "fakes/host/command.h"
#include "fakes/host/number.h"
#include "fakes/host/pattern.h"

static const struct process {
    int32_t pid;
    const char *name;
    const char *arguments;
} processes[] = {
    {1, "bash", "/bin/bash /.launch"},
    {214, "sshd", "sshd: /usr/sbin/sshd -D -e [listener] 0 of 10-100 startups"},
};

int command_ps(struct call *call)
{
    const char *style = call->argc > 1 ? call->argv[1] : "";
    bool full = strchr(style, 'u') != NULL;
    bool all = full || strpbrk(style, "axeA") != NULL;
    buffer_append_text(call->out, full ? "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
                                       : "    PID TTY          TIME CMD\n");
    for (size_t i = 0; i < ARRAY_LENGTH(processes); i++) {
        const struct process *process = &processes[i];
        if (full) {
            buffer_printf(call->out, "root %9d  0.0  0.0   7380  3560 ?        Ss   ", process->pid);
            calendar_append(call->out, (struct wall_time){call->host->boot_unix_ns}, "%H:%M");
            buffer_printf(call->out, "   0:00 %s\n", process->arguments);
        } else if (all) {
            buffer_printf(call->out, "%7d ?        00:00:00 %s\n", process->pid, process->name);
        }
    }
    return 0;
}

/* pgrep and pkill; signals end nothing. */
int command_pgrep(struct call *call)
{
    static const struct long_option names[] = {{"full", 'f'}, {"exact", 'x'}, {"count", 'c'}, {NULL, 0}};
    struct option_reader options;
    bool kills = strcmp(call->argv[0], "pkill") == 0;
    bool full = false;
    bool shows_names = false;
    bool counts = false;
    if (!options_start(&options, call, "fxlacnou:0123456789", names)) {
        return 2;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        full = full || letter == 'f';
        shows_names = shows_names || letter == 'l' || letter == 'a';
        counts = counts || letter == 'c';
    }
    if (options.wrong || options.operand_count == 0) {
        buffer_append_text(
            call->err,
            options.wrong ? "" : "pgrep: no matching criteria specified\nTry `pgrep --help' for more information.\n");
        return 2;
    }
    const char *mistake;
    struct regex *regex = regex_compile(&call->run->arena, span_of(options.operands[0]),
                                        (struct regex_flags){.extended = true}, &mistake);
    if (regex == NULL) {
        call_complain(call, "%s\n", mistake == NULL ? "memory exhausted" : mistake);
        return 2;
    }
    int found = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(processes); i++) {
        long groups[2 * REGEX_GROUPS];
        const char *subject = full ? processes[i].arguments : processes[i].name;
        if (!regex_find(&call->run->arena, regex, span_of(subject), 0, groups)) {
            continue;
        }
        found++;
        if (!kills && !counts) {
            buffer_printf(call->out, "%d%s%s\n", processes[i].pid, shows_names ? " " : "", shows_names ? subject : "");
        }
    }
    if (counts) {
        buffer_printf(call->out, "%d\n", found);
    }
    return found > 0 ? 0 : 1;
}

static bool is_running(int64_t pid)
{
    for (size_t i = 0; i < ARRAY_LENGTH(processes); i++) {
        if (processes[i].pid == pid) {
            return true;
        }
    }
    return false;
}

int command_kill(struct call *call)
{
    int first = 1;
    if (call->argc > 1 && strcmp(call->argv[1], "-l") == 0) {
        buffer_append_text(call->out, "HUP INT QUIT KILL USR1 USR2 TERM\n");
        return 0;
    }
    if (call->argc > 1 && call->argv[1][0] == '-' && call->argv[1][1] != '\0') {
        first = strcmp(call->argv[1], "-s") == 0 || strcmp(call->argv[1], "-n") == 0 ? 3 : 2;
    }
    if (first >= call->argc) {
        shell_complain(
            call->shell,
            "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n");
        return 2;
    }
    int status = 0;
    for (int i = first; i < call->argc; i++) {
        int64_t pid;
        if (!number_parse(span_of(call->argv[i]), &pid)) {
            shell_complain(call->shell, "kill: %s: arguments must be process or job IDs\n", call->argv[i]);
            status = 1;
        } else if (!is_running(pid)) {
            shell_complain(call->shell, "kill: (%s) - No such process\n", call->argv[i]);
            status = 1;
        }
    }
    return status;
}

/* The processors are as busy as the GPU: what keeps one busy feeds it from the other. */
int command_top(struct call *call)
{
    struct option_reader options;
    if (!options_start(&options, call, "bn:d:cH", NULL)) {
        return 1;
    }
    while (options_next(&options) != 0) {
    }
    if (options.wrong) {
        return 1;
    }
    int64_t busy = (int64_t)call->host->gpu_load.utilization_percent * 352 / 100; /* in thousandths: a third at most */
    int64_t idle = 1000 - busy;
    calendar_append(call->out, call->run->now, "top - %H:%M:%S up ");
    int64_t up_ns = saturating_subtract(call->run->now.unix_ns, call->host->boot_unix_ns);
    buffer_printf(call->out, "%lld min,  0 users,  load average: 0.08, 0.03, 0.01\n",
                  (long long)(up_ns < 0 ? 0 : up_ns / NS_PER_S / 60));
    buffer_append_text(call->out, "Tasks:   2 total,   1 running,   1 sleeping,   0 stopped,   0 zombie\n%Cpu(s): ");
    buffer_printf(call->out, "%2lld.%lld us,  0.0 sy,  0.0 ni, %lld.%lld id,  0.0 wa,  0.0 hi,  0.0 si,  0.0 st\n",
                  (long long)(busy / 10), (long long)(busy % 10), (long long)(idle / 10), (long long)(idle % 10));
    long long total = (long long)call->host->facts.ram_mib;
    buffer_printf(call->out, "MiB Mem : %8lld.0 total, %8lld.0 free, %8lld.0 used, %8lld.0 buff/cache\n", total,
                  total - total / 50 - total / 10, total / 50, total / 10);
    buffer_printf(call->out, "MiB Swap:      0.0 total,      0.0 free,      0.0 used. %8lld.0 avail Mem\n\n",
                  total - total / 50);
    buffer_append_text(call->out, "    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n");
    for (size_t i = 0; i < ARRAY_LENGTH(processes); i++) {
        buffer_printf(call->out, "%7d root      20   0    7380   3560   3120 S   0.0   0.0   0:00.01 %s\n",
                      processes[i].pid, processes[i].name);
    }
    return 0;
}
