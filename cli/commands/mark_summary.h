// The summary that `rudo-snap mark` prints.

#ifndef CLI_COMMANDS_MARK_SUMMARY_H
#define CLI_COMMANDS_MARK_SUMMARY_H

#include "analysis/reachability_report.h"

typedef struct MarkSummary {
    const char *path; // of the snapshot, as the user gave it
    const HeapImage *image;
    const MarkResult *result;
    const ReachabilityReport *report;
    uint64_t read_ns;
    bool has_statistics; // print what each worker did
} MarkSummary;

// Prints it to standard output.
void mark_summary_print(const MarkSummary *summary);

#endif
