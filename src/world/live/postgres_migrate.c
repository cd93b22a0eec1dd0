/* Migrations on PostgreSQL: for each of them a row of steps, each a query whose end begins the next. */
#include <assert.h>

#include "world/live/postgres_state.h"

enum step { BEGIN, LOOK, APPLY, NOTE, COMMIT };

/*
 * The lock ends with the transaction, and is the same in every version of this program: two that make the same tables at a time
 * come one after the other. The number is "dumont" in ASCII.
 */
static const char begin_sql[] = "BEGIN; SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = '60s'; "
                                "SELECT pg_advisory_xact_lock(110455509970548); " STORE_MIGRATIONS_TABLE_SQL;

static void step_is_done(void *owner);

static void note_row(void *context, const struct store_value *columns, size_t count)
{
    (void)columns;
    (void)count;
    *(bool *)context = true;
}

static struct postgres_query query_of(struct postgres_migration *migration)
{
    struct postgres_query query = {
        .is_script = true,
        .values = migration->values,
        .result = &migration->result,
        .done = step_is_done,
        .owner = migration,
    };
    switch ((enum step)migration->step) {
    case BEGIN:
        query.sql = begin_sql;
        break;
    case LOOK:
        query.sql = STORE_MIGRATION_KNOWN_SQL;
        query.is_script = false;
        query.value_count = 1;
        query.row = note_row;
        query.row_context = &migration->known;
        break;
    case APPLY:
        query.sql = store_migration_sql(STORE_EVENTS, migration->index);
        break;
    case NOTE:
        query.sql = STORE_MIGRATION_DONE_SQL;
        query.is_script = false;
        query.value_count = 2;
        break;
    case COMMIT:
        query.sql = "COMMIT";
        break;
    }
    return query;
}

static void run_step(struct postgres_migration *migration)
{
    struct postgres_query query = query_of(migration);
    postgres_link_run(&migration->store->link, &query);
}

static void begin_migration(struct postgres_migration *migration)
{
    migration->step = BEGIN;
    migration->known = false;
    migration->values[0] = store_text(store_migration_name(STORE_EVENTS, migration->index));
    migration->values[1] = store_int(migration->now.unix_ns);
    run_step(migration);
}

static void finish(struct postgres_migration *migration)
{
    migration->store->busy = false;
    completion_finish(&migration->done);
}

static void step_is_done(void *owner)
{
    struct postgres_migration *migration = owner;
    if (migration->result.code != ERR_OK) {
        postgres_link_drop(&migration->store->link); /* which rolls back */
        finish(migration);
        return;
    }
    if (migration->step != COMMIT) {
        migration->step = migration->step == LOOK && migration->known ? COMMIT : migration->step + 1;
        run_step(migration);
        return;
    }
    if (!migration->known && migration->on_applied != NULL) {
        migration->on_applied(migration->context, store_migration_name(STORE_EVENTS, migration->index));
    }
    migration->index++;
    if (migration->index < store_migration_count(STORE_EVENTS)) {
        begin_migration(migration);
    } else {
        finish(migration);
    }
}

void postgres_store_migrate(struct postgres_store *store, struct postgres_migration *migration)
{
    assert(!store->busy && store->first == NULL);
    store->busy = true;
    migration->store = store;
    migration->index = 0;
    begin_migration(migration);
}
