// The first half of a batch: moves objects from the stack to the pipe, and scans those that leave
// the pipe.
//
// Note [Small loops]
//
// On a large heap nearly every fetch of a payload has to walk the page tables first, and until the
// walk is done, it cannot leave the processor's window of some hundred instructions. So the fetches
// of a batch stand together with next to nothing between them, and many walks go on at once. One
// loop that did everything for each object was slower by a third.

#ifndef MARKER_MARK_SCAN_INLINE_H
#define MARKER_MARK_SCAN_INLINE_H

#include "marker/mark_granules_inline.h"
#include "marker/mark_item.h"

#define LINE_BYTES 64u
// Up to this number of words a plain loop is faster than vector instructions.
#define FEW_WORDS 7u
// Objects that wait in the pipe: enough to hide the memory's latency, few enough for the cache.
#define WAITING_ITEMS 48u
// log2 of the words of a span that are scanned in a row: their mark words must fit the cache.
#define SPAN_WORDS_LOG2 8u

// ---- fill ----

// A span's bytes may be elsewhere, and its fetch for nothing.
INLINE void prefetch_item(const MarkView *view, uint64_t item)
{
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)mark_item_address(item);
    uint32_t tag = mark_item_tag(item);

    __builtin_prefetch(bytes);
    if (LIKELY((view->long_tags >> tag % 64 & 1) == 0))
        return;
    if (tag >= MARK_ITEM_ODD_TAG)
        mark_view_prefetch_odd(view, bytes, tag);
    else if (tag < MARK_ITEM_SPAN_TAG)
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

// Without branches: the processor cannot predict whether a word is a reference.
INLINE void keep_word(BatchState *state, BatchShape shape, uint64_t word)
{
    uint64_t granule = granule_of(state, shape, word);

    state->granules[state->count] = granule;
    state->count += is_candidate(state, shape, word);
    // See route().
    if (shape.mode != MARK_OWNED)
        prefetch_white(state, shape, granule);
}

// The same for words that a filter has written to `granules`.
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

// Scans the first piece of a span and puts the rest back in halves. Writes the words that may be
// references to `words`, and returns their number.
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

// True for an object under construction, which is not scanned.
INLINE bool is_closed(const MarkWorker *worker, BatchShape shape, uint64_t item)
{
    return !shape.is_usual && worker->view.checks_construction &&
           is_under_construction(worker, item);
}

INLINE void scan_item(BatchState *state, BatchShape shape, uint64_t item)
{
    uint32_t tag = mark_item_tag(item);

    if (shape.is_wide ? LIKELY(tag >= MARK_ITEM_ODD_TAG) : UNLIKELY(tag >= MARK_ITEM_ODD_TAG))
        scan_object(state, shape, (const uint8_t *)(uintptr_t)mark_item_address(item),
                    state->worker->view.odd_classes[tag - MARK_ITEM_ODD_TAG].payload_words);
    else if (UNLIKELY(tag >= MARK_ITEM_SPAN_TAG))
        keep_filtered(state, shape, scan_span(state->worker, item, state->granules + state->count));
    else if (!is_closed(state->worker, shape, item))
        scan_object(state, shape, (const uint8_t *)(uintptr_t)mark_item_address(item),
                    state->worker->view.scan_classes[tag].words);
}

static bool is_near(MarkWorker *worker, uint64_t item)
{
    uint64_t address = mark_item_address(item), last = worker->places.last;
    uint64_t distance = address > last ? address - last : last - address;

    worker->places.last = address;
    // Pages may lie at other addresses than captured, but each as a whole.
    return distance <= NEAR_BYTES &&
           address >> worker->view.range.page_shift == last >> worker->view.range.page_shift;
}

// Counts the items that left the pipe since `head`.
static __attribute__((noinline)) void count_places(MarkWorker *worker, uint32_t head)
{
    for (; head != worker->pipe_head; head++) {
        uint64_t item = worker->pipe[head % PIPE_ITEMS];
        uint32_t tag = mark_item_tag(item);
        // A span is read in order, so the hardware prefetches it.
        if ((tag >= MARK_ITEM_SPAN_TAG && tag < MARK_ITEM_ODD_TAG) || is_near(worker, item))
            worker->places.near_items++;
        else
            worker->places.far_lines += mark_view_item_lines(&worker->view, tag);
    }
}

INLINE void scan_items(BatchState *state, BatchShape shape)
{
    MarkWorker *worker = state->worker;
    uint32_t waiting = worker->pipe_tail - worker->pipe_head;
    uint32_t head = worker->pipe_head, end = head + (waiting < BATCH_ITEMS ? waiting : BATCH_ITEMS);
    // Most objects are of the class that has two words; they go without a loop.
    uint32_t before = head;
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
    if (UNLIKELY(worker->counts_places))
        count_places(worker, before);
}

#endif
