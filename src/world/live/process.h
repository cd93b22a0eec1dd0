/*
 * Process: runs an external tool (gnuplot) to its end, without a shell, within a time.
 *
 * The tool gets /dev/null as input and output, a process group of its own and default signals. What it writes on standard error
 * is captured. When the time has passed, the whole group is killed.
 */
#ifndef WORLD_LIVE_PROCESS_H
#define WORLD_LIVE_PROCESS_H

#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"

/*
 * Runs argv[0], looked up on PATH, with the arguments that follow up to a NULL, for at most `time_limit_ns`. Blocks.
 * `errors` receives standard error, as much of it as fits; `exit_status` the tool's, or 128 + the signal that ended it.
 *
 * ERR_OK: the tool ran, whatever its exit status. ERR_MISSING_TOOL: not found or not executable. ERR_TIMED_OUT: killed.
 * ERR_NO_MEMORY: the system could not start it.
 */
MUST_USE enum error_code process_run(const char *const argv[], int64_t time_limit_ns, struct buffer *errors,
                                     int *exit_status, struct error *error);

#endif
