/*
 * Disk: this machine's files in the virtual world, in memory. It belongs to the world and outlives the simulated process.
 *
 * Files are pages of DISK_PAGE_BYTES that are shared by what a file holds now and what it held when it was last synced, and made
 * when they are first written; what was never written reads as zeros and takes no room. All pages together, and the length of each
 * file, are bounded by the disk's size: beyond it a write finds the disk full.
 *
 * Durability: a crash keeps of each page that was not synced what was written or what stood there before, as luck has it, each
 * for itself; likewise the length, and whether a file that was never synced is there at all. Names are durable at once: a file that
 * was given another's name, or taken away, stays so.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"

enum { DISK_PAGE_BYTES = 16 * 1024, DISK_PATH_SIZE = 4200 };
#define DISK_FULL_WORDS "no space left on the disk"
#define DISK_BYTES_USUAL (INT64_C(256) * 1024 * 1024)

struct disk_file;
struct disk_handle;

struct disk {
    struct heap *heap;
    int64_t limit_bytes;
    int64_t used_bytes;              /* of pages */
    int64_t (*clock)(void *context); /* wall time, for when a file was written to */
    void *clock_context;
    struct disk_file *files;
    struct disk_handle *handles;
};

void disk_init(struct disk *disk, struct heap *heap, int64_t limit_bytes, int64_t (*clock)(void *context),
               void *clock_context);
void disk_release(struct disk *disk);

/* ---- Files by name ------------------------------------------------------------------------------------------------------ */

bool disk_has(const struct disk *disk, const char *path);

/* The second name is the first file's from now on. False when there is no such file, or no memory. */
MUST_USE bool disk_rename(struct disk *disk, const char *from, const char *to);

/* The name is gone; who has the file open keeps it. Harmless when there is none. */
void disk_remove(struct disk *disk, const char *path);

/* The machine crashes: nobody has a file open any more, and `luck` decides (see above). Or the process alone: nothing is lost. */
void disk_crash(struct disk *disk, uint64_t luck, bool machine_survives);

/* ---- Open files --------------------------------------------------------------------------------------------------------- */

enum disk_opening { DISK_OPENED, DISK_MISSING, DISK_TAKEN, DISK_FULL };

/* To read: a file that is there. To fill: made when it is missing, and for one at a time (else TAKEN). */
enum disk_opening disk_open(struct disk *disk, const char *path, bool fill, struct disk_handle **out);
void disk_close(struct disk_handle *handle);

const char *disk_path(const struct disk_handle *handle); /* as it was opened */
int64_t disk_size(const struct disk_handle *handle);
int64_t disk_modified_unix_ns(const struct disk_handle *handle);
unsigned disk_mode(const struct disk_handle *handle);
void disk_stamp(struct disk_handle *handle, unsigned mode, int64_t modified_unix_ns);

/* How much was read: less only at the end. */
size_t disk_read(const struct disk_handle *handle, int64_t offset, char *out, size_t size);

/* False: the disk is full; of what was to be written a beginning may be there. */
MUST_USE bool disk_write(struct disk_handle *handle, int64_t offset, const char *bytes, size_t size);
MUST_USE bool disk_resize(struct disk_handle *handle, int64_t size);
MUST_USE bool disk_sync(struct disk_handle *handle);

#endif
