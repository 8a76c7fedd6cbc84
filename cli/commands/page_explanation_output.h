// What `rudo-snap capture --explain` prints.

#ifndef CLI_COMMANDS_PAGE_EXPLANATION_OUTPUT_H
#define CLI_COMMANDS_PAGE_EXPLANATION_OUTPUT_H

#include <stdbool.h>

#include "snapshot/capture/capture.h"

// Prints to standard output: a line for each group of pages of which the same is said, or, with
// `has_all`, one for each page.
void print_page_explanation(const PageExplanation *explanation, bool has_all);

#endif
