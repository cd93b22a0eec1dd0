/*
 * Who has the GPUs. A machine's offers are slices of the same GPUs; a machine that runs holds as many as its offer has. Whoever
 * rents on demand displaces bids, and a bid those that are lower.
 */
#include <string.h>

#include "fakes/market/state.h"

/* The steps in which bids rise. */
#define BID_STEP_NUSD (NUSD_PER_USD / 1000)

static size_t machine_of(const struct market *market, const struct contract *contract)
{
    return offer_book_machine_of(market->options.offers, contract->offer_index);
}

static int64_t free_gpus(const struct market *market, size_t machine)
{
    return offer_book_machine(market->options.offers, machine)->gpus - market->machines[machine].held_gpus;
}

static bool yields_to(const struct contract *holder, const struct contract *wanting)
{
    return holder->is_bid && (!wanting->is_bid || holder->bid_nusd < wanting->bid_nusd);
}

/* The least bid that the market wants, other contracts of the account aside. */
int64_t market_floor_nusd(const struct market *market, size_t index)
{
    const struct offer_book *book = market->options.offers;
    int64_t rival_nusd = market->machines[offer_book_machine_of(book, index)].rival_nusd;
    int64_t least_nusd = offer_book_at(book, index)->min_bid_nusd;
    return rival_nusd > least_nusd ? rival_nusd : least_nusd;
}

/* Whether the contract can have its GPUs, and which of those that hold some must go: the same slice first, then the lowest bids. */
bool claim_can_have(const struct market *market, const struct contract *wanting)
{
    size_t machine = machine_of(market, wanting);
    int64_t available = free_gpus(market, machine);
    if (wanting->is_bid && wanting->bid_nusd < market_floor_nusd(market, wanting->offer_index)) {
        return false;
    }
    for (const struct contract *each = market->machines[machine].first; each != NULL; each = each->next_on_machine) {
        if (each->claim == CLAIM_HELD && yields_to(each, wanting)) {
            available += each->offer->num_gpus;
        } else if (each->claim == CLAIM_HELD && each->offer_index == wanting->offer_index) {
            return false;
        }
    }
    return available >= wanting->offer->num_gpus;
}

/* Whom to displace next; NULL when nobody must go any more. */
static struct contract *next_victim(const struct market *market, const struct contract *wanting)
{
    size_t machine = machine_of(market, wanting);
    struct contract *lowest = NULL;
    for (struct contract *each = market->machines[machine].first; each != NULL; each = each->next_on_machine) {
        if (each->claim != CLAIM_HELD || !yields_to(each, wanting)) {
            continue;
        }
        if (each->offer_index == wanting->offer_index) {
            return each;
        }
        if (lowest == NULL || each->bid_nusd < lowest->bid_nusd) {
            lowest = each;
        }
    }
    return free_gpus(market, machine) >= wanting->offer->num_gpus ? NULL : lowest;
}

static void hold(struct market *market, struct contract *contract)
{
    contract->claim = CLAIM_HELD;
    market->machines[machine_of(market, contract)].held_gpus += contract->offer->num_gpus;
    market->listings[contract->offer_index].held = true;
    market->listings[contract->offer_index].held_by_bid = contract->is_bid;
    market->listings_changed = true;
}

bool claim_take(struct market *market, struct contract *contract)
{
    if (contract->claim == CLAIM_HELD) {
        return true;
    }
    if (!claim_can_have(market, contract)) {
        return false;
    }
    for (struct contract *victim; (victim = next_victim(market, contract)) != NULL;) {
        contract_outbid(market, victim);
    }
    if (!contract->is_bid) {
        market->machines[machine_of(market, contract)].rival_nusd = 0; /* a rival is only a bid */
    }
    hold(market, contract);
    machine_relist(market, machine_of(market, contract));
    return true;
}

void claim_release(struct market *market, struct contract *contract, bool quietly)
{
    bool held = contract->claim == CLAIM_HELD;
    size_t machine = machine_of(market, contract);
    contract->claim = CLAIM_NONE;
    if (!held) {
        return;
    }
    market->machines[machine].held_gpus -= contract->offer->num_gpus;
    market->listings[contract->offer_index].held = false;
    machine_relist(market, machine);
    if (!quietly) {
        claims_serve(market, machine);
    }
}

/* Renting on demand comes before bids, then the higher bid, then whoever is older. */
static bool goes_before(const struct contract *left, const struct contract *right)
{
    if (left->is_bid != right->is_bid) {
        return !left->is_bid;
    }
    if (left->is_bid && left->bid_nusd != right->bid_nusd) {
        return left->bid_nusd > right->bid_nusd;
    }
    return left->id < right->id;
}

void claims_serve(struct market *market, size_t machine)
{
    for (;;) {
        struct contract *best = NULL;
        for (struct contract *each = market->machines[machine].first; each != NULL; each = each->next_on_machine) {
            if (each->claim == CLAIM_WAITING && claim_can_have(market, each) &&
                (best == NULL || goes_before(each, best))) {
                best = each;
            }
        }
        if (best == NULL || !claim_take(market, best)) {
            return;
        }
        contract_run(market, best, CAUSE_RESUME);
    }
}

/* ---- Listings ------------------------------------------------------------------------------------------------------------- */

void machine_relist(struct market *market, size_t machine)
{
    const struct offer_book *book = market->options.offers;
    const struct book_machine *whole = offer_book_machine(book, machine);
    market->listings_changed = true;
    if (whole->slices < 2 || market->options.switches.relisted_ids == 0) {
        return;
    }
    for (int64_t i = whole->first_offer; i >= 0; i = offer_book_next_slice(book, (size_t)i)) {
        market->listings[i].version++;
    }
}

int64_t offer_floor_nusd(const struct market *market, size_t index)
{
    int64_t floor_nusd = market_floor_nusd(market, index);
    size_t machine = offer_book_machine_of(market->options.offers, index);
    const struct offer *offer = offer_book_at(market->options.offers, index);
    bool is_crowded = free_gpus(market, machine) < offer->num_gpus;
    const struct contract *each = market->listings_changed ? market->machines[machine].first : NULL;
    for (; each != NULL; each = each->next_on_machine) {
        bool in_the_way = each->claim == CLAIM_HELD && each->is_bid && (is_crowded || each->offer_index == index);
        if (in_the_way && each->bid_nusd >= floor_nusd) {
            floor_nusd = each->bid_nusd + BID_STEP_NUSD;
        }
    }
    return floor_nusd;
}

bool offer_is_listed(const struct market *market, size_t index)
{
    const struct offer *offer = offer_book_at(market->options.offers, index);
    const struct listing *listing = &market->listings[index];
    if (offer->rentable == 0 || (listing->held && !listing->held_by_bid)) {
        return false;
    }
    if (!market->listings_changed) {
        return true;
    }
    size_t machine = offer_book_machine_of(market->options.offers, index);
    int64_t available = free_gpus(market, machine);
    const struct contract *each = available >= offer->num_gpus ? NULL : market->machines[machine].first;
    for (; each != NULL; each = each->next_on_machine) {
        available += each->claim == CLAIM_HELD && each->is_bid ? each->offer->num_gpus : 0;
    }
    return available >= offer->num_gpus;
}

bool listing_is_changed(const struct market *market, size_t index)
{
    if (!market->listings_changed) {
        return false;
    }
    const struct machine_state *machine = &market->machines[offer_book_machine_of(market->options.offers, index)];
    return market->listings[index].version > 0 || machine->first != NULL || machine->rival_nusd > 0;
}

static int64_t listed_id(const struct market *market, size_t index)
{
    return offer_book_at(market->options.offers, index)->id +
           offer_book_id_stride(market->options.offers) * (int64_t)market->listings[index].version;
}

const struct offer *listing_offer(const struct market *market, size_t index, struct offer *copy)
{
    const struct offer *offer = offer_book_at(market->options.offers, index);
    if (!listing_is_changed(market, index)) {
        return offer;
    }
    size_t machine = offer_book_machine_of(market->options.offers, index);
    *copy = *offer;
    copy->id = listed_id(market, index);
    copy->disk_space_mgb = offer->disk_space_mgb - market->machines[machine].disk_rented_mgb;
    copy->disk_space_mgb = copy->disk_space_mgb < 0 ? 0 : copy->disk_space_mgb;
    copy->min_bid_nusd = offer_floor_nusd(market, index);
    return copy;
}

int64_t listing_by_id(const struct market *market, int64_t id, bool *is_current)
{
    const struct offer_book *book = market->options.offers;
    int64_t first_id = offer_book_at(book, 0)->id;
    *is_current = false;
    if (id < first_id) {
        return -1;
    }
    int64_t version = (id - first_id) / offer_book_id_stride(book);
    int64_t index = offer_book_index(book, id - version * offer_book_id_stride(book));
    if (index < 0 || version > market->listings[index].version) {
        return -1;
    }
    *is_current = version == market->listings[index].version;
    return index;
}
