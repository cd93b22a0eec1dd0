/* Logs and commands: what a machine prints, fetched from a result_url that the fake serves itself. */
#include <string.h>

#include "base/random.h"
#include "fakes/market/state.h"

enum {
    RESULTS_KEPT = 256, /* the oldest gives way */
    RESULT_BYTES_MAX = 262144,
    COMMAND_MAX = 512,
    FILTER_MAX = 256,
    LINES_USUAL = 1000,
    LINES_MAX = 1000000,
};

static const char folder[] = "/vast.ai/instance_logs/";
static const char usual_origin[] = "https://s3.amazonaws.com";

struct result {
    uint64_t name;
    int64_t ready_ns; /* TIME_NEVER_NS: its host never uploads it */
    struct buffer text;
};

void results_release(struct market *market)
{
    for (size_t i = 0; market->results != NULL && i < RESULTS_KEPT; i++) {
        buffer_release(&market->results[i].text);
    }
    heap_release(market->heap, market->results);
}

/* The place of the next result, emptied; NULL when memory is gone. */
static struct result *next_result(struct market *market, const struct contract *contract)
{
    if (market->results == NULL) {
        market->results = heap_alloc(market->heap, RESULTS_KEPT * sizeof *market->results);
        if (market->results == NULL) {
            return NULL;
        }
        for (size_t i = 0; i < RESULTS_KEPT; i++) {
            buffer_init(&market->results[i].text, market->heap, RESULT_BYTES_MAX);
        }
    }
    struct result *result = &market->results[market->result_count % RESULTS_KEPT];
    struct random_address address = {.run = market->options.run,
                                     .purpose = RANDOM_MARKET,
                                     .entity = MARKET_DRAW_RESULT,
                                     .index = market->result_count};
    bool is_reachable = !contract->host_lost && contract->status != ACTUAL_OFFLINE;
    buffer_release(&result->text);
    result->name = random_bits(market->options.seed, address);
    result->ready_ns =
        is_reachable ? saturating_add(market->now_ns, market->options.switches.result_after_ns) : TIME_NEVER_NS;
    return result;
}

static void append_url(const struct call *call, const struct result *result, struct buffer *url)
{
    const char *origin = call->market->options.origin;
    origin = origin != NULL ? origin : call->request->origin != NULL ? call->request->origin : usual_origin;
    buffer_printf(url, "%s%s%016llx.log", origin, folder, (unsigned long long)result->name);
}

static void answer_result(const struct call *call, const struct contract *contract, const struct result *result,
                          bool is_command)
{
    char path[96];
    char storage[512];
    struct buffer url;
    buffer_init_fixed(&url, storage, sizeof storage);
    append_url(call, result, &url);
    (void)text_format(path, sizeof path, "/var/lib/vastai_kaalia/data/instance_extra/C.%lld/", (long long)contract->id);
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    if (is_command) {
        json_member_string(&writer, "writeable_path", path);
    }
    json_member_string(&writer, "result_url", buffer_text(&url));
    json_member_string(&writer, "msg",
                       is_command ? "Command executed successfully, please check the results."
                                  : "Request logs successful.");
    json_end_object(&writer);
    if (!call->reply->body.failed && !result->text.failed) {
        call->market->result_count++;
    }
}

/* ---- Logs ----------------------------------------------------------------------------------------------------------------- */

/* What is known of a life without asking its host. */
static void append_life(const struct contract *contract, bool of_daemon, struct buffer *out)
{
    if (of_daemon) {
        buffer_printf(out, "pulling %s\nInstance C.%lld created\n", contract->image, (long long)contract->id);
        buffer_printf(out, "%s\n", contract->status_msg == NULL ? "" : contract->status_msg);
    } else if (contract->has_run) {
        buffer_append_text(out, "Starting...\nonstart finished\n");
    }
}

static bool line_holds(const char *line, size_t length, const char *filter)
{
    size_t wanted = strlen(filter);
    for (size_t at = 0; at + wanted <= length; at++) {
        if (memcmp(line + at, filter, wanted) == 0) {
            return true;
        }
    }
    return false;
}

/* The last `lines` of those that hold `filter`. */
static void append_tail(struct buffer *out, const struct buffer *all, int64_t lines, const char *filter)
{
    const char *text = buffer_text(all);
    const char *end = text + all->length;
    const char *from = end;
    while (from > text && lines > 0) {
        const char *line = from - 1;
        while (line > text && line[-1] != '\n') {
            line--;
        }
        lines -= line_holds(line, (size_t)(from - line), filter);
        from = line;
    }
    while (from < end) {
        const char *feed = memchr(from, '\n', (size_t)(end - from));
        size_t length = feed == NULL ? (size_t)(end - from) : (size_t)(feed - from) + 1;
        if (line_holds(from, length, filter)) {
            buffer_append(out, from, length);
        }
        from += length;
    }
}

/* The number of lines comes as a text, or as a number. */
static bool read_tail(const cJSON *body, int64_t *lines)
{
    const cJSON *tail = member_of(body, "tail");
    *lines = LINES_USUAL;
    if (tail == NULL || cJSON_IsNull(tail)) {
        return true;
    }
    if (cJSON_IsNumber(tail)) {
        *lines = nano_of_number(tail->valuedouble) / NUSD_PER_USD;
    } else if (!cJSON_IsString(tail) || !decimal_parse_exact(span_of(tail->valuestring), 0, lines)) {
        return false;
    }
    return *lines >= 0 && *lines <= LINES_MAX;
}

void route_logs(const struct call *call)
{
    struct market *market = call->market;
    cJSON *body = answer_parse_body(call->request, call->reply);
    const struct contract *contract = body == NULL ? NULL : call_contract(call);
    const char *filter = contract == NULL ? NULL : text_member(body, "filter");
    const char *daemon = contract == NULL ? NULL : text_member(body, "daemon_logs");
    int64_t lines;
    if (contract != NULL && (!read_tail(body, &lines) || (filter != NULL && strlen(filter) > FILTER_MAX))) {
        answer_error(call->reply, 400, "invalid_args", "error 400/3471: Invalid args: tail must be a number of lines");
    } else if (contract != NULL) {
        struct result *result = next_result(market, contract);
        if (result == NULL) {
            call->reply->body.failed = true;
        } else {
            bool of_daemon = daemon != NULL && strcmp(daemon, "true") == 0;
            struct buffer all;
            buffer_init(&all, market->heap, RESULT_BYTES_MAX);
            append_life(contract, of_daemon, &all);
            if (!of_daemon && contract->has_run && market->options.output != NULL) {
                market->options.output(market->options.context, market->now_ns, contract->nth, NULL, &all);
            }
            append_tail(&result->text, &all, lines, filter == NULL ? "" : filter);
            answer_result(call, contract, result, false);
            call->reply->body.failed = call->reply->body.failed || result->text.failed || all.failed;
            buffer_release(&all);
        }
    }
    cJSON_Delete(body);
}

/* ---- Commands ------------------------------------------------------------------------------------------------------------- */

/* Only to look and to make room, and only one at a time. */
static bool command_is_allowed(const char *command)
{
    static const char *const words[] = {"ls", "rm", "du"};
    if (command == NULL || strlen(command) > COMMAND_MAX || strpbrk(command, ";&|`$<>\n") != NULL) {
        return false;
    }
    size_t length = strcspn(command, " ");
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strlen(words[i]) == length && strncmp(command, words[i], length) == 0) {
            return true;
        }
    }
    return false;
}

void route_execute(const struct call *call)
{
    struct market *market = call->market;
    cJSON *body = answer_parse_body(call->request, call->reply);
    const struct contract *contract = body == NULL ? NULL : call_contract(call);
    if (contract != NULL && !command_is_allowed(text_member(body, "command"))) {
        answer_error(call->reply, 400, "invalid_args", "Invalid command given.");
    } else if (contract != NULL) {
        struct result *result = next_result(market, contract);
        if (result == NULL) {
            call->reply->body.failed = true;
        } else {
            answer_result(call, contract, result, true);
            if (!call->reply->body.failed && market->options.output != NULL) {
                market->options.output(market->options.context, market->now_ns, contract->nth,
                                       text_member(body, "command"), &result->text);
            }
        }
    }
    cJSON_Delete(body);
}

/* ---- Results -------------------------------------------------------------------------------------------------------------- */

static const struct result *find_result(const struct market *market, struct span word)
{
    for (size_t i = 0; market->results != NULL && i < RESULTS_KEPT; i++) {
        char name[32];
        const struct result *result = &market->results[i];
        (void)text_format(name, sizeof name, "%016llx.log", (unsigned long long)result->name);
        if (i < market->result_count && span_equals(word, name)) {
            return result;
        }
    }
    return NULL;
}

/* As the store behind the real service answers, which knows nothing of JSON and asks for no key. */
void route_result(const struct call *call)
{
    static const char denied[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>"
                                 "<Message>Access Denied</Message></Error>";
    struct api_path_parts parts;
    (void)api_path_fits(call->request->path, "/vast.ai/instance_logs/*", &parts);
    const struct result *result = find_result(call->market, parts.word);
    bool is_ready = result != NULL && result->ready_ns <= call->market->now_ns;
    call->reply->status = is_ready ? 200 : 403;
    (void)text_copy(call->reply->content_type, sizeof call->reply->content_type,
                    is_ready ? "binary/octet-stream" : "application/xml");
    if (is_ready) {
        buffer_append(&call->reply->body, buffer_text(&result->text), result->text.length);
    } else {
        buffer_append_text(&call->reply->body, denied);
    }
}
