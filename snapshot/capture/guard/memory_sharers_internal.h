// MemorySharers: the processes that share the memory of another one, made by clone(CLONE_VM)
// without CLONE_THREAD, or by vfork() until they execute a program.
//
// They are found among all processes before the process is stopped, which takes a while. In the
// stop, only the tasks are looked at that were made since: the kernel numbers tasks in turn.
//
//     memory_sharers_init(&sharers, pid);
//     memory_sharers_find(&sharers);
//     ...the process is stopped...
//     while (memory_sharers_find_new(&sharers)) ...stop the new ones, which make no more then...

#ifndef SNAPSHOT_CAPTURE_GUARD_MEMORY_SHARERS_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_MEMORY_SHARERS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_SHARERS_MAX 32u
#define MEMORY_SHARERS_MAX_DOUBTS 64u

typedef struct MemorySharers {
    int pid;
    int tid;        // a task of the process that has its memory
    bool compares;  // the kernel tells which memory is the same (kcmp)
    int newest;     // the number of the task that was made last, when we looked; 0: not known
    int pid_limit;  // numbers are below it
    uint32_t count; // of processes that share the memory
    int pids[MEMORY_SHARERS_MAX];
    bool has_more; // than there is room for
    // Processes that we may not compare, and whose memory looks like the target's.
    uint32_t doubt_count;
    int doubts[MEMORY_SHARERS_MAX_DOUBTS];
} MemorySharers;

void memory_sharers_init(MemorySharers *sharers, int pid);

// Looks at all processes.
void memory_sharers_find(MemorySharers *sharers);

// To be called while the process is stopped: looks at the tasks that were made since the last look,
// and at those in doubt, whose memory is the same if all its counters are. True: there are new
// ones, behind those that were known.
bool memory_sharers_find_new(MemorySharers *sharers);

// Does the process still share the memory? (It may have executed a program.)
bool memory_sharers_includes(const MemorySharers *sharers, int pid);

#endif
