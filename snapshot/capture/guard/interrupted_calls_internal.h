// Restarting the system call in which a thread slept when it was stopped.

#ifndef SNAPSHOT_CAPTURE_GUARD_INTERRUPTED_CALLS_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_INTERRUPTED_CALLS_INTERNAL_H

#include <stdbool.h>

#include "snapshot/capture/guard/thread_registers.h"

// Has a call returned EINTR that can be restarted instead? See Note [Interrupted calls].
bool interrupted_call_is_restartable(const GeneralRegisters *general);

// To be called for a thread that PTRACE_INTERRUPT has just stopped: if its system call returned
// EINTR, has the kernel restart the call instead. `general` are its registers, which stay as they
// were read.
void interrupted_call_restart(int tid, const GeneralRegisters *general);

#endif
