#include "report/report_model.h"

#include <string.h>

#include "base/history.h"
#include "base/units.h"
#include "report/facts.h"
#include "report/report_parts.h"
#include "report/report_reader.h"

enum { CENTISECOND_US = 10000 };

static const char UNFINISHED[] = "unfinished";

const struct report_phase *report_phase(const struct report *report, const char *name)
{
    for (size_t i = report->phase_count; i > 0; i--) {
        if (strcmp(report->phases[i - 1].name, name) == 0) {
            return &report->phases[i - 1];
        }
    }
    return NULL;
}

bool report_is_check(const struct report *report)
{
    return report->journey[0] == '\0' || strcmp(report->journey, "check") == 0;
}

bool report_session_in(const struct report *report, const struct report_session *session, const char *phase)
{
    return session->phase < report->phase_count && strcmp(report->phases[session->phase].name, phase) == 0;
}

const struct report_phase *report_bottleneck(const struct report *report)
{
    const struct report_phase *longest = NULL;
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        if (!phase->extra && phase->duration_us > (longest == NULL ? 0 : longest->duration_us)) {
            longest = phase;
        }
    }
    return longest;
}

static int64_t floor_divide(int64_t value, int64_t divisor, int64_t *remainder)
{
    int64_t quotient = value / divisor;
    *remainder = value % divisor;
    if (*remainder < 0) {
        *remainder += divisor;
        quotient--;
    }
    return quotient;
}

void report_apportion(const int64_t *values, size_t count, int64_t multiplier, int64_t divisor, int64_t shown_total,
                      int64_t *shown)
{
    int64_t remainders[APPORTION_MAX];
    int64_t missing = shown_total;
    for (size_t i = 0; i < count; i++) {
        /* Beyond what a report can show anyway; keeps the product in range. */
        int64_t bound = INT64_MAX / multiplier;
        int64_t value = values[i] > bound ? bound : values[i] < -bound ? -bound : values[i];
        shown[i] = floor_divide(value * multiplier, divisor, &remainders[i]);
        missing = saturating_subtract(missing, shown[i]);
    }
    for (; missing > 0; missing--) {
        size_t largest = count;
        for (size_t i = 0; i < count; i++) {
            if (remainders[i] > (largest == count ? 0 : remainders[largest])) {
                largest = i;
            }
        }
        if (largest == count) {
            return;
        }
        shown[largest]++;
        remainders[largest] = 0;
    }
}

static void close_open_ends(struct report *report)
{
    for (size_t i = 0; i < report->phase_count; i++) {
        struct report_phase *phase = &report->phases[i];
        if (!phase->finished) {
            phase->duration_us = report->end_us - phase->start_us;
            (void)text_copy(phase->outcome, sizeof phase->outcome, UNFINISHED);
        }
    }
    for (size_t i = 0; i < report->session_count; i++) {
        struct report_session *session = &report->sessions[i];
        if (!session->finished) {
            session->duration_us = report->end_us - session->at_us;
            (void)text_copy(session->outcome, sizeof session->outcome, UNFINISHED);
        }
    }
}

/* Moments of the history become distances from where a reader counts. */
static void set_origins(struct report *report)
{
    for (size_t i = 0; i < report->session_count; i++) {
        struct report_session *session = &report->sessions[i];
        session->at_us -=
            session->phase < report->phase_count ? report->phases[session->phase].start_us : report->start_us;
    }
    report->origin_us = report->start_us;
    for (size_t i = report_is_check(report) ? report->phase_count : 0; i > 0; i--) {
        if (!report->phases[i - 1].extra) {
            report->origin_us = report->phases[i - 1].start_us;
        }
    }
    for (size_t i = 0; i < report->phase_count; i++) {
        report->phases[i].start_us -= report->origin_us;
    }
    for (size_t i = 0; i < report->decision_count; i++) {
        report->decisions[i].at_us -= report->origin_us;
    }
    for (size_t i = 0; i < report->sighting_count; i++) {
        report->sightings[i].at_us -= report->origin_us;
    }
}

static void set_totals(struct report *report)
{
    int64_t sum_us = 0;
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        int64_t end_us = phase->start_us + phase->duration_us;
        if (!phase->extra) {
            sum_us = saturating_add(sum_us, phase->duration_us);
            report->total_us = end_us > report->total_us ? end_us : report->total_us;
        }
    }
    if (!report_is_check(report)) {
        report->total_us = report->end_us - report->start_us;
    }
    report->unitemised_us = saturating_subtract(report->total_us, sum_us);
}

static void set_shown_figures(struct report *report)
{
    int64_t values[APPORTION_MAX];
    int64_t centiseconds[APPORTION_MAX];
    int64_t permille[APPORTION_MAX];
    size_t count = 0;
    for (size_t i = 0; i < report->phase_count; i++) {
        if (!report->phases[i].extra) {
            values[count++] = report->phases[i].duration_us;
        }
    }
    values[count++] = report->unitemised_us;
    int64_t total = report->total_us;
    report->shown_total_centiseconds = scale_rounded(total, 1, CENTISECOND_US);
    report_apportion(values, count, 1, CENTISECOND_US, report->shown_total_centiseconds, centiseconds);
    report_apportion(values, count, 1000, total > 0 ? total : 1, total > 0 ? 1000 : 0, permille);
    size_t at = 0;
    for (size_t i = 0; i < report->phase_count; i++) {
        struct report_phase *phase = &report->phases[i];
        if (phase->extra) {
            phase->shown_centiseconds = scale_rounded(phase->duration_us, 1, CENTISECOND_US);
        } else {
            phase->shown_centiseconds = centiseconds[at];
            phase->shown_permille = permille[at++];
        }
    }
    report->unitemised_centiseconds = centiseconds[at];
    report->unitemised_permille = permille[at];
}

/* `id` 0: only the label is known. */
static void add_left(struct report *report, int64_t id, const char *label, int64_t price)
{
    if (report->left_count == REPORT_LEFT_MAX) {
        report->left_lost++;
        return;
    }
    struct report_left *left = &report->left[report->left_count++];
    *left = (struct report_left){.id_known = id != 0, .id = id, .price_nusd_per_hour = price};
    (void)text_copy(left->label, sizeof left->label, label);
    if (left->id_known) {
        (void)text_format(left->command, sizeof left->command, "dumont destroy %lld", (long long)id);
    } else {
        (void)text_copy(left->command, sizeof left->command, "dumont reap --yes");
    }
}

/* A client that was killed could not say what it leaves; its history can. */
static void conclude_without_report(struct report *report, const struct report_reader *reader)
{
    const char *where = "between two phases";
    char inside[REPORT_TEXT_SIZE];
    for (size_t i = 0; i < report->phase_count; i++) {
        if (!report->phases[i].finished) {
            (void)text_format(inside, sizeof inside, "during %s", report->phases[i].name);
            where = inside;
        }
    }
    report->outcome = reader->killed ? "killed" : UNFINISHED;
    report->error.known = true;
    (void)text_copy(report->error.code, sizeof report->error.code, error_name(ERR_INTERRUPTED));
    (void)text_copy(report->error.retry_class, sizeof report->error.retry_class,
                    retry_class_name(error_retry_class(ERR_INTERRUPTED)));
    if (reader->events == 0) {
        (void)text_copy(report->error.message, sizeof report->error.message, "the history holds no event of a client");
        (void)text_copy(report->error.next_step, sizeof report->error.next_step,
                        "give the history of a run, as written by --history");
        return;
    }
    (void)text_format(report->error.message, sizeof report->error.message,
                      reader->killed ? "the client was killed %s" : "the history ends %s, before the client does",
                      where);
    (void)text_copy(report->error.next_step, sizeof report->error.next_step,
                    "run `dumont reap`: it looks for every machine that this run may have left");
    for (size_t i = 0; i < report->machine_count; i++) {
        const struct report_machine *machine = &report->machines[i];
        if (!machine->gone) {
            add_left(report, machine->id, machine->label, machine->price_nusd_per_hour);
        }
    }
    if (reader->create.open) {
        add_left(report, 0, reader->create.label, int64_or(report->offer.price_nusd_per_hour, 0));
    }
}

static void finish(struct report *report, const struct report_reader *reader)
{
    if (report->outcome == NULL) {
        conclude_without_report(report, reader);
    }
    close_open_ends(report);
    set_origins(report);
    set_totals(report);
    set_shown_figures(report);
    report_fill_cost(report);
    report_fill_projection(report);
    report_fill_issues(report);
}

static enum error_code read_events(struct report_reader *reader, struct span history, struct error *error)
{
    struct history_cursor cursor;
    struct history_event event;
    history_cursor_init(&cursor, history);
    report_reader_init(reader);
    while (history_next(&cursor, &event, error)) {
        if (event.stream == HISTORY_CLIENT) {
            report_reader_take(reader, &event);
        }
    }
    return error->code;
}

enum error_code report_build(struct heap *heap, struct span history, struct report **out, struct error *error)
{
    *out = NULL;
    struct report *report = heap_alloc(heap, sizeof *report);
    struct report_reader *reader = heap_alloc(heap, sizeof *reader);
    enum error_code code = ERR_NO_MEMORY;
    if (report != NULL && reader != NULL) {
        reader->report = report;
        code = read_events(reader, history, error);
    } else {
        (void)error_set(error, ERR_NO_MEMORY, "the report: %s", error_sentence(ERR_NO_MEMORY));
    }
    if (code == ERR_OK) {
        finish(report, reader);
        *out = report;
    } else {
        heap_release(heap, report);
    }
    heap_release(heap, reader);
    return code;
}

void report_release(struct heap *heap, struct report *report)
{
    heap_release(heap, report);
}
