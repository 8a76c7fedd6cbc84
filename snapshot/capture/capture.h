// Capturing a heap: from a running process (stop, read registers, copy, resume; then, while it
// runs again, find what matters in the copy and write it), or from its core file.
//
// Borders inside, so that ways in can be added (pre-copy, fork):
//
//   capture_process_*   fills a ProcessCopy: mappings, threads with registers, bytes
//   capture_exit        does the same with one that an ExitWatch holds at its end
//   capture_core        does the same from a core file
//   capture_analysis_*  ProcessCopy -> SnapshotContents: pages, roots, foreign blocks, types
//   snapshot_write()    SnapshotContents -> file
//
// What is a root and what is a foreign block: docs/design.md, "Capture".

#ifndef SNAPSHOT_CAPTURE_CAPTURE_H
#define SNAPSHOT_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/copy/copy_options.h"
#include "base/error.h"
#include "snapshot/capture/live/exit_watch.h"
#include "snapshot/heap/heap_layout.h"
#include "snapshot/heap/snapshot_details.h"
#include "snapshot/file/snapshot_file.h"

typedef enum CapturePhase {
    CAPTURE_COPYING, // the target is stopped during a part of it
    CAPTURE_SEARCHING,
    CAPTURE_WRITING,
} CapturePhase;

typedef struct CaptureOptions {
    const HeapLayout *layout; // NULL: rudo-gc-0.8; borrowed
    ForeignMode foreign_mode;
    CaptureMethod method;       // of a running process
    uint64_t max_pause_ns;      // of its longest stop; 0: any
    uint64_t staging_bytes;     // memory that its copy may take (ProcessCopyOptions); 0: any
    SnapshotWriteOptions write; // write.cancel is honoured in every phase
    // Told what begins, for a line of progress. May be NULL.
    void (*on_phase)(void *context, CapturePhase phase);
    void *phase_context;
} CaptureOptions;

// What happened, for the user.
typedef struct CaptureSummary {
    char executable[256];
    uint32_t pid;
    uint32_t thread_count;
    uint64_t resident_bytes; // private writable memory that was copied
    uint64_t pause_ns;       // first interrupt to last detach; 0 of a core file
    bool is_from_core;
    uint64_t looked_at_pages;
    uint64_t page_count;     // page headers found
    uint64_t object_count;   // allocated and not DEAD
    uint64_t rejected_pages; // pages that begin with the magic, but have no valid header
    ForeignMode foreign_mode;
    char foreign_note[200]; // why it is not what was asked for; ""
    char names_note[200];   // which names could not be found out, lines; ""
    uint64_t packed_bytes;  // of the copy of its memory, compressed; 0: it was not
    SnapshotWriteResult file;
} CaptureSummary;

// Captures process `pid` into `path`. The target needs no preparation and is running again
// (and not traced) when this returns, whatever it returns.
// Errors: usage (path exists), system (no such process, no permission, it went away, disk),
// memory, no heap (not one valid GC page), interrupted, limit (it had to stand still too long).
NODISCARD bool capture_process(int pid, const char *path, const CaptureOptions *options,
                               CaptureSummary *summary, Error *error);

// Captures the process that `watch` holds at its end, into `path`; it is held until the file is
// written. To be called by the tracer. Errors: as capture_process().
NODISCARD bool capture_exiting(const ExitWatch *watch, const char *path,
                               const CaptureOptions *options, CaptureSummary *summary,
                               Error *error);

// Captures the process whose core file is `core` into `path`: the same pages, roots and blocks,
// and so the same mark, as if it had been captured when the core was made. `executable` may be
// NULL: a file to read the executable's symbols from, instead of the one that the core names.
// Errors: usage (path exists), system, memory, corrupt (no core file, cut short, damaged),
// unsupported, no heap, interrupted.
NODISCARD bool capture_core(const char *core, const char *executable, const char *path,
                            const CaptureOptions *options, CaptureSummary *summary, Error *error);

#endif
