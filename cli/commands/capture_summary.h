// The summary that `rudo-snap capture` prints.

#ifndef CLI_COMMANDS_CAPTURE_SUMMARY_H
#define CLI_COMMANDS_CAPTURE_SUMMARY_H

#include <stdio.h>

#include "snapshot/capture/capture.h"

// `path`: of the snapshot, as the user gave it.
void print_capture_summary(FILE *stream, const char *path, const CaptureSummary *summary);

// One line, for snapshots that are one of many.
void print_capture_line(FILE *stream, const char *path, const CaptureSummary *summary);

#endif
