// The guard: the process that stops a target for rudo-snap, and resumes it in any case.
//
// It is forked for one capture, in a session of its own, holds the ptrace, and does nothing but
// serve requests from a socket (guard_messages.h). When the other end of the socket closes, because
// the capture is over or because rudo-snap was killed, it resumes the target and ends. When the
// guard itself is killed, the kernel resumes the target. capture_guard.h is the other side.

#ifndef SNAPSHOT_CAPTURE_GUARD_GUARD_PROCESS_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_GUARD_PROCESS_INTERNAL_H

#include <sys/types.h>

// To be called in a fresh child of process `tool`. Serves requests until `socket` closes, then ends
// the process.
_Noreturn void guard_process_run(int socket, int pid, pid_t tool);

#endif
