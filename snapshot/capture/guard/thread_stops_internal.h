// What a traced thread does, and what is done to it: one thread, one event at a time.
// traced_threads.c decides what to do with all of them.

#ifndef SNAPSHOT_CAPTURE_GUARD_THREAD_STOPS_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_THREAD_STOPS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/guard/traced_threads_internal.h"

// PTRACE_SEIZE. False with errno set; see Note [Seizing and exec].
bool traced_seize(int tid, intptr_t options);

void traced_set_state(TracedThreads *threads, TracedThread *thread, TracedState state);

// Asks a seized thread to stop; the first time is written down as the begin of the pause.
void traced_interrupt(TracedThreads *threads, const TracedThread *thread);

// Lets a stopped thread go, with a signal that it is about to get, or 0.
void traced_detach(TracedThreads *threads, TracedThread *thread, int signal);

// Has a thread that was stopped been killed?
bool traced_has_ended(const TracedThread *thread);

// A thread has ended: takes note of that, as its tracer has to.
void traced_bury(TracedThreads *threads, TracedThread *thread);

// Looks once at a seized thread and handles what it finds: a stop, a signal, an end. When
// `is_leaving`, a thread that stops is let go at once. True when something had happened.
bool traced_look_at(TracedThreads *threads, TracedThread *thread, bool is_leaving);

// The same for every seized thread.
bool traced_look_at_all(TracedThreads *threads, bool is_leaving);

#endif
