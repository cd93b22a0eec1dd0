/* What the machine says of itself: hostname, uname, nproc, free, uptime, whoami, id, date, sleep, apt-get. */
#include <string.h>

#include "fakes/host/calendar.h"
#include "fakes/host/command.h"
#include "fakes/host/number.h"

static const char kernel_release[] = "5.15.0-161-generic";
static const char kernel_version[] = "#171-Ubuntu SMP Sat Oct 11 08:17:01 UTC 2025";

int command_hostname(struct call *call)
{
    char id[16];
    if (call->argc > 1 && (strcmp(call->argv[1], "-I") == 0 || strcmp(call->argv[1], "-i") == 0)) {
        buffer_append_text(call->out, call->argv[1][1] == 'I' ? "172.17.0.2 \n" : "172.17.0.2\n");
        return 0;
    }
    host_container_id(call->host, id);
    buffer_printf(call->out, "%s\n", id);
    return 0;
}

int command_uname(struct call *call)
{
    char id[16];
    struct option_reader options;
    host_container_id(call->host, id);
    const struct {
        char letter;
        const char *text;
    } parts[] = {{'s', "Linux"},  {'n', id},       {'r', kernel_release}, {'v', kernel_version},
                 {'m', "x86_64"}, {'p', "x86_64"}, {'i', "x86_64"},       {'o', "GNU/Linux"}};
    bool wanted[ARRAY_LENGTH(parts)] = {false};
    bool any = false;
    if (!options_start(&options, call, "asnrvmpio", NULL)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        any = true;
        for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
            wanted[i] = wanted[i] || letter == 'a' || letter == parts[i].letter;
        }
    }
    if (options.wrong) {
        return 1;
    }
    wanted[0] = wanted[0] || !any;
    const char *separator = "";
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (wanted[i]) {
            buffer_printf(call->out, "%s%s", separator, parts[i].text);
            separator = " ";
        }
    }
    buffer_append_char(call->out, '\n');
    return 0;
}

int command_nproc(struct call *call)
{
    buffer_printf(call->out, "%d\n", call->host->facts.cpu_cores);
    return 0;
}

/* ---- free ---- */

static void append_memory(struct call *call, int64_t bytes, char unit)
{
    char text[32];
    struct buffer out;
    buffer_init_fixed(&out, text, sizeof text);
    if (unit == 'h') {
        number_append_human(&out, bytes);
        buffer_append_text(&out, bytes < 1024 ? "B" : "i");
    } else {
        int64_t size = unit == 'b' ? 1 : unit == 'm' ? 1024 * 1024 : unit == 'g' ? 1024 * 1024 * 1024 : 1024;
        buffer_printf(&out, "%lld", (long long)(bytes / size));
    }
    append_padded(call->out, (struct span){text, out.length}, 12);
}

int command_free(struct call *call)
{
    struct option_reader options;
    char unit = 'k';
    if (!options_start(&options, call, "bkmghtw", NULL)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        unit = strchr("bkmgh", letter) != NULL ? letter : unit;
    }
    if (options.wrong) {
        return 1;
    }
    int64_t total = scale_rounded(call->host->facts.ram_mib, INT64_C(1024) * 1024, 1);
    int64_t used = total / 50;
    int64_t cached = total / 10;
    const int64_t memory[] = {total, used, total - used - cached, total / 1000, cached, total - used};
    buffer_append_text(call->out,
                       "               total        used        free      shared  buff/cache   available\nMem:    ");
    for (size_t i = 0; i < ARRAY_LENGTH(memory); i++) {
        append_memory(call, memory[i], unit);
    }
    buffer_append_text(call->out, "\nSwap:   ");
    for (size_t i = 0; i < 3; i++) {
        append_memory(call, 0, unit);
    }
    buffer_append_char(call->out, '\n');
    return 0;
}

/* ---- time ---- */

enum { MINUTES_PER_DAY = 24 * 60 };

static void append_uptime(struct call *call)
{
    int64_t up_ns = saturating_subtract(call->run->now.unix_ns, call->host->boot_unix_ns);
    long long minutes = up_ns < 0 ? 0 : (long long)(up_ns / NS_PER_S / 60);
    calendar_append(call->out, call->run->now, " %H:%M:%S up ");
    long long days = minutes / MINUTES_PER_DAY;
    if (days > 0) {
        buffer_printf(call->out, "%lld day%s, ", days, days > 1 ? "s" : "");
    }
    minutes %= MINUTES_PER_DAY;
    if (minutes >= 60) {
        buffer_printf(call->out, "%2lld:%02lld", minutes / 60, minutes % 60);
    } else {
        buffer_printf(call->out, "%lld min", minutes);
    }
    buffer_append_text(call->out, ",  0 users,  load average: 0.08, 0.03, 0.01\n");
}

int command_uptime(struct call *call)
{
    if (call->argc > 1 && strcmp(call->argv[1], "-s") == 0) {
        calendar_append(call->out, (struct wall_time){call->host->boot_unix_ns}, "%F %T\n");
    } else if (call->argc > 1 && strcmp(call->argv[1], "-p") == 0) {
        int64_t up_ns = saturating_subtract(call->run->now.unix_ns, call->host->boot_unix_ns);
        buffer_printf(call->out, "up %lld minutes\n", (long long)(up_ns / NS_PER_S / 60));
    } else {
        append_uptime(call);
    }
    return 0;
}

/* -d takes "now", "@SECONDS" and nothing else. */
static bool parse_date(struct call *call, const char *text, struct wall_time *out)
{
    int64_t seconds;
    if (strcmp(text, "now") == 0) {
        *out = call->run->now;
        return true;
    }
    if (text[0] != '@' || !number_parse(span_of(text + 1), &seconds)) {
        call_complain(call, "invalid date '%s'\n", text);
        return false;
    }
    out->unix_ns = scale_rounded(seconds, NS_PER_S, 1);
    return true;
}

int command_date(struct call *call)
{
    static const struct long_option names[] = {
        {"utc", 'u'}, {"date", 'd'}, {"iso-8601", 'I'}, {"reference", 'r'}, {NULL, 0}};
    struct option_reader options;
    struct wall_time moment = call->run->now;
    const char *format = "%a %b %e %H:%M:%S UTC %Y";
    if (!options_start(&options, call, "uRd:r:I", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        struct tree_node *file;
        if (letter == 'd' && !parse_date(call, options.value, &moment)) {
            return 1;
        }
        if (letter == 'r') {
            enum tree_error error = call_find(call, options.value, true, &file);
            if (error != TREE_OK) {
                return call_fail_path(call, "", options.value, error);
            }
            moment.unix_ns = file->modified_ns;
        }
        bool seconds = letter == 'I' && options.value != NULL && options.value[0] == 's';
        format = letter == 'R' ? "%a, %d %b %Y %T %z" : letter == 'I' ? (seconds ? "%FT%T+00:00" : "%F") : format;
    }
    if (options.wrong) {
        return 1;
    }
    if (options.operand_count > 0 && options.operands[0][0] != '+') {
        call_complain(call, "invalid date '%s'\n", options.operands[0]);
        return 1;
    }
    calendar_append(call->out, moment, options.operand_count > 0 ? options.operands[0] + 1 : format);
    buffer_append_char(call->out, '\n');
    return 0;
}

/* Returns at once; the time is told beside the command's outcome. */
int command_sleep(struct call *call)
{
    int64_t time_ns = 0;
    if (call->argc < 2) {
        return call_usage(call, 1, "missing operand");
    }
    for (int i = 1; i < call->argc; i++) {
        int64_t one_ns;
        if (!number_parse_duration(call->argv[i], &one_ns)) {
            return call_usage(call, 1, "invalid time interval '%s'", call->argv[i]);
        }
        time_ns = saturating_add(time_ns, one_ns);
    }
    call->run->now.unix_ns = saturating_add(call->run->now.unix_ns, time_ns);
    return 0;
}

/* ---- who ---- */

int command_whoami(struct call *call)
{
    buffer_append_text(call->out, "root\n");
    return 0;
}

int command_id(struct call *call)
{
    const char *option = call->argc > 1 ? call->argv[1] : "";
    bool names = strchr(option, 'n') != NULL;
    bool one = option[0] == '-' && strpbrk(option, "ugG") != NULL;
    buffer_append_text(call->out, !one ? "uid=0(root) gid=0(root) groups=0(root)\n" : names ? "root\n" : "0\n");
    return 0;
}

/* ---- packages ---- */

int command_apt_get(struct call *call)
{
    static const struct long_option names[] = {
        {"yes", 'y'}, {"assume-yes", 'y'}, {"quiet", 'q'}, {"no-install-recommends", 'f'}, {NULL, 0}};
    struct option_reader options;
    if (!options_start(&options, call, "yqfdso:", names)) {
        return 100;
    }
    while (options_next(&options) != 0) {
    }
    if (options.wrong) {
        return 100;
    }
    const char *verb = options.operand_count > 0 ? options.operands[0] : "";
    if (strcmp(verb, "update") == 0) {
        buffer_append_text(call->out, "Hit:1 http://archive.ubuntu.com/ubuntu jammy InRelease\n"
                                      "Hit:2 http://security.ubuntu.com/ubuntu jammy-security InRelease\n"
                                      "Reading package lists...\n");
        return 0;
    }
    if (strcmp(verb, "clean") == 0 || strcmp(verb, "autoremove") == 0 || strcmp(verb, "upgrade") == 0) {
        buffer_append_text(call->out, "Reading package lists...\nBuilding dependency tree...\n");
        return 0;
    }
    if (strcmp(verb, "install") != 0) {
        buffer_printf(call->err, "E: Invalid operation %s\n", verb);
        return 100;
    }
    buffer_append_text(call->out, "Reading package lists...\nBuilding dependency tree...\n");
    int status = 0;
    for (int i = 1; i < options.operand_count; i++) {
        if (command_find(call->host, options.operands[i]) == NULL) {
            buffer_printf(call->err, "E: Unable to locate package %s\n", options.operands[i]);
            status = 100;
        }
    }
    return status;
}

/* As a remote side it is no command of the shell's: see fakes/sftp. From here there is nowhere to copy to. */
int command_scp(struct call *call)
{
    buffer_append_text(call->err, "usage: scp [-346ABCOpqRrsTv] [-c cipher] [-D sftp_server_path] [-F ssh_config]\n"
                                  "           [-i identity_file] [-J destination] [-l limit]\n"
                                  "           [-o ssh_option] [-P port] [-S program] source ... target\n");
    return 1;
}
