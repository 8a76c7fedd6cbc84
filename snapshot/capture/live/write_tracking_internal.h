// Which pages of a process have been written since they were last looked at, while it runs: by
// asynchronous write protection (userfaultfd of Linux 6.7), from outside.
//
//     write_tracking_init(&tracking, pid, tid, userfault, error);
//     for (each round) {
//         ok = write_tracking_protect(&tracking, &source, &written, error);
//         ...copy `written`; whatever is written from now on counts as written again...
//     }
//     ...all threads stand still...
//     write_tracking_begin_collect(&tracking);
//     ok = write_tracking_collect(&tracking, &source, &unchanged, &content, error);
//     ...they run on...
//     write_tracking_release(&tracking);
//
// A copy of a page that was given as written once is right as long as the page is in `unchanged`.
// Everything else is in `content`, or holds nothing: pages of mappings that are new, that were
// moved, or that cannot be tracked; what was given back (MADV_DONTNEED) meanwhile; what a mapped
// file still holds.
// What is pinned, and may be written without the page table, is in `content` as well; where it is
// not known what that is, write_tracking_check_support() says so (pinned_memory_internal.h).

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

// UFFD_FEATURE_WP_UNPOPULATED, UFFD_FEATURE_WP_ASYNC, which older headers do not know.
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
    int pagemap;              // stays with the memory that it was opened on
    PageSelection registered; // where protection may still be
    PageSelection marked;     // anonymous memory where pages without content are marked, too
    PagemapRegion *regions;   // room for what one scan finds; owned
    PinnedMemory pinned;
    MarkedScan scan;          // of `marked`, at the stop
    PageSelection scratch[5]; // sets that are made on the way
} WriteTracking;

// Consumes `userfault`, a fresh userfaultfd that the process has opened, whatever it returns; `tid`
// is a task of it. Call write_tracking_release() whatever it returns. Errors: unsupported (the
// kernel cannot), system, memory.
NODISCARD bool write_tracking_init(WriteTracking *tracking, int pid, int tid, int userfault,
                                   const Cancel *cancel, Error *error);

// Has the process still the memory that it had at first? It has not when it has ended, or has
// started another program.
bool write_tracking_is_alive(const WriteTracking *tracking);

// Clears `written`, and fills it with the pages that hold something and were written since the
// last call, or are new; all are protected again at the same moment. Errors: system, memory,
// interrupted, unsupported (memory was pinned meanwhile, and it is not known which).
NODISCARD bool write_tracking_protect(WriteTracking *tracking, const PageSource *source,
                                      PageSelection *written, Error *error);

// To be called while the process stands still; changes nothing in it. The first begins with what
// takes long, on other threads, while the mappings are read; nothing else may be asked of
// `tracking` until the second, which clears and fills both sets. Errors: system, memory,
// interrupted.
void write_tracking_begin_collect(WriteTracking *tracking);
NODISCARD bool write_tracking_collect(WriteTracking *tracking, const PageSource *source,
                                      PageSelection *unchanged, PageSelection *content,
                                      Error *error);

// Takes the protection away, piece by piece, so that nobody waits for long. May be called twice.
void write_tracking_release(WriteTracking *tracking);

#endif
