#define _GNU_SOURCE /* memmem */
#include "fakes/front/journal.h"

#include <string.h>
#include <strings.h>

#include "base/units.h"

enum { FIRST_ENTRIES = 64 };

const char *journal_call_name(size_t call)
{
    return call < API_CALL_COUNT ? api_call_name((enum api_call)call)
                                 : bucket_call_name((enum bucket_call)(call - API_CALL_COUNT));
}

void journal_init(struct journal *journal, struct heap *heap, const char *secret)
{
    *journal = (struct journal){.heap = heap, .secret = secret};
}

void journal_release(struct journal *journal)
{
    for (size_t i = 0; i < journal->entry_count; i++) {
        buffer_release(&journal->entries[i].text);
    }
    heap_release(journal->heap, journal->entries);
    journal->entries = NULL;
    journal->entry_count = 0;
}

void journal_clear(struct journal *journal)
{
    journal_release(journal);
    journal->before = journal->newest;
    memset(journal->counts, 0, sizeof journal->counts);
}

/* An ordinal's place in the ring, SIZE_MAX for those of before the last clearing. */
static size_t index_of(const struct journal *journal, uint64_t ordinal)
{
    return ordinal > journal->before ? (size_t)((ordinal - journal->before - 1) % JOURNAL_ENTRIES_MAX) : SIZE_MAX;
}

/* Until it is full the ring grows; an ordinal's place then never moves again. */
static struct journal_entry *place_of(struct journal *journal, uint64_t ordinal)
{
    size_t index = index_of(journal, ordinal);
    if (index == SIZE_MAX) {
        return NULL;
    }
    if (index < journal->entry_count) {
        return &journal->entries[index];
    }
    size_t count = journal->entry_count == 0 ? FIRST_ENTRIES : journal->entry_count * 2;
    count = count <= index ? index + 1 : count;
    count = count > JOURNAL_ENTRIES_MAX ? JOURNAL_ENTRIES_MAX : count;
    struct journal_entry *entries = heap_resize(journal->heap, journal->entries, count * sizeof *entries);
    if (entries == NULL) {
        return NULL;
    }
    memset(entries + journal->entry_count, 0, (count - journal->entry_count) * sizeof *entries);
    for (size_t i = journal->entry_count; i < count; i++) {
        buffer_init(&entries[i].text, journal->heap, HTTP_PATH_SIZE + JOURNAL_BODY_MAX + 1024);
    }
    journal->entries = entries;
    journal->entry_count = count;
    return &entries[index];
}

/* Appends a text without the account's key. */
static void append_hiding(const struct journal *journal, struct buffer *out, struct span text)
{
    size_t secret_length = strlen(journal->secret);
    while (text.length > 0) {
        const char *found = secret_length == 0 ? NULL : memmem(text.at, text.length, journal->secret, secret_length);
        size_t before = found == NULL ? text.length : (size_t)(found - text.at);
        buffer_append(out, text.at, before);
        if (found == NULL) {
            return;
        }
        buffer_append_text(out, "[hidden]");
        text.at += before + secret_length;
        text.length -= before + secret_length;
    }
}

void journal_add(struct journal *journal, uint64_t ordinal, int64_t now_ns, size_t call, const char *method,
                 const struct http_request *request, uint64_t body_bytes)
{
    struct journal_entry *entry = place_of(journal, ordinal);
    journal->newest =
        ordinal > journal->newest ? ordinal : journal->newest; /* uploads are entered once they are here */
    journal->counts[call].requests++;
    if (entry == NULL) {
        return;
    }
    entry->ordinal = ordinal;
    entry->sent_ns = now_ns;
    entry->answered_ns = TIME_NEVER_NS;
    entry->left_ns = TIME_NEVER_NS;
    entry->contract = JOURNAL_NO_CONTRACT;
    entry->contracts = 0;
    entry->call = call;
    entry->fate = FATE_SILENT;
    entry->status = 0;
    entry->body_bytes = body_bytes;
    (void)text_copy(entry->method, sizeof entry->method, method);
    buffer_clear(&entry->text);
    append_hiding(journal, &entry->text, span_of(request->path));
    entry->path_length = entry->text.length;
    struct span body = request->body;
    body.length = body.length > JOURNAL_BODY_MAX ? JOURNAL_BODY_MAX : body.length;
    append_hiding(journal, &entry->text, body);
}

static void count_outcome(struct journal_count *count, enum transport_fate fate, int status)
{
    size_t i = 0;
    while (i < count->outcome_count && (count->outcomes[i].fate != fate || count->outcomes[i].status != status)) {
        i++;
    }
    if (i == count->outcome_count) {
        if (i == JOURNAL_STATUSES_MAX) {
            return;
        }
        count->outcomes[count->outcome_count++] = (struct journal_outcome){fate, status, 0};
    }
    count->outcomes[i].count++;
}

/* The entry of that ordinal, or NULL when it is not kept. */
static struct journal_entry *kept(struct journal *journal, uint64_t ordinal)
{
    size_t index = index_of(journal, ordinal);
    bool is_there = index < journal->entry_count && journal->entries[index].ordinal == ordinal;
    return is_there ? &journal->entries[index] : NULL;
}

void journal_end(struct journal *journal, uint64_t ordinal, int64_t now_ns, size_t call, enum transport_fate fate,
                 int status)
{
    struct journal_entry *entry = kept(journal, ordinal);
    bool answered = fate == FATE_DELIVERED || fate == FATE_TRUNCATED;
    count_outcome(&journal->counts[call], fate, answered ? status : 0);
    if (entry != NULL) {
        entry->answered_ns = now_ns;
        entry->fate = fate;
        entry->status = answered ? status : 0;
    }
}

void journal_made(struct journal *journal, uint64_t ordinal, uint32_t contract, uint32_t contracts)
{
    struct journal_entry *entry = kept(journal, ordinal);
    if (entry != NULL) {
        entry->contract = contract;
        entry->contracts = contracts;
    }
}

void journal_left(struct journal *journal, uint64_t ordinal, int64_t now_ns)
{
    struct journal_entry *entry = kept(journal, ordinal);
    if (entry != NULL && entry->left_ns == TIME_NEVER_NS) {
        entry->left_ns = now_ns;
    }
}

/* ---- Asking ------------------------------------------------------------------------------------------------------------- */

static bool path_matches(struct span path, const char *wanted)
{
    size_t length = strlen(wanted);
    if (strchr(wanted, '?') != NULL) {
        return span_equals(path, wanted);
    }
    const char *query = memchr(path.at, '?', path.length);
    size_t path_length = query == NULL ? path.length : (size_t)(query - path.at);
    length -= length > 0 && wanted[length - 1] == '/' ? 1 : 0;
    return path_length >= length && memcmp(path.at, wanted, length) == 0 &&
           (path_length == length || path.at[length] == '/');
}

static bool matches(const struct journal_entry *entry, const struct journal_filter *filter)
{
    struct span path = {buffer_text(&entry->text), entry->path_length};
    const char *body = buffer_text(&entry->text) + entry->path_length;
    bool of_method =
        filter->method == NULL || filter->method[0] == '\0' || strcasecmp(entry->method, filter->method) == 0;
    bool of_path = filter->path == NULL || filter->path[0] == '\0' || path_matches(path, filter->path);
    bool of_body = filter->body_contains == NULL || filter->body_contains[0] == '\0' ||
                   memmem(body, entry->text.length - entry->path_length, filter->body_contains,
                          strlen(filter->body_contains)) != NULL;
    return entry->ordinal != 0 && of_method && of_path && of_body;
}

/* The ordinal from which on requests may still be there. */
static uint64_t oldest_kept(const struct journal *journal)
{
    bool is_full = journal->newest > journal->before + JOURNAL_ENTRIES_MAX;
    return is_full ? journal->newest - JOURNAL_ENTRIES_MAX + 1 : journal->before + 1;
}

const struct journal_entry *journal_at(const struct journal *journal, size_t place)
{
    uint64_t ordinal = oldest_kept(journal) + place;
    size_t index = index_of(journal, ordinal);
    bool there =
        ordinal <= journal->newest && index < journal->entry_count && journal->entries[index].ordinal == ordinal;
    return there ? &journal->entries[index] : NULL;
}

uint64_t journal_matches(const struct journal *journal, const struct journal_filter *filter)
{
    uint64_t count = 0;
    for (size_t i = 0; i < journal->entry_count; i++) {
        count += matches(&journal->entries[i], filter) ? 1 : 0;
    }
    return count;
}

static void write_entry(const struct journal_entry *entry, struct json_writer *writer)
{
    const char *text = buffer_text(&entry->text);
    json_begin_object(writer);
    json_member_int(writer, "req", (int64_t)entry->ordinal);
    json_member_decimal(writer, "at_s", entry->sent_ns, 9);
    json_member_string(writer, "method", entry->method);
    json_key(writer, "path");
    json_span(writer, (struct span){text, entry->path_length});
    json_member_string(writer, "endpoint", journal_call_name(entry->call));
    if (entry->status == 0) {
        json_member_null(writer, "status");
    } else {
        json_member_int(writer, "status", entry->status);
    }
    if (entry->answered_ns == TIME_NEVER_NS) {
        json_member_string(writer, "fate", "pending");
    } else {
        json_member_string(writer, "fate", fate_name(entry->fate));
        json_member_decimal(writer, "seconds", entry->answered_ns - entry->sent_ns, 9);
    }
    json_member_int(writer, "body_bytes", (int64_t)entry->body_bytes);
    json_key(writer, "body");
    json_span(writer, (struct span){text + entry->path_length, entry->text.length - entry->path_length});
    json_end_object(writer);
}

void journal_write(const struct journal *journal, const struct journal_filter *filter, struct json_writer *writer)
{
    json_begin_array(writer);
    for (size_t i = 0; i < journal->entry_count; i++) {
        const struct journal_entry *entry = journal_at(journal, i);
        if (entry != NULL && matches(entry, filter)) {
            write_entry(entry, writer);
        }
    }
    json_end_array(writer);
}

static void write_count(const char *name, const struct journal_count *count, struct json_writer *writer)
{
    json_begin_object(writer);
    json_member_string(writer, "endpoint", name);
    json_member_int(writer, "count", (int64_t)count->requests);
    json_key(writer, "statuses");
    json_begin_object(writer);
    for (size_t i = 0; i < count->outcome_count; i++) {
        const struct journal_outcome *outcome = &count->outcomes[i];
        char key[48];
        if (outcome->fate == FATE_DELIVERED) {
            (void)text_format(key, sizeof key, "%d", outcome->status);
        } else {
            (void)text_copy(key, sizeof key, fate_name(outcome->fate));
        }
        json_member_int(writer, key, (int64_t)outcome->count);
    }
    json_end_object(writer);
    json_end_object(writer);
}

void journal_write_counts(const struct journal *journal, struct json_writer *writer)
{
    json_begin_array(writer);
    for (size_t i = 0; i < JOURNAL_CALLS; i++) {
        if (journal->counts[i].requests > 0) {
            write_count(journal_call_name(i), &journal->counts[i], writer);
        }
    }
    json_end_array(writer);
}
