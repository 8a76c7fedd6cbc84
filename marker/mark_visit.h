// What happens to a word that may be a reference: look it up, claim what it refers to, put that
// on the worker's stack. The same rule as heap_image_resolve(), specialised.

#ifndef MARKER_MARK_VISIT_H
#define MARKER_MARK_VISIT_H

#include <stdint.h>

#include "marker/mark_worker.h"

// Visits payload words that passed the filter. The worker's stack must have room for `count`
// items. In MARK_OWNED, words in the window must lie in this worker's pages.
void mark_visit_words(MarkWorker *worker, const uint64_t *words, uint32_t count);

// Visits a root word and counts it, if this worker is the one to do so.
void mark_visit_root(MarkWorker *worker, uint64_t root_index);

// The index of a word's page in view->tags, view->white, view->live and view->owners, for a word
// in the window; NO_INDEX when there is no page.
static inline uint32_t mark_view_index(const MarkView *view, uint64_t word)
{
    uint64_t bucket = (word >> view->range.page_shift) - view->range.window_first;

    return view->pages == NULL ? (uint32_t)bucket : view->pages[bucket];
}

#endif
