// Allocators other than glibc's whose memory is walked: each finds its own structures in the copy,
// by their contents, and adds the blocks that are in use. Each number that it reads is checked
// against what surrounds it; where a check fails, the memory stays unclaimed, and its words are
// roots.
//
//   mimalloc_search   arenas with a table of pages, blocks of one size in each (mimalloc 3)
//   musl_search       groups of slots with masks, tables of records (musl 1.2.1 and newer)
//   jemalloc_search   the blocks of extents, and of slabs with bitmaps (jemalloc 5.3)
//   jemalloc_tree     the extents, found through the leaves of the tree of addresses
//   jemalloc_cached   regions that wait in thread caches, and so are free

#ifndef SNAPSHOT_CAPTURE_FIND_BLOCK_ALLOCATORS_INTERNAL_H
#define SNAPSHOT_CAPTURE_FIND_BLOCK_ALLOCATORS_INTERNAL_H

#include "base/cancel.h"
#include "snapshot/capture/copy/memory_reader.h"
#include "snapshot/capture/find/malloc_chunks_internal.h"
#include "snapshot/capture/find/region_map_internal.h"

typedef struct BlockSearch {
    MemoryReader reader;
    const RegionList *areas;   // contiguous anonymous memory: ascending, disjoint
    const RegionList *globals; // where variables lie: claims in any order
    const RegionList *thread_locals;
    const Cancel *cancel;
    // Results; borrowed.
    MallocChunks *chunks;    // blocks in use, in any order
    RegionList *spans;       // memory of the allocator: blocks, free ones, free pages
    RegionList *metadata;    // its own bookkeeping: not roots
    uint64_t unwalked_bytes; // of pages and extents that failed a check
    uint64_t entries_left;   // of thread caches, that may still be checked
} BlockSearch;

// Errors of all: memory, interrupted.
NODISCARD bool mimalloc_find_blocks(BlockSearch *search, Error *error);
// Looks at each page, so it is called where there is no malloc of glibc.
NODISCARD bool musl_find_blocks(BlockSearch *search, Error *error);
NODISCARD bool jemalloc_find_blocks(BlockSearch *search, Error *error);

// Adds a block in use. bytes: a multiple of 8.
NODISCARD bool block_search_add(BlockSearch *search, uint64_t address, uint64_t bytes,
                                Error *error);

#endif
