#include "events/spool.h"

static void take_count(void *context, const struct store_value *columns, size_t count)
{
    if (count == 1 && columns[0].kind == STORE_INT) {
        *(int64_t *)context = columns[0].integer;
    }
}

enum error_code spool_count(struct world *world, int64_t *count, struct store_result *result)
{
    *count = 0;
    return event_statement(world, STORE_SPOOL_COUNT, NULL, 0, take_count, count, result);
}

enum error_code spool_add(struct world *world, const struct event_record *record, struct store_result *result)
{
    int64_t count;
    if (spool_count(world, &count, result) != ERR_OK) {
        return result->code;
    }
    if (count >= SPOOL_EVENTS_MAX) {
        return store_result_set(result, "53400", "the spool of events is full");
    }
    const struct store_value row[] = {store_text(record->id), store_text(record->kind),
                                      store_int(record->created_unix_ns), store_text(record->payload)};
    return event_statement(world, STORE_SPOOL_ADD, row, ARRAY_LENGTH(row), NULL, NULL, result);
}

enum error_code spool_drop(struct world *world, const char *id, struct store_result *result)
{
    const struct store_value key = store_text(id);
    return event_statement(world, STORE_SPOOL_DROP, &key, 1, NULL, NULL, result);
}

struct spool_place spool_start(void)
{
    return (struct spool_place){.created_unix_ns = INT64_MIN};
}

struct spool_step {
    struct spool_place *place;
    struct event_record *record;
    enum spool_found found;
};

static void take_record(void *context, const struct store_value *columns, size_t count)
{
    struct spool_step *step = context;
    bool placed = count == 4 && columns[2].kind == STORE_INT && event_text(&columns[0], step->place->id, EVENT_ID_SIZE);
    if (placed) {
        step->place->created_unix_ns = columns[2].integer;
        step->found = event_record_read(step->record, columns, count) ? SPOOL_RECORD : SPOOL_UNREADABLE;
    }
}

enum spool_found spool_next(struct world *world, struct spool_place *place, struct event_record *record,
                            struct store_result *result)
{
    struct spool_step step = {place, record, SPOOL_NONE};
    const struct spool_place from = *place; /* which the row replaces while the parameters are in use */
    const struct store_value values[] = {store_int(from.created_unix_ns), store_text(from.id), store_int(1)};
    (void)event_statement(world, STORE_SPOOL_LIST, values, ARRAY_LENGTH(values), take_record, &step, result);
    return result->code == ERR_OK ? step.found : SPOOL_NONE;
}

enum error_code spool_replay(struct world *world, struct spool_replayed *replayed, struct store_result *result)
{
    struct event_record *record = heap_alloc(world->heap, sizeof *record);
    struct spool_place place = spool_start();
    *replayed = (struct spool_replayed){0};
    if (record == NULL) {
        return store_result_set(result, "53200", "out of memory");
    }
    for (;;) {
        struct event_stored stored;
        enum spool_found found = spool_next(world, &place, record, result);
        if (found == SPOOL_NONE) {
            break;
        }
        if (found == SPOOL_RECORD && event_record_store(world, record, &stored, result) == ERR_OK) {
            replayed->stored++;
            (void)spool_drop(world, record->id, result);
        } else if (found == SPOOL_UNREADABLE || result->code == ERR_STORE_REJECTED) {
            replayed->left++;
        } else {
            break;
        }
    }
    heap_release(world->heap, record);
    return result->code;
}
