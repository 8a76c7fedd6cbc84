// TracedThreads: all threads of a process, to be stopped and resumed.
//
// To be used in a process of its own, the guard (guard_process_internal.h), which is the tracer.
// When it ends, for whatever reason, the kernel detaches all threads that it still traces, and the
// target runs on.
//
//     traced_threads_init(&threads, pid, cancel);
//     if (traced_threads_stop(&threads, error)) { ...look at it... }
//     traced_threads_resume(&threads);
//     traced_threads_release(&threads);

#ifndef SNAPSHOT_CAPTURE_GUARD_TRACED_THREADS_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_TRACED_THREADS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/guard/thread_registers.h"

typedef enum TracedState {
    TRACED_SEIZED,  // traced, but running, or about to stop
    TRACED_STOPPED, // stopped; `general` holds its registers
    TRACED_GONE,    // ended, or detached
} TracedState;

typedef struct TracedThread {
    int tid;
    TracedState state;
    bool is_stray; // a new process, not a thread of the target: detached as soon as it stops
    char name[64];
    GeneralRegisters general;
} TracedThread;

typedef struct TracedThreads {
    int pid;
    const Cancel *cancel; // may be NULL
    uint64_t limit_ns;    // of a stop; 0: none
    uint32_t count;
    uint64_t capacity;
    TracedThread *threads; // ascending by tid; owned
    uint32_t seized_count; // how many are TRACED_SEIZED
    pid_t *newborns;       // announced by clone() events, not in the table yet; owned
    uint32_t newborn_count;
    uint64_t newborn_capacity;
    bool has_interrupted;
    bool has_executed; // the process has become another program
    bool has_ended;    // killed while it was stopped
    bool is_short_of_memory;
    int failed_tid;             // a thread for which a request failed
    int failure;                // errno; ENOEXEC: it runs 32-bit code; 0
    uint64_t interrupted_at_ns; // CLOCK_MONOTONIC, first interrupt
    uint64_t resumed_at_ns;     // CLOCK_MONOTONIC, last detach
    uint64_t captured_at_ns;    // CLOCK_REALTIME, first interrupt
} TracedThreads;

void traced_threads_init(TracedThreads *threads, int pid, const Cancel *cancel);

// Stops every thread, new ones included. Call traced_threads_resume() whatever it returns.
// Errors: system (permission, the process has gone, a thread does not stop), not 64-bit, memory,
// interrupted, limit (it takes longer than `limit_ns`).
NODISCARD bool traced_threads_stop(TracedThreads *threads, Error *error);

// Stops one thread and no other, to have it make a call; otherwise as above. A thread that does not
// stop is detached only when this process ends.
NODISCARD bool traced_threads_stop_one(TracedThreads *threads, int tid, Error *error);

// The tid of a stopped thread, through which the process's memory can be read; 0: none is left.
int traced_threads_any(const TracedThreads *threads);

// How many are stopped.
uint32_t traced_threads_stopped_count(const TracedThreads *threads);

// Are all stopped threads still there? They are not when the process was killed.
bool traced_threads_are_held(const TracedThreads *threads);

// Resumes and detaches all threads, those in user code first. May be called twice.
void traced_threads_resume(TracedThreads *threads);

void traced_threads_release(TracedThreads *threads);

#endif
