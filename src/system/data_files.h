/*
 * Data files: what the project brings along (scenarios, recordings, plots), found in the source tree, or in the installation when
 * that is gone.
 */
#ifndef SYSTEM_DATA_FILES_H
#define SYSTEM_DATA_FILES_H

#include "base/buffer.h"
#include "base/error.h"
#include "system/files.h"

/* The folder `name` ("plots"). ERR_INPUT_UNREADABLE when there is none. */
MUST_USE enum error_code data_folder(const char *name, char path[FILE_PATH_SIZE], struct error *error);

/*
 * Reads the file that `name` stands for: a path when it has a slash or exists as it is; else `folder`'s file of that name, with
 * or without ".json", or the only one that begins with it. ERR_INPUT_UNREADABLE when there is none, or more than one.
 */
MUST_USE enum error_code data_file_read(const char *folder, const char *name, struct buffer *out, struct error *error);

#endif
