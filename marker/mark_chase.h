// Chasing: marking while there is next to nothing to mark.
//
// A list offers one object at a time, and a narrow graph a few. Regions have nothing to gain then,
// and each detour adds to the wait for memory that cannot be hidden. So what a few objects refer
// to is visited at once, and what is claimed is scanned next.

#ifndef MARKER_MARK_CHASE_H
#define MARKER_MARK_CHASE_H

#include <stdint.h>

#include "marker/mark_worker.h"

// More objects than this in the pipe are not chased.
#define CHASE_ITEMS 4u

// Scans the objects in the pipe, and those they refer to, and so on, `limit` at most, until there
// are more than CHASE_ITEMS at once or one that is not small. Regions must be empty, and there must
// be chunks for the references in `limit` objects and room on the stack. Returns how many objects
// were scanned; 0: this is no case for chasing.
uint32_t mark_chase(MarkWorker *worker, uint32_t limit);

#endif
