/*
 * Object files: the object store's contents on disk, so that it outlives its process, and holds more than memory would.
 *
 *     FOLDER/objects/0000000000000001   one file for each content, named by its number in hex
 *     FOLDER/records                    one record a line
 *     FOLDER/lock                       held while a process uses the folder
 *
 * Crash-safe by order: a content's file is written, synced, and its name made durable before a record names it; a record is one line,
 * written and synced before anybody is told. A last line without its end, and files that no record names, are what a crash
 * left: they go when the folder is opened. Memory: a few descriptors, and the longest record while records are read.
 */
#ifndef FAKES_FRONT_OBJECT_FILES_H
#define FAKES_FRONT_OBJECT_FILES_H

#include "base/error.h"
#include "fakes/bucket/content.h"

/*
 * Makes the folder if need be and locks it. ERR_CANNOT_WRITE, ERR_STATE_LOCKED (another process has it), ERR_NO_MEMORY.
 * Freed by object_files_close(), after every content was closed or dropped.
 */
MUST_USE enum error_code object_files_open(struct heap *heap, const char *folder, struct content_store **out,
                                           struct error *error);
void object_files_close(struct content_store *store); /* NULL is allowed */

#endif
