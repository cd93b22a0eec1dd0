#include "fakes/market/list_columns.h"

#include <string.h>

static int64_t whole(int64_t number)
{
    return scale_rounded(number, NUSD_PER_USD, 1);
}

static void set_text(struct column_value *value, const char *text)
{
    value->text = text;
    value->is_null = text == NULL;
}

#define COLUMN(name)                                                                                                   \
    static void get_##name(const struct market *market, const struct contract *contract, struct column_value *value)
#define UNUSED_MARKET (void)market

COLUMN(id)
{
    UNUSED_MARKET;
    value->nano = whole(contract->id);
}
COLUMN(label)
{
    UNUSED_MARKET;
    value->text = contract->label->text; /* none counts as "" */
}
COLUMN(actual_status)
{
    UNUSED_MARKET;
    set_text(value, actual_status_text(contract->status));
}
COLUMN(intended_status)
{
    UNUSED_MARKET;
    value->text = contract->intent == INTENT_STOPPED ? "stopped" : "running";
}
COLUMN(cur_state)
{
    UNUSED_MARKET;
    value->text = contract->intent == INTENT_RUNNING ? "running" : "stopped";
}
COLUMN(machine_id)
{
    UNUSED_MARKET;
    value->nano = whole(contract->offer->machine_id);
}
COLUMN(host_id)
{
    UNUSED_MARKET;
    value->nano = whole(contract->offer->host_id);
}
COLUMN(start_date)
{
    value->nano = scale_rounded(unix_ms(market, contract->created_ns), 1000000, 1);
}
COLUMN(end_date)
{
    value->nano = scale_rounded(unix_ms(market, contract->end_ns), 1000000, 1);
}
COLUMN(is_bid)
{
    UNUSED_MARKET;
    value->nano = contract->is_bid ? NUSD_PER_USD : 0;
}
COLUMN(image_uuid)
{
    UNUSED_MARKET;
    value->text = contract->image;
}
COLUMN(gpu_name)
{
    UNUSED_MARKET;
    value->text = contract->offer->gpu_name;
}
COLUMN(verification)
{
    UNUSED_MARKET;
    value->text = contract->offer->verification;
}
COLUMN(disk_space)
{
    UNUSED_MARKET;
    value->nano = scale_rounded(contract->disk_mgb, 1000000, 1);
}
COLUMN(template_hash_id)
{
    UNUSED_MARKET;
    set_text(value, contract->template == NULL ? NULL : contract->template->hash);
}
COLUMN(template_id)
{
    UNUSED_MARKET;
    value->is_null = contract->template == NULL;
    value->nano = value->is_null ? 0 : whole(contract->template->id);
}

static const struct column columns[] = {
    {"id", false, get_id},
    {"label", true, get_label},
    {"actual_status", true, get_actual_status},
    {"intended_status", true, get_intended_status},
    {"cur_state", true, get_cur_state},
    {"next_state", true, get_intended_status},
    {"machine_id", false, get_machine_id},
    {"host_id", false, get_host_id},
    {"start_date", false, get_start_date},
    {"end_date", false, get_end_date},
    {"is_bid", false, get_is_bid},
    {"image_uuid", true, get_image_uuid},
    {"gpu_name", true, get_gpu_name},
    {"verification", true, get_verification},
    {"disk_space", false, get_disk_space},
    {"template_hash_id", true, get_template_hash_id},
    {"template_id", false, get_template_id},
};

const struct column *list_column(const char *key)
{
    for (size_t i = 0; key != NULL && i < ARRAY_LENGTH(columns); i++) {
        if (strcmp(key, columns[i].key) == 0) {
            return &columns[i];
        }
    }
    return NULL;
}

bool column_is_id(const struct column *column)
{
    return column->get == get_id;
}

bool column_is_label(const struct column *column)
{
    return column->get == get_label;
}
