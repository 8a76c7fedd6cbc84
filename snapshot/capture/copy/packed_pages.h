// PackedPages: pages of a process that are kept compressed and read like plain memory, for a
// process that is larger than the memory that its copy may take.
//
//     packed_pages_new(&options, &packed, error);
//     packed_pages_add(packed, &pages, pid, tid, ..., error);
//     ... pages.ranges[i].data[...] ...
//     packed_pages_check(packed, error);
//
// Threads of this process unpack pages when they are read, and drop those that were unpacked first.
// Only instructions of this process may read them: a system call that is given such memory fails
// with EFAULT.

#ifndef SNAPSHOT_CAPTURE_COPY_PACKED_PAGES_H
#define SNAPSHOT_CAPTURE_COPY_PACKED_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/page_copying.h"
#include "snapshot/capture/copy/page_selection.h"

typedef struct PackedPagesOptions {
    uint64_t cache_bytes;      // memory for unpacked pages, at least 4 MiB
    const char *folder;        // for a file with the compressed pages; NULL: they stay in memory
    uint64_t max_packed_bytes; // limit of the compressed pages in memory; 0: none
    uint32_t max_threads;      // that compress; each takes about 2 MiB of memory
} PackedPagesOptions;

typedef struct PackedPages PackedPages;

// Errors: system (the kernel has no userfaultfd for us; no thread; no file), memory.
// The caller owns `*out` and frees it with packed_pages_free().
NODISCARD bool packed_pages_new(const PackedPagesOptions *options, PackedPages **out, Error *error);
void packed_pages_free(PackedPages *packed);

// Copies `pages` from task `tid` of process `pid`, and sets the data of its ranges, which are valid
// for as long as `packed` lives. Clears `unread` and fills it with the pages that could not be
// read, which are zero. Not to be called from two threads at once. Errors: system (the process has
// gone, a full disk), memory, interrupted.
NODISCARD bool packed_pages_add(PackedPages *packed, PageSelection *pages, int pid, int tid,
                                const Cancel *cancel, PageSelection *unread, Error *error);

// Fails if any page could not be unpacked so far, so that wrong bytes were read. Errors: system.
NODISCARD bool packed_pages_check(PackedPages *packed, Error *error);

// The size of all compressed pages.
uint64_t packed_pages_packed_bytes(const PackedPages *packed);

#endif
