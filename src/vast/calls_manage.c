/* What is done with an instance that exists: start, stop, label, bid. */
#include "vast/exchange.h"

static void name_instance(struct vast *vast, const char *form, int64_t instance_id)
{
    struct buffer path;
    buffer_init_fixed(&path, vast->path, sizeof vast->path);
    buffer_printf(&path, "/api/v0/instances/%s%lld/", form, (long long)instance_id);
}

enum error_code vast_stop(struct vast *vast, int64_t instance_id, struct error *error)
{
    name_instance(vast, "", instance_id);
    return vast_change(vast, HTTP_PUT, span_of("{\"state\":\"stopped\"}"), "stop", instance_id, error);
}

enum error_code vast_start(struct vast *vast, int64_t instance_id, bool *queued, struct error *error)
{
    *queued = false;
    name_instance(vast, "", instance_id);
    enum error_code code = vast_exchange(vast, HTTP_PUT, span_of("{\"state\":\"running\"}"), true, NULL, error);
    if (code == ERR_OK) {
        code = decode_started(vast_reply_body(vast), queued, error);
    }
    return vast_end_change(vast, code, "start", instance_id, error);
}

enum error_code vast_label(struct vast *vast, int64_t instance_id, const char *label, struct error *error)
{
    struct buffer body;
    buffer_init_fixed(&body, vast->body, sizeof vast->body);
    encode_label(&body, label);
    if (body.failed) {
        return error_set(error, ERR_USAGE, "label: the label is too long");
    }
    name_instance(vast, "", instance_id);
    return vast_change(vast, HTTP_PUT, (struct span){body.data, body.length}, "label", instance_id, error);
}

enum error_code vast_bid(struct vast *vast, int64_t instance_id, int64_t price_nusd_per_hour, struct error *error)
{
    struct buffer body;
    if (price_nusd_per_hour <= 0) {
        return error_set(error, ERR_USAGE, "bid: a price must be above 0"); /* left out it would mean: whatever wins */
    }
    buffer_init_fixed(&body, vast->body, sizeof vast->body);
    encode_bid(&body, price_nusd_per_hour);
    name_instance(vast, "bid_price/", instance_id);
    return vast_change(vast, HTTP_PUT, (struct span){body.data, body.length}, "bid for", instance_id, error);
}
