// DeclaredHeap: the pages, roots, blocks and types that a program declares, checked, as the
// contents of a snapshot.

#ifndef EMBED_DECLARED_HEAP_INTERNAL_H
#define EMBED_DECLARED_HEAP_INTERNAL_H

#include "embed/rudo_snap.h"
#include "snapshot/file/snapshot_file.h"

typedef struct DeclaredHeap {
    SnapshotContents contents; // borrows from what follows
    SnapshotPages *runs;       // owned
    uint64_t run_capacity;
    PageRecords pages; // of all runs
    Root *roots;       // owned
    uint64_t root_capacity;
    SnapshotBlock *blocks; // owned
    uint64_t block_capacity;
    uint64_t root_name_capacity;
    SnapshotDetails *details; // owned
} DeclaredHeap;

// Gathers all that `options` declare, in the order of snapshots; memory is read where it lies.
// `layout` has passed heap_layout_check(). Errors: corrupt (a declaration is wrong; the message
// names it), memory. The caller frees `heap` with declared_heap_release() whatever happens.
NODISCARD bool declared_heap_gather(DeclaredHeap *heap, const HeapLayout *layout,
                                    const rudo_snap_options *options, Error *error);
void declared_heap_release(DeclaredHeap *heap);

#endif
