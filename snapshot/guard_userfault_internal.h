// Opening a userfaultfd in the target, in a moment's stop of one thread.

#ifndef SNAPSHOT_GUARD_USERFAULT_INTERNAL_H
#define SNAPSHOT_GUARD_USERFAULT_INTERNAL_H

#include <stdbool.h>

#include "snapshot/capture_process.h"
#include "snapshot/error.h"
#include "snapshot/guard_messages_internal.h"

typedef struct GuardUserfault {
    int pid;
    const CaptureCancel *cancel;
    GuardTimes *times;     // of the stop
    int descriptor;        // the result, owned by the caller; -1
    bool has_stuck_thread; // a thread did not stop, and is ours until this process ends
} GuardUserfault;

// To be called by the guard, who is the tracer. Errors: unsupported (the kernel has it not, or
// seccomp is in the way), system, memory, interrupted.
NODISCARD bool guard_userfault_open(GuardUserfault *job, Error *error);

#endif
