// Runs what `explore` found once more: for `explore --replay` and `mark --schedule file:FILE`.

#ifndef CLI_EXPLORE_REPLAY_H
#define CLI_EXPLORE_REPLAY_H

#include <stdbool.h>

#include "marker/explore_case.h"
#include "snapshot/error.h"
#include "snapshot/heap_image.h"

// Follows the operation file `path`; of a mark, on the heap that it was recorded from. Prints the
// steps if wanted. `*violation` is what the run comes to. Errors: usage (another heap, or none),
// corrupt (the run departs from the schedule, or the file is damaged), those of files, memory.
NODISCARD bool explore_replay(const char *path, const HeapImage *image, bool shows_steps,
                              Violation *violation, Error *error);

#endif
