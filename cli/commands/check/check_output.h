// The verdict of a check, for people and for JUnit.

#ifndef CLI_COMMANDS_CHECK_CHECK_OUTPUT_H
#define CLI_COMMANDS_CHECK_CHECK_OUTPUT_H

#include <stdio.h>

#include "cli/commands/check/check_limits.h"
#include "cli/heap_session.h"

typedef struct CheckOutput {
    const HeapSession *session;
    const char *baseline_path;    // NULL: none
    const HeapIdentity *baseline; // meant where there is a path
    const HeapIdentity *heap;
    const CheckLimits *limits;
    const HeapDoubts *doubts;
    const LeakFindings *findings; // NULL: they were not looked for
} CheckOutput;

void check_output_print(const CheckOutput *output);
// Prints only what is exceeded.
void check_output_print_exceeded(const CheckOutput *output);

// Writes the results as JUnit XML. Errors: memory, and those of the sink.
NODISCARD bool check_output_write_junit(const CheckOutput *output, JsonSink sink, Error *error);

#endif
