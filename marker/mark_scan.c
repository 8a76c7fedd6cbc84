// Scanning: see marker/mark_scan.h.

#include "marker/mark_scan.h"

#include "marker/mark_item.h"

#define LINE_BYTES 64u
// Up to here a loop is faster than a vector.
#define FEW_WORDS 4u

// What the loop over words needs, in locals: the references it stores could otherwise be taken for
// changes of the worker itself, and everything would be read again for each word.
typedef struct ScanState {
    MarkWorker *worker;
    ReferenceAppender appender;
    uint64_t window_start;
    uint64_t window_words;
    uint64_t hull_start; // from the first to the last thing that a word may refer to
    uint64_t hull_bytes;
    uint32_t found_words;
    uint32_t direct_count;
    uint64_t *direct; // words that are no references into the window, but lie in the hull
    uint64_t scanned_words;
} ScanState;

// Inline by force: gcc 12 takes a function that only fetches for one without effect, and drops it.
static inline __attribute__((always_inline)) void prefetch_item(const MarkWorker *worker,
                                                                uint64_t item)
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

void mark_scan_enter(MarkWorker *worker, const uint64_t *items, uint32_t count)
{
    uint32_t tail = worker->pipe_tail;

    for (uint32_t i = 0; i < count; i++) {
        prefetch_item(worker, items[i]);
        worker->pipe[tail++ % PIPE_ITEMS] = items[i];
    }
    worker->pipe_tail = tail;
}

// Keeps one word: as a reference when it may be the start of an object in the window.
static inline __attribute__((always_inline)) void keep_word(ScanState *state, uint64_t word)
{
    // Rotated, so that one comparison finds both words beyond the window and crooked ones: the
    // low bits, if there are any, come out on top.
    uint64_t offset = word - state->window_start;
    uint64_t place = offset >> 3 | offset << 61;
    uint64_t is_reference = place < state->window_words;

    reference_append(&state->appender, place, is_reference);
    state->found_words += (uint32_t)is_reference;
    // No branches here: whether a word is a reference, nobody can predict.
    state->direct[state->direct_count] = word;
    state->direct_count +=
        (uint32_t)((is_reference ^ 1) & (word - state->hull_start < state->hull_bytes));
}

static inline __attribute__((always_inline)) void scan_words(ScanState *state, const uint8_t *bytes,
                                                             uint32_t count)
{
    MarkWorker *worker = state->worker;
    uint32_t kept = worker->view.filter(&worker->view.range, bytes, count, worker->filtered);

    state->scanned_words += count;
    for (uint32_t i = 0; i < kept; i++)
        keep_word(state, worker->filtered[i]);
}

// Scans one piece of a span and puts the rest back.
static inline __attribute__((always_inline)) void scan_span(ScanState *state, uint64_t address)
{
    Span span = span_at(state->worker->image, address);
    uint64_t count = span.length / 8;

    if (count > PIECE_WORDS) {
        count = PIECE_WORDS;
        per_thread_mark_queue_push(state->worker->queue, mark_item_span(address + 8 * count));
    }
    scan_words(state, span.bytes, (uint32_t)count);
}

static bool is_under_construction(const MarkWorker *worker, uint64_t item)
{
    const HeapLayout *layout = &worker->image->layout;
    uint32_t payload_offset = worker->view.classes[mark_item_tag(item)].payload_offset;
    const uint8_t *payload = (const uint8_t *)(uintptr_t)mark_item_address(item);

    return payload_offset > 0 && (heap_layout_read(payload - payload_offset, layout->weak_count) &
                                  layout->under_construction_bit) != 0;
}

_Static_assert(TAGGED_BLOCK_SIZE_MAX / 8 <= PIECE_WORDS, "an object is at most one piece");

static inline __attribute__((always_inline)) void scan_object(ScanState *state, uint64_t item)
{
    const MarkView *view = &state->worker->view;
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)mark_item_address(item);
    uint32_t count = view->scan_classes[mark_item_tag(item)].words;

    if (__builtin_expect(view->checks_construction, 0) &&
        is_under_construction(state->worker, item))
        return;
    if (count > FEW_WORDS) {
        scan_words(state, bytes, count);
        return;
    }
    state->scanned_words += count;
    for (const uint8_t *end = bytes + 8 * (uint64_t)count; bytes != end; bytes += 8)
        keep_word(state, load_u64(bytes));
}

void mark_scan_oldest(MarkWorker *worker, uint32_t count)
{
    const MarkView *view = &worker->view;
    ScanState state = {
        .worker = worker,
        .appender = reference_appender(&worker->regions),
        .direct = worker->direct,
        .window_start = view->window_start,
        .window_words = view->window_bytes / 8,
        .hull_start = view->hull_start,
        .hull_bytes = view->hull_bytes,
    };
    uint32_t head = worker->pipe_head;

    for (; count > 0 && state.found_words + state.direct_count <= PIECE_WORDS; count--) {
        uint64_t item = worker->pipe[head++ % PIPE_ITEMS];
        if (mark_item_tag(item) > PAGE_TAG_COMPLEX)
            scan_object(&state, item);
        else
            scan_span(&state, mark_item_address(item));
    }
    worker->pipe_head = head;
    worker->direct_count = state.direct_count;
    worker->regions.pending += state.found_words;
    worker->statistics.scanned_words += state.scanned_words;
}
