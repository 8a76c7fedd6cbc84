// ObjectScan: which malloc chunks live objects point into. Their words are looked at while the
// layout is proven (layout_choice.c), when they are in the cache anyway; where nothing can be
// proven, by sized_blocks.c itself.

#ifndef SNAPSHOT_CAPTURE_FIND_SIZED_BLOCKS_INTERNAL_H
#define SNAPSHOT_CAPTURE_FIND_SIZED_BLOCKS_INTERNAL_H

#include "snapshot/capture/find/heap_search_internal.h"
#include "snapshot/heap/reference_check.h"

#define OBJECT_SCAN_THREADS REFERENCE_CHECK_THREADS

typedef struct ObjectScan {
    const HeapSearch *search; // borrowed
    uint64_t low;             // user ranges of all chunks are in [low, low + span)
    uint64_t span;
    uint32_t thread_count;               // 0: there are no chunks
    uint8_t *notes[OBJECT_SCAN_THREADS]; // by chunk; owned; the first is the search's
    uint32_t last[OBJECT_SCAN_THREADS];  // chunk that a worker found last
} ObjectScan;

// Errors: memory. Ended by object_scan_end() in any case, which leaves the notes in the search.
NODISCARD bool object_scan_init(ObjectScan *scan, HeapSearch *search, Error *error);
void object_scan_end(ObjectScan *scan);

// For ReferenceHeap.visit.
void object_scan_visit(void *scan, uint32_t worker, const ReferencePage *page);

#endif
