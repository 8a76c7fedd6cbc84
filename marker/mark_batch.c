// One batch of work: see marker/mark_batch.h.

#include "marker/mark_batch.h"

#include "marker/mark_item.h"
#include "marker/mark_visit_inline.h"

// gcc 12 takes a function that only fetches for one without effect, and drops it.
#define INLINE static inline __attribute__((always_inline))

#define LINE_BYTES 64u
// Up to here a loop is faster than a vector.
#define FEW_WORDS 7u
// Objects that wait in the pipe: enough to hide the memory's latency, few enough for the cache.
#define WAITING_ITEMS 32u
// Words of a span that are scanned in a row: their mark words must fit the innermost cache.
#define SPAN_WORDS 256u
// The pages that nearly every heap has: 4 KiB.
#define USUAL_PAGE_SHIFT 12u

// What one copy of the loops is compiled for.
typedef struct BatchShape {
    MarkMode mode;
    bool is_usual; // pages of 4 KiB, words found by bucket, bytes at one distance
} BatchShape;

// The part of the worker that the loops need, in locals: stores of words and items could
// otherwise be taken for changes of the worker, and everything would be read again.
typedef struct BatchState {
    MarkWorker *worker;
    SharedU64 *white;
    const uint32_t *pages;
    uint64_t window_first;
    uint64_t window_count;
    uint64_t far_low;
    uint64_t far_span;
    uint32_t page_shift;
    uint64_t *words; // found, not visited yet
    uint32_t count;
} BatchState;

// The index of the mark word for a bucket in the window. NO_INDEX: there is no page.
INLINE uint32_t index_of(const BatchState *state, BatchShape shape, uint64_t bucket)
{
    return shape.is_usual || state->pages == NULL ? (uint32_t)bucket : state->pages[bucket];
}

INLINE uint64_t bucket_of(const BatchState *state, BatchShape shape, uint64_t word)
{
    return (word >> (shape.is_usual ? USUAL_PAGE_SHIFT : state->page_shift)) - state->window_first;
}

// ---- scanning ----

INLINE void prefetch_item(const MarkWorker *worker, uint64_t item)
{
    uint32_t lines = worker->view.scan_classes[mark_item_tag(item)].lines;
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)mark_item_address(item);

    // A span has none: its address need not be where its bytes are.
    if (lines == 0)
        return;
    __builtin_prefetch(bytes);
    for (uint32_t line = 1; line < lines; line++)
        __builtin_prefetch(bytes + line * LINE_BYTES);
}

INLINE void fill_pipe(MarkWorker *worker)
{
    PerThreadMarkQueue *queue = worker->queue;
    uint32_t tail = worker->pipe_tail, top = queue->top;

    while (tail - worker->pipe_head < WAITING_ITEMS && top > queue->base) {
        uint64_t item = queue->items[--top];
        prefetch_item(worker, item);
        worker->pipe[tail++ % PIPE_ITEMS] = item;
    }
    queue->top = top;
    worker->pipe_tail = tail;
}

// Fetches the mark word for a word in the window. Never by a number that was not looked at: that
// would cost a walk through page tables.
INLINE void prefetch_mark_word(const BatchState *state, BatchShape shape, uint64_t bucket,
                               bool is_in_window)
{
    uint32_t index = is_in_window ? index_of(state, shape, bucket) : 0;

    if (!shape.is_usual && index == NO_INDEX)
        index = 0;
    shared_u64_prefetch(&state->white[index]);
}

// Without branches: whether a word is a reference, nobody can predict.
INLINE void keep_word(BatchState *state, BatchShape shape, uint64_t word)
{
    uint64_t bucket = bucket_of(state, shape, word);
    bool is_in_window = bucket < state->window_count;

    state->words[state->count] = word;
    state->count += (uint32_t)is_in_window | (word - state->far_low < state->far_span);
    prefetch_mark_word(state, shape, bucket, is_in_window);
}

INLINE void scan_words(BatchState *state, BatchShape shape, const uint8_t *bytes, uint32_t count)
{
    const MarkView *view = &state->worker->view;
    uint32_t first = state->count;

    state->worker->statistics.scanned_words += count;
    if (count <= FEW_WORDS) {
        for (const uint8_t *end = bytes + 8 * (uint64_t)count; bytes != end; bytes += 8)
            keep_word(state, shape, load_u64(bytes));
        return;
    }
    state->count += view->filter(&view->range, bytes, count, state->words + first);
    for (uint32_t i = first; i < state->count; i++) {
        uint64_t bucket = bucket_of(state, shape, state->words[i]);
        prefetch_mark_word(state, shape, bucket, bucket < state->window_count);
    }
}

// Scans one piece of a span and puts the rest back.
INLINE void scan_span(BatchState *state, BatchShape shape, uint64_t address)
{
    Span span = span_at(state->worker->image, address);
    uint64_t count = span.length / 8;

    if (count > SPAN_WORDS) {
        count = SPAN_WORDS;
        per_thread_mark_queue_push(state->worker->queue, mark_item_span(address + 8 * count));
    }
    scan_words(state, shape, span.bytes, (uint32_t)count);
}

static bool is_under_construction(const MarkWorker *worker, uint64_t item)
{
    const HeapLayout *layout = &worker->image->layout;
    uint32_t payload_offset = worker->view.classes[mark_item_tag(item)].payload_offset;
    const uint8_t *payload = (const uint8_t *)(uintptr_t)mark_item_address(item);

    return payload_offset > 0 && (heap_layout_read(payload - payload_offset, layout->weak_count) &
                                  layout->under_construction_bit) != 0;
}

INLINE void scan_items(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;
    uint32_t head = worker->pipe_head;
    bool checks_construction = worker->view.checks_construction;

    for (uint32_t i = 0; i < BATCH_ITEMS && head != worker->pipe_tail; i++) {
        uint64_t item = worker->pipe[head % PIPE_ITEMS];
        uint32_t tag = mark_item_tag(item);
        if (state->count > PIECE_WORDS)
            break;
        head++;
        if (UNLIKELY(tag <= PAGE_TAG_COMPLEX))
            scan_span(state, shape, mark_item_address(item));
        else if (!UNLIKELY(checks_construction && is_under_construction(worker, item)))
            scan_words(state, shape, (const uint8_t *)(uintptr_t)mark_item_address(item),
                       worker->view.scan_classes[tag].words);
    }
    worker->pipe_head = head;
}

// ---- visiting ----

// The item of a claimed object in a tagged page.
INLINE uint64_t item_at(const MarkWorker *worker, BatchShape shape, uint64_t word, uint32_t class)
{
    const MarkView *view = &worker->view;

    if (shape.is_usual || view->has_delta)
        return word + view->item_bases[class];
    uint32_t page = heap_image_find_page(worker->image, word);
    return mark_item_object((uint64_t)(uintptr_t)heap_image_page_bytes(worker->image, page) +
                                (word & view->page_mask) + view->classes[class].payload_offset,
                            class);
}

INLINE void visit_words(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;
    const MarkView *view = &worker->view;
    const uint32_t granule_shift =
        shape.is_usual ? USUAL_PAGE_SHIFT - 6 : worker->view.granule_shift;
    const uint64_t granule_mask = (UINT64_C(1) << granule_shift) - 1;
    const uint64_t *words = state->words;
    uint64_t *const items = worker->queue->items;
    uint32_t top = worker->queue->top;
    uint64_t marked = 0, edges = state->count;

    for (uint32_t i = 0; i < state->count; i++) {
        uint64_t word = words[i];
        uint64_t bucket = bucket_of(state, shape, word);
        uint32_t index = NO_INDEX, tag = PAGE_TAG_NONE;
        if (LIKELY(bucket < state->window_count))
            index = index_of(state, shape, bucket);
        if (shape.is_usual ? LIKELY(bucket < state->window_count) : index != NO_INDEX)
            tag = (uint32_t)(shared_u64_load(&state->white[index], SHARED_RELAXED) & MARK_WORD_TAG);
        if (UNLIKELY((tag & PAGE_TAG_CLASS) <= PAGE_TAG_COMPLEX)) {
            worker->queue->top = top;
            edges -= !mark_visit_complex(worker, word);
            top = worker->queue->top;
            continue;
        }
        // See Note [Granules].
        uint64_t is_start = (word & granule_mask) == 0;
        uint64_t bit = is_start << (word >> granule_shift & 63) & ~MARK_WORD_TAG;
        bool is_claimed = shape.mode == MARK_SHARED ? try_mark(&state->white[index], bit)
                                                    : try_mark_alone(&state->white[index], bit);
        items[top] = item_at(worker, shape, word, tag & PAGE_TAG_CLASS);
        top += is_claimed;
        marked += is_claimed;
        // In a page full of live objects the start of a slot is an edge, claimed or not.
        if (UNLIKELY(((bit & view->sure_starts[tag]) | is_claimed) == 0))
            edges -= !mark_is_edge_without_claim(worker, index, word);
    }
    worker->queue->top = top;
    worker->statistics.marked += marked;
    worker->statistics.edges += edges;
}

// ---- batches ----

INLINE bool run_batch(MarkWorker *worker, BatchShape shape)
{
    const MarkView *view = &worker->view;
    BatchState state = {
        .worker = worker,
        .white = view->white,
        .pages = view->pages,
        .window_first = view->range.window_first,
        .window_count = view->range.window_count,
        .far_low = view->range.far_low,
        .far_span = view->range.far_span,
        .page_shift = view->range.page_shift,
        .words = worker->direct,
    };

    fill_pipe(worker);
    if (worker->pipe_head == worker->pipe_tail)
        return false;
    scan_items(&state, shape);
    visit_words(&state, shape);
    return true;
}

bool mark_batch(MarkWorker *worker)
{
    bool is_usual = worker->image->is_flat && worker->view.range.page_shift == USUAL_PAGE_SHIFT;

    // One copy of the loops for each shape that a mark can have.
    if (worker->mode == MARK_SHARED)
        return is_usual ? run_batch(worker, (BatchShape){MARK_SHARED, true})
                        : run_batch(worker, (BatchShape){MARK_SHARED, false});
    return is_usual ? run_batch(worker, (BatchShape){MARK_ALONE, true})
                    : run_batch(worker, (BatchShape){MARK_ALONE, false});
}
