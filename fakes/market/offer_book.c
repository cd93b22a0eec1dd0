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
    int64_t *columns; /* by field, then by offer; texts and what is not searchable stay 0 */
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
    offer_write_members(&writer, offer, book->allocated_disk_mgb, OFFER_IN_ROW, OFFER_BY_DISK);
    rendered->members_length = book->text.length - rendered->row_at - 1;
    offer_write_members(&writer, offer, book->allocated_disk_mgb, OFFER_IN_ROW | OFFER_BY_DISK, 0);
    json_end_object(&writer);
    rendered->row_length = book->text.length - rendered->row_at;

    rendered->instance_at = book->text.length + 1;
    json_writer_init(&writer, &book->text, 0);
    json_begin_object(&writer);
    offer_write_members(&writer, offer, book->allocated_disk_mgb, OFFER_IN_INSTANCE, OFFER_BY_DISK);
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
    if (book->rendered == NULL || book->columns == NULL ||
        !buffer_reserve(&book->text, book->count * RENDERED_BYTES_USUAL)) {
        offer_book_free(book);
        return NULL;
    }
    qsort(book->offers, book->count, sizeof *book->offers, by_id);
    for (size_t i = 0; i < book->count; i++) {
        assert(i == 0 || book->offers[i - 1].id < book->offers[i].id);
        render(book, i);
    }
    fill_columns(book);
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
