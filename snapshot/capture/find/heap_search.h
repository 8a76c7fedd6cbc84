// HeapSearch: finds the heap in a ProcessCopy: GC pages, root words, foreign blocks, types and the
// functions that tell them, and what they are called.
//
// Works on the copy alone, while the process runs on; only names are read from its executable and
// libraries. The parts and their order: heap_search_internal.h.

#ifndef SNAPSHOT_CAPTURE_FIND_HEAP_SEARCH_H
#define SNAPSHOT_CAPTURE_FIND_HEAP_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/file/snapshot_file.h"
#include "snapshot/heap/heap_layout.h"
#include "snapshot/heap/snapshot_details.h"

// Which collector's heap is looked for.
typedef enum HeapKind {
    HEAP_AUTO, // the one that the process has
    HEAP_RUDO_GC,
    HEAP_BOEHM,
} HeapKind;

typedef struct HeapSearchOptions {
    HeapKind heap_kind;
    uint64_t wait_collection_ns; // of the capture: noted in the metadata
    const HeapLayout *layout;    // NULL: the one that the process has; borrowed
    ForeignMode foreign_mode;
    bool keeps_free_slots; // of the snapshot that is to be written: noted in its metadata
    Cancel cancel;
} HeapSearchOptions;

typedef struct HeapSearchCounts {
    uint64_t searched_pages; // page boundaries in private writable memory
    uint64_t page_count;     // page headers found
    uint64_t rejected_pages; // pages that begin with the magic, but have no valid header
    uint64_t object_count;   // allocated and not DEAD
    char rejected_note[160]; // the first rejected page, and why; ""
} HeapSearchCounts;

typedef struct HeapSearch HeapSearch;

// `copy` is borrowed and must outlive `*out`. `counts` holds what was counted, whatever is
// returned. Errors: no heap (not one valid GC page), memory, interrupted.
// The caller owns `*out` and frees it with heap_search_free().
NODISCARD bool heap_search_new(const ProcessCopy *copy, const HeapSearchOptions *options,
                               HeapSearch **out, HeapSearchCounts *counts, Error *error);
void heap_search_free(HeapSearch *search);

// Was the process stopped inside a collection, so that it is not known which objects are dead?
bool heap_search_is_collecting(const HeapSearch *search);

// The contents of the snapshot, for snapshot_write(); borrowed from `search`.
const SnapshotContents *heap_search_contents(const HeapSearch *search);

#endif
