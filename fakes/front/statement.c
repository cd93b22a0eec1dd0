#include "fakes/front/statement.h"

#include "fakes/verdict/write.h"

size_t statement_machines_left(const struct cloud *cloud)
{
    const struct market *market = cloud_market(cloud);
    size_t left = 0;
    for (size_t i = 0; i < market_contract_count(market); i++) {
        struct contract_view view;
        market_contract(market, i, &view);
        left += view.exists ? 1 : 0;
    }
    return left;
}

static void append_usd(struct buffer *out, int64_t nusd)
{
    buffer_append_char(out, '$');
    decimal_append_rounded(out, nusd, 9, 4);
}

static void write_outcomes(const struct journal_count *count, struct buffer *out)
{
    for (size_t i = 0; i < count->outcome_count; i++) {
        const struct journal_outcome *outcome = &count->outcomes[i];
        buffer_append_text(out, i == 0 ? "  " : ", ");
        if (outcome->fate == FATE_DELIVERED) {
            buffer_printf(out, "%d", outcome->status);
        } else {
            buffer_append_text(out, fate_name(outcome->fate));
        }
        if (count->outcome_count > 1 || outcome->count != count->requests) {
            buffer_printf(out, " x%llu", (unsigned long long)outcome->count);
        }
    }
    buffer_append_char(out, '\n');
}

static void write_requests(const struct journal *journal, struct buffer *out)
{
    bool any = false;
    for (size_t i = 0; i < JOURNAL_CALLS; i++) {
        const struct journal_count *count = &journal->counts[i];
        if (count->requests > 0) {
            buffer_append_text(out, any ? "" : "requests:\n");
            buffer_printf(out, "  %-10s %6llu", journal_call_name(i), (unsigned long long)count->requests);
            write_outcomes(count, out);
            any = true;
        }
    }
    if (!any) {
        buffer_append_text(out, "requests: none\n");
    }
}

static void write_left(const struct market *market, struct buffer *out)
{
    size_t left = 0;
    int64_t together_nusd = 0;
    for (size_t i = 0; i < market_contract_count(market); i++) {
        struct contract_view view;
        market_contract(market, i, &view);
        if (!view.exists) {
            continue;
        }
        buffer_append_text(out, left++ == 0 ? "machines left:\n" : "");
        const char *status = actual_status_text(view.status);
        buffer_printf(out, "  %lld %s, %s, ", (long long)view.id, view.label[0] == '\0' ? "(no label)" : view.label,
                      status == NULL ? "scheduling" : status);
        append_usd(out, view.intended_nusd_per_hour);
        buffer_append_text(out, " per hour\n");
        together_nusd = saturating_add(together_nusd, view.intended_nusd_per_hour);
    }
    if (left == 0) {
        buffer_append_text(out, "machines left: none\n");
    } else if (left > 1) {
        buffer_append_text(out, "  together ");
        append_usd(out, together_nusd);
        buffer_append_text(out, " per hour\n");
    }
}

static void write_bucket(const struct stage_server *stage, struct buffer *out)
{
    struct bucket_totals totals;
    bucket_totals(cloud_bucket(stage->cloud, stage->now_ns, NULL), &totals);
    buffer_printf(out, "object store: %zu version%s, %zu unfinished, %lld bytes; %lld downloaded; bill ",
                  totals.versions, totals.versions == 1 ? "" : "s", totals.unfinished, (long long)totals.stored_bytes,
                  (long long)totals.downloaded_bytes);
    append_usd(out, totals.charged_nusd);
    buffer_append_char(out, '\n');
}

void statement_write_text(const struct stage_server *stage, const struct journal *journal,
                          const struct verdict *verdict, struct buffer *out)
{
    const struct market *market = cloud_market(stage->cloud);
    write_requests(journal, out);
    write_left(market, out);
    buffer_append_text(out, "bill: ");
    append_usd(out, market_charged_nusd(market));
    buffer_printf(out, " for %zu machine%s in ", market_contract_count(market),
                  market_contract_count(market) == 1 ? "" : "s");
    decimal_append_rounded(out, stage->now_ns, 9, 1);
    buffer_append_text(out, " s; credit ");
    append_usd(out, market_credit_nusd(market));
    buffer_append_char(out, '\n');
    write_bucket(stage, out);
    if (stage->deaf_ports > 0) {
        buffer_printf(out, "SSH ports that could not be opened: %zu; they refused though the scenario did not say so\n",
                      stage->deaf_ports);
    }
    if (verdict != NULL) {
        verdict_write_short(verdict, out);
    }
}

static void write_left_json(const struct market *market, struct json_writer *writer)
{
    json_begin_array(writer);
    for (size_t i = 0; i < market_contract_count(market); i++) {
        struct contract_view view;
        market_contract(market, i, &view);
        if (view.exists) {
            json_begin_object(writer);
            json_member_int(writer, "id", view.id);
            json_member_string(writer, "label", view.label);
            json_member_string(writer, "actual_status", actual_status_text(view.status));
            json_member_decimal(writer, "usd_per_hour", view.intended_nusd_per_hour, 9);
            json_end_object(writer);
        }
    }
    json_end_array(writer);
}

void statement_write_bucket(const struct bucket_service *bucket, struct json_writer *writer)
{
    static const char *const classes[] = {"class_a_calls", "class_b_calls", "class_c_calls"};
    struct bucket_totals totals;
    bucket_totals(bucket, &totals);
    json_begin_object(writer);
    json_member_int(writer, "versions", (int64_t)totals.versions);
    json_member_int(writer, "unfinished", (int64_t)totals.unfinished);
    json_member_int(writer, "stored_bytes", totals.stored_bytes);
    json_member_int(writer, "downloaded_bytes", totals.downloaded_bytes);
    for (size_t i = 0; i < BUCKET_CLASS_COUNT; i++) {
        json_member_int(writer, classes[i], totals.calls[i]);
    }
    json_member_decimal(writer, "charged_usd", totals.charged_nusd, 9);
    json_end_object(writer);
}

void statement_write_json(const struct stage_server *stage, const struct journal *journal,
                          const struct verdict *verdict, struct buffer *out)
{
    const struct market *market = cloud_market(stage->cloud);
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    json_member_decimal(&writer, "simulated_s", stage->now_ns, 9);
    json_key(&writer, "requests");
    journal_write_counts(journal, &writer);
    json_member_int(&writer, "machines_created", (int64_t)market_contract_count(market));
    json_key(&writer, "machines_left");
    write_left_json(market, &writer);
    json_key(&writer, "bill");
    json_begin_object(&writer);
    json_member_decimal(&writer, "charged_usd", market_charged_nusd(market), 9);
    json_member_decimal(&writer, "credit_usd", market_credit_nusd(market), 9);
    json_end_object(&writer);
    json_key(&writer, "object_store");
    statement_write_bucket(cloud_bucket(stage->cloud, stage->now_ns, NULL), &writer);
    json_member_int(&writer, "ssh_ports_failed", (int64_t)stage->deaf_ports);
    if (verdict != NULL) {
        json_key(&writer, "verdict");
        verdict_write_json(verdict, &writer);
    }
    json_end_object(&writer);
    buffer_append_char(out, '\n');
}
