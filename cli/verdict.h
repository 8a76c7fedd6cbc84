// The verdict of a report: what keeps the memory, in one to three sentences, and the other
// suspects.

#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include <stdbool.h>

#include "analysis/heap_report.h"

typedef struct VerdictFiles {
    const char *snapshot;
    const char *older; // the oldest one; NULL: not compared
} VerdictFiles;

// Prints the verdict, the path to its suspect, and a table of the other suspects; all with their
// paths where `is_full`. The report has a tree.
// Returns whether it said why types have no names: the first suspect has none.
bool verdict_print(const HeapReport *report, const VerdictFiles *files, bool is_full);

#endif
