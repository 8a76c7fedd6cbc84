// The guard: the process that stops a target, and lets it go whatever becomes of rudo-snap.
//
// It is forked off for one capture, in a session of its own, holds the ptrace, and does nothing
// but what it is asked for over a socket (guard_messages.h). When the other end of the
// socket closes, because the capture is over or because rudo-snap was killed in the middle of it,
// it lets the target go and ends. Should the guard itself be killed, the kernel lets the target go.
// capture_guard.h is the other side.

#ifndef SNAPSHOT_CAPTURE_GUARD_GUARD_PROCESS_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_GUARD_PROCESS_INTERNAL_H

#include <sys/types.h>

// To be called in a fresh child of process `tool`: serves until `socket` closes, then ends the
// process.
_Noreturn void guard_process_run(int socket, int pid, pid_t tool);

#endif
