#include "base/units.h"
#include "report/report_parts.h"

enum { HOURS_PER_MONTH = 720 };

/* The account and the bill agree within one hundredth, or within this. */
#define AGREEMENT_NUSD (NUSD_PER_USD / 10000)

static const struct report_comparison LIST_PRICES[REPORT_COMPARISONS] = {
    {.provider = "AWS", .type = "g5.xlarge", .gpu = "A10G", .price_nusd_per_hour = 1006 * NUSD_PER_USD / 1000},
    {.provider = "GCP", .type = "a2-highgpu-1g", .gpu = "A100", .price_nusd_per_hour = 3673 * NUSD_PER_USD / 1000},
    {.provider = "Azure", .type = "NC6s_v3", .gpu = "V100", .price_nusd_per_hour = 3060 * NUSD_PER_USD / 1000},
};

static int64_t cost_of(int64_t price_nusd_per_hour, int64_t duration_us)
{
    return cost_nusd(price_nusd_per_hour, duration_us * NS_PER_US);
}

static int64_t at_most(int64_t value, int64_t bound)
{
    return value < bound ? value : bound;
}

/* When disk billing ended: the accepted DELETE, else the moment the machine was first seen gone, else it has not. */
static int64_t end_of_life(const struct report *report, const struct report_machine *machine)
{
    if (!machine->gone) {
        return report->end_us;
    }
    return machine->deleted ? at_most(machine->deleted_us, machine->gone_us) : machine->gone_us;
}

static void add_item(struct report *report, const char *part, const struct report_machine *machine, int64_t from_us,
                     int64_t until_us, int64_t price)
{
    struct report_cost_item *item = &report->cost_items[report->cost_item_count++];
    item->quantity_us = until_us > from_us ? until_us - from_us : 0;
    item->price_nusd_per_hour = price;
    item->nusd = cost_of(price, item->quantity_us);
    if (report->machine_count > 1) {
        (void)text_format(item->what, sizeof item->what, "%s of %lld", part, (long long)machine->id);
    } else {
        (void)text_copy(item->what, sizeof item->what, part);
    }
}

static void bill_machine(struct report *report, const struct report_machine *machine)
{
    int64_t end_us = end_of_life(report, machine);
    int64_t gpu_price = saturating_subtract(machine->price_nusd_per_hour, machine->disk_nusd_per_hour);
    int64_t gpu_end_us = machine->stopped ? at_most(machine->stopped_us, end_us) : end_us;
    add_item(report, "GPU", machine, machine->ran ? machine->running_us : gpu_end_us, gpu_end_us, gpu_price);
    add_item(report, "disk", machine, machine->created_us, end_us, machine->disk_nusd_per_hour);
}

static void sum_items(struct report *report)
{
    int64_t values[REPORT_COST_ITEMS_MAX];
    int64_t shown[REPORT_COST_ITEMS_MAX];
    for (size_t i = 0; i < report->cost_item_count; i++) {
        values[i] = report->cost_items[i].nusd;
        report->billed_nusd = saturating_add(report->billed_nusd, values[i]);
    }
    report_apportion(values, report->cost_item_count, 1, 1000, scale_rounded(report->billed_nusd, 1, 1000), shown);
    for (size_t i = 0; i < report->cost_item_count; i++) {
        report->cost_items[i].shown_microusd = shown[i];
    }
}

static void compare_account(struct report *report)
{
    int64_t paid = saturating_subtract(report->account.before_nusd, report->account.after_nusd);
    int64_t off = saturating_subtract(paid, report->billed_nusd);
    int64_t distance = off < 0 ? saturating_subtract(0, off) : off;
    report->account.agrees = distance <= AGREEMENT_NUSD || distance <= report->billed_nusd / 100;
}

void report_fill_cost(struct report *report)
{
    report->recorded_rule_nusd = cost_of(int64_or(report->offer.price_nusd_per_hour, 0), report->total_us);
    report->billed_final = report->machines_lost == 0 && report->left_count == 0;
    bool ran = false;
    bool exact = true;
    for (size_t i = 0; i < report->machine_count; i++) {
        const struct report_machine *machine = &report->machines[i];
        bill_machine(report, machine);
        report->billed_final = report->billed_final && machine->gone;
        ran = ran || machine->ran;
        exact = exact && (!machine->ran || machine->running_exact);
    }
    report->billed_from_uptime = ran && exact;
    sum_items(report);
    compare_account(report);
    for (size_t i = 0; i < REPORT_COMPARISONS; i++) {
        struct report_comparison *row = &report->comparisons[i];
        *row = LIST_PRICES[i];
        row->nusd = cost_of(row->price_nusd_per_hour, report->total_us);
        row->ratio_known = int64_or(report->offer.price_nusd_per_hour, 0) > 0 && report->total_us > 0;
        row->ratio_thousandths =
            row->ratio_known ? scale_rounded(row->price_nusd_per_hour, 1000, report->offer.price_nusd_per_hour.value)
                             : 0;
    }
}

int64_t report_disk_price(struct maybe_int64 storage_nusd_per_gb_month, struct maybe_int64 disk_gb)
{
    return scale_rounded(int64_or(storage_nusd_per_gb_month, 0), int64_or(disk_gb, 0), HOURS_PER_MONTH);
}
