// The usage and the function of each command; the table in cli/main.c says what each is for.

#ifndef CLI_COMMAND_LIST_H
#define CLI_COMMAND_LIST_H

#include "cli/command.h"

extern const CommandUsage capture_usage; // cli/commands/capture_command.c
ExitStatus capture_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage mark_usage; // cli/commands/mark_command.c
ExitStatus mark_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage report_usage; // cli/commands/report_command.c
ExitStatus report_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage path_usage; // cli/commands/path_command.c
ExitStatus path_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage show_usage; // cli/commands/show_command.c
ExitStatus show_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage retained_usage; // cli/commands/retained_command.c
ExitStatus retained_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage what_if_usage; // cli/commands/what_if_command.c
ExitStatus what_if_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage diff_usage; // cli/commands/diff_command.c
ExitStatus diff_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage check_usage; // cli/commands/check/check_command.c
ExitStatus check_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage query_usage; // cli/commands/ask/query_command.c
ExitStatus query_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage export_usage; // cli/commands/ask/export_command.c
ExitStatus export_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage simulate_usage; // cli/commands/simulate_command.c
ExitStatus simulate_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage info_usage; // cli/commands/info_command.c
ExitStatus info_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage verify_usage; // cli/commands/verify_command.c
ExitStatus verify_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage replay_usage; // cli/commands/replay/replay_command.c
ExitStatus replay_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage explore_usage; // cli/commands/explore_command.c
ExitStatus explore_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage help_usage; // cli/commands/help_command.c
ExitStatus help_run(const Command *command, int argument_count, char **arguments);

extern const CommandUsage version_usage; // cli/commands/version_command.c
ExitStatus version_run(const Command *command, int argument_count, char **arguments);

#endif
