/*
 * Offer fields: one table of every member of an offer as the API shows it: how to get its value, whether searches may filter
 * and sort by it, whether instances show it too. Rendering, searching and reading files all go by this table.
 */
#ifndef FAKES_MARKET_OFFER_FIELDS_H
#define FAKES_MARKET_OFFER_FIELDS_H

#include "base/json_write.h"
#include "fakes/market/offers.h"

enum offer_field_kind {
    OFFER_NUMBER,  /* int64_t at `offset`, or derive(): counts of 10^-digits */
    OFFER_BOOLEAN, /* the same, 0 or 1 */
    OFFER_TEXT,    /* char[size] at `offset`, or `constant`; "" is null */
    OFFER_JSON,    /* `constant`, or write() */
};

enum offer_field_place {
    OFFER_SEARCHABLE = 1,
    OFFER_IN_ROW = 2,      /* of a search's answer */
    OFFER_IN_INSTANCE = 4, /* and of an instance */
    OFFER_BY_DISK = 8,     /* depends on the disk that is priced in */
    OFFER_BY_BID = 16,     /* differs when the price of a bid is asked for */
    OFFER_OF_GPU = 32,     /* null for a machine without a GPU */
    OFFER_NULLABLE = 64,   /* stored, and may be OFFER_NULL */
};

struct offer_field {
    const char *key;
    enum offer_field_kind kind;
    unsigned places;
    int digits;
    size_t offset;
    size_t size; /* of a text in struct offer; 0: not stored */
    const char *constant;
    int64_t (*derive)(const struct offer *offer, int64_t disk_mgb);
    void (*write)(struct json_writer *writer, const struct offer *offer, int64_t disk_mgb);
};

size_t offer_field_count(void);
const struct offer_field *offer_field_at(size_t index);

/* True when the field has its value in struct offer itself, where a file may set it. */
bool offer_field_is_stored(const struct offer_field *field);

/* Value of a number or boolean, in counts of 10^-digits of the field, or OFFER_NULL. */
int64_t offer_field_number(const struct offer_field *field, const struct offer *offer, int64_t disk_mgb);

/* The same in counts of 10^-9, as searches compare; saturating; OFFER_NULL for null. */
int64_t offer_field_nano(const struct offer_field *field, const struct offer *offer, int64_t disk_mgb);

/* Value of a text, NULL for null. As searches see it: `geolocation` is the country's two letters. */
const char *offer_field_text(const struct offer_field *field, const struct offer *offer);

/* Writes one member. */
void offer_write_member(struct json_writer *writer, const struct offer_field *field, const struct offer *offer,
                        int64_t disk_mgb);

/* Writes all members that have all of the places in `with` and none of those in `without`. */
void offer_write_members(struct json_writer *writer, const struct offer *offer, int64_t disk_mgb, unsigned with,
                         unsigned without);

#endif
