/* nvidia-smi: arguments, the table, -L. Its messages go to standard output, as the real one's do. */
#include "fakes/host/nvidia_smi.h"

#include <string.h>

#include "fakes/host/calendar.h"

enum { STATUS_INVALID = 2, STATUS_NO_DEVICE = 6, DRAW_FIRST_GPU = 16 };

/* ---- one GPU ---- */

void gpu_name(const struct host *host, char out[GPU_TEXT_SIZE])
{
    if (host->gpu_model->marketing_name != NULL) {
        (void)text_copy(out, GPU_TEXT_SIZE, host->gpu_model->marketing_name);
    } else {
        (void)text_format(out, GPU_TEXT_SIZE, "NVIDIA %s", host->facts.gpu_name);
    }
}

void gpu_uuid(const struct host *host, int32_t index, char out[GPU_TEXT_SIZE])
{
    uint32_t draw = DRAW_FIRST_GPU + 2 * (uint32_t)index;
    unsigned long long high = host_random_bits(host, draw);
    unsigned long long low = host_random_bits(host, draw + 1);
    (void)text_format(out, GPU_TEXT_SIZE, "GPU-%08llx-%04llx-%04llx-%04llx-%012llx", high >> 32, high >> 16 & 0xffff,
                      high & 0xffff, low >> 48, low & 0xffffffffffff);
}

void gpu_bus_id(const struct host *host, int32_t index, char out[GPU_TEXT_SIZE])
{
    uint64_t first = host_random_bits(host, DRAW_FIRST_GPU - 1) % 0x40 + 1;
    uint64_t bus = (first + (uint64_t)index * 8) & 0xff;
    (void)text_format(out, GPU_TEXT_SIZE, "00000000:%02llX:00.0", (unsigned long long)bus);
}

int64_t gpu_memory_total_mib(const struct host *host)
{
    return host->facts.gpu_ram_mib > 0 ? host->facts.gpu_ram_mib : host->gpu_model->memory_mib;
}

bool gpu_is_chosen(const struct host *host, int32_t index, const char *chosen)
{
    char number[16];
    char uuid[GPU_TEXT_SIZE];
    char bus_id[GPU_TEXT_SIZE];
    if (chosen == NULL) {
        return true;
    }
    (void)text_format(number, sizeof number, "%d", index);
    gpu_uuid(host, index, uuid);
    gpu_bus_id(host, index, bus_id);
    while (*chosen != '\0') {
        struct span one = {chosen, strcspn(chosen, ",")};
        if (span_equals(one, number) || span_equals(one, uuid) || span_equals(one, bus_id)) {
            return true;
        }
        chosen += one.length + (chosen[one.length] == ',');
    }
    return false;
}

/* ---- the table ---- */

static const char table_rule[] =
    "+-----------------------------------------------------------------------------------------+\n";
static const char cell_rule[] =
    "+-----------------------------------------+------------------------+----------------------+\n";
static const char column_titles[] =
    "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |\n"
    "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |\n"
    "|                                         |                        |               MIG M. |\n"
    "|=========================================+========================+======================|\n";
static const char process_table[] =
    "| Processes:                                                                              |\n"
    "|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |\n"
    "|        ID   ID                                                               Usage      |\n"
    "|=========================================================================================|\n"
    "|  No running processes found                                                             |\n";

static void append_gpu_rows(struct call *call, int32_t index)
{
    const struct host *host = call->host;
    const struct host_gpu_load *load = &host->gpu_load;
    char name[GPU_TEXT_SIZE];
    char bus_id[GPU_TEXT_SIZE];
    char fan[16] = "N/A";
    char draw[24];
    char limit[24];
    gpu_name(host, name);
    gpu_bus_id(host, index, bus_id);
    if (host->gpu_model->has_fan) {
        (void)text_format(fan, sizeof fan, "%d%%", load->fan_percent);
    }
    (void)text_format(draw, sizeof draw, "%lldW", (long long)((load->power_draw_mw + 500) / 1000));
    (void)text_format(limit, sizeof limit, "%dW", host->gpu_model->power_limit_w);
    buffer_printf(call->out, "|%4d  %-30.30s%3s  |%19s Off |%21s |\n", index, name, "On", bus_id,
                  host->gpu_model->has_ecc ? "0" : "Off");
    buffer_printf(call->out, "|%4s%5dC    P%d%16s / %5s |%8lldMiB /%7lldMiB |%7d%%%13s |\n", fan, load->temperature_c,
                  load->performance_state, draw, limit, (long long)load->memory_used_mib,
                  (long long)gpu_memory_total_mib(host), load->utilization_percent, "Default");
    buffer_append_text(call->out,
                       "|                                         |                        |                  N/A |\n");
    buffer_append_text(call->out, cell_rule);
}

static int show_table(struct call *call, const char *chosen)
{
    const struct host_facts *facts = &call->host->facts;
    calendar_append(call->out, call->run->now, "%a %b %e %H:%M:%S %Y\n");
    buffer_append_text(call->out, table_rule);
    buffer_printf(call->out, "| NVIDIA-SMI %-23sDriver Version: %-15sCUDA Version: %-9s|\n", facts->driver_version,
                  facts->driver_version, facts->cuda_version);
    buffer_append_text(call->out, cell_rule);
    buffer_append_text(call->out, column_titles);
    for (int32_t i = 0; i < facts->num_gpus; i++) {
        if (gpu_is_chosen(call->host, i, chosen)) {
            append_gpu_rows(call, i);
        }
    }
    buffer_append_text(call->out, "\n");
    buffer_append_text(call->out, table_rule);
    buffer_append_text(call->out, process_table);
    buffer_append_text(call->out, table_rule);
    return 0;
}

static int list_gpus(struct call *call, const char *chosen)
{
    char name[GPU_TEXT_SIZE];
    char uuid[GPU_TEXT_SIZE];
    gpu_name(call->host, name);
    for (int32_t i = 0; i < call->host->facts.num_gpus; i++) {
        if (gpu_is_chosen(call->host, i, chosen)) {
            gpu_uuid(call->host, i, uuid);
            buffer_printf(call->out, "GPU %d: %s (UUID: %s)\n", i, name, uuid);
        }
    }
    return 0;
}

/* ---- arguments ---- */

struct request {
    const char *gpu_fields;
    const char *process_fields;
    const char *format;
    const char *chosen;
    bool lists;
};

static const char *value_behind(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 ? word + length : NULL;
}

/* One argument, with its value when that stands apart; returns how many words it took, 0: not understood. */
static int read_argument(struct request *request, char **words)
{
    const struct {
        const char *name;
        const char **place;
    } rows[] = {
        {"--query-gpu=", &request->gpu_fields},
        {"--query-compute-apps=", &request->process_fields},
        {"--format=", &request->format},
        {"--id=", &request->chosen},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *value = value_behind(words[0], rows[i].name);
        if (value != NULL) {
            *rows[i].place = value;
            return 1;
        }
        struct span bare = {rows[i].name, strlen(rows[i].name) - 1};
        bool apart = span_equals(bare, words[0]) || (i == 3 && strcmp(words[0], "-i") == 0);
        if (apart && words[1] != NULL) {
            *rows[i].place = words[1];
            return 2;
        }
    }
    request->lists = request->lists || strcmp(words[0], "-L") == 0 || strcmp(words[0], "--list-gpus") == 0;
    return request->lists ? 1 : 0;
}

static bool parse_format(const char *text, struct csv_format *format)
{
    *format = (struct csv_format){.header = true, .units = true};
    while (text != NULL && *text != '\0') {
        struct span word = {text, strcspn(text, ",")};
        text += word.length + (text[word.length] == ',');
        while (word.length > 0 && word.at[0] == ' ') {
            word.at++;
            word.length--;
        }
        bool known = true;
        if (span_equals(word, "csv")) {
            format->csv = true;
        } else if (span_equals(word, "noheader")) {
            format->header = false;
        } else if (span_equals(word, "nounits")) {
            format->units = false;
        } else {
            known = false;
        }
        if (!known) {
            return false;
        }
    }
    return format->csv;
}

static int answer(struct call *call, const struct request *request)
{
    int32_t present = 0;
    for (int32_t i = 0; i < call->host->facts.num_gpus; i++) {
        present += gpu_is_chosen(call->host, i, request->chosen);
    }
    if (present == 0) {
        buffer_append_text(call->out, "No devices were found\n");
        return STATUS_NO_DEVICE;
    }
    if (request->lists) {
        return list_gpus(call, request->chosen);
    }
    if (request->gpu_fields == NULL && request->process_fields == NULL) {
        return show_table(call, request->chosen);
    }
    struct csv_format format;
    if (!parse_format(request->format, &format)) {
        buffer_append_text(call->out, "\"--format=\" switch is missing or not csv[,noheader][,nounits]. "
                                      "Please run 'nvidia-smi -h' for help.\n\n");
        return STATUS_INVALID;
    }
    return request->gpu_fields != NULL ? query_gpus(call, request->gpu_fields, format, request->chosen)
                                       : query_processes(call, request->process_fields, format);
}

int command_nvidia_smi(struct call *call)
{
    static const struct {
        const char *message;
        int status;
    } broken[] = {
        [HOST_GPU_READY] = {NULL, 0},
        [HOST_GPU_NO_TOOL] = {NULL, 0}, /* then the command is not found at all */
        [HOST_GPU_NO_DRIVER] =
            {"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure "
             "that the latest NVIDIA driver is installed and running.\n\n",
             9},
        [HOST_GPU_LOST] = {"Failed to initialize NVML: Unknown Error\n", 255},
        [HOST_GPU_NONE] = {"No devices were found\n", STATUS_NO_DEVICE},
        [HOST_GPU_NO_HANDLE] = {"Unable to determine the device handle for GPU0000:81:00.0: Unknown Error\n", 255},
        [HOST_GPU_MISMATCH] = {"Failed to initialize NVML: Driver/library version mismatch\n", 18},
        [HOST_GPU_UNKNOWN] = {NULL, 0},
        [HOST_GPU_HANGS] = {"", 0},
    };
    call->host->hangs = call->host->hangs || call->host->gpu_state == HOST_GPU_HANGS;
    if (broken[call->host->gpu_state].message != NULL) {
        buffer_append_text(call->out, broken[call->host->gpu_state].message);
        return broken[call->host->gpu_state].status;
    }
    struct request request = {.lists = false};
    for (int i = 1; i < call->argc;) {
        int taken = read_argument(&request, &call->argv[i]);
        if (taken == 0) {
            buffer_printf(call->out,
                          "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n"
                          "(the modelled host does not know \"%s\")\n\n",
                          call->argv[i]);
            return STATUS_INVALID;
        }
        i += taken;
    }
    return answer(call, &request);
}
