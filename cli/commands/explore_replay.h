// Follows the schedule of a violation: for `explore --replay` and `mark --schedule file:FILE`.

#ifndef CLI_COMMANDS_EXPLORE_REPLAY_H
#define CLI_COMMANDS_EXPLORE_REPLAY_H

#include <stdbool.h>

#include "cli/heap_memory.h"
#include "formats/operation_file.h"
#include "marker/explore/explore_case.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"

// The outcome of following a schedule.
typedef struct ExploreReplay {
    bool has_departed; // the run could not follow the file; then `error` says where
    Violation violation;
} ExploreReplay;

// Follows `file`, which was read from `path`; a mark marks `image`, which may be NULL for a queue.
// Prints the steps if wanted. Errors: usage (no heap), corrupt (with has_departed), unsupported
// (too large), memory. A violation is not an error.
NODISCARD bool explore_replay(const OperationFile *file, const char *path, const HeapImage *image,
                              bool shows_steps, ExploreReplay *replay, Error *error);

// The same for the file `path` and, for a mark, the snapshot `heap` (else NULL), with steps. Sets
// `*found` if the run departs from the schedule, or violates a rule. Errors: those of the files,
// too.
NODISCARD bool explore_replay_file(const char *path, const char *heap, const MemoryLimit *limit,
                                   bool *found, Error *error);

#endif
