// PinnedMemory: the memory that the kernel writes without using the page table. Buffers that a
// process has registered with an io_uring are pinned, and write protection does not notice what the
// kernel reads into them.
//
// Pinning memory counts as a write to it. So a write is missed only if the memory was pinned when
// it was protected; it is looked for right after that. Memory that was found once counts as written
// from then on, even if it is unpinned meanwhile.
//
// Not found: buffers that are registered and unregistered between two looks; the rings themselves,
// if they lie in memory of the program and have no descriptor (IORING_SETUP_REGISTERED_FD_ONLY);
// buffers of a ring that another process has made and that has no descriptor here. CopyCheck may
// notice writes to those.

#ifndef SNAPSHOT_CAPTURE_LIVE_PINNED_MEMORY_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_PINNED_MEMORY_INTERNAL_H

#include <stdbool.h>

#include "base/error.h"
#include "snapshot/capture/copy/page_selection.h"

// A zeroed one is empty.
typedef struct PinnedMemory {
    PageSelection pages; // found by all looks so far
    PageSelection found; // by the last one
    PageSelection scratch;
    bool was_looked_at;
    bool has_rings;
} PinnedMemory;

// Adds the memory that is pinned now to `pages`. The first time reads all open files; later only if
// there may be pinned memory. The mappings may be slightly out of date. Errors: unsupported (memory
// is pinned that the kernel does not list), system, memory.
NODISCARD bool pinned_memory_look(PinnedMemory *pinned, const PageSource *source, Error *error);

void pinned_memory_release(PinnedMemory *pinned);

#endif
