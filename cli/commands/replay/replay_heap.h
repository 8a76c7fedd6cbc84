// One heap of a replay: reading, marking in all ways of the plan, comparing with its golden, and
// the text about it.

#ifndef CLI_COMMANDS_REPLAY_REPLAY_HEAP_H
#define CLI_COMMANDS_REPLAY_REPLAY_HEAP_H

#include <stdbool.h>

#include "cli/commands/replay/replay_files.h"
#include "cli/heap_memory.h"
#include "formats/json/replay_json.h"

typedef struct ReplayHeapOptions {
    ReplayPlan plan;
    const char *golden; // the folder, or NULL
    bool is_precise;    // mark by rule precise/1
    const char *given;  // the options of the command line that are not the default, each with a
                        // space behind it: "--seeds 1..3 "
    bool updates;       // write goldens that are not there, or differ
    MemoryLimit limit;  // that `jobs` heaps share
    uint32_t jobs;      // 0: no limit
} ReplayHeapOptions;

typedef struct ReplayHeap {
    ReplayRecord record;
    const char *precise_option; // "--precise ", or ""
    char *text;                 // of the record; owned
    char *again;                // of the record; owned
    uint32_t lacking_threads;   // that the system refused, of the mark that lacked most
} ReplayHeap;

// Errors go to the record; only options->plan.cancel makes the call itself fail, with
// ERROR_INTERRUPTED and an empty record. `file` must outlive the record. Several may run at once.
NODISCARD bool replay_heap_run(const ReplayFile *file, const ReplayHeapOptions *options,
                               ReplayHeap *out, Error *error);
// The record of a heap that could not be replayed at all, for which the caller knows why.
void replay_heap_fail(const ReplayFile *file, const ReplayHeapOptions *options, const Error *why,
                      ReplayHeap *out);
void replay_heap_release(ReplayHeap *heap);

#endif
