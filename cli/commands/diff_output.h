// The comparison of heaps, for people.

#ifndef CLI_COMMANDS_DIFF_OUTPUT_H
#define CLI_COMMANDS_DIFF_OUTPUT_H

#include "analysis/check/heap_doubts.h"
#include "analysis/check/limit_finding.h"
#include "analysis/heap_diff.h"

typedef struct DiffOutput {
    const HeapDiff *diff;
    const HeapProfile *const *profiles;
    char **paths;             // the snapshots' file names, as many as there are heaps
    const HeapDoubts *doubts; // about the first heap and the last
    const HeapLimit *limits;
    const LimitFinding *findings;
    uint32_t limit_count;
} DiffOutput;

void diff_output_print(const DiffOutput *output);

// The limits that are exceeded, and what was not measured, alone.
void diff_output_print_exceeded(const DiffOutput *output);

#endif
