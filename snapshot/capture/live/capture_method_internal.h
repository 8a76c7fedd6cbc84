// Which way of copying a process stops it for the shortest time, and whether that is short enough.

#ifndef SNAPSHOT_CAPTURE_LIVE_CAPTURE_METHOD_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_CAPTURE_METHOD_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/copy/copy_options.h"
#include "base/error.h"
#include "snapshot/capture/copy/process_copy.h"

// "auto", "fork", "stop".
const char *capture_method_name(CaptureMethod method);

// What a method other than CAPTURE_AUTO would cost a process that holds so many bytes.
uint64_t capture_method_estimate_ns(CaptureMethod method, int pid, int tid, uint64_t bytes);

// *out is the method that was asked for, or for CAPTURE_AUTO the cheaper one. Nothing is stopped
// for a method that would take much too long and cannot be broken off.
// Errors: limit (no method is within the longest pause that is allowed).
NODISCARD bool capture_method_choose(const ProcessCopyOptions *options, int pid, int tid,
                                     uint64_t bytes, CaptureMethod *out, Error *error);

// Was the longest stop within what is allowed? Errors: limit.
NODISCARD bool capture_method_check_pause(const ProcessCopyOptions *options,
                                          const ProcessCopy *copy, Error *error);

#endif
