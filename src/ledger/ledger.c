#include "ledger/ledger.h"

#include <string.h>

#include "world/note.h"

static const int64_t statement_limit_ns = 10 * NS_PER_S;

static const char *const state_names[] = {"intended", "created", "destroying", "closed"};

const char *intent_state_name(enum intent_state state)
{
    return state_names[state];
}

/* `what` failed: "take the entry", "give its entries". */
static enum error_code ledger_failed(struct error *error, const char *what, const struct store_result *result)
{
    if (result->code == ERR_INTERRUPTED) {
        return error_set(error, ERR_INTERRUPTED, "interrupted: the ledger did not %s", what);
    }
    (void)error_set(error, ERR_LEDGER_UNWRITABLE, "the ledger does not %s: %s (SQLSTATE %s)", what, result->message,
                    result->sqlstate);
    error_advise(error, "make room or mend the rights of the state folder (DUMONT_STATE_DIR), then run it again");
    return ERR_LEDGER_UNWRITABLE;
}

static void note_state(struct world *world, const struct intent *intent)
{
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "label", intent->label);
    json_member_string(&note.data, "state", intent_state_name(intent->state));
    note_end(world, &note, "ledger.write");
}

enum error_code ledger_intend(struct world *world, const struct intent *intent, struct error *error)
{
    const struct store_value values[] = {
        store_text(intent->label),          store_text(intent->run),       store_text(intent->journey),
        store_int(intent->offer_id),        store_int(intent->machine_id), store_int(intent->price_nusd_per_hour),
        store_int(intent->created.unix_ns),
    };
    struct store_result result;
    if (world_store(world, STORE_INTENT_ADD, values, ARRAY_LENGTH(values), NULL, NULL, &result,
                    world_deadline_ns(world, statement_limit_ns)) != ERR_OK) {
        return ledger_failed(error, "take the entry", &result);
    }
    note_state(world, intent);
    return ERR_OK;
}

enum error_code ledger_set(struct world *world, struct intent *intent, enum intent_state state, int64_t instance_id,
                           struct error *error)
{
    const struct store_value values[] = {
        store_text(intent->label),
        store_text(intent_state_name(state)),
        instance_id == 0 ? store_null() : store_int(instance_id),
    };
    struct store_result result;
    intent->state = state;
    intent->instance_id = instance_id == 0 ? intent->instance_id : instance_id;
    if (world_store(world, STORE_INTENT_SET, values, ARRAY_LENGTH(values), NULL, NULL, &result,
                    world_deadline_ns(world, statement_limit_ns)) != ERR_OK) {
        return ledger_failed(error, "take the entry", &result);
    }
    note_state(world, intent);
    return ERR_OK;
}

struct intent_rows {
    struct intent *out;
    size_t capacity;
    size_t count;
    bool readable;
};

static bool copy_text(char *out, size_t size, struct store_value value)
{
    if (value.kind != STORE_TEXT || value.text.length >= size ||
        memchr(value.text.at, '\0', value.text.length) != NULL) {
        return false;
    }
    memcpy(out, value.text.at, value.text.length);
    out[value.text.length] = '\0';
    return true;
}

static bool copy_integer(int64_t *out, struct store_value value, bool may_be_null)
{
    *out = value.kind == STORE_INT ? value.integer : 0;
    return value.kind == STORE_INT || (may_be_null && value.kind == STORE_NULL);
}

static bool read_state(enum intent_state *out, struct store_value value)
{
    for (size_t i = 0; i < ARRAY_LENGTH(state_names); i++) {
        if (value.kind == STORE_TEXT && span_equals(value.text, state_names[i])) {
            *out = (enum intent_state)i;
            return true;
        }
    }
    return false;
}

static void read_intent(void *context, const struct store_value *columns, size_t count)
{
    struct intent_rows *rows = context;
    struct intent intent = {0};
    bool good = count == 9 && copy_text(intent.label, sizeof intent.label, columns[0]) &&
                copy_text(intent.run, sizeof intent.run, columns[1]) &&
                copy_text(intent.journey, sizeof intent.journey, columns[2]) &&
                copy_integer(&intent.offer_id, columns[3], false) &&
                copy_integer(&intent.machine_id, columns[4], true) &&
                copy_integer(&intent.price_nusd_per_hour, columns[5], false) &&
                copy_integer(&intent.created.unix_ns, columns[6], false) && read_state(&intent.state, columns[7]) &&
                copy_integer(&intent.instance_id, columns[8], true);
    rows->readable = rows->readable && good;
    if (good && rows->count < rows->capacity) {
        rows->out[rows->count] = intent;
    }
    rows->count++;
}

enum error_code ledger_open_intents(struct world *world, struct intent *out, size_t capacity, size_t *count,
                                    struct error *error)
{
    struct intent_rows rows = {out, capacity, 0, true};
    struct store_result result;
    *count = 0;
    if (world_store(world, STORE_INTENTS_OPEN, NULL, 0, read_intent, &rows, &result,
                    world_deadline_ns(world, statement_limit_ns)) != ERR_OK) {
        return ledger_failed(error, "give its entries", &result);
    }
    if (!rows.readable) {
        return error_set(error, ERR_LEDGER_UNWRITABLE, "the ledger holds an entry that this version cannot read");
    }
    *count = rows.count;
    return ERR_OK;
}
