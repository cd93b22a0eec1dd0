#include "sim/store/memory_table.h"

#include <assert.h>
#include <string.h>

#include "sim/store/memory_store.h"

enum { ROW_BYTES_IN_ALL_MAX = 64 * 1024 * 1024, FIRST_CAPACITY = 16, CHOICES_MAX = 4 };

/* The tables of the migrations in world/store.c, without the columns that no statement touches. */
static const struct {
    const char *name;
    enum store_database database;
    size_t keys;          /* the first columns are the primary key */
    const char *columns;  /* a letter each: t text, i integer; as a capital: null is allowed */
    size_t choice_column; /* the column with a CHECK (column IN (choices)), if there are any */
    const char *choices[CHOICES_MAX];
} shapes[TABLE_COUNT] = {
    [INTENTS] =
        {"intents", STORE_LEDGER, 1, "tttiIiitI", INTENT_STATE, {"intended", "created", "destroying", "closed"}},
    [EVENT_SPOOL] = {"event_spool", STORE_LEDGER, 1, "ttit", 0, {NULL}},
    [WEBHOOK_CONFIGS] = {"webhook_configs", STORE_EVENTS, 1, "ittTi", 0, {NULL}},
    [LIFECYCLE_EVENTS] = {"lifecycle_events", STORE_EVENTS, 1, "ttit", 0, {NULL}},
    [WEBHOOK_DELIVERIES] =
        {"webhook_deliveries", STORE_EVENTS, 2, "titiIT", DELIVERY_STATE, {"pending", "delivered", "dead"}},
};

const char *table_text(enum table_name name)
{
    return shapes[name].name;
}

enum store_database table_database(enum table_name name)
{
    return shapes[name].database;
}

enum error_code set_done(struct store_result *result)
{
    return store_result_set(result, "00000", "");
}

enum error_code set_out_of_memory(struct store_result *result)
{
    return store_result_set(result, "53200", "out of memory");
}

bool values_equal(const struct store_value *a, const struct store_value *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case STORE_INT:
        return a->integer == b->integer;
    case STORE_TEXT:
        return a->text.length == b->text.length &&
               (a->text.length == 0 || memcmp(a->text.at, b->text.at, a->text.length) == 0);
    case STORE_NULL:
        break;
    }
    return false; /* SQL: null equals nothing */
}

/* FNV-1a over the key's cells. */
static uint64_t hash_key(enum table_name table, const struct store_value *cells)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < shapes[table].keys; i++) {
        bool text = cells[i].kind == STORE_TEXT;
        const unsigned char *at = text ? (const void *)cells[i].text.at : (const void *)&cells[i].integer;
        size_t length = text ? cells[i].text.length : sizeof cells[i].integer;
        for (size_t j = 0; j < length; j++) {
            hash = (hash ^ at[j]) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

/* The place of the row with this key, newest first: it is mostly a recent row that is looked for. */
ptrdiff_t table_find(const struct memory_store *store, enum table_name name, const struct store_value *key)
{
    const struct table *table = &store->tables[name];
    uint64_t hash = hash_key(name, key);
    for (size_t i = table->count; i-- > 0;) {
        const struct row *row = table->rows[i];
        bool same = row != NULL && row->key_hash == hash;
        for (size_t j = 0; j < shapes[name].keys && same; j++) {
            same = values_equal(&row->cells[j], &key[j]);
        }
        if (same) {
            return (ptrdiff_t)i;
        }
    }
    return NOT_FOUND;
}

static struct row *row_new(struct memory_store *store, enum table_name name, const struct store_value *cells,
                           struct store_result *result)
{
    size_t columns = strlen(shapes[name].columns);
    size_t bytes = sizeof(struct row) + columns * sizeof cells[0];
    for (size_t i = 0; i < columns; i++) {
        bytes += cells[i].kind == STORE_TEXT ? cells[i].text.length : 0;
    }
    if (bytes > ROW_BYTES_IN_ALL_MAX - store->row_bytes) {
        (void)store_result_set(result, "53100", "could not extend file: No space left on device");
        return NULL;
    }
    struct row *row = heap_alloc(store->heap, bytes);
    if (row == NULL) {
        (void)set_out_of_memory(result);
        return NULL;
    }
    char *texts = (char *)&row->cells[columns];
    for (size_t i = 0; i < columns; i++) {
        row->cells[i] = cells[i];
        if (cells[i].kind == STORE_TEXT && cells[i].text.length > 0) {
            memcpy(texts, cells[i].text.at, cells[i].text.length);
        }
        if (cells[i].kind == STORE_TEXT) {
            row->cells[i].text.at = texts;
            texts += cells[i].text.length;
        }
    }
    row->key_hash = hash_key(name, cells);
    row->bytes = bytes;
    store->row_bytes += bytes;
    return row;
}

static void row_release(struct memory_store *store, struct row *row)
{
    if (row != NULL) {
        store->row_bytes -= row->bytes;
        heap_release(store->heap, row);
    }
}

/* Makes room for one more element of `size` bytes. */
static bool reserve_one(struct heap *heap, void *array_pointer, size_t count, size_t *capacity, size_t size)
{
    void *array;
    memcpy(&array, array_pointer, sizeof array);
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    array = heap_resize(heap, array, wanted * size);
    if (array == NULL) {
        return false;
    }
    memcpy(array_pointer, &array, sizeof array);
    *capacity = wanted;
    return true;
}

static bool is_chosen(enum table_name name, const struct store_value *cells)
{
    const char *const *choices = shapes[name].choices;
    bool chosen = choices[0] == NULL;
    for (size_t i = 0; i < CHOICES_MAX && choices[i] != NULL && !chosen; i++) {
        chosen = span_equals(cells[shapes[name].choice_column].text, choices[i]);
    }
    return chosen;
}

/* The order of the checks is that of the databases: null, then CHECK; keys come after. */
enum error_code table_check(enum table_name name, const struct store_value *cells, struct store_result *result)
{
    const char *columns = shapes[name].columns;
    for (size_t i = 0; columns[i] != '\0'; i++) {
        bool nullable = columns[i] == 'T' || columns[i] == 'I';
        bool text = columns[i] == 't' || columns[i] == 'T';
        assert(cells[i].kind == STORE_NULL || cells[i].kind == (text ? STORE_TEXT : STORE_INT));
        if (cells[i].kind == STORE_NULL && !nullable) {
            return store_result_set(result, "23502", "null value in a column violates its not-null constraint");
        }
    }
    return is_chosen(name, cells) ? set_done(result)
                                  : store_result_set(result, "23514", "new row violates a check constraint");
}

/* Puts a new version at `index` of the table; `index` == count appends. Nothing changes on failure. */
static enum error_code put_row(struct memory_store *store, enum table_name name, size_t index,
                               const struct store_value *cells, struct store_result *result)
{
    struct table *table = &store->tables[name];
    if (!reserve_one(store->heap, &table->rows, table->count, &table->capacity, sizeof(struct row *)) ||
        !reserve_one(store->heap, &store->pending, store->pending_count, &store->pending_capacity,
                     sizeof(struct change))) {
        return set_out_of_memory(result);
    }
    struct row *row = row_new(store, name, cells, result);
    if (row == NULL) {
        return result->code;
    }
    bool inserted = index == table->count;
    store->pending[store->pending_count++] = (struct change){name, index, inserted ? NULL : table->rows[index]};
    table->rows[index] = row;
    table->count += inserted ? 1 : 0;
    return set_done(result);
}

enum error_code table_insert(struct memory_store *store, enum table_name name, const struct store_value *cells,
                             enum when_known when_known, struct store_result *result)
{
    if (table_check(name, cells, result) != ERR_OK) {
        return result->code;
    }
    if (table_find(store, name, cells) == NOT_FOUND) {
        return put_row(store, name, store->tables[name].count, cells, result);
    }
    return when_known == IGNORE_KNOWN
               ? set_done(result)
               : store_result_set(result, "23505", "duplicate key value violates unique constraint");
}

enum error_code table_update(struct memory_store *store, enum table_name name, size_t index,
                             const struct store_value *cells, struct store_result *result)
{
    return table_check(name, cells, result) != ERR_OK ? result->code : put_row(store, name, index, cells, result);
}

enum error_code table_delete(struct memory_store *store, enum table_name name, size_t index,
                             struct store_result *result)
{
    struct table *table = &store->tables[name];
    if (!reserve_one(store->heap, &store->pending, store->pending_count, &store->pending_capacity,
                     sizeof(struct change))) {
        return set_out_of_memory(result);
    }
    store->pending[store->pending_count++] = (struct change){name, index, table->rows[index]};
    table->rows[index] = NULL;
    table->holes = true;
    return set_done(result);
}

/* Closes the gaps of deleted rows. Only while no change is pending, which would know rows by their places. */
static void close_holes(struct table *table)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i] != NULL) {
            table->rows[kept++] = table->rows[i];
        }
    }
    table->count = kept;
    table->holes = false;
}

void memory_store_sync(struct memory_store *store)
{
    for (size_t i = 0; i < store->pending_count; i++) {
        row_release(store, store->pending[i].before);
    }
    store->pending_count = 0;
    for (enum table_name name = 0; name < TABLE_COUNT; name++) {
        if (store->tables[name].holes) {
            close_holes(&store->tables[name]);
        }
    }
}

size_t memory_store_pending(const struct memory_store *store)
{
    return store->pending_count;
}

void memory_store_crash(struct memory_store *store, uint64_t luck)
{
    size_t survivors = (size_t)(luck % ((uint64_t)store->pending_count + 1));
    while (store->pending_count > survivors) {
        const struct change *change = &store->pending[--store->pending_count];
        struct table *table = &store->tables[change->table];
        row_release(store, table->rows[change->index]);
        table->rows[change->index] = change->before;
        table->count -= change->before == NULL ? 1 : 0;
    }
    memory_store_sync(store);
}

void tables_release(struct memory_store *store)
{
    memory_store_sync(store);
    for (enum table_name name = 0; name < TABLE_COUNT; name++) {
        for (size_t i = 0; i < store->tables[name].count; i++) {
            row_release(store, store->tables[name].rows[i]);
        }
        heap_release(store->heap, store->tables[name].rows);
    }
    heap_release(store->heap, store->pending);
}
