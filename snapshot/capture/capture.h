// Capturing a heap: from a running process (copied while it runs, or while it stands still; see
// CaptureMethod), from a process at its end, or from a core file.
//
// Each way fills a ProcessCopy; the rest is the same for all:
//
//   live/    process -> ProcessCopy
//   core/    core file -> ProcessCopy
//   find/    ProcessCopy -> SnapshotContents: pages, roots, foreign blocks, types, names
//   snapshot_write()    SnapshotContents -> file
//
// Which words are roots, and which malloc chunks are foreign blocks: docs/design-capture.md.

#ifndef SNAPSHOT_CAPTURE_CAPTURE_H
#define SNAPSHOT_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/find/heap_search.h"
#include "snapshot/capture/find/page_explanation.h"
#include "snapshot/capture/live/exit_watch.h"
#include "snapshot/file/snapshot_file.h"

typedef enum CapturePhase {
    CAPTURE_COPYING, // the target is stopped during a part of it
    CAPTURE_SEARCHING,
    CAPTURE_WRITING,
} CapturePhase;

typedef struct CaptureOptions {
    const HeapLayout *layout; // NULL: the one that the process has; borrowed
    HeapKind heap_kind;       // whose heap is looked for
    ForeignMode foreign_mode;
    // For how long a running process is captured again where it was inside a collection of a
    // Boehm collector, so that dead objects cannot be told from live ones.
    uint64_t wait_collection_ns;
    CaptureMethod method;       // of a running process
    uint64_t max_pause_ns;      // of its longest stop; 0: any
    uint64_t staging_bytes;     // memory that its copy may take (ProcessCopyOptions); 0: any
    SnapshotWriteOptions write; // write.cancel is honoured in every phase
    // Called when a phase begins, for a line of progress. May be NULL.
    void (*on_phase)(void *context, CapturePhase phase);
    void *phase_context;
} CaptureOptions;

// The outcome, for the user.
typedef struct CaptureSummary {
    SnapshotMetadata metadata; // of the snapshot, before it was redacted
    uint32_t thread_count;
    char layout[32];       // the name of the heap's layout
    uint64_t packed_bytes; // of the copy of its memory, compressed; 0: it was not
    HeapSearchCounts found;
    SnapshotWriteResult file;
} CaptureSummary;

// Captures process `pid` into `path`. The target needs no preparation and is running again
// (and not traced) when this returns, whatever it returns.
// Errors: usage (path exists), system (no such process, no permission, it went away, disk),
// memory, no heap (not one valid GC page), interrupted, limit (it had to stand still too long).
NODISCARD bool capture_process(int pid, const char *path, const CaptureOptions *options,
                               CaptureSummary *summary, Error *error);

// Captures the process that `watch` holds at its end, into `path`, and holds it until the file is
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

// Explains the pages of process `pid`, or of the process whose core file is `core`, by
// options->layout or the layout of the program's version, and writes nothing. Errors: as
// capture_process() and capture_core(). The caller frees `*out` with page_explanation_free().
NODISCARD bool capture_explain_process(int pid, const CaptureOptions *options,
                                       PageExplanation **out, Error *error);
NODISCARD bool capture_explain_core(const char *core, const char *executable,
                                    const CaptureOptions *options, PageExplanation **out,
                                    Error *error);

#endif
