// Chasing: see marker/mark_chase.h.

#include "marker/mark_chase.h"

#include "marker/mark_item.h"
#include "marker/mark_visit_inline.h"

// Objects with more words than this are not chased.
#define CHASE_WORDS 4u

static inline __attribute__((always_inline)) void
chase_word(MarkWorker *worker, VisitShape shape, VisitState *state, uint64_t word, uint32_t *edges)
{
    const MarkView *view = &worker->view;
    uint64_t offset = word - view->window_start;
    uint64_t place = offset >> 3 | offset << 61; // as in mark_scan.c
    uint64_t item = 0;

    if (place >= view->window_bytes / 8) {
        if (word - view->hull_start < view->hull_bytes)
            worker->direct[worker->direct_count++] = word;
        return;
    }
    if (shape.mode == MARK_OWNED) {
        uint64_t region = place >> worker->regions.place_shift;
        if ((worker->regions.own[region / 64] >> (region % 64) & 1) == 0) {
            ReferenceAppender appender = reference_appender(&worker->regions);
            reference_append(&appender, place, 1);
            worker->regions.pending++;
            return;
        }
    }
    if (visit_place(worker, shape, state, place, &item, edges) != 0) {
        __builtin_prefetch((const void *)(uintptr_t)mark_item_address(item));
        worker->pipe[worker->pipe_tail++ % PIPE_ITEMS] = item;
        worker->statistics.marked++;
    }
}

static inline __attribute__((always_inline)) uint32_t chase(MarkWorker *worker, VisitShape shape,
                                                            uint32_t limit)
{
    uint32_t scanned = 0;
    VisitState state = visit_state(worker);
    uint32_t edges = 0;

    for (; scanned < limit && worker->pipe_head != worker->pipe_tail &&
           worker->pipe_tail - worker->pipe_head <= CHASE_ITEMS;
         scanned++) {
        uint64_t item = worker->pipe[worker->pipe_head % PIPE_ITEMS];
        const uint8_t *bytes = (const uint8_t *)(uintptr_t)mark_item_address(item);
        uint32_t words = worker->view.scan_classes[mark_item_tag(item)].words;
        // Spans have none here.
        if (words == 0 || words > CHASE_WORDS)
            break;
        worker->pipe_head++;
        worker->statistics.scanned_words += words;
        for (const uint8_t *end = bytes + 8 * (uint64_t)words; bytes != end; bytes += 8)
            chase_word(worker, shape, &state, load_u64(bytes), &edges);
    }
    worker->statistics.edges += edges;
    return scanned;
}

uint32_t mark_chase(MarkWorker *worker, uint32_t limit)
{
    // Heaps with objects that must not be scanned take the way through the regions. Where the
    // image lies makes no difference, or schedules would depend on it.
    if (worker->mode != MARK_OWNED || worker->view.checks_construction)
        return 0;
    return worker->image->is_flat ? chase(worker, (VisitShape){MARK_OWNED, true}, limit)
                                  : chase(worker, (VisitShape){MARK_OWNED, false}, limit);
}
