// What happens to a word that may be a reference, where that is not as simple as it nearly always
// is: the rest of rule conservative/1 beside the innermost loop (marker/mark_batch.c).

#ifndef MARKER_MARK_VISIT_H
#define MARKER_MARK_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark_worker.h"

// A word that is no reference into a page with a size class of its own. What it claims goes to the
// stack. Returns whether it is an edge; if it is an invalid reference, that is counted.
bool mark_visit_complex(MarkWorker *worker, uint64_t word);

// A reference into a page with a size class of its own that claimed nothing: does it refer to an
// object, marked before or DEAD? If not, it is counted as invalid. index: of the mark word.
bool mark_is_edge_without_claim(MarkWorker *worker, uint64_t index, uint64_t word);

// Visits a root word and counts it, if this worker is the one to do so.
void mark_visit_root(MarkWorker *worker, uint64_t root_index);

#endif
