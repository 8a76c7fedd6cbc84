// Progress: one line on stderr that names the step under way; the next step replaces it.

#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"

typedef enum ProgressMode {
    PROGRESS_AUTO, // when stderr is a terminal
    PROGRESS_NEVER,
    PROGRESS_ALWAYS,
} ProgressMode;

// Of the option --progress (cli/session.h).
extern const OptionChoice progress_choices[];

typedef struct Progress {
    bool is_shown;
    bool is_terminal;
    bool has_line;
    const char *what;    // the step under way; borrowed
    uint64_t started_ns; // when it began
    uint64_t last_shown_ns;
} Progress;

void progress_init(Progress *progress, ProgressMode mode);
void progress_say(Progress *progress, const char *what);
// Shows the share that is done and an estimate of the time left, a few times a second at most.
// `context` is the Progress: fits the callbacks of the libraries.
void progress_tell(void *context, uint64_t done, uint64_t whole);
// Removes the line (on a terminal), so that results stand alone.
void progress_end(Progress *progress);

#endif
