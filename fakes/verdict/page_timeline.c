#include <string.h>

#include "fakes/verdict/page.h"

enum {
    WIDTH = 1040,
    LEFT = 150, /* where time begins: names stand before it */
    RIGHT = 1005,
    ROW = 22,
    TOP = 14,
    TICKS_MOST = 8,
    MARK = 8, /* width of a mark */
    MACHINES_MAX = 24,
    MARKS_MAX = 1000, /* a row */
};

struct picture {
    const struct verdict *verdict;
    struct buffer *out;
    int64_t from_ns, length_ns; /* what it shows */
    int y;
};

/* From the first thing that happened to the end. */
static void measure(struct picture *picture)
{
    const struct verdict_input *input = picture->verdict->input;
    int64_t from_ns = input->request_count > 0 ? input->requests[0].sent_ns : 0;
    picture->from_ns = from_ns < input->now_ns ? from_ns : 0;
    picture->length_ns = input->now_ns - picture->from_ns;
    picture->length_ns = picture->length_ns < NS_PER_S ? NS_PER_S : picture->length_ns;
}

static int place_of(const struct picture *picture, int64_t at_ns)
{
    int64_t since_ns = at_ns == TIME_NEVER_NS ? picture->length_ns : at_ns - picture->from_ns;
    since_ns = since_ns < 0 ? 0 : since_ns > picture->length_ns ? picture->length_ns : since_ns;
    return LEFT + (int)scale_rounded(since_ns, RIGHT - LEFT, picture->length_ns);
}

/* 1, 2 or 5 times a power of ten, so that no more than so many steps fit into the picture. */
static int64_t step_of(int64_t length_ns)
{
    static const int64_t factors[] = {2, 5, 10};
    int64_t decade_ns = NS_PER_S / 10;
    int64_t step_ns = decade_ns;
    while (length_ns / step_ns > TICKS_MOST) {
        for (size_t i = 0; i < ARRAY_LENGTH(factors) && length_ns / step_ns > TICKS_MOST; i++) {
            step_ns = decade_ns * factors[i];
        }
        decade_ns = decade_ns < INT64_MAX / 100 ? decade_ns * 10 : decade_ns;
    }
    return step_ns;
}

static void write_axis(const struct picture *picture, int height)
{
    int64_t step_ns = step_of(picture->length_ns);
    for (int64_t at_ns = 0; at_ns <= picture->length_ns; at_ns += step_ns) {
        int x = place_of(picture, picture->from_ns + at_ns);
        buffer_printf(picture->out,
                      "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/><text x=\"%d\" y=\"%d\" "
                      "text-anchor=\"middle\">",
                      x, (int)TOP, x, height - 20, x, height - 6);
        decimal_append(picture->out, at_ns, 9, 0);
        buffer_append_text(picture->out, " s</text>");
    }
}

static void write_name(const struct picture *picture, const char *name, const char *class)
{
    buffer_printf(picture->out, "<text class=\"%s\" x=\"%d\" y=\"%d\" text-anchor=\"end\">", class, LEFT - 12,
                  picture->y + 15);
    page_text(picture->out, name);
    buffer_append_text(picture->out, "</text>");
}

static void write_machine(struct picture *picture, const struct verdict_machine *machine)
{
    const struct contract_view *view = machine->view;
    char name[SHOWN_SIZE];
    int from = place_of(picture, view->created_ns);
    int to = place_of(picture, view->destroyed_ns);
    (void)text_format(name, sizeof name, "%lld", (long long)view->id);
    write_name(picture, name, "strong");
    buffer_printf(picture->out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"12\" rx=\"3\"><title>",
                  view->exists ? "left" : "life", from, picture->y + 5, to - from < 3 ? 3 : to - from);
    page_text(picture->out, view->label);
    buffer_printf(picture->out, " %s</title></rect>", shown_status(view));
    picture->y += ROW;
}

/* Round when it was answered, else square: colour alone would not tell everybody. */
static void write_mark(const struct picture *picture, const struct verdict_request *request, int x, const char *class)
{
    struct buffer *out = picture->out;
    int round = strcmp(class, "good") == 0 ? MARK / 2 : 1;
    buffer_printf(
        out, "<rect class=\"dot %s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\"><title>request %llu, ",
        class, x - MARK / 2, picture->y + 7, (int)MARK, (int)MARK, round, (unsigned long long)request->ordinal);
    if (request->fate != FATE_DELIVERED) {
        buffer_append_text(out, fate_name(request->fate));
    } else {
        buffer_printf(out, "%d", request->status);
    }
    buffer_append_text(out, "</title></rect>");
}

/* Marks that would lie on each other are drawn once. */
static void write_endpoint(struct picture *picture, const struct verdict_endpoint *endpoint)
{
    const struct verdict_input *input = picture->verdict->input;
    int last_x = -1;
    const char *last_class = "";
    int marks = 0;
    write_name(picture, endpoint->name, "strong");
    for (size_t i = 0; i < input->request_count && marks < MARKS_MAX; i++) {
        const struct verdict_request *request = &input->requests[i];
        int x = place_of(picture, request->sent_ns);
        const char *class = page_class_of(request);
        if (request->call == endpoint->call && (x != last_x || strcmp(class, last_class) != 0)) {
            write_mark(picture, request, x, class);
            last_x = x;
            last_class = class;
            marks++;
        }
    }
    picture->y += ROW;
}

void page_timeline(const struct verdict *verdict, struct buffer *out)
{
    struct picture picture = {.verdict = verdict, .out = out, .y = TOP};
    size_t machines = verdict->input->machine_count < MACHINES_MAX ? verdict->input->machine_count : MACHINES_MAX;
    int height = TOP + (int)(machines + verdict->endpoint_count) * ROW + 30;
    if (verdict->endpoint_count == 0) {
        return;
    }
    measure(&picture);
    buffer_printf(out,
                  "<h2>What happened when</h2><div class=\"card\" role=\"region\" aria-label=\"Timeline\" "
                  "tabindex=\"0\"><svg class=\"timeline\" viewBox=\"0 0 %d %d\" role=\"img\" "
                  "aria-label=\"Timeline\">",
                  (int)WIDTH, height);
    write_axis(&picture, height);
    for (size_t i = 0; i < machines; i++) {
        write_machine(&picture, &verdict->machines[i]);
    }
    for (size_t i = 0; i < verdict->endpoint_count; i++) {
        write_endpoint(&picture, &verdict->endpoints[i]);
    }
    buffer_append_text(
        out, "</svg><div class=\"key\"><span><i class=\"life\"></i>machine, destroyed in the end</span>"
             "<span><i class=\"left\"></i>machine that is left</span><span><i class=\"good\"></i>answered</span>"
             "<span><i class=\"poor\"></i>refused</span><span><i class=\"bad\"></i>no usable answer</span>"
             "<span>seconds since the first request</span></div></div>\n");
}
