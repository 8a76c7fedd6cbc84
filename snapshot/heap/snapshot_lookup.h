// SnapshotLookup: finds modules, frames and namesakes of threads without a walk through all of
// them, for those who name many roots. Made once, when the snapshot's details are complete.

#ifndef SNAPSHOT_HEAP_SNAPSHOT_LOOKUP_H
#define SNAPSHOT_HEAP_SNAPSHOT_LOOKUP_H

#include "base/interval_index.h"
#include "snapshot/heap/snapshot_details.h"

struct SnapshotLookup {
    uint32_t *modules;  // their numbers, ascending by (base, number); owned
    IntervalIndex code; // by address: the module that holds it, the innermost of several
    IntervalIndex
        *frames;          // by stack, then by address: the number of the first frame with it; owned
    uint32_t stack_count; // of `frames`
    uint8_t *has_namesake; // by thread: another one has the same name; owned
};

// Makes details->lookup, unless it is there; modules, stacks and threads stay as they are from
// then on. Errors: memory.
NODISCARD bool snapshot_details_index(SnapshotDetails *details, Error *error);
void snapshot_lookup_free(SnapshotLookup *lookup);

// These need details->lookup.

// The last module that begins at or below the address, of equal ones the first; NULL: none does.
const SnapshotModule *snapshot_lookup_module(const SnapshotDetails *details, uint64_t address);
// The module that holds the address; of several the one that begins last. NULL: none does.
const SnapshotModule *snapshot_lookup_code(const SnapshotDetails *details, uint64_t address);
// The number of the frame of `stack` (one of details->stacks) whose words hold the address, or
// UINT32_MAX.
uint32_t snapshot_lookup_frame(const SnapshotDetails *details, const SnapshotStack *stack,
                               uint64_t address);
// Has another thread the same name?
bool snapshot_lookup_has_namesake(const SnapshotDetails *details, uint32_t thread);

#endif
