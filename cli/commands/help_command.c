// `rudo-snap help [COMMAND]`

#include <stdio.h>

#include "cli/command_list.h"
#include "base/version.h"

static const Option options[] = {
    {.name = NULL},
};

const CommandUsage help_usage = {
    .operands = "[COMMAND]",
    .max_operands = 1,
    .options = options,
    .details = "Explains a command and its options, or lists the commands.\n",
    .examples = "  rudo-snap help mark\n",
};

static void print_overview(void)
{
    printf("rudo-snap %s: records the heap of a running rudo-gc program in one file, and\n"
           "answers offline what is reachable in it\n\n"
           "usage: rudo-snap COMMAND [OPTIONS] [ARGUMENTS]\n\n"
           "commands:\n",
           RUDO_SNAP_VERSION);
    for (size_t i = 0; i < command_count; i++)
        printf("  %-10s%s\n", commands[i].name, commands[i].summary);
    printf("\nexit status: 0 done, 1 a check found something, 2 wrong usage, 3 bad input,\n"
           "4 system or memory\n\n"
           "`rudo-snap help COMMAND` explains a command and its options.\n");
}

ExitStatus help_run(const Command *command, int argument_count, char **arguments)
{
    const Command *explained;
    Operands operands;
    char no_settings;
    ParseResult parsed = command_parse(command, argument_count, arguments, &no_settings, &operands);

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    if (operands.count == 0) {
        print_overview();
        return EXIT_STATUS_DONE;
    }
    explained = command_find(operands.values[0]);
    if (explained != NULL) {
        command_print_help(explained);
        return EXIT_STATUS_DONE;
    }
    return report_unknown_command(operands.values[0]);
}
