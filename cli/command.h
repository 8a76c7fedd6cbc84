// Commands: the subcommands of rudo-snap.
//
// The one table of commands is in cli/main.c. Each command has a file of its own that
// defines its options, its help and its function; parser, usage line, help text and shell
// completion all come from the same option table.

#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// Exit statuses are a promise: docs/rudo-snap.1, "EXIT STATUS". With several files, the highest
// one of all.
typedef enum ExitStatus {
    EXIT_STATUS_DONE = 0,
    EXIT_STATUS_FOUND = 1,  // a check found something, or a limit that was set is exceeded
    EXIT_STATUS_USAGE = 2,  // wrong usage
    EXIT_STATUS_INPUT = 3,  // bad input: damaged, not readable by this version, no heap in it
    EXIT_STATUS_SYSTEM = 4, // no such process, permission, memory, disk
} ExitStatus;

typedef enum OptionType {
    OPTION_FLAG,     // bool
    OPTION_TEXT,     // const char *, borrowed from the arguments
    OPTION_NUMBER,   // int64_t
    OPTION_CHOICE,   // int
    OPTION_DURATION, // int64_t, nanoseconds: "250ms", "1.5h", "10" (seconds)
    OPTION_BYTES,    // int64_t: "64MiB", "1G", "4096"
    OPTION_TEXTS,    // OptionTexts: may be given several times
} OptionType;

typedef struct OptionChoice {
    const char *name; // NULL ends a list
    int value;
} OptionChoice;

// The values of an option that may be given several times, in their order; borrowed.
#define OPTION_MAX_TEXTS 16u
typedef struct OptionTexts {
    uint32_t count;
    const char *values[OPTION_MAX_TEXTS];
} OptionTexts;

typedef struct Option {
    const char *name; // without dashes; NULL ends a table
    char letter;      // '\0': none
    OptionType type;
    const char *value_name; // "FILE"; NULL for flags, and for choices unless required
    const char *help;       // may have several lines
    bool is_required;
    size_t setting;  // offsetof the command's settings struct
    int64_t minimum; // of numbers, durations and bytes
    int64_t maximum;
    const OptionChoice *choices;
} Option;

// The arguments of a command and its help text.
typedef struct CommandUsage {
    const char *operands; // "FILE", "FILE...", ""
    int min_operands;
    int max_operands;
    const Option *options;
    const char *details;  // paragraphs of the help text, each ends with a line feed
    const char *examples; // lines, as typed
} CommandUsage;

typedef struct Command {
    const char *name;
    const char *summary;
    const CommandUsage *usage;
    ExitStatus (*run)(const struct Command *command, int argument_count, char **arguments);
} Command;

// The table, and the command with this name, or NULL.
extern const Command commands[];
extern const size_t command_count;
const Command *command_find(const char *name);

// The outcome of command_parse().
typedef enum ParseResult {
    PARSE_RUN,    // go on: settings and operands are filled
    PARSE_HELPED, // --help was given, and the help printed: done
    PARSE_FAILED, // wrong usage; the error is printed
} ParseResult;

// The arguments that are not options.
typedef struct Operands {
    int count;
    char **values; // borrowed from the arguments, which are reordered: operands first
} Operands;

// Parses options (anywhere among the operands, "--" ends them) into `settings`, which holds
// the defaults. Knows --help by itself.
ParseResult command_parse(const Command *command, int argument_count, char **arguments,
                          void *settings, Operands *operands);

// The same as an exit status, for PARSE_HELPED and PARSE_FAILED.
ExitStatus parse_exit_status(ParseResult result);

// "usage: rudo-snap mark [OPTIONS] FILE" and the whole help text.
void command_print_usage(const Command *command);
void command_print_help(const Command *command);

// The exit status that an error leads to.
ExitStatus exit_status_of(ErrorCode code);

// Prints "rudo-snap: message" and the hints to stderr. Returns the exit status.
ExitStatus report_error(const Error *error);
// The same for wrong usage, with a last line that names the command's help. command may be NULL.
ExitStatus report_usage_error(const Command *command, const Error *error);

// For a name that command_find() does not know.
ExitStatus report_unknown_command(const char *name);

// The one of `names` (NULL ends them) that `wrong` was probably meant to be, or NULL.
const char *suggest(const char *wrong, const char *const *names);

#endif
