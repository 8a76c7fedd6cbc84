// MallocState: where glibc's malloc keeps the list heads of an arena, found in a ProcessCopy.
//
// A struct malloc_state is recognised by its bins alone, wherever it lies: the main arena's is a
// variable of the C library, those of other arenas lie at the start of their heaps.

#ifndef SNAPSHOT_CAPTURE_COPY_MALLOC_STATE_H
#define SNAPSHOT_CAPTURE_COPY_MALLOC_STATE_H

#include "snapshot/capture/copy/memory_reader.h"

#define MALLOC_FAST_BINS 10u

typedef struct MallocState {
    uint64_t fast_bins; // address of the first of MALLOC_FAST_BINS words
    uint64_t top;       // the top chunk's address
    uint64_t end;       // behind its last field that holds an address
} MallocState;

// Finds at most `limit` malloc states in [start, end), and returns their number.
uint32_t malloc_find_states(MemoryReader *reader, uint64_t start, uint64_t end, MallocState *states,
                            uint32_t limit);

#endif
