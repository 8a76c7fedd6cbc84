// The steps of live_process_copy(), each in a file of its own: the check whether the process can be
// captured, the choice of the method, and the methods pre-copy and fork. (The method stop is short,
// and in live_process.c.)

#ifndef SNAPSHOT_CAPTURE_LIVE_LIVE_PROCESS_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_LIVE_PROCESS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/copy/staging_area.h"
#include "snapshot/capture/guard/capture_guard.h"

// ---- live_process_check.c ----

// Finds out early, before anything is prepared, whether `pid` is a process that can be captured.
// Errors: unsupported (this build captures no processes), system, not 64-bit.
NODISCARD bool live_process_check(int pid, Error *error);

// ---- capture_method.c ----

// The estimated pause of a process that holds `bytes`, by any method but CAPTURE_AUTO.
uint64_t capture_method_estimate_ns(CaptureMethod method, int pid, int tid, uint64_t bytes);

// *out is the method that was asked for; for CAPTURE_AUTO the cheaper one of fork and stop.
// Errors: limit (the estimated pause is much longer than allowed; nothing was stopped).
NODISCARD bool capture_method_choose(const ProcessCopyOptions *options, int pid, int tid,
                                     uint64_t bytes, CaptureMethod *out, Error *error);

// Checks that the longest stop was within the allowed pause. Errors: limit.
NODISCARD bool capture_method_check_pause(const ProcessCopyOptions *options,
                                          const ProcessCopy *copy, Error *error);

// ---- precopy.c ----

// Copies the process while it runs, round by round; stops it for the pages that it wrote last.
// Fills `out` like every other method; `tid` is a task of the process. When it fails, `out` may
// hold mappings, threads and notes of stops.
// Errors: those of live_process_copy(), and unsupported: this kernel or this process does not allow
// it, another method is needed.
NODISCARD bool precopy_run(int pid, int tid, const ProcessCopyOptions *options, ProcessCopy *out,
                           Error *error);

// ---- fork_copy.c ----

typedef struct ForkCopy {
    int pid;
    int tid; // a task of the process that has its memory
    const ProcessCopyOptions *options;
    PageSelection *selection; // filled; its ranges get their data
    StagingArea *staging;     // prepared; extended where it is too small
    uint64_t used_bytes;      // out: of the staging memory
    ProcessCopy *out;         // gets mappings, threads, times, and its part of the certificate
} ForkCopy;

// Makes the process fork while its threads are stopped, which stand still for no longer than that;
// then copies the child, which holds the memory of that moment.
// `guard` holds nothing, before and after. Errors: unsupported (this process cannot be forked, and
// runs on: another method is needed), system, memory, interrupted, limit.
NODISCARD bool fork_copy_run(ForkCopy *job, CaptureGuard *guard, Error *error);

#endif
