// Processes that share the memory of a test program: what clone(CLONE_VM) makes without
// CLONE_THREAD.
//
// Test code only.

#ifndef TESTS_SUPPORT_MEMORY_SHARER_H
#define TESTS_SUPPORT_MEMORY_SHARER_H

#include <stdbool.h>
#include <sys/types.h>

// Makes a process that calls body(context), and ends with the program. It has the program's
// thread-local storage, so it must not use what keeps state there. `is_traced`: it has a tracer
// already, the program, so that no other process can stop it. -1 on failure.
pid_t memory_sharer_start(int (*body)(void *context), void *context, bool is_traced);

// Calls step(context) for ever, each time in a new process that the last one makes before it ends.
pid_t memory_sharer_relay(void (*step)(void *context), void *context);

// Starts a thread that runs another program all the time, by posix_spawn().
void memory_sharer_spawn_others(void);

#endif
