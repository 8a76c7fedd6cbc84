// HeapPager: its members, for the files heap_pager*.c.

#ifndef SNAPSHOT_HEAP_HEAP_PAGER_INTERNAL_H
#define SNAPSHOT_HEAP_HEAP_PAGER_INTERNAL_H

#include <pthread.h>

#include "snapshot/heap/heap_pager.h"

typedef enum ChunkState {
    CHUNK_ABSENT,
    CHUNK_COMING,
    CHUNK_RESIDENT,
} ChunkState;

// A word of which some bytes stay zero.
typedef struct PartialWord {
    uint64_t word; // number in the chunk
    uint64_t kept; // mask of the bits that stay
} PartialWord;

// What of a chunk stays zero.
typedef struct ChunkZeros {
    uint64_t *words;       // bit per word that is zeroed as a whole
    PartialWord *partials; // in any order
    uint64_t partial_count;
    uint64_t partial_capacity;
} ChunkZeros;

struct HeapPager {
    FaultCatcher catcher;
    HeapPageSource source;
    uint8_t *base;
    uint64_t bytes; // of the heap; the range ends at a multiple of chunk_bytes
    uint64_t chunk_bytes;
    uint64_t chunk_count;
    uint64_t most_chunks; // resident or coming
    uint8_t *lanes;
    pthread_mutex_t mutex; // guards all below
    pthread_cond_t has_come;
    uint8_t *states;    // ChunkState by chunk
    ChunkZeros **zeros; // by chunk; NULL: nothing is
    uint64_t *ring;     // most_chunks resident chunks, the one that came first at ring_start
    uint64_t ring_start;
    uint64_t ring_count;
    uint64_t coming;
    uint64_t brought;
    uint32_t busy_lanes; // bit per lane
    bool has_failed;
    Error failure;
};

// Zeroes what stays zero of a chunk. Called with the mutex.
void heap_pager_apply_zeros(const HeapPager *pager, uint64_t chunk, uint8_t *bytes);
void heap_pager_free_zeros(ChunkZeros *zeros);

#endif
