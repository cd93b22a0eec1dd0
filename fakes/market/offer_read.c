#include <string.h>

#include "base/json_read.h"
#include "fakes/market/offer_book.h"
#include "fakes/market/offer_fields.h"
#include "fakes/market/offer_machine.h"

enum { ID_SLOTS = 65536 }; /* a power of two, some thrice OFFERS_READ_MAX */

/* With these, no sum of prices over a whole book can overflow. */
#define MONEY_MAX_NUSD (1000 * NUSD_PER_USD)
#define DISK_MAX_MGB INT64_C(100000000)

/* Members of recorded rows and the API's own for the same thing. */
static const struct {
    const char *recorded, *key;
} recorded_names[] = {
    {"offer_id", "id"},
    {"gpu_ram_mib", "gpu_ram"},
    {"cpu_ram_mib", "cpu_ram"},
    {"disk_gb", "disk_space"},
    {"inet_down_mbps", "inet_down"},
    {"inet_up_mbps", "inet_up"},
    {"price_usd_per_hour", "dph_total"},
    {"region", "geolocation"},
    {"cuda_version", "cuda_max_good"},
};

/* Accepts numbers and booleans, and numbers in quotes as recordings have for CUDA's version. */
static bool read_number(struct json_reader *reader, const struct offer_field *field, int64_t *value)
{
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
    enum json_kind kind;
    struct span raw;
    if (!json_read_raw(reader, &kind, &raw) || kind == JSON_NULL) {
        return false;
    }
    if (kind == JSON_BOOL) {
        *value = raw.at[0] == 't' ? powers[field->digits] : 0;
    } else if ((kind != JSON_NUMBER && kind != JSON_STRING) || !decimal_parse(raw, field->digits, value)) {
        json_reject(reader, "expected a number");
        return false;
    }
    /* Searches compare in counts of 10^-9, which is also what money is counted in. */
    int64_t most = field->digits == 9 ? MONEY_MAX_NUSD : INT64_MAX / powers[9 - field->digits];
    if (*value < 0 || *value > most) {
        json_reject(reader, "this number is out of range");
        return false;
    }
    return true;
}

static void read_text(struct json_reader *reader, char *out, size_t size)
{
    enum json_kind kind;
    struct span raw;
    memset(out, 0, size);
    if (!json_read_raw(reader, &kind, &raw) || kind == JSON_NULL) {
        return;
    }
    if (kind != JSON_STRING) {
        json_reject(reader, "expected a text in quotes");
    } else if (!json_string_copy(raw, out, size)) {
        json_reject(reader, "this text is too long");
    }
}

/* What a row says that is not simply a member of struct offer. */
struct row_facts {
    bool has_id, has_gpus, has_base, has_total;
    int64_t total_nusd;
};

/* The prices of a row: total needs the storage cost, which may stand behind it, so it is applied at the end. */
static bool read_special(struct json_reader *reader, struct span key, struct offer *offer, struct row_facts *facts)
{
    static const struct offer_field total = {.digits = 9};
    if (json_string_is(key, "dph_total")) {
        facts->has_total |= read_number(reader, &total, &facts->total_nusd);
        return true;
    }
    if (json_string_is(key, "verified")) {
        int64_t verified = 0;
        static const struct offer_field whole = {.digits = 0};
        if (read_number(reader, &whole, &verified)) {
            text_copy(offer->verification, sizeof offer->verification, verified != 0 ? "verified" : "unverified");
        }
        return true;
    }
    return false;
}

static const struct offer_field *stored_field(struct span key)
{
    for (size_t i = 0; i < offer_field_count(); i++) {
        const struct offer_field *field = offer_field_at(i);
        if (offer_field_is_stored(field) && json_string_is(key, field->key)) {
            return field;
        }
    }
    return NULL;
}

static struct span api_name(struct span key)
{
    for (size_t i = 0; i < ARRAY_LENGTH(recorded_names); i++) {
        if (json_string_is(key, recorded_names[i].recorded)) {
            return span_of(recorded_names[i].key);
        }
    }
    return key;
}

static void read_member(struct json_reader *reader, struct span key, struct offer *offer, struct row_facts *facts)
{
    struct span name = api_name(key);
    if (read_special(reader, name, offer, facts)) {
        return;
    }
    const struct offer_field *field = stored_field(name);
    if (field == NULL || field->offset == offsetof(struct offer, is_bid)) {
        json_skip(reader);
    } else if ((field->places & OFFER_NULLABLE) != 0 && json_peek(reader) == JSON_NULL) {
        static const int64_t null = OFFER_NULL;
        json_skip(reader);
        memcpy((char *)offer + field->offset, &null, sizeof null);
    } else if (field->kind == OFFER_TEXT) {
        read_text(reader, (char *)offer + field->offset, field->size);
    } else {
        int64_t value;
        if (read_number(reader, field, &value)) {
            memcpy((char *)offer + field->offset, &value, sizeof value);
            facts->has_id |= field->offset == offsetof(struct offer, id);
            facts->has_gpus |= field->offset == offsetof(struct offer, num_gpus);
            facts->has_base |= field->offset == offsetof(struct offer, dph_base_nusd);
        }
    }
}

/* The name of the GPU decides what the machine is like where the row is silent, so it is looked up first. */
static void find_gpu_name(struct json_reader ahead, struct offer *offer)
{
    struct span key;
    if (json_enter_object(&ahead)) {
        while (json_next_member(&ahead, &key)) {
            if (json_string_is(key, "gpu_name")) {
                read_text(&ahead, offer->gpu_name, sizeof offer->gpu_name);
            } else {
                json_skip(&ahead);
            }
        }
    }
}

static bool is_new_id(int64_t *slots, int64_t id)
{
    size_t slot = (size_t)((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15) >> 48);
    while (slots[slot] != 0 && slots[slot] != id) {
        slot = (slot + 1) % ID_SLOTS;
    }
    bool is_new = slots[slot] == 0;
    slots[slot] = id;
    return is_new;
}

static void finish_row(struct json_reader *reader, struct offer *offer, const struct row_facts *facts, int64_t *slots)
{
    if (offer->num_gpus == 0) {
        offer->gpu_name[0] = '\0'; /* the draw gave it one */
    }
    bool has_gpu = facts->has_gpus && (*offer->gpu_name != '\0' || offer->num_gpus == 0);
    if (!facts->has_id || !has_gpu || (!facts->has_base && !facts->has_total)) {
        json_reject(reader, "expected id, gpu_name, num_gpus and a price in this offer");
    } else if (offer->id == 0 || !is_new_id(slots, offer->id)) {
        json_reject(reader, "expected an id that no other offer has");
    } else if (offer->disk_space_mgb > DISK_MAX_MGB) {
        json_reject(reader, "expected a disk of at most 100 TB");
    } else if (!facts->has_base) {
        offer->dph_base_nusd = facts->total_nusd - offer_disk_nusd_per_hour(offer, DEFAULT_ALLOCATED_DISK_MGB);
        if (offer->dph_base_nusd < 0) {
            json_reject(reader, "expected a price of at least what the disk costs");
        }
    }
}

static void read_row(struct json_reader *reader, const struct offer_book_options *options, size_t place,
                     struct offer *offer, int64_t *slots)
{
    struct machine_draw draw = {.seed = options->seed, .entity = (uint32_t)place};
    struct row_facts facts = {0};
    if (json_peek(reader) != JSON_OBJECT) {
        json_reject(reader, "expected an offer in braces");
        return;
    }
    find_gpu_name(*reader, offer);
    machine_draw_offer(draw, options->listed_at, offer);
    offer->rentable = 1;
    struct span key;
    (void)json_enter_object(reader);
    while (json_next_member(reader, &key)) {
        read_member(reader, key, offer, &facts);
    }
    if (reader->mistake == NULL) {
        finish_row(reader, offer, &facts, slots);
    }
}

/* Reads the array that is due. False when memory is gone. */
static bool read_rows(struct json_reader *reader, const struct offer_book_options *options, struct offer_list *list,
                      int64_t *slots)
{
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected an array of offers");
        return true;
    }
    while (json_next_element(reader)) {
        if (list->count == OFFERS_READ_MAX) {
            json_reject(reader, "expected at most 20000 offers");
            return true;
        }
        size_t place = list->count;
        struct offer *offer = offer_list_add(list);
        if (offer == NULL) {
            return false;
        }
        read_row(reader, options, place, offer, slots);
    }
    return true;
}

static bool read_document(struct json_reader *reader, const struct offer_book_options *options, struct offer_list *list,
                          int64_t *slots)
{
    bool found = false;
    struct span key;
    if (!json_enter_object(reader)) {
        json_reject(reader, "expected an object with offers or rows");
        return true;
    }
    while (json_next_member(reader, &key)) {
        if (json_string_is(key, "offers") || json_string_is(key, "rows")) {
            found = true;
            if (!read_rows(reader, options, list, slots)) {
                return false;
            }
        } else {
            json_skip(reader);
        }
    }
    if (json_finish(reader) && (!found || list->count == 0)) {
        json_reject(reader, "expected at least one offer under offers or rows");
    }
    return true;
}

enum error_code offer_book_read(struct heap *heap, const struct offer_book_options *options, struct span text,
                                const char *file, struct offer_book **book, struct error *error)
{
    struct offer_list list = {.heap = heap};
    struct json_reader reader;
    json_reader_init(&reader, text.at, text.length);
    reader.comments = true;
    int64_t *slots = heap_alloc(heap, ID_SLOTS * sizeof *slots);
    bool enough_memory = slots != NULL && read_document(&reader, options, &list, slots);
    heap_release(heap, slots);
    if (enough_memory && reader.mistake != NULL) {
        offer_list_release(&list);
        return error_set(error, ERR_INPUT_INVALID, "%s:%zu: %s", file,
                         json_line_of(text.at, text.length, reader.mistake_at), reader.mistake);
    }
    *book = enough_memory ? offer_book_of(&list, options) : NULL;
    if (*book == NULL) {
        offer_list_release(&list);
        return error_set(error, ERR_NO_MEMORY, "the offers of %s do not fit in memory", file);
    }
    return error_set(error, ERR_OK, "%s", "");
}
