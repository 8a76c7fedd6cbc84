// `rudo-snap help`: explains commands and terms.

#include <stdio.h>
#include <string.h>

#include "cli/command_list.h"
#include "cli/glossary.h"
#include "base/version.h"

static const Option options[] = {
    {.name = NULL},
};

const CommandUsage help_usage = {
    .operands = "[COMMAND|TERM]",
    .max_operands = 1,
    .options = options,
    .details = "Lists the commands, or explains a command and its options, or a term that\n"
               "reports use. `rudo-snap help glossary` explains all terms.\n",
    .examples = "  rudo-snap help mark\n"
                "  rudo-snap help zombie\n"
                "  rudo-snap help glossary\n",
};

static void print_overview(void)
{
    printf("rudo-snap %s: records the garbage-collected heap of a running program in a\n"
           "snapshot file, and analyzes snapshots offline\n\n"
           "usage: rudo-snap COMMAND [OPTIONS] [ARGUMENTS]\n\n"
           "commands:\n",
           RUDO_SNAP_VERSION);
    for (size_t i = 0; i < command_count; i++)
        printf("  %-10s%s\n", commands[i].name, commands[i].summary);
    printf("\nexit status: 0 done, 1 a check found something, 2 wrong usage, 3 bad input,\n"
           "4 system or memory\n\n"
           "`rudo-snap help COMMAND` explains a command and its options.\n"
           "`rudo-snap help glossary` explains the terms that reports use.\n");
}

ExitStatus help_run(const Command *command, int argument_count, char **arguments)
{
    const Command *explained;
    const GlossaryTerm *term;
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
    if (strcmp(operands.values[0], "glossary") == 0) {
        for (term = glossary_terms; term->term != NULL; term++)
            glossary_print(term);
        return EXIT_STATUS_DONE;
    }
    term = glossary_find(operands.values[0]);
    if (term == NULL)
        return report_unknown_command(operands.values[0]);
    glossary_print(term);
    return EXIT_STATUS_DONE;
}
