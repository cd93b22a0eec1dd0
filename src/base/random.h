/*
 * Random draws that are addressed, not consumed: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC'11). A draw is a pure function of the seed and of (run, purpose, entity, index), so one more draw in one place shifts no
 * other, and two strategies meet the same luck.
 *
 * Purposes are numbered for ever: a number is never reused and never changed.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

enum random_purpose {
    RANDOM_LABEL = 1,         /* the client's unique labels; entity = incarnation of the client */
    RANDOM_RETRY_JITTER = 2,  /* the client's pauses; entity = operation */
    RANDOM_EVENT_ID = 3,      /* lifecycle events */
    RANDOM_WEBHOOK_PAUSE = 4, /* pauses between the attempts of a delivery; entity = first bits of its event id */
    RANDOM_STORE_PUT = 5,     /* marks of what is put into the object store */
    RANDOM_OFFERS = 16,       /* the market's offers; entity = offer */
    RANDOM_INSTANCE_KEY = 17, /* instance_api_key, jupyter_token; entity = contract */
    RANDOM_CONTRACT = 18,     /* contract ids */
    RANDOM_LATENCY = 19,      /* entity = call */
    RANDOM_BOOT = 20,         /* entity = contract */
    RANDOM_HOST = 21,         /* host names, GPU UUIDs; entity = machine */
    RANDOM_FAULT = 22,        /* faults with a probability; entity = fault's place in the plan */
    RANDOM_MARKET = 30,       /* samples of searches, 429 bodies, names of results */
    RANDOM_RIVAL = 31,        /* who outbids whom; entity = contract */
    RANDOM_DISK = 23,         /* what a crash does to writes that were not synced */
    RANDOM_HOST_KEY = 24,     /* SSH host keys; entity = contract */
    RANDOM_BUCKET = 25,       /* the object store's ids, tokens and keys; entity = what for */
    RANDOM_ADDRESS = 26,      /* loopback addresses of machines; entity, index = contract id */
};

struct random_address {
    uint32_t run;
    uint32_t purpose;
    uint32_t entity;
    uint32_t index;
};

/* Philox4x32 with 10 rounds, as in Random123: `counter` is replaced by the output. */
void philox4x32_10(uint32_t counter[4], const uint32_t key[2]);

/* 64 uniform bits for an address. `seed` is expanded by splitmix64, so that neighbouring seeds are unrelated. */
uint64_t random_bits(uint64_t seed, struct random_address address);

/* Uniform in [0, bound), bound >= 1, without modulo bias beyond 2^-32 (Lemire's multiply-shift on 64 bits). */
uint64_t random_below(uint64_t seed, struct random_address address, uint64_t bound);

/* Uniform integer in [low, high]. */
int64_t random_between(uint64_t seed, struct random_address address, int64_t low, int64_t high);

#endif
