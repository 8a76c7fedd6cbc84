// HeapNames: the names of the functions that tell types, of the variables that hold roots, and of
// the functions in the frames of all stacks.
//
// Names come from the executable and its libraries. They are read in child processes
// (guarded_child.h), so that a hostile file costs names and nothing else.

#ifndef SNAPSHOT_CAPTURE_NAMES_HEAP_NAMES_H
#define SNAPSHOT_CAPTURE_NAMES_HEAP_NAMES_H

#include "base/cancel.h"
#include "base/error.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/names/module_files.h"
#include "snapshot/heap/heap_image.h"

// Everything is borrowed for the time of the call.
typedef struct NameRequest {
    const ProcessCopy *copy;
    const MappedModule *modules; // where those of `details` are mapped, in the same order
    const Root *roots;           // their variables are looked for
    uint64_t root_count;
    Cancel cancel;
    // Has modules, types, drop functions and threads; gets symbols, variables, stacks with their
    // frames, and a note of the names that are missing.
    SnapshotDetails *details;
} NameRequest;

// *collection: whether the heap was being collected, by the collector's own flags, if their symbols
// are there. Missing names are not errors. Errors: memory, interrupted.
NODISCARD bool heap_names_find(const NameRequest *request, CollectionState *collection,
                               Error *error);

#endif
