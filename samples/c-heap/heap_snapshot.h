// The program records its own heap, with the roots and types that only it knows.

#ifndef SAMPLES_C_HEAP_HEAP_SNAPSHOT_H
#define SAMPLES_C_HEAP_HEAP_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "c_heap.h"

// Writes a snapshot of the heaps into `path`, and says on standard error how it went. `roots` are
// object starts or NULL. `redacts`: the graph without its data. All other threads must be at rest
// until this returns.
bool heap_snapshot(const char *path, CHeap *const *heaps, size_t heap_count, void *const *roots,
                   size_t root_count, bool redacts);

#endif
