// ExitWatch: holds a program, with all its memory, at the moment when it ends.
//
// The program runs traced, though nothing stops it: its threads only report that they are about
// to end (PTRACE_EVENT_EXIT), however that came about: exit(), a signal, even SIGKILL. When all
// threads of the process stand there, it is over, and its registers and memory can still be
// read. A thread that ends alone is let go at once.
//
//     exit_watch_new(pid, &watch, &error);            the child waits for its exec
//     while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
//         exit_watch_handle(watch, tid, status);
//     if (exit_watch_is_over(watch))
//         ... capture_exiting(watch, ...); exit_watch_release(watch);
//
// All calls, and the waitpid(), come from one thread: it is the tracer. When it ends, the
// program runs on untraced.

#ifndef SNAPSHOT_CAPTURE_LIVE_EXIT_WATCH_H
#define SNAPSHOT_CAPTURE_LIVE_EXIT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ExitWatch ExitWatch;

// `pid` is a child of the caller that has one thread. Errors: system, memory.
// The caller owns `*out` and frees it with exit_watch_free(), which lets go of what is held.
NODISCARD bool exit_watch_new(int pid, ExitWatch **out, Error *error);
void exit_watch_free(ExitWatch *watch);

// Takes note of what waitpid() said of a thread, and lets it go on unless it stands at its end.
void exit_watch_handle(ExitWatch *watch, int tid, int status);

// Do all threads stand at their end? To be asked again every few milliseconds while
// exit_watch_is_holding(): what the kernel is about to do with the others is not told.
bool exit_watch_is_over(ExitWatch *watch);
bool exit_watch_is_holding(const ExitWatch *watch);

// The threads that are held; borrowed until the next call.
const int *exit_watch_threads(const ExitWatch *watch, uint32_t *count);
int exit_watch_pid(const ExitWatch *watch);

// Lets all of them end. Nothing is held from then on.
void exit_watch_release(ExitWatch *watch);

#endif
