// Errors for people, and their exit statuses: the last part of cli/command.h.

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/terminal.h"

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
