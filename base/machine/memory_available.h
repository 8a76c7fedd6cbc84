// How much memory can be allocated without the kernel having to kill a process for it.

#ifndef BASE_MACHINE_MEMORY_AVAILABLE_H
#define BASE_MACHINE_MEMORY_AVAILABLE_H

#include <stdint.h>

// The files in which the kernel reports it; tests have others.
typedef struct MemorySources {
    const char *meminfo;         // /proc/meminfo
    const char *own_groups;      // /proc/self/cgroup
    const char *groups_root;     // where control groups, version 2, are mounted
    const char *old_groups_root; // where those of version 1 for memory are; NULL: nowhere
} MemorySources;

extern const MemorySources system_memory_sources;

// The available bytes of the machine, or of the control groups of this process (a container's
// limit), whichever is less. UINT64_MAX: unknown.
uint64_t memory_available(const MemorySources *sources);

// Bytes of this process that are resident now, as the kernel counts them; 0: unknown.
uint64_t memory_resident(void);

// Gives memory that was freed back to the kernel.
void memory_trim(void);

#endif
