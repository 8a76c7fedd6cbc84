// One heap of a replay: reading, marking every way, comparing with its golden, and what to say.

#ifndef CLI_COMMANDS_REPLAY_HEAP_H
#define CLI_COMMANDS_REPLAY_HEAP_H

#include <stdbool.h>

#include "cli/commands/replay_files.h"
#include "formats/replay_json.h"

typedef struct ReplayHeapOptions {
    ReplayPlan plan;
    const char *golden; // the folder, or NULL
    bool updates;       // write goldens that are not there, or differ
} ReplayHeapOptions;

typedef struct ReplayHeap {
    ReplayRecord record;
    char *text;  // of the record; owned
    char *again; // of the record; owned
} ReplayHeap;

// Never fails: what goes wrong is in the record. `file` must outlive it. Several may run at once.
void replay_heap_run(const ReplayFile *file, const ReplayHeapOptions *options, ReplayHeap *out);
void replay_heap_release(ReplayHeap *heap);

#endif
