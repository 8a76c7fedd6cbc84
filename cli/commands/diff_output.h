// The comparison of heaps, for people.

#ifndef CLI_COMMANDS_DIFF_OUTPUT_H
#define CLI_COMMANDS_DIFF_OUTPUT_H

#include "analysis/growth_limit.h"

// paths: the snapshots' file names, as many as there are heaps.
void diff_output_print(const HeapDiff *diff, const HeapProfile *const *profiles, char **paths,
                       const GrowthLimit *limits, const GrowthFinding *findings,
                       uint32_t limit_count);

#endif
