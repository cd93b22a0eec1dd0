/*
 * Offers: what the market has to let, as exact numbers, in a book that never changes once it is built, so that any number of
 * markets (and threads) may share one.
 *
 * A book comes from a seed (machines of the kinds and prices recorded in December 2025), from the text of a file, or from a
 * wish: one given offer that is the cheapest of exactly so many that fit the given filters.
 *
 * Numbers are integers; the unit is in the name. "milli" counts thousandths of what Vast.ai shows, `disk_mgb` is thousandths
 * of a GB. Texts are "" where Vast.ai shows null.
 */
#ifndef FAKES_MARKET_OFFERS_H
#define FAKES_MARKET_OFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/heap.h"
#include "base/units.h"

enum {
    OFFER_TEXT_SIZE = 64,
    OFFER_SHORT_TEXT_SIZE = 16,
    OFFERS_MAX = 200000,     /* in one book */
    OFFERS_READ_MAX = 20000, /* in a file of offers */
    MACHINE_GPUS_MAX = 1024,
    DEFAULT_ALLOCATED_DISK_MGB = 8000 /* what a search prices in when it does not say */
};

/* The tariff that generated offers and files without one have: 0.10 $ per GB and month. */
#define DEFAULT_STORAGE_COST_NUSD (NUSD_PER_USD / 10)

/* Stands for JSON null in the members that say so. */
#define OFFER_NULL INT64_MIN

struct offer {
    /* identity */
    int64_t id, bundle_id, machine_id, host_id;
    /* GPU */
    char gpu_name[OFFER_TEXT_SIZE];
    int64_t num_gpus;
    int64_t gpu_ram_mib; /* of one GPU */
    int64_t gpu_frac_millionths;
    int64_t gpu_lanes, gpu_max_power_w, gpu_max_temp_c;
    int64_t gpu_mem_bw_milli, pcie_bw_milli, bw_nvlink_milli; /* GB/s */
    int64_t pci_gen_milli;
    int64_t compute_cap; /* 890 is 8.9 */
    int64_t cuda_max_good_milli;
    char driver_version[OFFER_SHORT_TEXT_SIZE];
    int64_t total_tflops_milli;
    int64_t dlperf_milli; /* or OFFER_NULL */
    /* the rest of the machine */
    char cpu_name[OFFER_TEXT_SIZE], mobo_name[OFFER_TEXT_SIZE], disk_name[OFFER_TEXT_SIZE];
    char os_version[OFFER_SHORT_TEXT_SIZE];
    int64_t cpu_cores; /* or OFFER_NULL */
    int64_t cpu_cores_effective_milli, cpu_ghz_milli, cpu_ram_mib;
    int64_t disk_space_mgb, disk_bw_milli; /* MB/s */
    int64_t has_avx;
    int64_t inet_down_milli, inet_up_milli; /* Mbit/s */
    int64_t direct_port_count;
    int64_t static_ip; /* 0, 1 */
    char public_ipaddr[OFFER_TEXT_SIZE];
    char geolocation[OFFER_TEXT_SIZE]; /* "Quebec, CA" */
    /* money */
    int64_t dph_base_nusd; /* per hour, without disk */
    int64_t min_bid_nusd;
    int64_t storage_cost_nusd;                      /* per GB and month of 720 hours */
    int64_t inet_down_cost_nusd, inet_up_cost_nusd; /* per GB */
    /* trust and state */
    int64_t reliability_millionths;
    char verification[OFFER_SHORT_TEXT_SIZE]; /* "verified", "unverified", "deverified" */
    int64_t hosting_type;                     /* 1: datacenter */
    int64_t vms_enabled;                      /* 0, 1 */
    int64_t external;                         /* 0, 1 or OFFER_NULL */
    int64_t rentable;                         /* 0, 1 */
    int64_t is_bid;                           /* 0 in a book; 1 where the market shows the price of a bid */
    int64_t start_date_s, end_date_s;         /* seconds since 1970 */
    int64_t duration_s;                       /* left when the book was listed */
    int64_t rank;                             /* `rn` */
};

struct offer_book;

/* What every way of building a book needs to know. */
struct offer_book_options {
    uint64_t seed;
    struct wall_time listed_at; /* the moment that durations count from: the market's epoch */
    /* Rows are rendered once for this disk; a search that asks for another pays for rendering its own. 0: the default. */
    int64_t allocated_disk_mgb;
};

/* A book of `count` (1 to OFFERS_MAX) offers from the seed alone. NULL when memory is gone. Freed by offer_book_free(). */
MUST_USE struct offer_book *offer_book_generate(struct heap *heap, const struct offer_book_options *options,
                                                size_t count);

/*
 * A book from `text`, the contents of `file` (named in errors only): {"offers": […]} with rows as Vast.ai sends them, or
 * {"rows": […]} as in recordings/offers-2025-12-21.json. Needed in each row: the id, gpu_name, num_gpus and a price
 * (dph_base, or a total, which includes the default disk of a search); the rest is as the seed has it for such a machine.
 * Members that are not known are read past; known ones of a wrong type or out of range are mistakes.
 * returns  ERR_OK with `book` (freed by offer_book_free()); ERR_INPUT_INVALID with "FILE:LINE: what was expected";
 *          ERR_NO_MEMORY.
 */
MUST_USE enum error_code offer_book_read(struct heap *heap, const struct offer_book_options *options, struct span text,
                                         const char *file, struct offer_book **book, struct error *error);

/* The offer that must be found, and the filters that find it. Zero and "" mean "not said" where marked (0). */
struct offer_wish {
    int64_t id;
    int64_t machine_id; /* (0) */
    char gpu_name[OFFER_TEXT_SIZE];
    int64_t num_gpus;
    int64_t gpu_ram_mib;                        /* (0) */
    int64_t price_nusd_per_hour;                /* options.allocated_disk_mgb priced in */
    int64_t reliability_millionths;             /* (0) */
    char geolocation[OFFER_TEXT_SIZE];          /* (0) */
    char driver_version[OFFER_SHORT_TEXT_SIZE]; /* (0) */
    /* what is asked for besides gpu_name and num_gpus */
    int64_t max_price_nusd_per_hour; /* (0) */
    int64_t min_reliability_millionths, min_inet_down_milli, min_disk_mgb, min_direct_ports;
    size_t found;  /* offers that fit, the wished one included; at least 1 */
    size_t others; /* offers that do not: another GPU, or too dear */
};

/*
 * A book in which the wish's filters find exactly wish->found offers, the wished one the cheapest of them by dph_total.
 * All that fit are verified, rentable and have a static address.
 * returns  NULL when memory is gone. found + others <= OFFERS_MAX is asserted.
 */
MUST_USE struct offer_book *offer_book_for_wish(struct heap *heap, const struct offer_book_options *options,
                                                const struct offer_wish *wish);

void offer_book_free(struct offer_book *book); /* NULL is allowed */

/* Offers in the book, in order of id. */
size_t offer_book_count(const struct offer_book *book);
const struct offer *offer_book_at(const struct offer_book *book, size_t index);

/* Where in the book the offer with that id is, or -1. */
int64_t offer_book_index(const struct offer_book *book, int64_t id);

/* What `disk_mgb` costs by the hour on this offer, and with it the whole machine. */
int64_t offer_disk_nusd_per_hour(const struct offer *offer, int64_t disk_mgb);
int64_t offer_total_nusd_per_hour(const struct offer *offer, int64_t disk_mgb);

#endif
