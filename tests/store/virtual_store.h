/*
 * Virtual store: the object store's client, in virtual time, against the fake: one life of the client does one thing, as the
 * commands of dumont store do it. For the tests of this folder.
 */
#ifndef TESTS_STORE_VIRTUAL_STORE_H
#define TESTS_STORE_VIRTUAL_STORE_H

#include "testing.h"

#include <string.h>

#include "b2/keeping.h"
#include "b2/transfer.h"
#include "base/digest.h"
#include "fakes/market/offer_book.h"
#include "sim/virtual_world.h"

enum { FILE_BYTES_MAX = 1024 * 1024, CALL_MS = 40, BYTES_PER_S = 1000000 };

struct virtual_store {
    struct heap *heap;
    struct history history;
    struct timing timing;
    struct fault_plan faults;
    struct offer_book *offers;
    struct cloud *cloud;
    struct memory_store *statements;
    struct virtual_process *process;
    struct virtual_world *world;
    int64_t part_bytes;
    /* what is to be done: "put FILE NAME", "get NAME FILE", "rm NAME", "ls", "usage", "sweep" */
    const char *verb, *first, *second;
    /* what became of it */
    enum error_code code;
    struct error error;
    struct b2 b2;
    struct b2_upload_result put;
    struct b2_download_result got;
    struct b2_sweep sweep;
    struct b2_usage usage;
    int64_t listed;
};

/* ---- The stage ---------------------------------------------------------------------------------------------------------- */

/* `machine_survives`: a kill is the client's alone. */
static inline void virtual_store_open(struct virtual_store *store, int64_t part_bytes, bool machine_survives)
{
    memset(store, 0, sizeof *store);
    store->heap = heap_new();
    assert_non_null(store->heap);
    store->part_bytes = part_bytes;
    history_init(&store->history, store->heap);
    timing_defaults(&store->timing);
    struct offer_book_options book = {.seed = 1};
    store->offers = offer_book_generate(store->heap, &book, 1);
    struct wall_time epoch;
    assert_true(wall_time_parse(span_of("2026-08-03T10:00:00Z"), &epoch));
    struct cloud_options cloud = {
        .seed = 1,
        .epoch = epoch,
        .timing = &store->timing,
        .faults = &store->faults,
        .offers = store->offers,
        .api_key = "key",
        .history = &store->history,
        .bucket = {.call_ns = CALL_MS * NS_PER_MS, .bytes_per_s = BYTES_PER_S, .least_part_bytes = part_bytes}};
    store->cloud = cloud_new(store->heap, &cloud);
    store->statements = memory_store_new(store->heap);
    store->process = virtual_process_new();
    assert_non_null(store->process);
    struct virtual_world_options world = {.seed = 1,
                                          .epoch = epoch,
                                          .description = {.world = "virtual", .scenario = "", .timing = ""},
                                          .cloud = store->cloud,
                                          .store = store->statements,
                                          .history = &store->history,
                                          .disk_bytes = 8 * INT64_C(1024) * 1024,
                                          .machine_survives = machine_survives};
    store->world = virtual_world_new(store->heap, store->process, &world);
    assert_non_null(store->world);
}

static inline void virtual_store_close(struct virtual_store *store)
{
    virtual_world_free(store->world);
    virtual_process_free(store->process);
    memory_store_free(store->statements);
    cloud_free(store->cloud);
    offer_book_free(store->offers);
    history_release(&store->history);
    assert_int_equal(heap_live_blocks(store->heap), 0);
    heap_free(store->heap);
}

static inline void set_fault(struct virtual_store *store, const char *text)
{
    struct fault_plan plan = {.count = 0};
    struct error error;
    if (fault_plan_add(&plan, text, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    assert_true(injector_put(cloud_injector(store->cloud), virtual_world_now_ns(store->world), &plan.faults[0]));
}

static inline void no_fault(struct virtual_store *store)
{
    struct fault_deeds deeds;
    const struct fault *fault;
    while ((fault = injector_fault(cloud_injector(store->cloud), 0, &deeds)) != NULL) {
        char id[FAULT_ID_SIZE];
        assert_true(text_copy(id, sizeof id, fault->id));
        (void)injector_remove(cloud_injector(store->cloud), virtual_world_now_ns(store->world), id);
    }
}

/* ---- Files of this machine ---------------------------------------------------------------------------------------------- */

/* Bytes that differ from one salt to the next. */
static inline void pattern(char *out, size_t size, unsigned salt)
{
    uint32_t x = 2463534242U + salt * 7919U;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        out[i] = (char)x;
    }
}

static inline void make_file(struct virtual_store *store, const char *path, const char *bytes, size_t size)
{
    struct disk_handle *handle;
    disk_remove(virtual_world_disk(store->world), path);
    assert_int_equal(disk_open(virtual_world_disk(store->world), path, true, &handle), DISK_OPENED);
    assert_true(disk_write(handle, 0, bytes, size));
    assert_true(disk_sync(handle));
    disk_close(handle);
}

/* A file of this machine holds exactly these bytes. */
static inline bool file_is(struct virtual_store *store, const char *path, const char *bytes, size_t size)
{
    static char held[FILE_BYTES_MAX];
    struct disk_handle *handle;
    if (disk_open(virtual_world_disk(store->world), path, false, &handle) != DISK_OPENED) {
        return false;
    }
    bool same = disk_size(handle) == (int64_t)size && disk_read(handle, 0, held, size) == size &&
                memcmp(held, bytes, size) == 0;
    disk_close(handle);
    return same;
}

/* ---- What is truly in the store ----------------------------------------------------------------------------------------- */

static inline struct bucket_service *service_of(struct virtual_store *store)
{
    struct bucket_service *service = cloud_bucket(store->cloud, virtual_world_now_ns(store->world), NULL);
    assert_non_null(service);
    return service;
}

/* The newest version of a name: its size, -1 when there is none. */
static inline int64_t stored_size(struct virtual_store *store, const char *name)
{
    char sha1[BUCKET_SHA1_SIZE];
    return bucket_name_size(service_of(store), store->b2.bucket_id, span_of(name), sha1);
}

/* The name holds exactly these bytes (of a large file the fake knows no digest: a get has to tell). */
static inline bool stored_is(struct virtual_store *store, const char *name, const char *bytes, size_t size)
{
    char stored[BUCKET_SHA1_SIZE] = "";
    char hex[DIGEST_HEX_SIZE];
    int64_t stored_bytes = bucket_name_size(service_of(store), store->b2.bucket_id, span_of(name), stored);
    assert_true(digest_of(store->heap, DIGEST_SHA1, bytes, size, hex));
    return stored_bytes == (int64_t)size && (stored[0] == '\0' || strcmp(stored, hex) == 0);
}

static inline struct bucket_totals totals_of(struct virtual_store *store)
{
    struct bucket_totals totals;
    bucket_totals(service_of(store), &totals);
    return totals;
}

/* ---- What the client does ----------------------------------------------------------------------------------------------- */

static inline struct b2_access store_access(struct virtual_store *store)
{
    return (struct b2_access){.origin = CLOUD_BUCKET_ORIGIN,
                              .key_id = bucket_key_id(service_of(store)),
                              .key = bucket_key(service_of(store)),
                              .bucket = CLOUD_BUCKET_NAME};
}

static inline bool count_row(void *context, const struct b2_file *file)
{
    (void)file;
    ++*(int64_t *)context;
    return true;
}

static inline enum error_code store_work_of(struct virtual_store *store, struct b2_call *call)
{
    struct error *error = &store->error;
    struct b2_removal removal;
    const struct b2_transfer_options options = {.part_bytes = store->part_bytes, .parallel = 2};
    if (strcmp(store->verb, "put") == 0) {
        return b2_upload(&store->b2, store->first, store->second, &options, &store->put, error);
    }
    if (strcmp(store->verb, "get") == 0) {
        return b2_download(&store->b2, store->first, store->second, &options, &store->got, error);
    }
    if (strcmp(store->verb, "rm") == 0) {
        return b2_remove(call, store->first, &removal, error);
    }
    if (strcmp(store->verb, "ls") == 0) {
        store->listed = 0;
        return b2_list(call, B2_LIST_NAMES, "", count_row, &store->listed, error);
    }
    if (strcmp(store->verb, "sweep") == 0) {
        store->sweep = (struct b2_sweep){.grace_ns = 0};
        return b2_sweep_unfinished(call, "", &store->sweep, error);
    }
    assert_string_equal(store->verb, "usage");
    return b2_measure(call, "", &store->usage, error);
}

static inline void store_main(void *argument)
{
    struct virtual_store *store = argument;
    struct b2_access access = store_access(store);
    struct b2_call call;
    (void)error_set(&store->error, ERR_OK, "done");
    store->code = b2_open(&store->b2, virtual_world_door(store->world), access, &store->error);
    if (store->code == ERR_OK) {
        b2_call_open(&call, &store->b2);
        store->code = store_work_of(store, &call);
        b2_call_close(&call);
    }
}

/* One life of the client, which may be killed at a step of the world. */
static inline enum run_end store_live(struct virtual_store *store, uint64_t kill_at, const char *verb,
                                      const char *first, const char *second)
{
    store->verb = verb;
    store->first = first;
    store->second = second;
    store->code = ERR_NO_MEMORY;
    (void)error_set(&store->error, ERR_NO_MEMORY, "no memory for a task");
    if (!virtual_world_start(store->world, store_main, store)) {
        return RUN_FINISHED;
    }
    return virtual_world_run(store->world, kill_at);
}

/* The whole of it; what became of it. Memory is given back, whatever that is. */
static inline enum error_code store_do(struct virtual_store *store, const char *verb, const char *first,
                                       const char *second)
{
    assert_int_equal(store_live(store, 0, verb, first, second), RUN_FINISHED);
    assert_int_equal(heap_live_blocks(virtual_process_heap(store->process)), 0);
    return store->code;
}

static inline void store_must(struct virtual_store *store, const char *verb, const char *first, const char *second)
{
    if (store_do(store, verb, first, second) != ERR_OK) {
        fail_msg("%s %s: %s: %s", verb, first, error_name(store->code), store->error.message);
    }
}

#endif
