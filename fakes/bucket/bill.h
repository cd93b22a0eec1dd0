/*
 * Bill: what an account owes, as a meter and as events that add up to it. Private to fakes/bucket.
 */
#ifndef FAKES_BUCKET_BILL_H
#define FAKES_BUCKET_BILL_H

#include "fakes/bucket/bucket.h"

__extension__ typedef __int128 exact_quantity;

/* Invariant: each *_told_nusd is what the events of that component have told so far, and never more than what is due. */
struct bill {
    const struct bucket_prices *prices;
    bool allowances;
    int64_t stored_bytes, since_ns;
    exact_quantity stored_byte_ns;   /* all that was stored, until since_ns */
    exact_quantity billable_byte_ns; /* what of it is not free */
    exact_quantity byte_ns_told;
    int64_t storage_told_nusd;
    int64_t downloaded_bytes, download_free_bytes, download_told_nusd;
    int64_t calls[BUCKET_CLASS_COUNT];
    int64_t calls_today[BUCKET_CLASS_COUNT];
    int64_t day; /* of `calls_today`, since 1970 */
    int64_t calls_billable[BUCKET_CLASS_COUNT];
    int64_t calls_told_nusd[BUCKET_CLASS_COUNT];
};

void bill_init(struct bucket_service *service);
/* Storage grows or, with negative bytes, shrinks at the service's present. */
void bill_store(struct bucket_service *service, int64_t bytes);
void bill_download(struct bucket_service *service, int64_t bytes);
void bill_call(struct bucket_service *service, enum bucket_call call);
/* Tells the storage used until now. */
void bill_tell_storage(struct bucket_service *service);
int64_t bill_charged_nusd(const struct bill *bill);

#endif
