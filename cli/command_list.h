// The commands: one pair a file. What each is for stands in the table in cli/main.c.

#ifndef CLI_COMMAND_LIST_H
#define CLI_COMMAND_LIST_H

#include "cli/command.h"

extern const CommandUsage capture_usage; // cli/capture_command.c
ExitStatus capture_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage mark_usage; // cli/mark_command.c
ExitStatus mark_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage report_usage; // cli/report_command.c
ExitStatus report_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage path_usage; // cli/path_command.c
ExitStatus path_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage retained_usage; // cli/retained_command.c
ExitStatus retained_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage what_if_usage; // cli/what_if_command.c
ExitStatus what_if_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage diff_usage; // cli/diff_command.c
ExitStatus diff_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage simulate_usage; // cli/simulate_command.c
ExitStatus simulate_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage info_usage; // cli/info_command.c
ExitStatus info_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage verify_usage; // cli/verify_command.c
ExitStatus verify_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage replay_usage; // cli/replay_command.c
ExitStatus replay_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage explore_usage; // cli/explore_command.c
ExitStatus explore_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage help_usage; // cli/help_command.c
ExitStatus help_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage version_usage; // cli/version_command.c
ExitStatus version_run(const Command *command, int argument_count, char **arguments);

#endif
