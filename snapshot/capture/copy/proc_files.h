// The files of /proc about a process, read and parsed.
//
// All functions take a *task* (process, thread): the memory of a process whose first thread has
// ended is visible only through a thread that lives.

#ifndef SNAPSHOT_CAPTURE_COPY_PROC_FILES_H
#define SNAPSHOT_CAPTURE_COPY_PROC_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/capture/copy/process_copy.h"

// Longest path that proc_task_path() makes.
#define PROC_PATH_BYTES 64

// "/proc/PID/task/TID/NAME"
void proc_task_path(char path[PROC_PATH_BYTES], int pid, int tid, const char *name);

// The whole file as a NUL-terminated string that the caller frees; NULL with errno set.
char *proc_file_read(const char *path);

// The number behind "KEY:" in /proc/PID/task/TID/status, or `fallback`.
long proc_status_number(int pid, int tid, const char *key, long fallback);

// The letter of the task's state ('R', 'S', 'D', 'T', 't', 'Z', ...); 0: the task is gone.
char proc_task_state(int pid, int tid);

// Is it a kernel thread, without memory of its own?
bool proc_is_kernel_thread(int pid);

// Is it a thread of the kernel that does input and output for the process (io_uring)? It never runs
// code of the process, has no stack there, and some kernels do not allow to trace it.
bool proc_is_io_worker(int pid, int tid);

// The task's name ("" when it is gone), cut to `bytes`, and clean (clean_text.h).
void proc_task_name(int pid, int tid, char *name, size_t bytes);

// File name of the executable without folders, or the task's name when it cannot be read;
// cut to `bytes`, and clean.
void proc_executable_name(int pid, int tid, char *name, size_t bytes);

// The file name in a path of /proc, *length bytes of `path`: without folders, and without the
// " (deleted)" that the kernel adds.
const char *proc_file_name(const char *path, size_t *length);

// The tids of all tasks of `pid`, in no order; the caller frees `*tids`. False with errno set.
bool proc_task_list(int pid, int **tids, uint32_t *count);

// A task of the process that still has its memory: the first thread may have ended. `pid` itself
// when no task has it.
int proc_live_task(int pid);

// All mappings, ascending; names and array are owned by the caller. False with errno set;
// ENODATA: the task has no memory (kernel thread, or it has ended).
bool proc_mappings_read(int pid, int tid, ProcessMapping **mappings, uint32_t *count);
void proc_mappings_free(ProcessMapping *mappings, uint32_t count);

#endif
