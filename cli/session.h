// Session: the frame of a command that works for a while. Progress on standard error, the result
// files that options name, whether a summary is printed, and the exit status at the end.
//
//     session_begin(&session, command, &settings, inputs, input_count);
//     ok = session_open_result(&session, "--json", path, &json, &error) && work(...);
//     if (ok && session_prints(&session))
//         print_summary();
//     return session_end(&session, ok, &error);

#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "base/error.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/result_file.h"

// The settings of every such command.
typedef struct SessionSettings {
    bool is_quiet;
    bool replaces; // results may replace snapshots
    int progress;  // ProgressMode
} SessionSettings;

// Their rows in the table of options; `first` is the offset of the SessionSettings.
#define QUIET_OPTION(first)                                                                        \
    {                                                                                              \
        .name = "quiet", .letter = 'q', .type = OPTION_FLAG, .help = "print no summary",           \
        .setting = (first) + offsetof(SessionSettings, is_quiet)                                   \
    }
#define REPLACE_OPTION(first)                                                                      \
    {                                                                                              \
        .name = "force", .letter = 'f', .type = OPTION_FLAG,                                       \
        .help = "let results replace snapshots (never an input)",                                  \
        .setting = (first) + offsetof(SessionSettings, replaces)                                   \
    }
#define PROGRESS_OPTION(first)                                                                     \
    {                                                                                              \
        .name = "progress", .type = OPTION_CHOICE, .choices = progress_choices,                    \
        .help = "show progress on standard error; auto (the default):\n"                           \
                "only if it is a terminal",                                                        \
        .setting = (first) + offsetof(SessionSettings, progress)                                   \
    }

#define MEM_LIMIT_OPTION_AT(place)                                                                 \
    {                                                                                              \
        .name = "mem-limit", .type = OPTION_BYTES, .value_name = "SIZE",                           \
        .help = "have at most SIZE of memory resident (500M, 2G);\n"                               \
                "steps that need more are skipped and reported",                                   \
        .setting = (place), .minimum = 1, .maximum = INT64_MAX                                     \
    }

// Results that one command can write, and files that its options name for reading.
#define SESSION_MAX_RESULTS 16u
#define SESSION_MAX_OPTION_INPUTS 4u

// A zeroed struct can be ended.
typedef struct Session {
    const Command *command;
    bool is_quiet;
    bool replaces;
    Progress progress;
    char *const *inputs; // files that are read; borrowed
    int input_count;
    const char *option_inputs[SESSION_MAX_OPTION_INPUTS]; // borrowed
    uint32_t option_input_count;
    uint32_t result_count;
    const char *result_options[SESSION_MAX_RESULTS];
    const char *result_paths[SESSION_MAX_RESULTS]; // borrowed
    OutputFile *results[SESSION_MAX_RESULTS];
} Session;

void session_begin(Session *session, const Command *command, const SessionSettings *settings,
                   char *const *inputs, int input_count);

// No result may replace the file that an option names for reading. Errors: usage (one does).
NODISCARD bool session_add_input(Session *session, const char *path, Error *error);

// As session_add_input(), for results that are open already.
NODISCARD bool session_check_input(const Session *session, const char *path, Error *error);

// Opens the result that `option` ("--json") sends to `path`, before the work, so that a mistyped
// folder does not cost a long run. `*file` stays the session's; it is NULL when `path` is NULL: the
// result is not wanted. Errors: usage (an input would be overwritten; another result goes to the
// same file or stream), and those of result_file_open().
NODISCARD bool session_open_result(Session *session, const char *option, const char *path,
                                   OutputFile **file, Error *error);

// Is standard output free of results? Ends the line of progress.
bool session_has_output(Session *session);
// Is a summary wanted, and is standard output free for it? Ends the line of progress.
bool session_prints(Session *session);

// Ends progress, removes results that were not committed, reports the error unless `ok`. Returns
// the exit status.
ExitStatus session_end(Session *session, bool ok, const Error *error);

#endif
