// The output of `replay` for people.

#ifndef CLI_COMMANDS_REPLAY_REPLAY_OUTPUT_H
#define CLI_COMMANDS_REPLAY_REPLAY_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/commands/replay/replay_files.h"
#include "cli/commands/replay/replay_heap.h"
#include "formats/json/replay_json.h"

typedef struct ReplayOutput {
    const ReplayRunRecord *run;
    const ReplayHeap *heaps; // those with an empty record were not replayed
    uint64_t count;
    const ReplayFiles *orphans;
    uint64_t elapsed_ns;
} ReplayOutput;

void replay_output_print(const ReplayOutput *output);

// Heaps by verdict; updated heaps count as equal, too.
typedef struct ReplayCounts {
    uint64_t verdicts[REPLAY_VERDICT_COUNT];
    uint64_t updated;
} ReplayCounts;

void replay_output_print_counts(const ReplayCounts *counts);

// "HEAP: ", the lines about it, and the command that reproduces it. Both texts may be NULL.
void replay_output_print_text(const char *heap, ReplayVerdict verdict, const char *text,
                              const char *again);

#endif
