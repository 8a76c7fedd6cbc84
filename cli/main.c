// rudo-snap: entry point, the table of commands, and how errors are reported.

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/command_list.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"

const Command commands[] = {
    {"capture", "record the heap of a running process", &capture_usage, capture_run},
    {"mark", "mark the objects that the roots reach, and count them", &mark_usage, mark_run},
    {"report", "summarize a heap: leak suspects, types, retainers, pages", &report_usage,
     report_run},
    {"path", "show how an object or a type is reached from the roots", &path_usage, path_run},
    {"retained", "list the objects or types that keep the most memory alive", &retained_usage,
     retained_run},
    {"what-if", "show what removing objects, types or roots would free", &what_if_usage,
     what_if_run},
    {"diff", "compare snapshots and list what grew", &diff_usage, diff_run},
    {"simulate", "predict how long marking would take on N cores", &simulate_usage, simulate_run},
    {"info", "show the origin and the contents of a snapshot", &info_usage, info_run},
    {"verify", "check snapshots for damage; salvage a damaged one", &verify_usage, verify_run},
    {"replay", "mark recorded heaps in many ways and compare the results", &replay_usage,
     replay_run},
    {"explore", "search the schedules of the marker for errors", &explore_usage, explore_run},
    {"help", "explain a command, or the terms that reports use", &help_usage, help_run},
    {"version", "print the version", &version_usage, version_run},
};

const size_t command_count = sizeof commands / sizeof commands[0];

const Command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

ExitStatus exit_status_of(ErrorCode code)
{
    switch (code) {
    case ERROR_NONE:
        return EXIT_STATUS_DONE;
    case ERROR_USAGE:
        return EXIT_STATUS_USAGE;
    case ERROR_LIMIT:
        return EXIT_STATUS_FOUND;
    case ERROR_CORRUPT:
    case ERROR_UNSUPPORTED:
    case ERROR_NOT_64_BIT:
    case ERROR_NO_HEAP:
        return EXIT_STATUS_INPUT;
    case ERROR_SYSTEM:
    case ERROR_MEMORY:
    case ERROR_INTERRUPTED: // only until the signal takes effect
        return EXIT_STATUS_SYSTEM;
    }
    return EXIT_STATUS_SYSTEM;
}

ExitStatus report_error(const Error *error)
{
    const char *line = error->hint;

    // main() ends the program by the signal, which says enough.
    if (error->code == ERROR_INTERRUPTED)
        return exit_status_of(error->code);
    // In a log, too, results stand before the error that followed them.
    (void)fflush(stdout);
    style_begin(stderr, STYLE_ERROR);
    (void)fputs("rudo-snap:", stderr);
    style_end(stderr);
    (void)fputc(' ', stderr);
    print_safely(stderr, error->message, strlen(error->message));
    (void)fputc('\n', stderr);
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");

        (void)fputs("  ", stderr);
        print_safely(stderr, line, length);
        (void)fputc('\n', stderr);
        line += length + (line[length] == '\n');
    }
    return exit_status_of(error->code);
}

ExitStatus report_usage_error(const Command *command, const Error *error)
{
    Error with_help = *error;

    if (command == NULL)
        (void)error_add_hint(&with_help, "`rudo-snap help` lists the commands");
    else
        (void)error_add_hint(&with_help, "`rudo-snap help %s` explains its options", command->name);
    return report_error(&with_help);
}

ExitStatus report_unknown_command(const char *name)
{
    const char *names[sizeof commands / sizeof commands[0] + 3] = {"--help", "--version"};
    const char *meant;
    Error error;

    for (size_t i = 0; i < command_count; i++)
        names[i + 2] = commands[i].name;
    meant = suggest(name, names);
    (void)error_set(&error, ERROR_USAGE,
                    name[0] == '-' ? "unknown option '%s'" : "unknown command '%s'", name);
    if (meant != NULL)
        (void)error_add_hint(&error, "did you mean '%s'?", meant);
    return report_usage_error(NULL, &error);
}

static ExitStatus run(int argument_count, char **arguments)
{
    const char *name = argument_count < 2 ? "" : arguments[1];
    const Command *command;
    Error error;

    if (argument_count < 2) {
        (void)error_set(&error, ERROR_USAGE, "a command is missing");
        return report_usage_error(NULL, &error);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    command = command_find(name);
    if (command == NULL)
        return report_unknown_command(name);
    return command->run(command, argument_count - 2, arguments + 2);
}

int main(int argument_count, char **arguments)
{
    ExitStatus status;
    Error error;

    interrupt_install();
    status = run(argument_count, arguments);
    interrupt_take_effect();
    // A full disk may show only now.
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && status < EXIT_STATUS_SYSTEM) {
        (void)error_set(&error, ERROR_SYSTEM, "cannot write to standard output: %s",
                        errno != 0 ? strerror(errno) : "an earlier write failed");
        status = report_error(&error);
    }
    return (int)status;
}
