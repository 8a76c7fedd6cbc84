// `rudo-snap replay merge`: the results of all shards as one.

#ifndef CLI_COMMANDS_REPLAY_MERGING_H
#define CLI_COMMANDS_REPLAY_MERGING_H

#include <stdbool.h>

#include "cli/command.h"

// Puts the `--json` files together into `output`, which may be NULL: none was given.
ExitStatus replay_merge_run(const Command *command, char *const *files, int file_count,
                            const char *output, bool is_quiet);

#endif
