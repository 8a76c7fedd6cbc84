// Error messages for a process that cannot be captured, with hints what the user can do about it.

#ifndef SNAPSHOT_CAPTURE_COPY_CAPTURE_REFUSAL_H
#define SNAPSHOT_CAPTURE_COPY_CAPTURE_REFUSAL_H

#include <stdbool.h>

#include "base/error.h"

// Fills `error` for a failed ptrace() or open(): `reason` is the errno. Returns false.
bool capture_refusal_explain(int pid, int reason, Error *error);

// Fills `error` with "process N exited while it was captured", or that it started another program.
// Returns false.
bool capture_refusal_gone(int pid, Error *error);

#endif
