// The second half of a batch: sends the references that were found to other workers, or visits
// them.

#ifndef MARKER_MARK_VISIT_INLINE_H
#define MARKER_MARK_VISIT_INLINE_H

#include "marker/mark_granules_inline.h"
#include "marker/mark_item.h"
#include "marker/mark_visit.h"
#include "marker/mark_words.h"

// Up to this number of references a worker without other work visits itself, even in pages of
// others.
#define LONE_REFERENCES 4u

// ---- references for others (MARK_OWNED) ----

// The worker that is to visit a granule: outside the window, the one that found it.
INLINE uint32_t owner_of(const BatchState *state, BatchShape shape, uint64_t granule)
{
    const PageOwnership *ownership = state->worker->ownership;
    uint32_t shift = ownership->region_shift - granule_shift_of(state, shape);

    return granule < granule_count(state, shape) ? ownership->workers[granule >> shift]
                                                 : state->worker->index;
}

// Returns whether to send references to their owners: not if the worker would have nothing to do
// then, as with a list in random order, and not if no chunks are left: the owners are behind
// already.
static bool is_routed(MarkWorker *worker, uint32_t count)
{
    bool is_lone = count <= LONE_REFERENCES && worker->incoming == NULL &&
                   worker->pipe_head == worker->pipe_tail &&
                   per_thread_mark_queue_size(worker->queue) == 0;

    return !is_lone && owner_outboxes_reserve(&worker->outboxes);
}

// Sends granules into pages of other workers to their owners and keeps the rest.
INLINE void route(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;
    bool is_kept = !is_routed(worker, state->count);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < state->count; i++) {
        uint64_t granule = state->granules[i];
        uint32_t owner = is_kept ? worker->index : owner_of(state, shape, granule);
        uint32_t is_own = owner == worker->index;
        owner_outboxes_add(&worker->outboxes, owner, granule, is_own ^ 1);
        state->granules[kept] = granule;
        kept += is_own;
        prefetch_white(state, shape, is_own ? granule : 0);
    }
    state->count = kept;
}

// Takes some of the references that other workers sent.
INLINE void take_incoming(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;

    while (worker->incoming != NULL && state->count < INCOMING_REFERENCES) {
        ReferenceChunk *chunk = worker->incoming;
        if (chunk->count == 0) {
            worker->incoming = chunk->next;
            owner_outboxes_reuse(&worker->outboxes, chunk);
            continue;
        }
        uint64_t granule = chunk->granules[--chunk->count];
        state->granules[state->count++] = granule;
        prefetch_white(state, shape, granule);
    }
}

// ---- visit ----

// The item of an object in a tagged page.
INLINE uint64_t item_at(const BatchState *state, BatchShape shape, uint64_t granule, uint32_t class)
{
    const MarkView *view = &state->worker->view;
    const HeapImage *image = state->worker->image;

    if (shape.is_usual || view->has_delta)
        return (granule << granule_shift_of(state, shape)) + view->item_bases[class];
    uint64_t word = word_of(state, shape, granule);
    return mark_item_object(
        (uint64_t)(uintptr_t)heap_image_page_bytes(image, heap_image_find_page(image, word)) +
            (word & view->page_mask) + view->classes[class].payload_offset,
        class);
}

// The mark word of a granule; beyond the window, that of an address without a page.
INLINE uint64_t load_white(const BatchState *state, BatchShape shape, uint64_t granule,
                           uint32_t *index)
{
    *index = NO_INDEX;
    if (LIKELY(granule < granule_count(state, shape)))
        *index = index_of(state, shape, granule);
    if (UNLIKELY(shape.is_usual ? granule >= granule_count(state, shape) : *index == NO_INDEX))
        return PAGE_TAG_NONE;
    return shared_u64_load(&state->white[*index], SHARED_RELAXED);
}

INLINE bool claim(const BatchState *state, BatchShape shape, uint32_t index, uint64_t white,
                  uint64_t bit)
{
    if (shape.mode == MARK_ALONE)
        return try_mark_alone(&state->white[index], white, bit);
    return (white & bit) != 0 && try_mark(&state->white[index], bit, &white);
}

// See Note [Granules].
INLINE uint64_t bit_of(const BatchState *state, BatchShape shape, uint64_t granule)
{
    if (shape.is_wide)
        return UINT64_C(1) << (granule & 63);
    if (shape.has_odd) {
        // The 8 bytes must be the first of a 64th of the page.
        uint32_t shift = page_granules_shift(state, shape) - GRANULES_OF_PAGE_SHIFT;
        uint64_t is_start = (granule & ((UINT64_C(1) << shift) - 1)) == 0;
        return is_start << (granule >> shift & 63) & ~MARK_WORD_TAG;
    }
    return UINT64_C(1) << (granule & 63) & ~MARK_WORD_TAG;
}

// In a page full of live objects a reference to the start of a slot is an edge, claimed or not;
// elsewhere a reference that claimed nothing must be checked again.
INLINE bool is_sure_edge(const MarkView *view, uint64_t white, uint64_t bit)
{
    return (bit & view->sure_starts[white & MARK_WORD_TAG]) != 0;
}

// The wide class of a granule's page; 0: go the long way. See Note [Wide pages].
INLINE uint32_t wide_class_of(const BatchState *state, BatchShape shape, uint64_t granule)
{
    uint64_t page = granule >> page_granules_shift(state, shape);

    return LIKELY(granule < granule_count(state, shape)) ? state->wide_classes[page] : 0;
}

// The item of an object in a wide page.
INLINE uint64_t wide_item_at(const BatchState *state, BatchShape shape, uint64_t granule,
                             uint32_t class)
{
    const MarkWorker *worker = state->worker;
    uint64_t word = word_of(state, shape, granule);

    if (shape.is_usual || worker->view.has_delta)
        return (granule << WIDE_GRANULE_SHIFT) + state->wide_base +
               ((uint64_t) class << MARK_ITEM_TAG_SHIFT);
    return mark_item_object((uint64_t)(uintptr_t)heap_image_page_bytes(
                                worker->image, heap_image_find_page(worker->image, word)) +
                                (word & worker->view.page_mask),
                            MARK_ITEM_ODD_TAG - 1 + class);
}

// Was there a live object at the start of the mark? In the line that has the mark word.
INLINE bool is_sure_wide_edge(const BatchState *state, uint32_t index, uint64_t bit)
{
    return (shared_u64_load(&state->white[index + WIDE_BIT_WORDS], SHARED_RELAXED) & bit) != 0;
}

// For several workers: claims the granules that were white a moment ago. In a loop of its own,
// because a read-modify-write delays all instructions behind it. Returns how many it claimed.
INLINE uint32_t claim_granules(BatchState *state, BatchShape shape, uint32_t count)
{
    PerThreadMarkQueue *queue = state->worker->queue;
    uint64_t *const items = queue->items;
    uint32_t before = queue->top, top = before;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t granule = state->granules[i], white;
        bool is_claimed = try_mark(&state->white[index_of(state, shape, granule)],
                                   bit_of(state, shape, granule), &white);
        items[top] = shape.is_wide
                         ? wide_item_at(state, shape, granule, wide_class_of(state, shape, granule))
                         : item_at(state, shape, granule, (uint32_t)white & PAGE_TAG_CLASS);
        top += is_claimed;
    }
    queue->top = top;
    return top - before;
}

// Puts a reference into an odd page on the list, and begins to fetch its mark word. Returns false
// if it is not at the start of a slot, or must go the long way. See Note [Odd pages].
INLINE bool keep_odd(const BatchState *state, BatchShape shape, uint64_t white, uint64_t granule,
                     OddReference *reference)
{
    const MarkView *view = &state->worker->view;
    uint32_t number = odd_word_class(white);
    uint64_t last = (UINT64_C(1) << page_granules_shift(state, shape)) - 1, granules, slot;
    const OddClass *class;

    if (!shape.has_odd || number == 0 || (!shape.is_usual && view->checks_construction))
        return false;
    class = &view->odd_classes[number - 1];
    // Behind slot 0; wraps before it.
    granules = (granule & last) - (class->first_slot >> ODD_GRANULE_SHIFT);
    slot = granules * class->reciprocal >> 32;
    if (granules > last || slot >= class->slot_count ||
        granules << ODD_GRANULE_SHIFT != slot * class->block_size)
        return false;
    *reference = (OddReference){
        .word = (granule << ODD_GRANULE_SHIFT) + state->window_start,
        .index = odd_word_index(white) + (uint32_t)slot / 64,
        .bit = slot % 64,
        .class = (uint8_t)(number - 1),
        .is_sure = (white & ODD_WORD_IS_WHOLE) != 0,
    };
    if (!reference->is_sure)
        __builtin_prefetch(&view->live[reference->index]);
    if (shape.mode != MARK_ALONE)
        shared_u64_prefetch_exclusive(&state->white[reference->index]);
    else
        shared_u64_prefetch(&state->white[reference->index]);
    return true;
}

// As visit_granules(), in wide pages.
INLINE void visit_wide_granules(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;
    PerThreadMarkQueue *queue = worker->queue;
    const uint64_t *granules = state->granules, *end = granules + state->count;
    uint64_t *top = queue->items + queue->top, *first = top;
    uint64_t marked = 0, edges = state->count;
    uint32_t kept = 0;

    for (; granules != end; granules++) {
        uint64_t granule = *granules;
        uint32_t class = wide_class_of(state, shape, granule);
        if (UNLIKELY(class == 0)) {
            marked += (uint64_t)(top - first);
            queue->top = (uint32_t)(top - queue->items);
            edges -= !mark_visit_complex(worker, word_of(state, shape, granule));
            first = top = queue->items + queue->top;
            continue;
        }
        uint32_t index = index_of(state, shape, granule);
        uint64_t bit = bit_of(state, shape, granule);
        uint64_t white = shared_u64_load(&state->white[index], SHARED_RELAXED);
        bool is_white = (white & bit) != 0;
        if (shape.mode != MARK_ALONE) {
            state->granules[kept] = granule;
            kept += is_white;
        } else {
            (void)try_mark_alone(&state->white[index], white, bit);
            *top = wide_item_at(state, shape, granule, class);
            top += is_white;
        }
        if (UNLIKELY(!(is_sure_wide_edge(state, index, bit) | is_white)))
            edges -= !mark_is_wide_edge_without_claim(worker, word_of(state, shape, granule));
    }
    marked += (uint64_t)(top - first);
    queue->top = (uint32_t)(top - queue->items);
    if (shape.mode != MARK_ALONE)
        marked += claim_granules(state, shape, kept);
    worker->statistics.marked += marked;
    worker->statistics.edges += edges;
}

INLINE void visit_granules(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;
    PerThreadMarkQueue *queue = worker->queue;
    const MarkView *view = &worker->view;
    const uint64_t *granules = state->granules, *end = granules + state->count;
    uint64_t *top = queue->items + queue->top, *first = top;
    uint64_t marked = 0, edges = state->count;
    uint32_t kept = 0, odd = 0;

    for (; granules != end; granules++) {
        uint64_t granule = *granules;
        uint32_t index;
        uint64_t white = load_white(state, shape, granule, &index);
        if (UNLIKELY((white & PAGE_TAG_CLASS) <= PAGE_TAG_COMPLEX)) {
            bool is_odd = keep_odd(state, shape, white, granule, &worker->odd[odd]);
            odd += is_odd;
            if (is_odd && odd < ODD_REFERENCES)
                continue;
            marked += (uint64_t)(top - first);
            queue->top = (uint32_t)(top - queue->items);
            if (is_odd) {
                edges -= mark_visit_odd(worker, odd);
                odd = 0;
            } else {
                edges -= !mark_visit_complex(worker, word_of(state, shape, granule));
            }
            first = top = queue->items + queue->top;
            continue;
        }
        uint64_t bit = bit_of(state, shape, granule);
        bool is_white = (white & bit) != 0;
        if (shape.mode != MARK_ALONE) {
            state->granules[kept] = granule;
            kept += is_white;
        } else {
            (void)try_mark_alone(&state->white[index], white, bit);
            *top = item_at(state, shape, granule, (uint32_t)white & PAGE_TAG_CLASS);
            top += is_white;
        }
        if (UNLIKELY(!(is_sure_edge(view, white, bit) | is_white)))
            edges -= !mark_is_edge_without_claim(worker, index, word_of(state, shape, granule));
    }
    marked += (uint64_t)(top - first);
    queue->top = (uint32_t)(top - queue->items);
    if (odd > 0)
        edges -= mark_visit_odd(worker, odd);
    if (shape.mode != MARK_ALONE)
        marked += claim_granules(state, shape, kept);
    worker->statistics.marked += marked;
    worker->statistics.edges += edges;
}

#endif
