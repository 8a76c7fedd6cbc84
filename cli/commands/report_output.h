// The report about a heap, for people: suspects first, details below.

#ifndef CLI_COMMANDS_REPORT_OUTPUT_H
#define CLI_COMMANDS_REPORT_OUTPUT_H

#include "analysis/heap_report.h"

// left_out: why the parts that need the dominator tree are skipped; NULL: they are not.
void report_output_print(const HeapReport *report, const char *left_out);

#endif
