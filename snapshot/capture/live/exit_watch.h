// ExitWatch: holds a program, with all its memory, at the moment when it ends.
//
// The program runs traced, but is not stopped: its threads only report that they are about to end
// (PTRACE_EVENT_EXIT), whether by exit(), by a signal, or by SIGKILL. When all threads of the
// process are held there, the program is over, and its registers and memory can still be read. A
// thread that ends alone is continued at once.
//
//     exit_watch_new(pid, &watch, &error);            the child waits for its exec
//     while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
//         exit_watch_handle(watch, tid, status);
//     if (exit_watch_is_over(watch))
//         ... capture_exiting(watch, ...); exit_watch_release(watch);
//
// All calls, and the waitpid(), must come from one thread, the tracer. When it ends, the program
// runs on untraced.

#ifndef SNAPSHOT_CAPTURE_LIVE_EXIT_WATCH_H
#define SNAPSHOT_CAPTURE_LIVE_EXIT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ExitWatch ExitWatch;

// `pid` is a child of the caller that has one thread. Errors: system, memory.
// The caller owns `*out` and frees it with exit_watch_free(), which continues all held threads.
NODISCARD bool exit_watch_new(int pid, ExitWatch **out, Error *error);
void exit_watch_free(ExitWatch *watch);

// Handles the status of a thread from waitpid(): continues the thread, unless it is at its end.
void exit_watch_handle(ExitWatch *watch, int tid, int status);

// Are all threads held at their end? To be asked again every few milliseconds while
// exit_watch_is_holding(): the kernel does not report when the other threads are gone.
bool exit_watch_is_over(ExitWatch *watch);
bool exit_watch_is_holding(const ExitWatch *watch);

// The tids of the held threads; borrowed until the next call.
const int *exit_watch_threads(const ExitWatch *watch, uint32_t *count);
int exit_watch_pid(const ExitWatch *watch);

// Continues all held threads, which end; no thread is held from then on.
void exit_watch_release(ExitWatch *watch);

#endif
