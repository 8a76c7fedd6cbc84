// Progress: one line on stderr that says what is being done; the next replaces it.

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

// The option --progress of the commands that take a while.
extern const OptionChoice progress_choices[];
#define PROGRESS_HELP                                                                              \
    "say on stderr what is being done; auto, the default:\n"                                       \
    "when stderr is a terminal"

typedef struct Progress {
    bool is_shown;
    bool is_terminal;
    bool has_line;
    const char *what;    // is being done; borrowed
    uint64_t started_ns; // when that began
    uint64_t last_shown_ns;
} Progress;

void progress_init(Progress *progress, ProgressMode mode);
void progress_say(Progress *progress, const char *what);
// How much of it is done, and an estimate of how long the rest takes, a few times a second.
// `context` is the Progress: fits the callbacks of the libraries.
void progress_tell(void *context, uint64_t done, uint64_t whole);
// Removes the line (on a terminal), so that results stand alone.
void progress_end(Progress *progress);

#endif
