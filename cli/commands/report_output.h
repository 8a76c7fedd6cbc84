// The report for people.

#ifndef CLI_COMMANDS_REPORT_OUTPUT_H
#define CLI_COMMANDS_REPORT_OUTPUT_H

#include "cli/verdict.h"

typedef struct ReportOutput {
    VerdictFiles files;
    const char *left_out; // why the parts that need the dominator tree are skipped; NULL: they are
                          // not
    const char *not_compared; // why older snapshots were not looked at; NULL: they were
    uint32_t most;            // rows of the tables of types and retainers
    bool is_full;             // with what only authors of collectors want
} ReportOutput;

// Returns whether it said why types have no names.
bool report_output_print(const HeapReport *report, const ReportOutput *output);

#endif
