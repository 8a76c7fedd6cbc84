// How much memory can be had without anybody being killed for it.

#ifndef SNAPSHOT_CAPTURE_COPY_MEMORY_AVAILABLE_H
#define SNAPSHOT_CAPTURE_COPY_MEMORY_AVAILABLE_H

#include <stdint.h>

// Where the kernel tells; tests look elsewhere.
typedef struct MemorySources {
    const char *meminfo;         // /proc/meminfo
    const char *own_groups;      // /proc/self/cgroup
    const char *groups_root;     // where control groups, version 2, are mounted
    const char *old_groups_root; // where those of version 1 for memory are; NULL: nowhere
} MemorySources;

extern const MemorySources system_memory_sources;

// Bytes: what the machine has available, or less where a control group of this process (a
// container's limit) leaves less. UINT64_MAX when nobody tells.
uint64_t memory_available(const MemorySources *sources);

#endif
