// WriteTracking: finds the pages that a process has written since the last round, while it runs, by
// asynchronous write protection (userfaultfd of Linux 6.7).
//
//     write_tracking_init(&tracking, pid, tid, userfault, error);
//     for (each round) {
//         ok = write_tracking_protect(&tracking, &source, &written, error);
//         ...copy `written`; pages that are written from now on count as written again...
//     }
//     ...all threads stand still...
//     write_tracking_begin_collect(&tracking);
//     ok = write_tracking_collect(&tracking, &source, &unchanged, &content, error);
//     ...they run on...
//     write_tracking_release(&tracking);
//
// The copy of a page is right as long as the page is in `unchanged`. All other pages are in
// `content`, unless they are empty: written pages; pages of mappings that are new, were moved, or
// cannot be tracked; pages of a mapped file that were not modified. (Pages that were given back,
// MADV_DONTNEED, are in neither.)
// Pinned pages, which may be written without the page table, are in `content`, too
// (pinned_memory_internal.h); write_tracking_check_support() refuses a process whose pinned pages
// the kernel does not list.

#ifndef SNAPSHOT_CAPTURE_LIVE_WRITE_TRACKING_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_WRITE_TRACKING_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/pagemap_scan.h"
#include "snapshot/capture/live/marked_scan_internal.h"
#include "snapshot/capture/live/pinned_memory_internal.h"

// UFFD_FEATURE_WP_UNPOPULATED and UFFD_FEATURE_WP_ASYNC, which older headers lack.
#define WRITE_TRACKING_FEATURES (UINT64_C(1) << 13 | UINT64_C(1) << 15)

// Checks that the writes of a process can be tracked (write_tracking_support.c). Errors:
// unsupported (the kernel cannot do it; the process has a userfaultfd of its own; devices or the
// kernel may write its memory behind the page tables, and the kernel does not tell where: it has
// the file of such a device open, or an AF_XDP socket, or a file with O_DIRECT, or memory is pinned
// and not listed), system, memory.
NODISCARD bool write_tracking_check_support(int pid, int tid, Error *error);

typedef struct WriteTracking {
    int pid;
    const Cancel *cancel; // borrowed; may be NULL
    int userfault;
    int pagemap;              // of the memory that the process had when it was opened
    PageSelection registered; // may be protected
    PageSelection marked;     // anonymous memory whose empty pages are marked, too
    PagemapRegion *regions;   // room for the results of one scan; owned
    PinnedMemory pinned;
    MarkedScan scan;          // of `marked`, at the stop
    PageSelection scratch[5]; // temporary sets
} WriteTracking;

// Consumes `userfault`, a fresh userfaultfd that the process has opened, whatever it returns; `tid`
// is a task of the process. Call write_tracking_release() whatever it returns. Errors: unsupported
// (the kernel cannot do it), system, memory.
NODISCARD bool write_tracking_init(WriteTracking *tracking, int pid, int tid, int userfault,
                                   const Cancel *cancel, Error *error);

// Does the process still have the memory that it had at write_tracking_init()? False when it has
// ended, or executed another program.
bool write_tracking_is_alive(const WriteTracking *tracking);

// Registers all memory of the process that is not registered yet. To be called after the stop, with
// the mappings of the stop: see Note [Other trackers] in write_tracking.c. Errors: memory,
// unsupported (another process tracks some of it).
NODISCARD bool write_tracking_register(WriteTracking *tracking, const PageSource *source,
                                       Error *error);

// Clears `written`, and fills it with the pages with content that are new, or were written since
// the last call; all are protected again at the same moment. Errors: system, memory, interrupted,
// unsupported (memory was pinned meanwhile that the kernel does not list, or another process tracks
// some of it).
NODISCARD bool write_tracking_protect(WriteTracking *tracking, const PageSource *source,
                                      PageSelection *written, Error *error);

// To be called while the process is stopped; nothing in it changes. The first starts the longest
// scan, on other threads, while the caller reads the mappings; `tracking` must not be used until
// the second, which clears and fills both sets. Errors: system, memory, interrupted.
void write_tracking_begin_collect(WriteTracking *tracking);
NODISCARD bool write_tracking_collect(WriteTracking *tracking, const PageSource *source,
                                      PageSelection *unchanged, PageSelection *content,
                                      Error *error);

// Removes the protection in small steps, so that the process never waits for long. May be called
// twice.
void write_tracking_release(WriteTracking *tracking);

#endif
