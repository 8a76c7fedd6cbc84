// Visits the references that the innermost loop (marker/mark_batch.c) does not: the rare cases of
// rule conservative/1.

#ifndef MARKER_MARK_VISIT_H
#define MARKER_MARK_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark_worker.h"

// Visits a word that does not refer into a page with a tagged size class. A claimed object or block
// goes to the stack. Returns whether the word is an edge; counts it if it is an invalid reference.
bool mark_visit_complex(MarkWorker *worker, uint64_t word);

// Visits the first `count` of worker->odd, as mark_visit_complex() would. Returns how many are not
// edges.
uint32_t mark_visit_odd(MarkWorker *worker, uint32_t count);

// For a reference into a page with a tagged size class that claimed nothing. Returns whether it
// refers to an object, marked before or DEAD; counts it as invalid if not. index: of the mark word.
bool mark_is_edge_without_claim(MarkWorker *worker, uint64_t index, uint64_t word);

// The same in a wide page, where no live object was white at the start of the mark.
bool mark_is_wide_edge_without_claim(MarkWorker *worker, uint64_t word);

// Visits a root word and counts it, if it falls to this worker.
void mark_visit_root(MarkWorker *worker, uint64_t root_index);

#endif
