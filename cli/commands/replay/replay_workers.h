// Heaps are replayed by worker processes, which take one after the other: a marker that crashes, or
// never ends, costs its own heap alone.

#ifndef CLI_COMMANDS_REPLAY_REPLAY_WORKERS_H
#define CLI_COMMANDS_REPLAY_REPLAY_WORKERS_H

#include <stdint.h>

#include "cli/commands/replay/replay_files.h"
#include "cli/commands/replay/replay_heap.h"

typedef struct ReplayWork {
    const ReplayFiles *files;
    const ReplayHeapOptions *options; // plan.cancel: asked here as well as by the workers
    uint32_t workers;                 // at least 1
    uint64_t timeout_ns;              // for each heap; 0: none
    ReplayHeap *heaps;                // results, by file
    // Called after each heap, in this process. May be NULL.
    bool (*saw_heap)(void *context, Error *error);
    void *context;
} ReplayWork;

// Replays all heaps. This process must have no other threads. A heap whose worker ends, or is ended
// after the timeout, has failed. Where the system grants no process, heaps are replayed in this
// one, without the timeout. Errors: interrupted, those of saw_heap(); the heaps that were done are
// there all the same.
NODISCARD bool replay_workers_run(const ReplayWork *work, Error *error);

#endif
