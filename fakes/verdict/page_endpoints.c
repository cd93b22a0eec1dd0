#include "fakes/verdict/page.h"

enum { JOURNAL_ROWS = 500, GROUPS_SHOWN = 40, BAR = 8, BAR_STEP = 11, BAR_HEIGHT = 26, PATH_SHOWN = 200 };

const char *page_class_of(const struct verdict_request *request)
{
    bool heard =
        request->fate == FATE_DELIVERED && request->left_ns == TIME_NEVER_NS && request->answered_ns != TIME_NEVER_NS;
    if (!heard || request->status >= 500 || request->status == 408 || request->status == 429) {
        return "bad";
    }
    return request->status >= 400 ? "poor" : "good";
}

static void write_spread(const struct verdict_spread *spread, struct buffer *out)
{
    char least[SHOWN_SIZE];
    char median[SHOWN_SIZE];
    char most[SHOWN_SIZE];
    if (spread->count == 0) {
        buffer_append_text(out, "&ndash;");
        return;
    }
    buffer_printf(out, "%s &middot; <b>%s</b> &middot; %s", shown_seconds(spread->least_ns, least),
                  shown_seconds(spread->median_ns, median), shown_seconds(spread->most_ns, most));
}

static void write_outcomes(const struct verdict_endpoint *endpoint, struct buffer *out)
{
    char storage[SHOWN_SIZE];
    for (size_t i = 0; i < endpoint->outcome_count; i++) {
        const struct verdict_outcome *outcome = &endpoint->outcomes[i];
        bool good = outcome->fate == FATE_DELIVERED && outcome->status < 400;
        bool poor = outcome->fate == FATE_DELIVERED && outcome->status < 500 && outcome->status != 429;
        buffer_printf(out, "<span class=\"pill %s\">%s &times;%llu</span> ",
                      good   ? "good"
                      : poor ? "poor"
                             : "bad",
                      shown_outcome(outcome, storage), (unsigned long long)outcome->count);
    }
}

/* The pauses as bars, the longest as high as it goes. */
static void write_bars(const struct verdict_group *group, struct buffer *out)
{
    size_t count =
        group->pauses.count < VERDICT_GROUP_PAUSES_MAX ? (size_t)group->pauses.count : VERDICT_GROUP_PAUSES_MAX;
    int64_t most_ns = group->pauses.most_ns < 1 ? 1 : group->pauses.most_ns;
    buffer_printf(out, "<svg class=\"bars\" viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"pauses\">",
                  (int)count * BAR_STEP, (int)BAR_HEIGHT, (int)count * BAR_STEP);
    for (size_t i = 0; i < count; i++) {
        int height = 2 + (int)scale_rounded(group->shown_ns[i], BAR_HEIGHT - 2, most_ns);
        char seconds[SHOWN_SIZE];
        buffer_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"1\"><title>%s</title></rect>",
                      (int)i * BAR_STEP, BAR_HEIGHT - height, (int)BAR, height,
                      shown_seconds(group->shown_ns[i], seconds));
    }
    buffer_append_text(out, "</svg> ");
}

static void write_group(const struct verdict_group *group, struct buffer *out)
{
    buffer_append_text(out, "<tr class=\"group\"><td></td><td colspan=\"4\">");
    if (group->pauses.count > 0) {
        write_bars(group, out);
    }
    shown_group(group, out);
    if (group->pauses.count > 0) {
        buffer_append_text(out, "; pauses ");
        write_spread(&group->pauses, out);
        buffer_append_text(out, "; ");
        shown_group_pace(group, out);
    }
    buffer_append_text(out, "</td></tr>\n");
}

static void write_endpoint(const struct verdict *verdict, const struct verdict_endpoint *endpoint, struct buffer *out)
{
    size_t shown = endpoint->groups < GROUPS_SHOWN ? endpoint->groups : GROUPS_SHOWN;
    char seconds[SHOWN_SIZE];
    buffer_append_text(out, "<tr><td class=\"mono nowrap\">");
    page_text(out, endpoint->name);
    buffer_printf(out, "</td><td class=\"number\">%llu</td><td>", (unsigned long long)endpoint->requests);
    write_outcomes(endpoint, out);
    buffer_append_text(out, "</td><td class=\"nowrap\">");
    write_spread(&endpoint->spacing, out);
    buffer_append_text(out, "</td><td>");
    if (endpoint->broken > 0) {
        buffer_printf(out, "<span class=\"pill poor\">%llu too soon</span> closest %s",
                      (unsigned long long)endpoint->broken, shown_seconds(endpoint->tightest_ns, seconds));
    } else {
        buffer_append_text(out, "<span class=\"soft\">kept</span>");
    }
    buffer_append_text(out, "</td></tr>\n");
    for (size_t i = 0; i < shown; i++) {
        write_group(&verdict->groups[endpoint->first_group + i], out);
    }
    if (endpoint->group_count > shown) {
        buffer_printf(out, "<tr class=\"group\"><td></td><td colspan=\"4\">and %llu groups of retries more</td></tr>\n",
                      (unsigned long long)(endpoint->group_count - shown));
    }
}

void page_endpoints(const struct verdict *verdict, struct buffer *out)
{
    buffer_append_text(out, "<h2>Requests and retries</h2><p class=\"soft\">Spacing and pauses: least &middot; "
                            "<b>median</b> &middot; most. A group of retries is a "
                            "request without a usable answer and those that repeat it.</p>");
    page_begin_table(out, "Requests and retries");
    buffer_append_text(out, "<thead><tr><th>endpoint</th>"
                            "<th class=\"number\">requests</th><th>outcomes</th><th>spacing</th><th>documented "
                            "pause</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < verdict->endpoint_count; i++) {
        write_endpoint(verdict, &verdict->endpoints[i], out);
    }
    if (verdict->endpoint_count == 0) {
        buffer_append_text(out, "<tr><td colspan=\"5\">No request was sent.</td></tr>\n");
    }
    buffer_append_text(out, "</tbody></table></div>\n");
}

/* ---- The journal -------------------------------------------------------------------------------------------------------- */

/* Without its query: what stands there may be a secret. */
static void write_path(struct span path, struct buffer *out)
{
    size_t length = 0;
    while (length < path.length && path.at[length] != '?' && length < PATH_SHOWN) {
        length++;
    }
    markup_text(out, (struct span){path.at, length});
}

static void write_request(const struct verdict_request *request, struct buffer *out)
{
    char seconds[SHOWN_SIZE];
    buffer_printf(out, "<tr><td class=\"number\">%llu</td><td class=\"number\">%s</td><td class=\"mono\">",
                  (unsigned long long)request->ordinal, shown_seconds(request->sent_ns, seconds));
    page_text(out, request->method);
    buffer_append_text(out, "</td><td class=\"mono label\">");
    write_path(request->path, out);
    buffer_printf(out, "</td><td class=\"%s nowrap\">", page_class_of(request));
    if (request->left_ns != TIME_NEVER_NS) {
        buffer_append_text(out, "not waited for");
    } else if (request->answered_ns == TIME_NEVER_NS) {
        buffer_append_text(out, "pending");
    } else if (request->fate == FATE_DELIVERED) {
        buffer_printf(out, "%d", request->status);
    } else {
        buffer_append_text(out, fate_name(request->fate));
    }
    buffer_append_text(out, "</td></tr>\n");
}

void page_journal(const struct verdict *verdict, struct buffer *out)
{
    const struct verdict_input *input = verdict->input;
    size_t shown = input->request_count < JOURNAL_ROWS ? input->request_count : JOURNAL_ROWS;
    if (shown == 0) {
        return;
    }
    buffer_printf(out, "<details><summary>The journal: %s%zu request%s</summary>",
                  shown < input->request_count ? "the first " : "", shown, shown == 1 ? "" : "s");
    page_begin_table(out, "The journal");
    buffer_append_text(out, "<thead><tr><th class=\"number\">request</th><th class=\"number\">at</th><th>method</th>"
                            "<th>path</th><th>outcome</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < shown; i++) {
        write_request(&input->requests[i], out);
    }
    buffer_append_text(out, "</tbody></table></div></details>\n");
}
