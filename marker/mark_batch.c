// Batches of work: see marker/mark_batch.h.
//
// A batch is three loops, each as small as it can be:
//
//     fill    move objects from the stack to the pipe, and begin to fetch their payload
//     scan    payloads that an earlier batch fetched: find the words that may be references, and
//             begin to fetch their mark words
//     visit   claim the white objects, and push them on the stack
//
// Note [A chain]
//
// Where a graph offers one object at a time, as a list does, there is nothing to fetch ahead, and
// three loops of one iteration each take longer than the object. A lone object is therefore
// followed at once (chase()), which first fetches the likely place of the next payload.

#include "marker/mark_batch.h"

#include "marker/mark_scan_inline.h"
#include "marker/mark_visit_inline.h"

// Objects of a chain that are followed before the worker looks at anything else.
#define CHASE_ITEMS 64u

// ---- chains ----

// As chase_word(), in wide pages.
INLINE uint64_t chase_wide(BatchState *state, BatchShape shape, uint64_t granule, uint64_t word)
{
    MarkWorker *worker = state->worker;
    uint32_t class = wide_class_of(state, shape, granule), index;
    uint64_t bit = bit_of(state, shape, granule);

    if (class == 0) {
        state->granules[state->count++] = granule;
        return 0;
    }
    index = index_of(state, shape, granule);
    if (claim(state, shape, index, shared_u64_load(&state->white[index], SHARED_RELAXED), bit)) {
        worker->statistics.marked++;
        worker->statistics.edges++;
        return wide_item_at(state, shape, granule, class);
    }
    worker->statistics.edges +=
        is_sure_wide_edge(state, index, bit) || mark_is_wide_edge_without_claim(worker, word);
    return 0;
}

// Visits a word of a lone object at once. Returns the item that it claimed; 0: none. A reference
// that cannot be visited here is left in `granules`. class: of the lone object; the next one is
// likely to be of the same class, so its payload is fetched before its mark word is known.
INLINE uint64_t chase_word(BatchState *state, BatchShape shape, uint64_t word, uint32_t class)
{
    MarkWorker *worker = state->worker;
    uint64_t granule = granule_of(state, shape, word), white, bit, item;
    uint32_t index;

    if (!is_candidate(state, shape, word))
        return 0;
    if (shape.is_usual && granule < granule_count(state, shape))
        __builtin_prefetch((const void *)(uintptr_t)mark_item_address(
            shape.is_wide ? wide_item_at(state, shape, granule, class)
                          : item_at(state, shape, granule, class)));
    if (shape.is_wide)
        return chase_wide(state, shape, granule, word);
    white = load_white(state, shape, granule, &index);
    if ((white & PAGE_TAG_CLASS) <= PAGE_TAG_COMPLEX) {
        state->granules[state->count++] = granule;
        return 0;
    }
    bit = bit_of(state, shape, granule);
    item = item_at(state, shape, granule, (uint32_t)white & PAGE_TAG_CLASS);
    if (claim(state, shape, index, white, bit)) {
        worker->statistics.marked++;
        worker->statistics.edges++;
        return item;
    }
    worker->statistics.edges +=
        is_sure_edge(&worker->view, white, bit) || mark_is_edge_without_claim(worker, index, word);
    return 0;
}

static __attribute__((noinline)) void count_lone(MarkWorker *worker, uint64_t item)
{
    if (is_near(worker, item))
        worker->places.lone_near_items++;
    else
        worker->places.lone_far_items++;
}

// Follows the only item in the pipe as long as it leads to exactly one more. See Note [A chain].
INLINE void chase(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;
    PerThreadMarkQueue *queue = worker->queue;
    uint64_t item = worker->pipe[worker->pipe_head % PIPE_ITEMS];
    uint32_t followed = 0;

    while (item != 0 && followed < CHASE_ITEMS) {
        const uint8_t *bytes = (const uint8_t *)(uintptr_t)mark_item_address(item);
        uint32_t tag = mark_item_tag(item);
        uint32_t words =
            tag < MARK_ITEM_SPAN_TAG ? worker->view.scan_classes[tag].words : FEW_WORDS + 1;
        if (shape.is_wide && tag >= MARK_ITEM_ODD_TAG)
            words = worker->view.odd_classes[tag - MARK_ITEM_ODD_TAG].payload_words;
        uint64_t next = 0;
        if (words > FEW_WORDS || state->count > 0 || per_thread_mark_queue_size(queue) > 0)
            break;
        followed++;
        if (UNLIKELY(worker->counts_places))
            count_lone(worker, item);
        if (!is_closed(worker, shape, item)) {
            state->scanned_words += words;
            for (const uint8_t *end = bytes + 8 * (uint64_t)words; bytes != end; bytes += 8) {
                uint64_t claimed = chase_word(state, shape, load_u64(bytes), tag);
                if (next != 0 && claimed != 0)
                    per_thread_mark_queue_push(queue, claimed);
                else
                    next |= claimed;
            }
        }
        item = next;
    }
    worker->pipe_head += followed;
    worker->pipe_tail = worker->pipe_head + (item != 0);
    worker->pipe[worker->pipe_head % PIPE_ITEMS] = item;
}

// ---- batches ----

INLINE bool run_batch(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;
    uint32_t before = worker->pipe_head, waiting;

    state->count = 0;
    fill_pipe(worker);
    waiting = worker->pipe_tail - worker->pipe_head;
    if (waiting == 1)
        chase(state, shape);
    if (waiting > 0 && worker->pipe_head == before)
        scan_items(state, shape);
    if (shape.mode == MARK_OWNED) {
        route(state, shape);
        take_incoming(state, shape);
    }
    if (shape.is_wide)
        visit_wide_granules(state, shape);
    else
        visit_granules(state, shape);
    return state->count > 0 || worker->pipe_head != before;
}

INLINE uint32_t run_batches(MarkWorker *worker, BatchShape shape, uint32_t limit)
{
    const MarkView *view = &worker->view;
    PerThreadMarkQueue *queue = worker->queue;
    BatchState state = {
        .worker = worker,
        .white = view->white,
        .pages = view->pages,
        .window_start = view->window_start,
        .window_bytes = view->window_bytes,
        .far_low = view->range.far_low,
        .far_span = view->range.far_span,
        .granule_shift = view->granule_shift,
        .page_shift = view->range.page_shift,
        .granules = worker->granules,
        .wide_classes = view->wide_classes,
        .wide_base = view->wide_base,
    };
    uint32_t done = 0;

    while (done < limit && run_batch(&state, shape)) {
        done++;
        if (shape.mode == MARK_OWNED || queue->top == queue->base ||
            queue->top > queue->spill_above)
            break;
    }
    worker->statistics.scanned_words += state.scanned_words;
    return done;
}

// One copy of the loops for each shape that a mark can have.
#define RUN(mode, is_usual, has_far)                                                               \
    run_batches(worker, (BatchShape){mode, is_usual, has_far, false, false}, limit)
#define RUN_ODD(mode, is_usual)                                                                    \
    run_batches(worker, (BatchShape){mode, is_usual, true, true, false}, limit)
#define RUN_WIDE(mode, is_usual)                                                                   \
    run_batches(worker, (BatchShape){mode, is_usual, true, false, true}, limit)

static uint32_t run_odd_batches(MarkWorker *worker, MarkMode mode, bool is_usual, uint32_t limit)
{
    switch (mode) {
    case MARK_SHARED:
        return is_usual ? RUN_ODD(MARK_SHARED, true) : RUN_ODD(MARK_SHARED, false);
    case MARK_OWNED:
        return is_usual ? RUN_ODD(MARK_OWNED, true) : RUN_ODD(MARK_OWNED, false);
    case MARK_ALONE:
        break;
    }
    return is_usual ? RUN_ODD(MARK_ALONE, true) : RUN_ODD(MARK_ALONE, false);
}

static uint32_t run_wide_batches(MarkWorker *worker, MarkMode mode, bool is_usual, uint32_t limit)
{
    switch (mode) {
    case MARK_SHARED:
        return is_usual ? RUN_WIDE(MARK_SHARED, true) : RUN_WIDE(MARK_SHARED, false);
    case MARK_OWNED:
        return is_usual ? RUN_WIDE(MARK_OWNED, true) : RUN_WIDE(MARK_OWNED, false);
    case MARK_ALONE:
        break;
    }
    return is_usual ? RUN_WIDE(MARK_ALONE, true) : RUN_WIDE(MARK_ALONE, false);
}

uint32_t mark_batches(MarkWorker *worker, uint32_t limit)
{
    const MarkView *view = &worker->view;
    bool is_usual = worker->image->is_flat && view->range.page_shift == USUAL_PAGE_SHIFT &&
                    !view->checks_construction;
    bool has_far = view->range.far_span > 0;

    MarkMode mode = worker->mode;

    // Virtual workers take turns on one thread: their claims need no read-modify-writes, which take
    // longer than all the rest of a claim.
    if (mode == MARK_SHARED && worker->counts_places)
        mode = MARK_ALONE;
    if (view->wide_classes != NULL)
        return run_wide_batches(worker, mode, is_usual, limit);
    if (view->odd_class_count > 0)
        return run_odd_batches(worker, mode, is_usual, limit);
    switch (mode) {
    case MARK_SHARED:
        return !is_usual ? RUN(MARK_SHARED, false, true)
               : has_far ? RUN(MARK_SHARED, true, true)
                         : RUN(MARK_SHARED, true, false);
    case MARK_OWNED:
        return !is_usual ? RUN(MARK_OWNED, false, true) : RUN(MARK_OWNED, true, true);
    case MARK_ALONE:
        break;
    }
    return !is_usual ? RUN(MARK_ALONE, false, true)
           : has_far ? RUN(MARK_ALONE, true, true)
                     : RUN(MARK_ALONE, true, false);
}
