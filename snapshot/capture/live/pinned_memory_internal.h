// Memory that the kernel writes without asking the page table: buffers that a process has
// registered with an io_uring are pinned, and what is read into them no write protection tells.
//
// Pinning memory counts as a write to it. So a write is missed only where the memory was pinned
// when it was protected: looking right after that finds where that may be. Memory that was found
// once is not to be trusted any more, even when it is let go of meanwhile.
//
// What no look finds: buffers that are registered and let go of between two looks; the rings
// themselves, where they lie in memory of the program and have no descriptor
// (IORING_SETUP_REGISTERED_FD_ONLY); buffers of a ring that another process has made and that has
// no descriptor here. copy_check_internal.h is for those.

#ifndef SNAPSHOT_CAPTURE_LIVE_PINNED_MEMORY_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_PINNED_MEMORY_INTERNAL_H

#include <stdbool.h>

#include "base/error.h"
#include "snapshot/capture/copy/page_selection.h"

// A zeroed one has found nothing yet.
typedef struct PinnedMemory {
    PageSelection pages; // found by any look so far
    PageSelection found; // by the last one
    PageSelection united;
    bool was_looked_at;
    bool has_rings;
} PinnedMemory;

// Adds what is pinned now to `pages`. The first time all open files are looked at, later only where
// there may be something. The mappings may be a little old. Errors: unsupported (memory is pinned,
// and the kernel does not tell which), system, memory.
NODISCARD bool pinned_memory_look(PinnedMemory *pinned, const PageSource *source, Error *error);

void pinned_memory_release(PinnedMemory *pinned);

#endif
