// ToldHeap: what a program tells of its heap, gathered and checked, as the contents of a snapshot.

#ifndef EMBED_TOLD_HEAP_INTERNAL_H
#define EMBED_TOLD_HEAP_INTERNAL_H

#include "embed/rudo_snap.h"
#include "snapshot/file/snapshot_file.h"

typedef struct ToldHeap {
    SnapshotContents contents; // borrows from what follows
    SnapshotPages *runs;       // owned
    uint64_t run_capacity;
    PageRecords pages; // of all runs
    Root *roots;       // owned
    uint64_t root_capacity;
    SnapshotBlock *blocks; // owned
    uint64_t block_capacity;
    uint32_t root_name_capacity;
    SnapshotDetails *details; // owned
} ToldHeap;

// Gathers all that `options` tell, in the order that snapshots want; memory is read where it lies.
// `layout` has passed heap_layout_check(). Errors: corrupt (something is not what it must be; the
// message says what), memory. The caller frees `heap` with told_heap_release() whatever happens.
NODISCARD bool told_heap_gather(ToldHeap *heap, const HeapLayout *layout,
                                const rudo_snap_options *options, Error *error);
void told_heap_release(ToldHeap *heap);

#endif
