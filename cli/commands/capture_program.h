// `rudo-snap capture -- PROGRAM`: runs a program and captures it.

#ifndef CLI_COMMANDS_CAPTURE_PROGRAM_H
#define CLI_COMMANDS_CAPTURE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "snapshot/capture/capture.h"

// When the program is captured.
typedef enum CaptureMoment {
    CAPTURE_AT_EXIT,   // once, when it ends
    CAPTURE_AFTER,     // once, when an interval has passed
    CAPTURE_EVERY,     // whenever an interval has passed
    CAPTURE_ON_SIGNAL, // whenever rudo-snap gets a signal
} CaptureMoment;

typedef struct ProgramCapture {
    int argument_count;
    char *const *arguments; // the program and its arguments; borrowed
    const char *output;     // a series is numbered: series_path()
    const CaptureOptions *how;
    CaptureMoment moment;
    int64_t interval_ns;
    int signal_number;
    bool is_quiet;
} ProgramCapture;

// Runs it to its end. Returns its exit status, or 128 + the signal that ended it, if every snapshot
// was written; else the status of the error, which is reported.
int capture_program_run(const ProgramCapture *capture);

#endif
