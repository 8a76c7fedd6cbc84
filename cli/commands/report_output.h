// The report about a heap, for people: the answer first, the details below.

#ifndef CLI_COMMANDS_REPORT_OUTPUT_H
#define CLI_COMMANDS_REPORT_OUTPUT_H

#include "analysis/heap_report.h"

// left_out: why what needs the dominator tree is not there, or NULL.
void report_output_print(const HeapReport *report, const char *left_out);

#endif
