// Opening a userfaultfd in the target, in a moment's stop of one thread.

#ifndef SNAPSHOT_CAPTURE_LIVE_GUARD_USERFAULT_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_GUARD_USERFAULT_INTERNAL_H

#include <stdbool.h>

#include "base/error.h"
#include "snapshot/capture/live/guard_calls_internal.h"

// To be called by the guard. `call` holds the process, and says afterwards how it went; the caller
// owns `*descriptor`, which is -1 when it fails.
// Errors: unsupported (the kernel has it not, or seccomp is in the way), system, memory,
// interrupted.
NODISCARD bool guard_userfault_open(GuardCall *call, int *descriptor, Error *error);

#endif
