// rudo-snap: entry point and the table of commands.

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/command_list.h"
#include "cli/interrupt.h"

const Command commands[] = {
    {"capture", "record the heap of a running process", &capture_usage, capture_run},
    {"mark", "mark the objects that the roots reach, and count them", &mark_usage, mark_run},
    {"report", "summarize a heap: leak suspects, types, retainers, pages", &report_usage,
     report_run},
    {"path", "show how an object or a type is reached from the roots", &path_usage, path_run},
    {"show", "show an object: its fields, who refers to it, its page", &show_usage, show_run},
    {"retained", "list the objects or types that keep the most memory alive", &retained_usage,
     retained_run},
    {"what-if", "show what removing objects, types or roots would free", &what_if_usage,
     what_if_run},
    {"diff", "compare snapshots and list what grew", &diff_usage, diff_run},
    {"check", "compare a heap with limits: exit status 1 if one is exceeded", &check_usage,
     check_run},
    {"query", "put SQL to a heap: objects, edges, roots, pages, types, dominators", &query_usage,
     query_run},
    {"export", "write a heap for DevTools, pprof, Speedscope, Graphviz, or as tables",
     &export_usage, export_run},
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
    bool is_written;
    Error error;
    int cause;

    interrupt_install();
    status = run(argument_count, arguments);
    // A full disk may show only now.
    errno = 0;
    is_written = fflush(stdout) == 0 && ferror(stdout) == 0;
    cause = errno;
    interrupt_take_effect();
    if (!is_written && status < EXIT_STATUS_SYSTEM) {
        (void)error_set(&error, ERROR_SYSTEM, "cannot write to standard output: %s",
                        cause != 0 ? strerror(cause) : "an earlier write failed");
        status = report_error(&error);
    }
    return (int)status;
}
