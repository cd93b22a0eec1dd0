/* Which contracts there are: by id, by label, and by when each next changes. */
#include <assert.h>
#include <string.h>

#include "fakes/market/state.h"

enum { FIRST_CAPACITY = 4, FIRST_LABEL_SLOTS = 16 };

static bool grow(struct market *market, void **list, size_t size, size_t capacity)
{
    void *grown = heap_resize(market->heap, *list, capacity * size);
    if (grown != NULL) {
        *list = grown;
    }
    return grown != NULL;
}

bool contracts_reserve(struct market *market)
{
    if (market->contract_count < market->contract_capacity) {
        return true;
    }
    size_t capacity = market->contract_capacity == 0 ? FIRST_CAPACITY : market->contract_capacity * 2;
    void *contracts = market->contracts;
    void *live = market->live;
    void *queue = market->queue;
    bool grown = grow(market, &contracts, sizeof(struct contract *), capacity) &&
                 grow(market, &live, sizeof(struct live_entry), capacity) &&
                 grow(market, &queue, sizeof(struct contract *), capacity);
    market->contracts = contracts;
    market->live = live;
    market->queue = queue;
    if (grown) {
        market->contract_capacity = capacity;
    }
    return grown;
}

/* ---- By id ---------------------------------------------------------------------------------------------------------------- */

size_t live_index(const struct market *market, int64_t id)
{
    size_t low = 0;
    size_t high = market->live_entries;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (market->live[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct contract *market_find(const struct market *market, int64_t id)
{
    size_t index = live_index(market, id);
    return index < market->live_entries && market->live[index].id == id ? market->live[index].contract : NULL;
}

bool contract_is_visible(const struct market *market, const struct contract *contract)
{
    return market->now_ns - contract->created_ns >= market->options.switches.visible_after_ns;
}

/* Takes the holes out once they are as many as what is left, so that each removal costs the same in the long run. */
static void close_holes(struct market *market)
{
    if (market->live_entries - market->live_count <= market->live_count) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < market->live_entries; i++) {
        if (market->live[i].contract != NULL) {
            market->live[kept++] = market->live[i];
        }
    }
    market->live_entries = kept;
}

/* ---- By time -------------------------------------------------------------------------------------------------------------- */

static bool is_sooner(const struct contract *left, const struct contract *right)
{
    return left->due_ns != right->due_ns ? left->due_ns < right->due_ns : left->id < right->id;
}

static void put(struct market *market, size_t place, struct contract *contract)
{
    market->queue[place - 1] = contract;
    contract->place = place;
}

static void sift(struct market *market, size_t place)
{
    struct contract *moved = market->queue[place - 1];
    while (place > 1 && is_sooner(moved, market->queue[place / 2 - 1])) {
        put(market, place, market->queue[place / 2 - 1]);
        place /= 2;
    }
    for (;;) {
        size_t below = 2 * place;
        if (below + 1 <= market->queue_count && is_sooner(market->queue[below], market->queue[below - 1])) {
            below++;
        }
        if (below > market->queue_count || !is_sooner(market->queue[below - 1], moved)) {
            break;
        }
        put(market, place, market->queue[below - 1]);
        place = below;
    }
    put(market, place, moved);
}

void queue_update(struct market *market, struct contract *contract)
{
    contract->due_ns = contract_due_ns(market, contract);
    if (contract->place != 0) {
        sift(market, contract->place);
    }
}

static void queue_remove(struct market *market, struct contract *contract)
{
    size_t place = contract->place;
    struct contract *last = market->queue[--market->queue_count];
    contract->place = 0;
    if (last != contract) {
        put(market, place, last);
        sift(market, place);
    }
}

/* ---- By label ------------------------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash ^ hash >> 32;
}

static struct label **label_slot(const struct market *market, const char *text)
{
    return &market->label_slots[hash_of(text) & (market->label_slot_count - 1)];
}

struct label *label_by_text(const struct market *market, const char *text)
{
    struct label *label = market->label_slot_count == 0 ? NULL : *label_slot(market, text);
    while (label != NULL && strcmp(label->text, text) != 0) {
        label = label->next_in_slot;
    }
    return label;
}

/* Doubles the slots; when memory is gone, the old ones go on, only slower. False when there are none at all. */
static bool widen_slots(struct market *market)
{
    if (market->label_count < market->label_slot_count) {
        return true;
    }
    size_t count = market->label_slot_count == 0 ? FIRST_LABEL_SLOTS : market->label_slot_count * 2;
    struct label **slots = heap_alloc(market->heap, count * sizeof(struct label *));
    if (slots == NULL) {
        return market->label_slot_count > 0;
    }
    heap_release(market->heap, market->label_slots);
    market->label_slots = slots;
    market->label_slot_count = count;
    for (struct label *label = market->first_label; label != NULL; label = label->next) {
        struct label **slot = label_slot(market, label->text);
        label->next_in_slot = *slot;
        *slot = label;
    }
    return true;
}

struct label *label_get(struct market *market, const char *text)
{
    struct label *label = label_by_text(market, text);
    if (label != NULL || !widen_slots(market)) {
        return label;
    }
    size_t size = strlen(text) + 1;
    label = heap_alloc(market->heap, sizeof *label + size);
    if (label == NULL) {
        return NULL;
    }
    memcpy(label->text, text, size);
    struct label **slot = label_slot(market, text);
    label->next_in_slot = *slot;
    *slot = label;
    label->previous = market->last_label;
    *(market->last_label == NULL ? &market->first_label : &market->last_label->next) = label;
    market->last_label = label;
    market->label_count++;
    return label;
}

void label_release_unused(struct market *market, struct label *label)
{
    if (label == NULL || label->count > 0) {
        return;
    }
    struct label **slot = label_slot(market, label->text);
    while (*slot != label) {
        slot = &(*slot)->next_in_slot;
    }
    *slot = label->next_in_slot;
    *(label->previous == NULL ? &market->first_label : &label->previous->next) = label->next;
    *(label->next == NULL ? &market->last_label : &label->next->previous) = label->previous;
    market->label_count--;
    heap_release(market->heap, label);
}

static void label_leave(struct market *market, struct contract *contract)
{
    struct label *label = contract->label;
    if (label == NULL) {
        return;
    }
    struct contract *previous = contract->previous_of_label;
    struct contract *next = contract->next_of_label;
    *(previous == NULL ? &label->first : &previous->next_of_label) = next;
    *(next == NULL ? &label->last : &next->previous_of_label) = previous;
    label->count--;
    contract->label = NULL;
    label_release_unused(market, label);
}

void label_move(struct market *market, struct contract *contract, struct label *label, bool has_label)
{
    contract->has_label = has_label;
    if (contract->label == label) {
        return;
    }
    label->count++; /* not released, even when it is the old one's neighbour */
    label_leave(market, contract);
    struct contract *before = label->last;
    while (before != NULL && before->id > contract->id) {
        before = before->previous_of_label;
    }
    struct contract *after = before == NULL ? label->first : before->next_of_label;
    contract->previous_of_label = before;
    contract->next_of_label = after;
    *(before == NULL ? &label->first : &before->next_of_label) = contract;
    *(after == NULL ? &label->last : &after->previous_of_label) = contract;
    contract->label = label;
}

/* ---- All ------------------------------------------------------------------------------------------------------------------ */

void contracts_add(struct market *market, struct contract *contract)
{
    struct machine_state *machine =
        &market->machines[offer_book_machine_of(market->options.offers, contract->offer_index)];
    contract->next_on_machine = machine->first;
    if (machine->first != NULL) {
        machine->first->previous_on_machine = contract;
    }
    machine->first = contract;
    machine->disk_rented_mgb += contract->disk_mgb;
    market->contracts[market->contract_count++] = contract;
    market->live[market->live_entries++] = (struct live_entry){contract->id, contract};
    market->live_count++;
    market->last_id = contract->id;
    contract->due_ns = TIME_NEVER_NS;
    put(market, ++market->queue_count, contract);
}

void contracts_remove(struct market *market, struct contract *contract)
{
    size_t index = live_index(market, contract->id);
    assert(index < market->live_entries && market->live[index].contract == contract);
    struct machine_state *machine =
        &market->machines[offer_book_machine_of(market->options.offers, contract->offer_index)];
    struct contract *previous = contract->previous_on_machine;
    *(previous == NULL ? &machine->first : &previous->next_on_machine) = contract->next_on_machine;
    if (contract->next_on_machine != NULL) {
        contract->next_on_machine->previous_on_machine = previous;
    }
    machine->disk_rented_mgb -= contract->disk_mgb;
    market->live[index].contract = NULL;
    market->live_count--;
    close_holes(market);
    queue_remove(market, contract);
    label_leave(market, contract);
}

void contract_release_parts(struct market *market, struct contract *contract)
{
    buffer_release(&contract->members);
    buffer_release(&contract->onstart);
    buffer_release(&contract->priced);
    buffer_release(&contract->ports);
    heap_release(market->heap, contract->life.statuses);
    heap_release(market->heap, contract->key_ids);
    contract->life = (struct life){0};
    contract->key_ids = NULL;
    contract->key_count = 0;
}

void contract_free(struct market *market, struct contract *contract)
{
    if (contract != NULL) {
        contract_release_parts(market, contract);
        charges_release(market, &contract->charges);
        heap_release(market->heap, contract);
    }
}
