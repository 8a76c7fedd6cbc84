// `rudo-snap replay merge`: the results of all shards as one.

#ifndef CLI_COMMANDS_REPLAY_REPLAY_MERGING_H
#define CLI_COMMANDS_REPLAY_REPLAY_MERGING_H

#include "cli/session.h"

typedef struct ReplayMergeSettings {
    const char *output; // NULL: not given, which is an error
    const char *junit;  // NULL: not wanted
    const SessionSettings *session;
} ReplayMergeSettings;

// Merges the `--json` files of a run.
ExitStatus replay_merge_run(const Command *command, char *const *files, int file_count,
                            const ReplayMergeSettings *settings);

#endif
