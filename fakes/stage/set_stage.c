#include <string.h>

#include "fakes/stage/cloud_scenario.h"

enum { OFFERS_THAT_DO_NOT_FIT = 16 };

static const char recorded_gpu[] = "RTX 4090";

void recorded_search_defaults(struct recorded_search *search)
{
    *search = (struct recorded_search){
        .num_gpus = 1,
        .max_price_nusd_per_hour = NUSD_PER_USD / 2,
        .min_reliability_millionths = 900000,
        .min_inet_down_mbps = 500,
        .disk_gb = 20,
    };
}

/* A recorded value replaces a default. */
static void take(int64_t *value, struct maybe_int64 recorded)
{
    *value = int64_or(recorded, *value);
}

void recorded_search_take(struct recorded_search *search, const struct recording *recording)
{
    take(&search->num_gpus, recording->offer.num_gpus);
    take(&search->disk_gb, recording->request.disk_gb);
    take(&search->min_reliability_millionths, recording->request.min_reliability_millionths);
    take(&search->min_inet_down_mbps, recording->request.min_inet_down_mbps);
    take(&search->max_price_nusd_per_hour, recording->request.max_price_nusd_per_hour);
    /* The recorded machine must pass the check that the recorded client left out. */
    if (int64_or(recording->offer.price_nusd_per_hour, 0) > search->max_price_nusd_per_hour) {
        search->max_price_nusd_per_hour = recording->offer.price_nusd_per_hour.value * 2;
    }
}

static size_t offers_found(const struct cloud_scenario *scenario)
{
    int64_t count = (int64_t)scenario->offer_count;
    return (size_t)(scenario->offers_counted ? count : int64_or(scenario->recording.offers_found, count));
}

/*
 * A market in which the recorded search finds what the recorded one found, the recorded offer first. What it has does not depend
 * on what the client of this run asks for.
 */
static struct offer_book *recorded_offers(struct heap *heap, const struct cloud_scenario *scenario,
                                          const struct offer_book_options *options,
                                          const struct recorded_search *search)
{
    const struct recording *recording = &scenario->recording;
    struct offer_wish wish = {
        .id = int64_or(recording->offer.offer_id, 20000001),
        .num_gpus = search->num_gpus,
        .gpu_ram_mib = int64_or(recording->offer.gpu_ram_mib, 0),
        .price_nusd_per_hour = int64_or(recording->offer.price_nusd_per_hour, NUSD_PER_USD / 5),
        .reliability_millionths = int64_or(recording->offer.reliability_millionths, 0),
        .max_price_nusd_per_hour = search->max_price_nusd_per_hour,
        .min_reliability_millionths = search->min_reliability_millionths,
        .min_inet_down_milli = search->min_inet_down_mbps * 1000,
        .min_disk_mgb = search->disk_gb * 1000,
        .min_direct_ports = 1,
        .found = offers_found(scenario),
        .others = OFFERS_THAT_DO_NOT_FIT,
    };
    (void)text_copy(wish.gpu_name, sizeof wish.gpu_name,
                    recording->offer.gpu_name[0] == '\0' ? recorded_gpu : recording->offer.gpu_name);
    (void)text_copy(wish.geolocation, sizeof wish.geolocation, recording->offer.region);
    (void)text_copy(wish.driver_version, sizeof wish.driver_version, recording->offer.driver_version);
    return offer_book_for_wish(heap, options, &wish);
}

enum error_code cloud_scenario_offers(const struct cloud_scenario *scenario, struct heap *heap, struct span offers_text,
                                      struct offer_book **out, struct error *error)
{
    struct recorded_search search;
    recorded_search_defaults(&search);
    recorded_search_take(&search, &scenario->recording);
    bool replayed = scenario->recording_name[0] != '\0';
    struct offer_book_options options = {
        .seed = scenario->seed,
        .listed_at = scenario->epoch,
        .allocated_disk_mgb = (replayed ? search.disk_gb : scenario->priced_disk_gb) * 1000,
    };
    if (scenario->offers_file[0] != '\0') {
        return offer_book_read(heap, &options, offers_text, scenario->offers_file, out, error);
    }
    if (replayed) {
        *out = recorded_offers(heap, scenario, &options, &search);
    } else {
        *out = offer_book_generate(heap, &options, scenario->offer_count);
    }
    return *out == NULL ? error_set(error, ERR_NO_MEMORY, "no memory for the offers") : ERR_OK;
}

struct cloud_options cloud_scenario_options(const struct cloud_scenario *scenario, const struct offer_book *offers,
                                            uint32_t run, struct history *history)
{
    const struct recording *recording = &scenario->recording;
    bool recorded = scenario->recording_name[0] != '\0';
    return (struct cloud_options){
        .seed = scenario->seed,
        .run = run,
        .epoch = scenario->epoch,
        .timing = &scenario->timing,
        .gpu_load = &scenario->gpu_load,
        .faults = &scenario->faults,
        .offers = offers,
        .switches = &scenario->market,
        .credit_nusd = scenario->credit_nusd,
        .limit_ignored = recorded && recording->offers_found.presence == PRESENT,
        .first_contract_id = recorded ? int64_or(recording->offer.instance_id, 0) : 0,
        .ssh_host = recorded && recording->offer.ssh_host[0] != '\0' ? recording->offer.ssh_host : NULL,
        .ssh_port = recorded ? int64_or(recording->offer.ssh_port, 0) : 0,
        .history = history,
    };
}
