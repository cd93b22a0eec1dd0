#include "base/json_write.h"
#include "vast/codec.h"

static void begin_filter(struct json_writer *writer, const char *field, const char *operator)
{
    json_key(writer, field);
    json_begin_object(writer);
    json_key(writer, operator);
}

static void filter_bool(struct json_writer *writer, const char *field, bool value)
{
    begin_filter(writer, field, "eq");
    json_bool(writer, value);
    json_end_object(writer);
}

/* A filter whose limit is 0 is left out. */
static void filter_number(struct json_writer *writer, const char *field, const char *operator, int64_t value,
                          int digits)
{
    if (value > 0) {
        begin_filter(writer, field, operator);
        json_decimal(writer, value, digits);
        json_end_object(writer);
    }
}

void encode_search(struct buffer *out, const struct vast_wish *wish)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 0);
    json_begin_object(&writer);
    filter_bool(&writer, "external", false);
    filter_bool(&writer, "rentable", true);
    if (wish->gpu_name != NULL && wish->gpu_name[0] != '\0') {
        begin_filter(&writer, "gpu_name", "eq");
        json_string(&writer, wish->gpu_name);
        json_end_object(&writer);
    }
    filter_number(&writer, "num_gpus", "eq", wish->num_gpus, 0);
    filter_number(&writer, "dph_total", "lte", wish->max_price_nusd_per_hour, 9);
    filter_number(&writer, "reliability2", "gte", wish->min_reliability_millionths, 6);
    filter_number(&writer, "inet_down", "gte", wish->min_inet_down_mbps, 0);
    filter_number(&writer, "disk_space", "gte", wish->disk_gb, 0);
    json_key(&writer, "order");
    json_raw(&writer, span_of("[[\"dph_total\",\"asc\"]]"));
    json_member_string(&writer, "type", "on-demand");
    json_member_int(&writer, "limit", wish->limit);
    json_member_int(&writer, "allocated_storage", wish->disk_gb);
    json_end_object(&writer);
}

void encode_create(struct buffer *out, const struct create_wish *wish)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 0);
    json_begin_object(&writer);
    json_member_string(&writer, "client_id", "me");
    json_member_string(&writer, "image", wish->image);
    json_member_int(&writer, "disk", wish->disk_gb);
    json_member_string(&writer, "label", wish->label);
    if (wish->bid_nusd_per_hour > 0) {
        json_member_decimal(&writer, "price", wish->bid_nusd_per_hour, 9);
    } else {
        json_member_null(&writer, "price");
    }
    json_member_string(&writer, "onstart", wish->onstart);
    json_member_string(&writer, "runtype", "ssh_direc ssh_proxy");
    /* Fail rather than leave a stopped instance that bills its disk. */
    json_member_bool(&writer, "cancel_unavail", true);
    json_member_string(&writer, "target_state", "running");
    json_key(&writer, "env");
    json_begin_object(&writer);
    json_end_object(&writer);
    json_end_object(&writer);
}

void encode_label(struct buffer *out, const char *label)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 0);
    json_begin_object(&writer);
    json_member_string(&writer, "label", label);
    json_end_object(&writer);
}

void encode_bid(struct buffer *out, int64_t price_nusd_per_hour)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 0);
    json_begin_object(&writer);
    json_member_string(&writer, "client_id", "me");
    json_member_decimal(&writer, "price", price_nusd_per_hour, 9);
    json_end_object(&writer);
}

/* Numbers and truths are texts here: so the service wants them. */
void encode_logs(struct buffer *out, const struct vast_logs_wish *wish)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 0);
    json_begin_object(&writer);
    if (wish->lines > 0) {
        char lines[24];
        (void)text_format(lines, sizeof lines, "%lld", (long long)wish->lines);
        json_member_string(&writer, "tail", lines);
    }
    if (wish->filter != NULL && wish->filter[0] != '\0') {
        json_member_string(&writer, "filter", wish->filter);
    }
    if (wish->of_daemon) {
        json_member_string(&writer, "daemon_logs", "true");
    }
    json_end_object(&writer);
}

void encode_key(struct buffer *out, const char *public_key)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 0);
    json_begin_object(&writer);
    json_member_string(&writer, "ssh_key", public_key);
    json_end_object(&writer);
}
