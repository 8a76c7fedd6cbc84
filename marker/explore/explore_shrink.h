// Shrinking: finds a small case, and then a short schedule, that still show a violation.

#ifndef MARKER_EXPLORE_EXPLORE_SHRINK_H
#define MARKER_EXPLORE_EXPLORE_SHRINK_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/explore/explore_search.h"

// Shrinks in place. effort: schedules that may be tried for each smaller case (a few hundred).
// Errors: memory.
NODISCARD bool explore_shrink(ExploreFinding *finding, uint64_t effort, Error *error);

#endif
