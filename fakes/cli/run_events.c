#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "fakes/cli/run_folder.h"
#include "system/files.h"
#include "world/store.h"

static bool run_sql(sqlite3 *database, const char *sql)
{
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool note_migration(sqlite3 *database, const char *name, struct wall_time now)
{
    sqlite3_stmt *statement = NULL;
    bool noted = sqlite3_prepare_v2(database, STORE_MIGRATION_DONE_SQL, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC) == SQLITE_OK &&
                 sqlite3_bind_int64(statement, 2, now.unix_ns) == SQLITE_OK && sqlite3_step(statement) == SQLITE_DONE;
    (void)sqlite3_finalize(statement);
    return noted;
}

/* A table that a fault says is missing is missing. */
static bool drop_missing(sqlite3 *database, const struct fault_plan *faults)
{
    bool done = true;
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->faults[i];
        if (strcmp(fault->id, "missing-table") != 0 || !fault->active) {
            continue;
        }
        const char *table = "webhook_configs";
        for (size_t j = 0; j < fault->own_count; j++) {
            table = strcmp(fault->own[j].key, "table") == 0 ? fault->own[j].text : table;
        }
        char sql[FAULT_VALUE_SIZE + 32];
        done = text_format(sql, sizeof sql, "DROP TABLE IF EXISTS %s", table) && run_sql(database, sql) && done;
    }
    return done;
}

static bool lay_out(sqlite3 *database, struct wall_time now, const struct fault_plan *faults)
{
    /* Nothing is lost that could not be made again: the file needs not be on the disk before the run begins. */
    bool done = run_sql(database, "PRAGMA synchronous = OFF; BEGIN") && run_sql(database, STORE_MIGRATIONS_TABLE_SQL);
    for (size_t i = 0; done && i < store_migration_count(STORE_EVENTS); i++) {
        done = run_sql(database, store_migration_sql(STORE_EVENTS, i)) &&
               note_migration(database, store_migration_name(STORE_EVENTS, i), now);
    }
    return done && drop_missing(database, faults) && run_sql(database, "COMMIT");
}

enum error_code run_folder_make_events(const struct run_folder *folder, struct wall_time now,
                                       const struct fault_plan *faults, struct error *error)
{
    /* It will hold the secrets of webhooks: SQLite would let everybody read a file that it makes. */
    int descriptor = open(folder->events, O_RDWR | O_CREAT | O_CLOEXEC, (mode_t)FILE_SECRET);
    if (descriptor < 0) {
        return error_set(error, ERR_CANNOT_WRITE, "cannot make the events store %s: %s", folder->events,
                         strerror(errno));
    }
    (void)close(descriptor);
    sqlite3 *database = NULL;
    bool done = sqlite3_open_v2(folder->events, &database, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                lay_out(database, now, faults);
    if (!done) {
        (void)error_set(error, ERR_CANNOT_WRITE, "cannot lay out the events store %s: %s", folder->events,
                        sqlite3_errmsg(database));
    }
    (void)sqlite3_close(database);
    return done ? ERR_OK : ERR_CANNOT_WRITE;
}
