#include "journey/budget.h"

#include "base/utf8.h"
#include "journey/label.h"

/* One request to create, and the search for what became of it. */
#define CREATE_NS (JOURNEY_REQUEST_LIMIT_NS + LABEL_FIND_LIMIT_NS)

struct budget_bound budget_bound_of(const struct check_options *options, const struct vast_offer *offer)
{
    struct budget_bound bound;
    bound.use_ns = saturating_add(CREATE_NS + BUDGET_COMMANDS_NS,
                                  saturating_add(options->running_limit_ns, options->ssh_limit_ns));
    bound.longest_ns = saturating_add(bound.use_ns, BUDGET_REMOVAL_NS);
    bound.time_nusd = cost_nusd(offer->price_nusd_per_hour, bound.longest_ns);
    int64_t traffic_price = offer->inet_down_nusd_per_gb > 0 ? offer->inet_down_nusd_per_gb : 0;
    bound.traffic_nusd = scale_rounded(traffic_price, options->disk_gb, 1);
    bound.worst_nusd = saturating_add(bound.time_nusd, bound.traffic_nusd);
    return bound;
}

bool budget_allows(const struct check_options *options, const struct budget_bound *bound)
{
    return options->budget_nusd == BUDGET_NO_CAP || bound->worst_nusd <= options->budget_nusd;
}

struct guard budget_guard(const struct check_options *options, const struct vast_offer *offer, int64_t began_ns)
{
    struct budget_bound bound = budget_bound_of(options, offer);
    return (struct guard){
        .began_ns = began_ns,
        .longest_ns = bound.use_ns,
        .removal_ns = BUDGET_REMOVAL_NS,
        .cap_nusd = options->budget_nusd,
        .reserve_nusd = bound.traffic_nusd,
        .price_nusd_per_hour = offer->price_nusd_per_hour,
    };
}

/* "$0.31"; four places where two say too little. */
static void append_usd(struct buffer *out, int64_t nusd)
{
    int64_t cent_nusd = NUSD_PER_USD / 100;
    buffer_append_char(out, '$');
    decimal_append_rounded(out, nusd, 9, nusd % cent_nusd == 0 || nusd >= NUSD_PER_USD ? 2 : 4);
}

void budget_append_proposal(struct buffer *out, const struct check_options *options, const struct vast_offer *offer)
{
    struct budget_bound bound = budget_bound_of(options, offer);
    char gpu[VAST_TEXT_SIZE];
    char place[VAST_TEXT_SIZE];
    clean_copy(gpu, sizeof gpu, offer->gpu_name);
    clean_copy(place, sizeof place, offer->geolocation);
    buffer_printf(out, "offer %lld: %lld x %s at ", (long long)offer->id, (long long)offer->num_gpus, gpu);
    append_usd(out, offer->price_nusd_per_hour);
    buffer_printf(out, " per hour, in %s, reliability ", place[0] == '\0' ? "a place that is not told" : place);
    decimal_append_rounded(out, offer->reliability_millionths, 6, 4);
    buffer_append_text(out, "\nworst case ");
    append_usd(out, bound.worst_nusd);
    buffer_printf(out, ": %lld minutes for ", (long long)(bound.longest_ns / (60 * NS_PER_S)));
    append_usd(out, bound.time_nusd);
    buffer_printf(out, ", %lld GB of traffic for ", (long long)options->disk_gb);
    append_usd(out, bound.traffic_nusd);
    if (options->budget_nusd != BUDGET_NO_CAP) {
        buffer_append_text(out, "; allowed ");
        append_usd(out, options->budget_nusd);
    }
    buffer_append_char(out, '\n');
}

enum error_code budget_refuse(const struct check_options *options, const struct vast_offer *offer, struct error *error)
{
    struct budget_bound bound = budget_bound_of(options, offer);
    char worst_text[32];
    char cap_text[32];
    struct buffer worst;
    struct buffer cap;
    buffer_init_fixed(&worst, worst_text, sizeof worst_text);
    buffer_init_fixed(&cap, cap_text, sizeof cap_text);
    append_usd(&worst, bound.worst_nusd);
    append_usd(&cap, options->budget_nusd);
    (void)error_set(error, ERR_BUDGET,
                    "the cheapest offer (%lld) may cost %s in the worst case, and --max-usd allows %s",
                    (long long)offer->id, worst_text, cap_text);
    error_advise(error, "raise --max-usd, or lower --running-limit-s, --ssh-limit-s or --disk-gb");
    return ERR_BUDGET;
}
