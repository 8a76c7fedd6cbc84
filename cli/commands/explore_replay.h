// Runs what `explore` found once more: for `explore --replay` and `mark --schedule file:FILE`.

#ifndef CLI_COMMANDS_EXPLORE_REPLAY_H
#define CLI_COMMANDS_EXPLORE_REPLAY_H

#include <stdbool.h>

#include "formats/operation_file.h"
#include "marker/explore/explore_case.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"

// What following a file came to.
typedef struct ExploreReplay {
    bool has_departed; // the run could not be made as the file says; then `error` says where
    Violation violation;
} ExploreReplay;

// Follows `file`, which came from `path`; a mark marks `image` (NULL: there is none). Prints the
// steps if wanted. Errors: usage (no heap), corrupt (with has_departed), unsupported (too large),
// memory. A violation is no error.
NODISCARD bool explore_replay(const OperationFile *file, const char *path, const HeapImage *image,
                              bool shows_steps, ExploreReplay *replay, Error *error);

// The same for the file `path`, of a mark with the snapshot `heap` (NULL: none), with steps.
// `*found`: it departed from the schedule, or went wrong. Errors: those of the two files, too.
NODISCARD bool explore_replay_file(const char *path, const char *heap, bool *found, Error *error);

#endif
