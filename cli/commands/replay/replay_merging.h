// `rudo-snap replay merge`: the results of all shards as one.

#ifndef CLI_COMMANDS_REPLAY_REPLAY_MERGING_H
#define CLI_COMMANDS_REPLAY_REPLAY_MERGING_H

#include "cli/session.h"

// Merges the `--json` files into `output`, which is NULL when --output was not given.
ExitStatus replay_merge_run(const Command *command, char *const *files, int file_count,
                            const char *output, const SessionSettings *settings);

#endif
