// `rudo-snap verify`: checks snapshots.

#include <stdio.h>
#include <string.h>

#include "cli/command_list.h"
#include "cli/terminal.h"
#include "snapshot/snapshot_file.h"

typedef struct VerifySettings {
    bool is_quiet;
} VerifySettings;

static const Option options[] = {
    {.name = "quiet",
     .letter = 'q',
     .type = OPTION_FLAG,
     .help = "print nothing about files that are fine",
     .setting = offsetof(VerifySettings, is_quiet)},
    {.name = NULL},
};

const CommandUsage verify_usage = {
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = INT32_MAX,
    .options = options,
    .details = "Checks every checksum in each FILE, and everything that loading it checks: that\n"
               "each page, root and block in it is possible. Goes on after a damaged file; the\n"
               "exit status is the highest of all files.\n",
    .examples = "  rudo-snap verify shop.zst\n"
                "  rudo-snap verify heaps/*.zst\n",
};

static ExitStatus verify_file(const char *path, bool is_quiet)
{
    SnapshotVerification found;
    char text[NUMBER_CHARS];
    Error error;

    if (!snapshot_verify(path, NULL, &found, &error))
        return report_error(&error);
    if (is_quiet)
        return EXIT_STATUS_DONE;
    print_safely(stdout, path, strlen(path));
    printf(": ok, %s frame%s", format_count(text, found.frames_checked),
           plural(found.frames_checked));
    printf(", %s", format_bytes(text, found.bytes_checked));
    printf(", %s page%s\n", format_count(text, found.pages_checked), plural(found.pages_checked));
    return EXIT_STATUS_DONE;
}

ExitStatus verify_run(const Command *command, int argument_count, char **arguments)
{
    VerifySettings settings = {.is_quiet = false};
    ExitStatus highest = EXIT_STATUS_DONE;
    Operands operands;
    ParseResult parsed = command_parse(command, argument_count, arguments, &settings, &operands);

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    for (int i = 0; i < operands.count; i++) {
        ExitStatus status = verify_file(operands.values[i], settings.is_quiet);

        if (status > highest)
            highest = status;
    }
    return highest;
}
