// `rudo-snap verify`: checks snapshots, and salvages damaged ones.

#include <stdio.h>
#include <unistd.h>

#include "base/output_path.h"
#include "cli/command_list.h"
#include "cli/heap_memory.h"
#include "cli/next_command.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "snapshot/file/snapshot_file.h"
#include "snapshot/file/salvage/snapshot_salvage.h"
#include "snapshot/heap/snapshot_machine.h"

typedef struct VerifySettings {
    bool is_quiet;
    bool salvages;
    const char *output;
    bool replaces;
    int64_t mem_limit; // bytes; 0: none
} VerifySettings;

static const Option options[] = {
    {.name = "quiet",
     .letter = 'q',
     .type = OPTION_FLAG,
     .help = "print only errors",
     .setting = offsetof(VerifySettings, is_quiet)},
    {.name = "salvage",
     .type = OPTION_FLAG,
     .help = "write the undamaged parts of FILE, which may be\n"
             "damaged or cut short, to OUT: a snapshot that lists\n"
             "its missing parts",
     .setting = offsetof(VerifySettings, salvages)},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     .value_name = "OUT",
     .help = "with --salvage: write the snapshot to OUT",
     .setting = offsetof(VerifySettings, output)},
    {.name = "force",
     .letter = 'f',
     .type = OPTION_FLAG,
     .help = "replace OUT if it exists",
     .setting = offsetof(VerifySettings, replaces)},
    MEM_LIMIT_OPTION_AT(offsetof(VerifySettings, mem_limit)),
    {.name = NULL},
};

const CommandUsage verify_usage = {
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = INT32_MAX,
    .options = options,
    .details = "Checks all checksums of each FILE, and that each page, root and block in it is\n"
               "valid. Continues after a damaged file; the exit status is the highest of all\n"
               "files.\n"
               "\n"
               "With --salvage, copies every undamaged page, root and block of one FILE to OUT.\n"
               "All commands accept the new snapshot; their reports say that it is incomplete.\n",
    .examples = "  rudo-snap verify shop.zst\n"
                "  rudo-snap verify heaps/*.zst\n"
                "  rudo-snap verify --salvage cut.zst -o saved.zst\n",
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
    print_text(stdout, path);
    printf(": ok, %s frame%s", format_count(text, found.frames_checked),
           plural(found.frames_checked));
    printf(", %s", format_bytes(text, found.bytes_checked));
    printf(", %s page%s", format_count(text, found.pages_checked), plural(found.pages_checked));
    printf(", %s\n", snapshot_machine_name(found.machine, text));
    return EXIT_STATUS_DONE;
}

static void print_salvage(const char *path, const VerifySettings *settings,
                          const SnapshotSalvage *found)
{
    FILE *out = output_path_is_stream(settings->output, STDOUT_FILENO) ? stderr : stdout;
    char text[2][NUMBER_CHARS];

    print_text(out, path);
    fprintf(out, ": %s of %s frames are undamaged\n", format_count(text[0], found->whole_frames),
            format_count(text[1], found->frames));
    fprintf(out, "  pages   %s of %s\n", format_count(text[0], found->kept_pages),
            format_count(text[1], found->kept_pages + found->lost_pages));
    fprintf(out, "  roots   %s\n", format_count(text[0], found->kept_roots));
    fprintf(out, "  blocks  %s\n", format_count(text[0], found->kept_blocks));
    fprintf(out, "  wrote   ");
    print_text(out, settings->output);
    fprintf(out, "%s\n", found->is_complete ? ", which is complete" : ", which is incomplete");
    print_next(out, "info", (const char *[]){settings->output, NULL});
}

static ExitStatus salvage(const Command *command, const VerifySettings *settings,
                          const Operands *operands)
{
    SnapshotSalvage found;
    Error error;

    if (!settings->salvages || settings->output == NULL || operands->count != 1) {
        (void)error_set(&error, ERROR_USAGE,
                        settings->salvages ? "--salvage needs one FILE and --output OUT"
                                           : "--output and --force need --salvage");
        return report_usage_error(command, &error);
    }
    if (output_path_hits(settings->output, operands->values[0])) {
        (void)error_set(&error, ERROR_USAGE, "--output would overwrite the input '%s'",
                        operands->values[0]);
        return report_usage_error(command, &error);
    }
    if (!snapshot_salvage(operands->values[0], settings->output, settings->replaces,
                          heap_memory_salvaged(settings->mem_limit), &found, &error))
        return report_error(&error);
    if (!settings->is_quiet)
        print_salvage(operands->values[0], settings, &found);
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
    if (settings.salvages || settings.output != NULL || settings.replaces)
        return salvage(command, &settings, &operands);
    for (int i = 0; i < operands.count; i++) {
        ExitStatus status = verify_file(operands.values[i], settings.is_quiet);

        if (status > highest)
            highest = status;
    }
    return highest;
}
