// Scanning: see marker/mark_scan.h.

#include "marker/mark_scan.h"

#include "marker/mark_item.h"

// Lines of an object that are fetched ahead; the hardware sees the rest coming.
#define PREFETCH_BYTES 256u
#define LINE_BYTES 64u
// Up to here a loop is faster than a vector.
#define FEW_WORDS 4u

// Inline by force: gcc 12 takes a function that only fetches for one without effect, and drops it.
static inline __attribute__((always_inline)) void prefetch_item(const MarkWorker *worker,
                                                                uint64_t item)
{
    const SlotClass *class = &worker->view.classes[mark_item_tag(item)];
    const uint8_t *bytes =
        (const uint8_t *)(uintptr_t)(mark_item_address(item) + class->payload_offset);
    uint32_t length = class->block_size - class->payload_offset;

    // A span has block_size 0 here: its address need not be where its bytes are.
    for (uint32_t offset = 0; offset < length && offset < PREFETCH_BYTES; offset += LINE_BYTES)
        __builtin_prefetch(bytes + offset);
}

void mark_scan_enter(MarkWorker *worker, const uint64_t *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        prefetch_item(worker, items[i]);
        worker->pipe[worker->pipe_tail++ % PIPE_ITEMS] = items[i];
    }
}

// Keeps one word: as a reference when it may be the start of an object in the window. The
// others that passed the filter are rare and take the long way.
static inline __attribute__((always_inline)) void keep_word(MarkWorker *worker, uint64_t word)
{
    const MarkView *view = &worker->view;
    uint64_t offset = word - view->window_start;
    uint32_t is_reference = (offset < view->window_bytes) & ((word & 7) == 0);

    reference_regions_append(&worker->regions, offset, is_reference);
    worker->found_words += is_reference;
    if (__builtin_expect(!is_reference && word_is_in_range(&view->range, word), 0))
        worker->direct[worker->direct_count++] = word;
}

static void scan_words(MarkWorker *worker, const uint8_t *bytes, uint32_t count)
{
    uint32_t kept = worker->view.filter(&worker->view.range, bytes, count, worker->filtered);

    worker->statistics.scanned_words += count;
    for (uint32_t i = 0; i < kept; i++)
        keep_word(worker, worker->filtered[i]);
}

// Scans one piece of a span and puts the rest back.
static void scan_span(MarkWorker *worker, uint64_t address)
{
    Span span = span_at(worker->image, address);
    uint64_t count = span.length / 8;

    if (count > PIECE_WORDS) {
        count = PIECE_WORDS;
        per_thread_mark_queue_push(worker->queue, mark_item_span(address + 8 * count));
    }
    scan_words(worker, span.bytes, (uint32_t)count);
}

static inline __attribute__((always_inline)) void scan_object(MarkWorker *worker, uint64_t item)
{
    const MarkView *view = &worker->view;
    const SlotClass *class = &view->classes[mark_item_tag(item)];
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)mark_item_address(item);
    const HeapLayout *layout = &worker->image->layout;
    uint32_t count = (class->block_size - class->payload_offset) / 8;

    if (view->checks_construction && class->payload_offset > 0 &&
        (heap_layout_read(bytes, layout->weak_count) & layout->under_construction_bit) != 0)
        return;
    bytes += class->payload_offset;
    if (count > FEW_WORDS) {
        scan_words(worker, bytes, count);
        return;
    }
    worker->statistics.scanned_words += count;
    for (uint32_t i = 0; i < count; i++)
        keep_word(worker, load_u64(bytes + 8 * (uint64_t)i));
}

void mark_scan_oldest(MarkWorker *worker, uint32_t count)
{
    worker->found_words = 0;
    for (; count > 0 && worker->found_words + worker->direct_count <= PIECE_WORDS; count--) {
        uint64_t item = worker->pipe[worker->pipe_head++ % PIPE_ITEMS];
        if (mark_item_tag(item) > PAGE_TAG_COMPLEX)
            scan_object(worker, item);
        else
            scan_span(worker, mark_item_address(item));
    }
    worker->regions.pending += worker->found_words;
}
