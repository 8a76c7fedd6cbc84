// Copying pages of a process, on several threads: to plain memory, or part by part to a caller that
// compresses them.

#ifndef SNAPSHOT_CAPTURE_COPY_PAGE_COPYING_H
#define SNAPSHOT_CAPTURE_COPY_PAGE_COPYING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/staging_memory_internal.h"

// Copies `selection` from task `tid` of process `pid` to `staging`, which has at least
// `selection->bytes`, and sets the data of its ranges. Pages that cannot be read are zero in the
// copy, and counted in `*unreadable_bytes`. Errors: system (the process has gone), memory,
// interrupted.
NODISCARD bool page_copying_run(PageSelection *selection, int pid, int tid,
                                const StagingMemory *staging, const Cancel *cancel,
                                uint64_t *unreadable_bytes, Error *error);

// Copies `pieces` to their data, which lie in `staging`. Clears `unread` and fills it with the
// pages that could not be read, which are zero in the copy. Errors: as above.
NODISCARD bool page_copying_pieces(const PageSelection *pieces, int pid, int tid,
                                   const StagingMemory *staging, const Cancel *cancel,
                                   PageSelection *unread, Error *error);

// Pages as one sequence of bytes, cut into parts.
typedef struct CopyParts {
    uint64_t bytes;       // of a part, whole pages; the last one may have fewer
    uint32_t max_threads; // `worker` is smaller
    // Returns the buffer for the next part of `worker`.
    uint8_t *(*where)(void *context, uint32_t worker);
    // Called when a part has been copied. Errors: its own.
    bool (*take)(void *context, uint32_t worker, uint64_t part, uint64_t bytes, Error *error);
    void *context;
} CopyParts;

// Copies `pages` part by part; their data are ignored. `unread` and errors: as above.
NODISCARD bool page_copying_parts(const PageSelection *pages, int pid, int tid,
                                  const CopyParts *parts, const Cancel *cancel,
                                  PageSelection *unread, Error *error);

#endif
