// What happens to a word that may be a reference: look it up, claim what it refers to, and hand
// that on to be scanned. The same rule as heap_image_resolve(), specialised.

#ifndef MARKER_MARK_VISIT_H
#define MARKER_MARK_VISIT_H

#include <stdint.h>

#include "marker/mark_worker.h"

// Visits `count` references, places as ReferenceRegions keeps them, into one region, which must
// be this worker's own in MARK_OWNED. Writes the items of claimed objects to `claimed` and returns
// how many; `claimed` needs room for `count`. What is not an object of a tagged size class goes to
// the stack, which needs as much room.
uint32_t mark_visit_references(MarkWorker *worker, uint32_t region, const uint32_t *references,
                               uint32_t count, uint64_t *claimed);

// Visits a payload word that is no reference into a region, but may refer to something else. What
// is claimed goes to the stack.
void mark_visit_word(MarkWorker *worker, uint64_t word);

// Visits a root word and counts it, if this worker is the one to do so.
void mark_visit_root(MarkWorker *worker, uint64_t root_index);

#endif
