/*
 * Offer book, seen from inside the market: how one is made of offers, and their text, rendered once for all markets.
 */
#ifndef FAKES_MARKET_OFFER_BOOK_H
#define FAKES_MARKET_OFFER_BOOK_H

#include "base/buffer.h"
#include "fakes/market/offer_fields.h"
#include "fakes/market/offers.h"

/* Offers that are being collected; zero-filled to start. Limits: OFFERS_MAX. */
struct offer_list {
    struct heap *heap;
    struct offer *offers;
    size_t count;
    size_t capacity;
};

/* A new, zeroed offer at the end of the list, or NULL when memory is gone. Valid until the next one. */
struct offer *offer_list_add(struct offer_list *list);
void offer_list_release(struct offer_list *list);

/* Makes a book of the list, which is empty afterwards, also on failure. NULL when memory is gone. Ids must differ. */
MUST_USE struct offer_book *offer_book_of(struct offer_list *list, const struct offer_book_options *options);

/* The disk that the rows were rendered for. */
int64_t offer_book_allocated_disk_mgb(const struct offer_book *book);

/*
 * The machine that an offer is a slice of: offers of one machine_id and GPU. Machines are numbered in order of their first offer;
 * `gpus` is how many the whole machine has, `slices` how many of the book's offers are of it.
 */
struct book_machine {
    int64_t gpus;
    uint32_t slices;
    uint32_t first_offer;
};
size_t offer_book_machine_count(const struct offer_book *book);
uint32_t offer_book_machine_of(const struct offer_book *book, size_t index);
const struct book_machine *offer_book_machine(const struct offer_book *book, size_t machine);

/* The next slice of the same machine, or -1. */
int64_t offer_book_next_slice(const struct offer_book *book, size_t index);

/* A power of ten beyond the distance of any two ids: what a listing's id grows by when it is listed anew. */
int64_t offer_book_id_stride(const struct offer_book *book);

/* All offers' values of a searchable number or boolean, in counts of 10^-9, for that disk. */
const int64_t *offer_book_column(const struct offer_book *book, const struct offer_field *field);

/* A search's row as JSON, for that disk. */
struct span offer_book_row(const struct offer_book *book, size_t index);

/* The row's members that depend neither on the disk nor on what kind of price is asked for, without braces. */
struct span offer_book_row_members(const struct offer_book *book, size_t index);

/* The members of an instance that come from its offer and depend neither on the disk nor on a bid, without braces. */
struct span offer_book_instance_members(const struct offer_book *book, size_t index);

#endif
