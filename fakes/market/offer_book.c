#include "fakes/market/offer_book.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"

/* Where an offer's texts lie in the book's text. */
struct rendered {
    size_t row_at, row_length;
    size_t members_length; /* they begin behind the row's brace */
    size_t instance_at, instance_length;
};

/* Invariant: offers are in order of id, ids differ; rendered[i] belongs to offers[i]. */
struct offer_book {
    struct heap *heap;
    struct offer *offers;
    struct rendered *rendered;
    size_t count;
    int64_t allocated_disk_mgb;
    struct book_machine *machines;
    size_t machine_count;
    uint32_t *machine_of; /* by offer */
    int32_t *next_slice;  /* by offer; -1: the last */
    int64_t *columns;     /* by field, then by offer; texts and what is not searchable stay 0 */
    struct buffer text;
};

enum { FIRST_CAPACITY = 64, RENDERED_BYTES_MAX = 16384, RENDERED_BYTES_USUAL = 4608 };

struct offer *offer_list_add(struct offer_list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? FIRST_CAPACITY : list->capacity * 2;
        struct offer *grown = heap_resize(list->heap, list->offers, capacity * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        list->offers = grown;
        list->capacity = capacity;
    }
    struct offer *offer = &list->offers[list->count++];
    memset(offer, 0, sizeof *offer);
    return offer;
}

void offer_list_release(struct offer_list *list)
{
    heap_release(list->heap, list->offers);
    *list = (struct offer_list){.heap = list->heap};
}

static int by_id(const void *left, const void *right)
{
    int64_t a = ((const struct offer *)left)->id;
    int64_t b = ((const struct offer *)right)->id;
    return (a > b) - (a < b);
}

static void render(struct offer_book *book, size_t index)
{
    const struct offer *offer = &book->offers[index];
    struct rendered *rendered = &book->rendered[index];
    struct json_writer writer;
    json_writer_init(&writer, &book->text, 0);
    rendered->row_at = book->text.length;
    json_begin_object(&writer);
    offer_write_members(&writer, offer, book->allocated_disk_mgb, OFFER_IN_ROW, OFFER_BY_DISK | OFFER_BY_BID);
    rendered->members_length = book->text.length - rendered->row_at - 1;
    offer_write_members(&writer, offer, book->allocated_disk_mgb, OFFER_IN_ROW | OFFER_BY_BID, 0);
    offer_write_members(&writer, offer, book->allocated_disk_mgb, OFFER_IN_ROW | OFFER_BY_DISK, OFFER_BY_BID);
    json_end_object(&writer);
    rendered->row_length = book->text.length - rendered->row_at;

    rendered->instance_at = book->text.length + 1;
    json_writer_init(&writer, &book->text, 0);
    json_begin_object(&writer);
    offer_write_members(&writer, offer, book->allocated_disk_mgb, OFFER_IN_INSTANCE, OFFER_BY_DISK | OFFER_BY_BID);
    rendered->instance_length = book->text.length - rendered->instance_at;
    json_end_object(&writer);
}

static void fill_columns(struct offer_book *book)
{
    for (size_t i = 0; i < offer_field_count(); i++) {
        const struct offer_field *field = offer_field_at(i);
        bool has_column = (field->places & OFFER_SEARCHABLE) != 0 && field->kind != OFFER_TEXT;
        for (size_t j = 0; j < book->count && has_column; j++) {
            book->columns[i * book->count + j] = offer_field_nano(field, &book->offers[j], book->allocated_disk_mgb);
        }
    }
}

/* How many GPUs the machine has of which this offer is a part. */
static int64_t gpus_of_machine(const struct offer *offer)
{
    int64_t frac = offer->gpu_frac_millionths;
    int64_t gpus = frac > 0 ? scale_rounded(offer->num_gpus, 1000000, frac) : offer->num_gpus;
    gpus = gpus > offer->num_gpus ? gpus : offer->num_gpus;
    return gpus < MACHINE_GPUS_MAX ? gpus : MACHINE_GPUS_MAX;
}

static void add_slice(struct offer_book *book, int32_t *slots, size_t slot_count, size_t index)
{
    const struct offer *offer = &book->offers[index];
    size_t slot = (size_t)((uint64_t)offer->machine_id * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (slot_count - 1);
    for (; slots[slot] >= 0; slot = (slot + 1) & (slot_count - 1)) {
        const struct offer *last = &book->offers[slots[slot]];
        if (last->machine_id == offer->machine_id && strcmp(last->gpu_name, offer->gpu_name) == 0) {
            book->next_slice[slots[slot]] = (int32_t)index;
            book->machine_of[index] = book->machine_of[slots[slot]];
            break;
        }
    }
    if (slots[slot] < 0) {
        book->machine_of[index] = (uint32_t)book->machine_count;
        book->machines[book->machine_count++].first_offer = (uint32_t)index;
    }
    slots[slot] = (int32_t)index;
    book->next_slice[index] = -1;
    struct book_machine *machine = &book->machines[book->machine_of[index]];
    int64_t gpus = gpus_of_machine(offer);
    machine->gpus = machine->gpus > gpus ? machine->gpus : gpus;
    machine->slices++;
}

/* Finds which offers are slices of one machine. False when memory is gone. */
static bool group_machines(struct offer_book *book)
{
    size_t slot_count = 16;
    while (slot_count < 2 * book->count) {
        slot_count *= 2;
    }
    int32_t *slots = heap_alloc(book->heap, slot_count * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    memset(slots, -1, slot_count * sizeof *slots);
    for (size_t i = 0; i < book->count; i++) {
        add_slice(book, slots, slot_count, i);
    }
    heap_release(book->heap, slots);
    return true;
}

struct offer_book *offer_book_of(struct offer_list *list, const struct offer_book_options *options)
{
    struct heap *heap = list->heap;
    struct offer_book *book = heap_alloc(heap, sizeof *book);
    if (book == NULL) {
        offer_list_release(list);
        return NULL;
    }
    *book = (struct offer_book){.heap = heap, .offers = list->offers, .count = list->count};
    *list = (struct offer_list){.heap = heap};
    book->allocated_disk_mgb =
        options->allocated_disk_mgb != 0 ? options->allocated_disk_mgb : DEFAULT_ALLOCATED_DISK_MGB;
    buffer_init(&book->text, heap, book->count * RENDERED_BYTES_MAX);
    book->rendered = heap_alloc(heap, book->count * sizeof *book->rendered);
    book->columns = heap_alloc(heap, offer_field_count() * book->count * sizeof *book->columns);
    book->machines = heap_alloc(heap, book->count * sizeof *book->machines);
    book->machine_of = heap_alloc(heap, book->count * sizeof *book->machine_of);
    book->next_slice = heap_alloc(heap, book->count * sizeof *book->next_slice);
    bool has_arrays = book->rendered != NULL && book->columns != NULL && book->machines != NULL &&
                      book->machine_of != NULL && book->next_slice != NULL;
    if (!has_arrays || !buffer_reserve(&book->text, book->count * RENDERED_BYTES_USUAL)) {
        offer_book_free(book);
        return NULL;
    }
    qsort(book->offers, book->count, sizeof *book->offers, by_id);
    for (size_t i = 0; i < book->count; i++) {
        assert(i == 0 || book->offers[i - 1].id < book->offers[i].id);
        render(book, i);
    }
    fill_columns(book);
    if (!group_machines(book)) {
        offer_book_free(book);
        return NULL;
    }
    if (book->text.failed) {
        offer_book_free(book);
        return NULL;
    }
    return book;
}

void offer_book_free(struct offer_book *book)
{
    if (book == NULL) {
        return;
    }
    struct heap *heap = book->heap;
    buffer_release(&book->text);
    heap_release(heap, book->columns);
    heap_release(heap, book->machines);
    heap_release(heap, book->machine_of);
    heap_release(heap, book->next_slice);
    heap_release(heap, book->rendered);
    heap_release(heap, book->offers);
    heap_release(heap, book);
}

size_t offer_book_count(const struct offer_book *book)
{
    return book->count;
}

const struct offer *offer_book_at(const struct offer_book *book, size_t index)
{
    assert(index < book->count);
    return &book->offers[index];
}

int64_t offer_book_index(const struct offer_book *book, int64_t id)
{
    size_t low = 0;
    size_t high = book->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (book->offers[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < book->count && book->offers[low].id == id ? (int64_t)low : -1;
}

size_t offer_book_machine_count(const struct offer_book *book)
{
    return book->machine_count;
}

uint32_t offer_book_machine_of(const struct offer_book *book, size_t index)
{
    return book->machine_of[index];
}

const struct book_machine *offer_book_machine(const struct offer_book *book, size_t machine)
{
    return &book->machines[machine];
}

int64_t offer_book_next_slice(const struct offer_book *book, size_t index)
{
    return book->next_slice[index];
}

int64_t offer_book_id_stride(const struct offer_book *book)
{
    int64_t distance = saturating_subtract(book->offers[book->count - 1].id, book->offers[0].id);
    int64_t stride = 1000;
    while (stride <= distance && stride < INT64_MAX / 10) {
        stride *= 10;
    }
    return stride;
}

int64_t offer_book_allocated_disk_mgb(const struct offer_book *book)
{
    return book->allocated_disk_mgb;
}

const int64_t *offer_book_column(const struct offer_book *book, const struct offer_field *field)
{
    return book->columns + (size_t)(field - offer_field_at(0)) * book->count;
}

struct span offer_book_row(const struct offer_book *book, size_t index)
{
    const struct rendered *rendered = &book->rendered[index];
    return (struct span){buffer_text(&book->text) + rendered->row_at, rendered->row_length};
}

struct span offer_book_row_members(const struct offer_book *book, size_t index)
{
    const struct rendered *rendered = &book->rendered[index];
    return (struct span){buffer_text(&book->text) + rendered->row_at + 1, rendered->members_length};
}

struct span offer_book_instance_members(const struct offer_book *book, size_t index)
{
    const struct rendered *rendered = &book->rendered[index];
    return (struct span){buffer_text(&book->text) + rendered->instance_at, rendered->instance_length};
}
