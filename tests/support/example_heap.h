// The smallest heap that has a little of everything, always the same: docs/format.md shows its
// bytes, the fuzz corpus grows from it.

#ifndef TESTS_SUPPORT_EXAMPLE_HEAP_H
#define TESTS_SUPPORT_EXAMPLE_HEAP_H

#include "snapshot/file/snapshot_file.h"

#define EXAMPLE_PAGE_ADDRESS UINT64_C(0x600000000000)

// Fills `contents`, whose parts are static: one page of class 64 with two objects and a free
// slot, two roots, a foreign block, a thread with two frames, a module, a type, a drop function, a
// variable, a mapping.
void example_heap(SnapshotContents *contents);

// The same, with what few snapshots have: a root and a type that the program told, and losses.
void example_told_heap(SnapshotContents *contents);

#endif
