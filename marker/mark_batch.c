// Batches of work: see marker/mark_batch.h.
//
// A batch is three loops, each as small as it can be:
//
//     fill    objects leave the stack for the pipe, and their payload begins to be fetched
//     scan    payloads that were fetched by an earlier batch: which words may refer to something,
//             and begin to fetch their mark words
//     visit   claim what is white; it goes to the stack
//
// Note [Small loops]
//
// On a large heap nearly every fetch of a payload has to walk the page tables first, and until it
// has, it cannot leave the processor's window of some hundred instructions. So the fetches of a
// batch stand together with next to nothing between them, and many walks go on at once. One loop
// over objects that did everything was slower by a third.
//
// Note [A chain]
//
// Where a graph offers one object at a time, as a list does, there is nothing to fetch ahead, and
// three loops of one turn each take longer than the object. A lone object is therefore followed at
// once (chase()), and where the next payload probably is, is fetched before anything else.

#include "marker/mark_batch.h"

#include "marker/mark_item.h"
#include "marker/mark_visit.h"

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
// Every shape below is to have its own copy; and gcc 12 takes a function that only fetches for one
// without effect, and drops it.
#define INLINE static inline __attribute__((always_inline))

#define LINE_BYTES 64u
// Up to here a loop is faster than a vector.
#define FEW_WORDS 7u
// Objects that wait in the pipe: enough to hide the memory's latency, few enough for the cache.
#define WAITING_ITEMS 48u
// log2 of the words of a span that are scanned in a row: their mark words must fit the cache.
#define SPAN_WORDS_LOG2 8u
// Objects that a chain is followed before anything else is looked at.
#define CHASE_ITEMS 64u
// References that a worker without anything else to do visits itself, whoever owns their pages.
#define LONE_REFERENCES 4u
// The pages that nearly every heap has: 4 KiB.
#define USUAL_PAGE_SHIFT 12u
#define USUAL_GRANULE_SHIFT (USUAL_PAGE_SHIFT - 6)
#define GRANULES_OF_PAGE_SHIFT 6u

// What one copy of the loops is compiled for.
typedef struct BatchShape {
    MarkMode mode;
    bool is_usual; // pages of 4 KiB, words found by bucket, bytes at one distance, nothing under
                   // construction
    bool has_far;  // something outside the window can be referred to
} BatchShape;

// The part of the worker that the loops need, in locals: stores of granules and items could
// otherwise be taken for changes of the worker, and everything would be read again. Its address
// must never be given to a function that is not inlined, for the same reason.
typedef struct BatchState {
    MarkWorker *worker;
    SharedU64 *white;
    const uint32_t *pages;
    uint64_t window_start;
    uint64_t window_bytes;
    uint64_t far_low;
    uint64_t far_span;
    uint32_t granule_shift;
    uint64_t *granules; // that were found and not visited yet
    uint32_t count;
    uint64_t scanned_words;
} BatchState;

// ---- granules ----

INLINE uint32_t granule_shift_of(const BatchState *state, BatchShape shape)
{
    return shape.is_usual ? USUAL_GRANULE_SHIFT : state->granule_shift;
}

INLINE uint64_t granule_count(const BatchState *state, BatchShape shape)
{
    return state->window_bytes >> granule_shift_of(state, shape);
}

// Turns words into granules, counted from the start of the window, and back. Rotated, so that one
// comparison finds both words beyond the window and those that are not at the start of a granule:
// the low bits, if there are any, come out on top.
INLINE uint64_t granule_of(const BatchState *state, BatchShape shape, uint64_t word)
{
    uint32_t shift = granule_shift_of(state, shape);
    uint64_t offset = word - state->window_start;

    return offset >> shift | offset << (64 - shift);
}

INLINE uint64_t word_of(const BatchState *state, BatchShape shape, uint64_t granule)
{
    uint32_t shift = granule_shift_of(state, shape);

    return (granule << shift | granule >> (64 - shift)) + state->window_start;
}

// The index of the mark word of a granule in the window. NO_INDEX: there is no page.
INLINE uint32_t index_of(const BatchState *state, BatchShape shape, uint64_t granule)
{
    uint64_t bucket = granule >> GRANULES_OF_PAGE_SHIFT;

    return shape.is_usual || state->pages == NULL ? (uint32_t)bucket : state->pages[bucket];
}

// Never by a number that was not looked at: that would cost a walk through page tables.
INLINE void prefetch_white(const BatchState *state, BatchShape shape, uint64_t granule)
{
    uint32_t index = index_of(state, shape, granule < granule_count(state, shape) ? granule : 0);

    if (!shape.is_usual && index == NO_INDEX)
        index = 0;
    if (shape.mode != MARK_ALONE)
        shared_u64_prefetch_exclusive(&state->white[index]);
    else
        shared_u64_prefetch(&state->white[index]);
}

// May the word refer to anything?
INLINE uint32_t is_candidate(const BatchState *state, BatchShape shape, uint64_t word)
{
    return (uint32_t)(word - state->window_start < state->window_bytes) |
           (uint32_t)(shape.has_far && word - state->far_low < state->far_span);
}

// ---- fill ----

// A span's bytes may be elsewhere, and its fetch for nothing.
INLINE void prefetch_item(const MarkView *view, uint64_t item)
{
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)mark_item_address(item);
    uint32_t tag = mark_item_tag(item);

    __builtin_prefetch(bytes);
    if (UNLIKELY(view->long_tags >> tag & 1))
        for (uint32_t line = 1; line < view->scan_classes[tag].lines; line++)
            __builtin_prefetch(bytes + line * LINE_BYTES);
}

INLINE void fill_pipe(MarkWorker *worker)
{
    PerThreadMarkQueue *queue = worker->queue;
    uint32_t tail = worker->pipe_tail, waiting = tail - worker->pipe_head;
    uint32_t size = per_thread_mark_queue_size(queue);
    uint32_t count = waiting < WAITING_ITEMS ? WAITING_ITEMS - waiting : 0;
    const uint64_t *item = queue->items + queue->top;

    count = count < size ? count : size;
    for (const uint64_t *end = item - count; item != end;) {
        prefetch_item(&worker->view, *--item);
        worker->pipe[tail++ % PIPE_ITEMS] = *item;
    }
    queue->top -= count;
    worker->pipe_tail = tail;
}

// ---- scan ----

// Without branches: whether a word is a reference, nobody can predict.
INLINE void keep_word(BatchState *state, BatchShape shape, uint64_t word)
{
    uint64_t granule = granule_of(state, shape, word);

    state->granules[state->count] = granule;
    state->count += is_candidate(state, shape, word);
    // See route().
    if (shape.mode != MARK_OWNED)
        prefetch_white(state, shape, granule);
}

// The same for words that a filter wrote where granules go.
INLINE void keep_filtered(BatchState *state, BatchShape shape, uint32_t count)
{
    for (uint32_t end = state->count + count; state->count != end; state->count++) {
        uint64_t granule = granule_of(state, shape, state->granules[state->count]);
        state->granules[state->count] = granule;
        if (shape.mode != MARK_OWNED)
            prefetch_white(state, shape, granule);
    }
}

INLINE void scan_object(BatchState *state, BatchShape shape, const uint8_t *bytes, uint32_t count)
{
    const MarkView *view = &state->worker->view;

    state->scanned_words += count;
    if (count > FEW_WORDS) {
        keep_filtered(state, shape,
                      view->filter(&view->range, bytes, count, state->granules + state->count));
        return;
    }
    for (const uint8_t *end = bytes + 8 * (uint64_t)count; bytes != end; bytes += 8)
        keep_word(state, shape, load_u64(bytes));
}

// Scans the first piece of a span and puts the rest back in halves. Writes what may refer to
// something to `words`, and returns how much that is.
static uint32_t scan_span(MarkWorker *worker, uint64_t item, uint64_t *words)
{
    uint64_t address = mark_item_address(item);
    uint32_t words_log2 = mark_item_tag(item) - MARK_ITEM_SPAN_TAG;
    Span span = span_at(worker->image, address);
    uint64_t count = span.length / 8;

    if (count > UINT64_C(1) << words_log2)
        count = UINT64_C(1) << words_log2;
    while (words_log2 > SPAN_WORDS_LOG2) {
        uint64_t half = UINT64_C(1) << --words_log2;
        if (count <= half)
            continue;
        per_thread_mark_queue_push(worker->queue, mark_item_span(address + 8 * half, words_log2));
        count = half;
    }
    worker->statistics.scanned_words += count;
    return worker->view.filter(&worker->view.range, span.bytes, (uint32_t)count, words);
}

static bool is_under_construction(const MarkWorker *worker, uint64_t item)
{
    const HeapLayout *layout = &worker->image->layout;
    uint32_t payload_offset = worker->view.classes[mark_item_tag(item)].payload_offset;
    const uint8_t *payload = (const uint8_t *)(uintptr_t)mark_item_address(item);

    return payload_offset > 0 && (heap_layout_read(payload - payload_offset, layout->weak_count) &
                                  layout->under_construction_bit) != 0;
}

// Must the item not be looked into?
INLINE bool is_closed(const MarkWorker *worker, BatchShape shape, uint64_t item)
{
    return !shape.is_usual && worker->view.checks_construction &&
           is_under_construction(worker, item);
}

INLINE void scan_item(BatchState *state, BatchShape shape, uint64_t item)
{
    uint32_t tag = mark_item_tag(item);

    if (UNLIKELY(tag >= MARK_ITEM_SPAN_TAG))
        keep_filtered(state, shape, scan_span(state->worker, item, state->granules + state->count));
    else if (!is_closed(state->worker, shape, item))
        scan_object(state, shape, (const uint8_t *)(uintptr_t)mark_item_address(item),
                    state->worker->view.scan_classes[tag].words);
}

INLINE void scan_items(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;
    uint32_t waiting = worker->pipe_tail - worker->pipe_head;
    uint32_t head = worker->pipe_head, end = head + (waiting < BATCH_ITEMS ? waiting : BATCH_ITEMS);
    // Most objects are of the class that has two words; they go without a loop.
    uint32_t pair_tag = shape.is_usual ? worker->view.pair_tag : UINT32_MAX;

    while (head != end) {
        uint64_t item = worker->pipe[head++ % PIPE_ITEMS];
        if (LIKELY(mark_item_tag(item) == pair_tag)) {
            const uint8_t *bytes = (const uint8_t *)(uintptr_t)mark_item_address(item);
            keep_word(state, shape, load_u64(bytes));
            keep_word(state, shape, load_u64(bytes + 8));
            state->scanned_words += 2;
            continue;
        }
        scan_item(state, shape, item);
        if (state->count > PIECE_WORDS)
            break;
    }
    worker->pipe_head = head;
}

// ---- references for others (MARK_OWNED) ----

// Who is to visit a granule: what is not in the window, whoever finds it.
INLINE uint32_t owner_of(const BatchState *state, BatchShape shape, uint64_t granule)
{
    const PageOwnership *ownership = state->worker->ownership;
    uint32_t shift = ownership->region_shift - granule_shift_of(state, shape);

    return granule < granule_count(state, shape) ? ownership->workers[granule >> shift]
                                                 : state->worker->index;
}

// Is sending references away worth it? Not if the worker would have nothing to do then, as with a
// list in random order; and not if there are no chunks, as the owners are behind already.
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

// Takes some references that others sent.
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

// The mark word of a granule; as if there were no page if it is beyond the window.
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
INLINE uint64_t bit_of(uint64_t granule)
{
    return UINT64_C(1) << (granule & 63) & ~MARK_WORD_TAG;
}

// In a page full of live objects the start of a slot is an edge, claimed or not; elsewhere a
// reference that claimed nothing must be looked at again.
INLINE bool is_sure_edge(const MarkView *view, uint64_t white, uint64_t bit)
{
    return (bit & view->sure_starts[white & MARK_WORD_TAG]) != 0;
}

// With others at work: claims granules that were white a moment ago. In a loop of its own, because
// a read-modify-write holds up all that comes behind it. Returns how many it claimed.
INLINE uint32_t claim_granules(BatchState *state, BatchShape shape, uint32_t count)
{
    PerThreadMarkQueue *queue = state->worker->queue;
    uint64_t *const items = queue->items;
    uint32_t before = queue->top, top = before;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t granule = state->granules[i], white;
        bool is_claimed =
            try_mark(&state->white[index_of(state, shape, granule)], bit_of(granule), &white);
        items[top] = item_at(state, shape, granule, (uint32_t)white & PAGE_TAG_CLASS);
        top += is_claimed;
    }
    queue->top = top;
    return top - before;
}

INLINE void visit_granules(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;
    PerThreadMarkQueue *queue = worker->queue;
    const MarkView *view = &worker->view;
    const uint64_t *granules = state->granules, *end = granules + state->count;
    uint64_t *top = queue->items + queue->top, *first = top;
    uint64_t marked = 0, edges = state->count;
    uint32_t kept = 0;

    for (; granules != end; granules++) {
        uint64_t granule = *granules;
        uint32_t index;
        uint64_t white = load_white(state, shape, granule, &index);
        if (UNLIKELY((white & PAGE_TAG_CLASS) <= PAGE_TAG_COMPLEX)) {
            marked += (uint64_t)(top - first);
            queue->top = (uint32_t)(top - queue->items);
            edges -= !mark_visit_complex(worker, word_of(state, shape, granule));
            first = top = queue->items + queue->top;
            continue;
        }
        uint64_t bit = bit_of(granule);
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
    if (shape.mode != MARK_ALONE)
        marked += claim_granules(state, shape, kept);
    worker->statistics.marked += marked;
    worker->statistics.edges += edges;
}

// ---- chains ----

// Visits a word of a lone object at once. Returns the item that it claimed; 0: none. What cannot
// be visited here is left in `granules`. class: of the lone object; the next one is likely to have
// it too, so its payload is fetched before its mark word has said so.
INLINE uint64_t chase_word(BatchState *state, BatchShape shape, uint64_t word, uint32_t class)
{
    MarkWorker *worker = state->worker;
    uint64_t granule = granule_of(state, shape, word), white, bit, item;
    uint32_t index;

    if (!is_candidate(state, shape, word))
        return 0;
    if (shape.is_usual && granule < granule_count(state, shape))
        __builtin_prefetch(
            (const void *)(uintptr_t)mark_item_address(item_at(state, shape, granule, class)));
    white = load_white(state, shape, granule, &index);
    if ((white & PAGE_TAG_CLASS) <= PAGE_TAG_COMPLEX) {
        state->granules[state->count++] = granule;
        return 0;
    }
    bit = bit_of(granule);
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

// Follows the only item in the pipe as long as it leads to one more and nothing else. See Note
// [A chain].
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
        uint64_t next = 0;
        if (words > FEW_WORDS || state->count > 0 || per_thread_mark_queue_size(queue) > 0)
            break;
        followed++;
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
        .granules = worker->granules,
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
    run_batches(worker, (BatchShape){mode, is_usual, has_far}, limit)

uint32_t mark_batches(MarkWorker *worker, uint32_t limit)
{
    const MarkView *view = &worker->view;
    bool is_usual = worker->image->is_flat && view->range.page_shift == USUAL_PAGE_SHIFT &&
                    !view->checks_construction;
    bool has_far = view->range.far_span > 0;

    switch (worker->mode) {
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
