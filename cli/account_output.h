// The account of the resident memory, for people.

#ifndef CLI_ACCOUNT_OUTPUT_H
#define CLI_ACCOUNT_OUTPUT_H

#include "analysis/heap_report.h"

// Prints where the resident memory is, a line for each part that is not empty; or that it was not
// recorded. The collector's own blocks are a part of what only roots lead to.
void account_output_print(const HeapReport *report);

#endif
