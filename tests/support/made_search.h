// MadeSearch: the search for the heap in a made process, and questions about what it found.

#ifndef TESTS_SUPPORT_MADE_SEARCH_H
#define TESTS_SUPPORT_MADE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/find/heap_search.h"
#include "tests/support/made_process.h"

// Searches the process, which must succeed. counts may be NULL. The caller frees the result with
// heap_search_free().
HeapSearch *made_search(MadeProcess *process, ForeignMode mode, HeapSearchCounts *counts);

uint64_t made_search_roots_of_kind(const HeapSearch *search, RootKind kind);
bool made_search_has_root(const HeapSearch *search, RootKind kind, uint64_t address);
// The block that begins at `address`, or NULL.
const SnapshotBlock *made_search_block(const HeapSearch *search, uint64_t address);

// A process with a main thread, which has a stack of 4 pages; SP is 0x2800 from its start.
#define MADE_SEARCH_STACK UINT64_C(0x7ffe00000000)
MadeProcess *made_process_with_stack(void);

#endif
