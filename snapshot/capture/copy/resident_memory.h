// How much memory of a process is resident, by the kernel's own counts.

#ifndef SNAPSHOT_CAPTURE_COPY_RESIDENT_MEMORY_H
#define SNAPSHOT_CAPTURE_COPY_RESIDENT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct ProcessMapping;

typedef struct ResidentMemory {
    bool is_known;
    uint64_t all;    // bytes, as all others
    uint64_t shared; // of them: pages of files and shared memory
    // Pages of private file mappings that the process has a copy of its own of, because it, or
    // the loader, wrote to them: of mappings that are still writable, and of others. Not known: 0.
    uint64_t written_variables;
    uint64_t written_others;
} ResidentMemory;

// Reads statm, which takes a few microseconds: the process may be stopped. Where it cannot be read,
// nothing is known.
void resident_memory_read(ResidentMemory *out, int pid, int tid);

// Counts the pages of private file mappings; may be done while the process runs again.
void resident_memory_count_written(ResidentMemory *memory, int pid, int tid,
                                   const struct ProcessMapping *mappings, uint32_t count);

#endif
