#include <assert.h>
#include <string.h>

#include "base/buffer.h"
#include "fakes/market/offer_book.h"
#include "fakes/market/offer_machine.h"

enum {
    FIRST_GENERATED_ID = 19000000, /* the lowest recorded is 19394436 */
    ID_STEP_MAX = 900,
    DISK_DIVISOR = 720 * 1000, /* thousandths of a GB for an hour, of GB for a month */
};

/* Draws of this file, beside those of a machine. */
enum { DRAW_ID = MACHINE_DRAWS_FREE, DRAW_WISHED_PRICE, DRAW_WISHED_RELIABILITY };

static struct machine_draw draw_of(const struct offer_book_options *options, const struct offer_list *list)
{
    return (struct machine_draw){.seed = options->seed, .entity = (uint32_t)list->count};
}

/* The id of the next offer: above the last one's. */
static int64_t next_id(struct machine_draw draw, int64_t last_id)
{
    return last_id + machine_draw_between(draw, DRAW_ID, 1, ID_STEP_MAX);
}

/* Half the slice before it of the same machine: half its GPUs, its share of the rest. */
static void halve(const struct offer *whole, struct offer *offer)
{
    *offer = *whole;
    offer->bundle_id++;
    offer->num_gpus /= 2;
    offer->gpu_frac_millionths /= 2;
    offer->dph_base_nusd /= 2;
    offer->min_bid_nusd /= 2;
    offer->total_tflops_milli /= 2;
    offer->dlperf_milli /= 2;
    offer->cpu_cores_effective_milli /= 2;
}

/* A machine of several GPUs is listed whole and in halves of halves, down to one GPU. */
struct offer_book *offer_book_generate(struct heap *heap, const struct offer_book_options *options, size_t count)
{
    assert(count >= 1 && count <= OFFERS_MAX);
    struct offer_list list = {.heap = heap};
    int64_t id = FIRST_GENERATED_ID;
    for (size_t i = 0; i < count; i++) {
        struct machine_draw draw = draw_of(options, &list);
        struct offer *offer = offer_list_add(&list);
        if (offer == NULL) {
            offer_list_release(&list);
            return NULL;
        }
        if (i > 0 && offer[-1].num_gpus > 1) {
            halve(&offer[-1], offer);
        } else {
            machine_draw_offer(draw, options->listed_at, offer);
        }
        id = next_id(draw, id);
        offer->id = id;
    }
    return offer_book_of(&list, options);
}

/* Sets the prices so that the machine with the disk costs exactly `total_nusd`. */
static void set_total(struct offer *offer, int64_t total_nusd, int64_t disk_mgb)
{
    if (offer_disk_nusd_per_hour(offer, disk_mgb) > total_nusd / 2) {
        /* So large a disk at the usual tariff would cost more than the whole. */
        offer->storage_cost_nusd = scale_rounded(total_nusd, DISK_DIVISOR, disk_mgb) / 2;
    }
    offer->dph_base_nusd = total_nusd - offer_disk_nusd_per_hour(offer, disk_mgb);
    offer->min_bid_nusd = offer->dph_base_nusd / 2;
}

static void set_gpus(struct offer *offer, const struct offer_wish *wish)
{
    offer->total_tflops_milli = offer->total_tflops_milli / offer->num_gpus * wish->num_gpus;
    offer->dlperf_milli = offer->dlperf_milli / offer->num_gpus * wish->num_gpus;
    offer->num_gpus = wish->num_gpus;
    if (wish->gpu_ram_mib > 0) {
        offer->gpu_ram_mib = wish->gpu_ram_mib;
    }
}

/* A machine that every filter of the wish lets through, price aside. */
static void draw_fitting(struct machine_draw draw, const struct offer_wish *wish, struct wall_time listed_at,
                         struct offer *offer)
{
    text_copy(offer->gpu_name, sizeof offer->gpu_name, wish->gpu_name);
    machine_draw_offer(draw, listed_at, offer);
    set_gpus(offer, wish);
    text_copy(offer->verification, sizeof offer->verification, "verified");
    offer->rentable = 1;
    offer->static_ip = 1;
    if (offer->inet_down_milli <= wish->min_inet_down_milli) {
        offer->inet_down_milli = saturating_add(offer->inet_down_milli, wish->min_inet_down_milli);
    }
    if (offer->disk_space_mgb <= wish->min_disk_mgb) {
        offer->disk_space_mgb = saturating_add(offer->disk_space_mgb, wish->min_disk_mgb);
    }
    if (offer->direct_port_count <= wish->min_direct_ports) {
        offer->direct_port_count = saturating_add(offer->direct_port_count, wish->min_direct_ports);
    }
    int64_t least = wish->min_reliability_millionths;
    if (offer->reliability_millionths <= least) {
        int64_t most = least > 1000000 ? least : 1000000;
        offer->reliability_millionths = machine_draw_between(draw, DRAW_WISHED_RELIABILITY, least, most);
    }
}

static void set_wished(const struct offer_wish *wish, int64_t disk_mgb, struct offer *offer)
{
    offer->id = wish->id;
    set_total(offer, wish->price_nusd_per_hour, disk_mgb);
    if (wish->machine_id > 0) {
        offer->machine_id = wish->machine_id;
    }
    if (wish->reliability_millionths > 0) {
        offer->reliability_millionths = wish->reliability_millionths;
    }
    if (*wish->geolocation != '\0') {
        text_copy(offer->geolocation, sizeof offer->geolocation, wish->geolocation);
    }
    if (*wish->driver_version != '\0') {
        text_copy(offer->driver_version, sizeof offer->driver_version, wish->driver_version);
    }
}

/* Between the wished price and the most that is paid, both excluded where there is room. */
static int64_t draw_total(struct machine_draw draw, const struct offer_wish *wish)
{
    int64_t low = wish->price_nusd_per_hour;
    int64_t high = wish->max_price_nusd_per_hour > 0 ? wish->max_price_nusd_per_hour : low * 3;
    return high - low < 2 ? low : machine_draw_between(draw, DRAW_WISHED_PRICE, low + 1, high - 1);
}

/* A machine that the wish's filters keep out: another GPU, or every third time the same one too dear. */
static void draw_other(struct machine_draw draw, const struct offer_wish *wish,
                       const struct offer_book_options *options, int64_t disk_mgb, struct offer *offer)
{
    int64_t most_nusd = wish->max_price_nusd_per_hour;
    if (most_nusd > 0 && draw.entity % 3 == 0) {
        draw_fitting(draw, wish, options->listed_at, offer);
        set_total(offer, most_nusd + machine_draw_between(draw, DRAW_WISHED_PRICE, 1, most_nusd), disk_mgb);
        return;
    }
    machine_draw_offer(draw, options->listed_at, offer);
    if (strcmp(offer->gpu_name, wish->gpu_name) == 0) {
        memset(offer, 0, sizeof *offer);
        bool is_usual = strcmp(wish->gpu_name, "RTX 3060") == 0;
        text_copy(offer->gpu_name, sizeof offer->gpu_name, is_usual ? "RTX 4090" : "RTX 3060");
        machine_draw_offer(draw, options->listed_at, offer);
    }
}

struct offer_book *offer_book_for_wish(struct heap *heap, const struct offer_book_options *options,
                                       const struct offer_wish *wish)
{
    assert(wish->found >= 1 && wish->found <= OFFERS_MAX && wish->others <= OFFERS_MAX - wish->found);
    int64_t disk_mgb = options->allocated_disk_mgb != 0 ? options->allocated_disk_mgb : DEFAULT_ALLOCATED_DISK_MGB;
    struct offer_list list = {.heap = heap};
    int64_t id = wish->id;
    for (size_t i = 0; i < wish->found + wish->others; i++) {
        struct machine_draw draw = draw_of(options, &list);
        struct offer *offer = offer_list_add(&list);
        if (offer == NULL) {
            offer_list_release(&list);
            return NULL;
        }
        if (i >= wish->found) {
            draw_other(draw, wish, options, disk_mgb, offer);
        } else {
            draw_fitting(draw, wish, options->listed_at, offer);
            set_total(offer, draw_total(draw, wish), disk_mgb);
        }
        if (i == 0) {
            set_wished(wish, disk_mgb, offer);
        } else {
            id = next_id(draw, id);
            offer->id = id;
        }
    }
    return offer_book_of(&list, options);
}
