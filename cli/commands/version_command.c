// `rudo-snap version`

#include <stdio.h>

#include "cli/command_list.h"
#include "base/version.h"

static const Option options[] = {
    {.name = NULL},
};

const CommandUsage version_usage = {
    .operands = "",
    .options = options,
    .details = "Prints the version of rudo-snap.\n",
    .examples = "",
};

ExitStatus version_run(const Command *command, int argument_count, char **arguments)
{
    Operands operands;
    char no_settings;
    ParseResult parsed = command_parse(command, argument_count, arguments, &no_settings, &operands);

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    printf("rudo-snap %s\n", RUDO_SNAP_VERSION);
    return EXIT_STATUS_DONE;
}
