// Finding the heap in a ProcessCopy: GC pages, roots, foreign blocks, types.
//
// Works on the copy alone while the process runs on; only symbols are read from its
// executable and libraries.

#ifndef SNAPSHOT_CAPTURE_FIND_CAPTURE_ANALYSIS_H
#define SNAPSHOT_CAPTURE_FIND_CAPTURE_ANALYSIS_H

#include "snapshot/capture/capture.h"
#include "snapshot/capture/copy/process_copy.h"

typedef struct CaptureAnalysis CaptureAnalysis;

// `copy` is borrowed and must outlive `*out`. Fills the parts of `summary` that it finds out.
// Errors: no heap (not one valid GC page), memory, interrupted.
// The caller owns `*out` and frees it with capture_analysis_free().
NODISCARD bool capture_analysis_new(const ProcessCopy *copy, const CaptureOptions *options,
                                    CaptureAnalysis **out, CaptureSummary *summary, Error *error);
void capture_analysis_free(CaptureAnalysis *analysis);

// What snapshot_write() takes; borrowed from `analysis`.
const SnapshotContents *capture_analysis_contents(const CaptureAnalysis *analysis);

#endif
