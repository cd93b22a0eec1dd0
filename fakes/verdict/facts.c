#define _GNU_SOURCE /* memmem */
#include <ctype.h>
#include <string.h>

#include "fakes/verdict/judge.h"

/* The last request so far of each endpoint and subject: open addressing, a slot holds an index + 1. */
struct slots {
    size_t *slots;
    size_t mask;
};

/* Whether the first number in the path of such a call is a machine's. */
static bool is_about_a_machine(size_t call)
{
    static const enum api_call calls[] = {
        API_SHOW,    API_DESTROY, API_STATE,        API_BID,  API_REBOOT,   API_RECYCLE, API_PREPAY,
        API_DEPOSIT, API_EXECUTE, API_SET_TEMPLATE, API_LOGS, API_ATTACHED, API_ATTACH,  API_DETACH,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        if (call == (size_t)calls[i]) {
            return true;
        }
    }
    return false;
}

static int64_t subject_of(const struct verdict_request *request)
{
    char path[HTTP_PATH_SIZE];
    int64_t id = -1;
    if (is_about_a_machine(request->call) && request->path.length < sizeof path) {
        memcpy(path, request->path.at, request->path.length);
        path[request->path.length] = '\0';
        (void)api_call_of(http_method_by_name(request->method), path, &id);
    }
    return id;
}

static bool is_heard(const struct verdict_request *request)
{
    return request->fate == FATE_DELIVERED && request->answered_ns != TIME_NEVER_NS &&
           request->left_ns == TIME_NEVER_NS;
}

static void take_fact(const struct verdict_request *request, struct judge_fact *fact)
{
    bool silent = request->fate == FATE_SILENT || request->answered_ns == TIME_NEVER_NS;
    bool again = request->status == 408 || request->status == 429 || request->status >= 500;
    *fact = (struct judge_fact){
        .subject = subject_of(request),
        .next = JUDGE_NO_REQUEST,
        .failed = !is_heard(request) || again,
        .success = is_heard(request) && request->status >= 200 && request->status < 300,
        .over_ns = request->left_ns != TIME_NEVER_NS ? request->left_ns
                   : silent                          ? TIME_NEVER_NS
                                                     : request->answered_ns,
    };
}

static void link(const struct verdict_input *input, struct judge_fact *facts, size_t index, const struct slots *slots)
{
    const struct verdict_request *request = &input->requests[index];
    uint64_t key = (uint64_t)facts[index].subject * UINT64_C(0x9e3779b97f4a7c15) + request->call;
    size_t place = (size_t)((key ^ (key >> 32)) & slots->mask);
    while (slots->slots[place] != 0) {
        size_t last = slots->slots[place] - 1;
        if (input->requests[last].call == request->call && facts[last].subject == facts[index].subject) {
            facts[last].next = index;
            break;
        }
        place = (place + 1) & slots->mask;
    }
    slots->slots[place] = index + 1;
}

struct judge_fact *judge_facts(struct heap *heap, const struct verdict_input *input)
{
    size_t size = 16;
    while (size < 2 * input->request_count) {
        size *= 2;
    }
    struct slots slots = {heap_alloc(heap, size * sizeof *slots.slots), size - 1};
    struct judge_fact *facts = heap_alloc(heap, (input->request_count + 1) * sizeof *facts);
    for (size_t i = 0; slots.slots != NULL && facts != NULL && i < input->request_count; i++) {
        take_fact(&input->requests[i], &facts[i]);
        link(input, facts, i, &slots);
    }
    if (slots.slots == NULL) {
        heap_release(heap, facts);
        facts = NULL;
    }
    heap_release(heap, slots.slots);
    return facts;
}

/* The number stands in the text, and no further digit beside it. */
static bool has_number(struct span text, int64_t number)
{
    char digits[24];
    (void)text_format(digits, sizeof digits, "%lld", (long long)number);
    size_t length = strlen(digits);
    const char *end = text.at + text.length;
    for (const char *at = text.at; at < end; at++) {
        at = memmem(at, (size_t)(end - at), digits, length);
        if (at == NULL) {
            return false;
        }
        bool alone = (at == text.at || !isdigit((unsigned char)at[-1])) &&
                     (at + length == end || !isdigit((unsigned char)at[length]));
        if (alone) {
            return true;
        }
    }
    return false;
}

bool judge_names(const struct verdict_request *request, const struct judge_fact *fact, int64_t machine_id)
{
    if (fact->subject >= 0) {
        return fact->subject == machine_id;
    }
    bool names_many = request->call == (size_t)API_DESTROY_MANY || request->call == (size_t)API_STATE_MANY;
    return names_many && has_number(request->body, machine_id);
}

/* ---- Sorting ------------------------------------------------------------------------------------------------------------ */

static void sink(int64_t *values, size_t root, size_t count)
{
    size_t child = 2 * root + 1;
    while (child < count) {
        child += child + 1 < count && values[child] < values[child + 1] ? 1 : 0;
        if (values[root] >= values[child]) {
            return;
        }
        int64_t value = values[root];
        values[root] = values[child];
        values[child] = value;
        root = child;
        child = 2 * root + 1;
    }
}

void judge_sort(int64_t *values, size_t count)
{
    for (size_t root = count / 2; root > 0; root--) {
        sink(values, root - 1, count);
    }
    for (size_t end = count; end > 1; end--) {
        int64_t most = values[0];
        values[0] = values[end - 1];
        values[end - 1] = most;
        sink(values, 0, end - 1);
    }
}

struct verdict_spread judge_spread(int64_t *values, size_t count)
{
    if (count == 0) {
        return (struct verdict_spread){0};
    }
    judge_sort(values, count);
    int64_t low = values[(count - 1) / 2];
    int64_t high = values[count / 2];
    return (struct verdict_spread){count, values[0], low + (high - low) / 2, values[count - 1]};
}
