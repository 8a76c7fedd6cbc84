// How one traced thread is seized, interrupted, continued and detached, one event at a time.
// traced_threads.c stops and resumes all threads by these functions.

#ifndef SNAPSHOT_CAPTURE_GUARD_THREAD_STOPS_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_THREAD_STOPS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/guard/traced_threads_internal.h"

// PTRACE_SEIZE. False with errno set. It may kill this process: see Note [Seizing and exec].
bool traced_seize(int tid, intptr_t options);

void traced_set_state(TracedThreads *threads, TracedThread *thread, TracedState state);

// Asks a seized thread to stop. The first time is recorded as the begin of the pause.
void traced_interrupt(TracedThreads *threads, const TracedThread *thread);

// Detaches a stopped thread. `signal`: one that it is about to get, to be passed on; or 0.
void traced_detach(TracedThreads *threads, TracedThread *thread, int signal);

// Has a stopped thread been killed, or gone because another one executes a program?
bool traced_has_ended(const TracedThread *thread);

// Reaps a thread that has ended, as its tracer has to.
void traced_reap(TracedThreads *threads, TracedThread *thread);

// Handles the next event of a seized thread, if there is one: a stop, a signal, its end. When
// `is_leaving`, a thread that stops is detached at once. True: there was an event.
bool traced_look_at(TracedThreads *threads, TracedThread *thread, bool is_leaving);

// The same for every seized thread.
bool traced_look_at_all(TracedThreads *threads, bool is_leaving);

#endif
