// The extents of jemalloc: jemalloc_tree.c finds them, jemalloc_cached.c corrects them, and
// jemalloc_search.c makes blocks of them.

#ifndef SNAPSHOT_CAPTURE_FIND_JEMALLOC_EXTENTS_INTERNAL_H
#define SNAPSHOT_CAPTURE_FIND_JEMALLOC_EXTENTS_INTERNAL_H

#include "snapshot/capture/find/block_allocators_internal.h"

#define JEMALLOC_CLASSES 232u
#define JEMALLOC_SMALL_CLASSES 36u // of slabs
#define JEMALLOC_MAX_REGIONS 512u  // of a slab
#define RECORD_BYTES 128u
// A leaf stands for at least 128 MiB of addresses.
#define JEMALLOC_MIN_LEAF_SPAN (UINT64_C(1) << 27)

typedef struct JemallocExtent {
    uint64_t record; // its edata_t
    uint64_t start;  // a page boundary
    uint64_t bytes;
    uint64_t user;       // where its block begins, at or behind the start
    uint64_t user_bytes; // of the block, or of each region of a slab
    uint32_t free_count;
    uint8_t size_class;
    bool is_slab;
    bool is_active;                                // not free
    uint64_t free_bits[JEMALLOC_MAX_REGIONS / 64]; // of a slab's regions; else bit 0 of the block
} JemallocExtent;

typedef struct JemallocExtents {
    JemallocExtent *items; // ascending, disjoint; owned
    uint64_t count;
    uint64_t capacity;
    RegionList leaves; // of the tree that leads to them: ascending
} JemallocExtents;

// Finds the extents. Errors: memory, interrupted.
NODISCARD bool jemalloc_find_extents(BlockSearch *search, JemallocExtents *extents, Error *error);
void jemalloc_extents_release(JemallocExtents *extents);

// The bytes of a block of this class, which must be below JEMALLOC_CLASSES.
uint64_t jemalloc_class_bytes(uint32_t size_class);

// Flags the blocks as free that wait in thread caches, and the blocks that hold these caches, which
// are bookkeeping. Claims the rest of the bookkeeping in thread-local storage. Errors: memory.
NODISCARD bool jemalloc_flag_cached(BlockSearch *search, JemallocExtents *extents, Error *error);

#endif
