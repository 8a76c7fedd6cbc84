// Visiting one reference, inline, for the two loops that do little else: visiting the references
// of a region (mark_visit.c), and following a chain (mark_chase.c).

#ifndef MARKER_MARK_VISIT_INLINE_H
#define MARKER_MARK_VISIT_INLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark_item.h"
#include "marker/mark_visit.h"
#include "marker/mark_words.h"
#include "marker/mark_worker.h"

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

// What one copy of such a loop is compiled for.
typedef struct VisitShape {
    MarkMode mode;
    bool is_flat; // HeapImage.is_flat
} VisitShape;

// A reference to something without a size class of its own. Returns whether it is an edge.
bool mark_visit_complex(MarkWorker *worker, uint64_t word);

// A reference into a page with a size class of its own that claimed nothing: does it refer to an
// object, marked before or DEAD? If not, it is counted as invalid. index: of the mark word.
bool mark_is_edge_without_claim(MarkWorker *worker, uint64_t index, uint64_t word);

// In locals: items are u64, as much of the view is, so stores of them look like changes there.
// The second half belongs to the tag of the page visited last.
typedef struct VisitState {
    uint32_t page_shift;    // log2 of the words of a page
    uint32_t granule_shift; // log2 of the words of a granule
    SharedU64 *white;

    uint32_t tag;         // with PAGE_TAG_WHOLE
    uint64_t sure_starts; // see MarkView.sure_starts
    uint64_t item_base;   // the item for place 0, if the view has_delta
} VisitState;

#define NO_TAG UINT32_MAX

static inline VisitState visit_state(const MarkWorker *worker)
{
    return (VisitState){
        .page_shift = worker->view.range.page_shift - 3,
        .granule_shift = worker->view.granule_shift - 3,
        .white = worker->view.white,
        .tag = NO_TAG,
    };
}

static inline __attribute__((always_inline)) void visit_set_tag(VisitState *state,
                                                                const MarkView *view, uint32_t tag)
{
    state->tag = tag;
    state->sure_starts = view->sure_starts[tag];
    state->item_base = view->item_bases[tag & PAGE_TAG_CLASS] + view->window_start;
}

static inline __attribute__((always_inline)) uint64_t
visit_item(const MarkWorker *worker, const VisitState *state, uint64_t place)
{
    const MarkView *view = &worker->view;

    if (view->has_delta)
        return state->item_base + 8 * place;
    uint64_t address = view->window_start + 8 * place;
    uint32_t page = heap_image_find_page(worker->image, address);
    return mark_item_object((uint64_t)(uintptr_t)heap_image_page_bytes(worker->image, page) +
                                (address & view->page_mask) +
                                view->classes[state->tag & PAGE_TAG_CLASS].payload_offset,
                            state->tag & PAGE_TAG_CLASS);
}

// Visits the reference to a place of the window. Returns 1 if it claimed an object; `*item` is its
// item then, and may be anything otherwise. Counts edges.
static inline __attribute__((always_inline)) uint32_t visit_place(MarkWorker *worker,
                                                                  VisitShape shape,
                                                                  VisitState *state, uint64_t place,
                                                                  uint64_t *item, uint32_t *edges)
{
    const MarkView *view = &worker->view;
    uint64_t index = place >> state->page_shift;
    uint32_t tag = PAGE_TAG_NONE;

    if (!shape.is_flat && view->pages != NULL)
        index = view->pages[index];
    if (shape.is_flat || index != NO_INDEX)
        tag = (uint32_t)(shared_u64_load(&state->white[index], SHARED_RELAXED) & MARK_WORD_TAG);
    // Neighbours mostly have one tag, so what depends on it stays where it is.
    if (tag != state->tag) {
        if (UNLIKELY((tag & PAGE_TAG_CLASS) <= PAGE_TAG_COMPLEX)) {
            *edges += mark_visit_complex(worker, view->window_start + 8 * place);
            return 0;
        }
        visit_set_tag(state, view, tag);
    }
    // See Note [Granules].
    uint64_t is_start = (place & ((UINT64_C(1) << state->granule_shift) - 1)) == 0;
    uint64_t bit = is_start << (place >> state->granule_shift & 63) & ~MARK_WORD_TAG;
    bool is_claimed = shape.mode == MARK_SHARED ? try_mark(&state->white[index], bit)
                                                : try_mark_alone(&state->white[index], bit);
    *item = visit_item(worker, state, place);
    *edges += 1;
    // In a page full of live objects the start of a slot is an edge, claimed or not.
    if (UNLIKELY(((bit & state->sure_starts) | is_claimed) == 0))
        *edges -= !mark_is_edge_without_claim(worker, index, view->window_start + 8 * place);
    return is_claimed;
}

#endif
