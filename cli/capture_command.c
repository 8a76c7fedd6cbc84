// `rudo-snap capture`: records the heap of a running process, or of its core file.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/capture_notes.h"
#include "cli/command_list.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "snapshot/capture.h"

typedef struct CaptureSettings {
    int64_t pid; // 0: not given
    const char *core;
    const char *executable;
    const char *output;
    bool replaces;
    bool keeps_free_slots;
    bool is_quiet;
    int foreign_mode; // ForeignMode
    int64_t level;
    int64_t max_bytes; // 0: any
    int progress;      // ProgressMode
} CaptureSettings;

static const OptionChoice foreign_modes[] = {
    {"blocks", FOREIGN_BLOCKS}, {"roots", FOREIGN_ROOTS}, {"none", FOREIGN_NONE}, {NULL, 0}};

static const Option options[] = {
    {.name = "pid",
     .letter = 'p',
     .type = OPTION_NUMBER,
     .value_name = "PID",
     .help = "the process to capture; it is stopped while its\n"
             "memory is copied, and needs no preparation",
     .setting = offsetof(CaptureSettings, pid),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "core",
     .type = OPTION_TEXT,
     .value_name = "CORE",
     .help = "capture from this core file, of gcore or of a crash;\n"
             "one that systemd-coredump compressed (.zst) is read,\n"
             "too",
     .setting = offsetof(CaptureSettings, core)},
    {.name = "exe",
     .type = OPTION_TEXT,
     .value_name = "PROGRAM",
     .help = "with --core: read the executable's symbols from here,\n"
             "not from where the core says; it must be the same\n"
             "build",
     .setting = offsetof(CaptureSettings, executable)},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "the snapshot to write, a Zstandard file; '-': to\n"
             "standard output, and the summary to stderr",
     .is_required = true,
     .setting = offsetof(CaptureSettings, output)},
    {.name = "force",
     .letter = 'f',
     .type = OPTION_FLAG,
     .help = "replace FILE when it exists",
     .setting = offsetof(CaptureSettings, replaces)},
    {.name = "foreign",
     .type = OPTION_CHOICE,
     .choices = foreign_modes,
     .help = "malloc'd memory: trace its blocks like objects (the\n"
             "default), take all of it as roots, or leave it out",
     .setting = offsetof(CaptureSettings, foreign_mode)},
    {.name = "keep-free",
     .type = OPTION_FLAG,
     .help = "keep the values of free slots, which are zeroed\n"
             "otherwise",
     .setting = offsetof(CaptureSettings, keeps_free_slots)},
    {.name = "level",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "compression level, 1 to 19 (default: 1)",
     .setting = offsetof(CaptureSettings, level),
     .minimum = 1,
     .maximum = 19},
    {.name = "max-size",
     .type = OPTION_BYTES,
     .value_name = "SIZE",
     .help = "give up, with status 1 and without a file, when the\n"
             "snapshot would be larger than this",
     .setting = offsetof(CaptureSettings, max_bytes),
     .minimum = 1},
    {.name = "quiet",
     .letter = 'q',
     .type = OPTION_FLAG,
     .help = "print no summary",
     .setting = offsetof(CaptureSettings, is_quiet)},
    {.name = "progress",
     .type = OPTION_CHOICE,
     .choices = progress_choices,
     .help = PROGRESS_HELP,
     .setting = offsetof(CaptureSettings, progress)},
    {.name = NULL},
};

const CommandUsage capture_usage = {
    .operands = "",
    .options = options,
    .details = "Records the rudo-gc heap of a running process, with everything that may refer to\n"
               "it, in one file. The process is stopped for as long as copying its memory takes,\n"
               "and runs on whatever happens to rudo-snap. FILE appears when it is whole.\n"
               "\n"
               "With --core, the process is the one that a core file holds. The result is the\n"
               "same as if it had been captured when the core was made.\n",
    .examples = "  rudo-snap capture --pid 4242 -o shop.zst\n"
                "  rudo-snap capture --pid 4242 -o shop.zst --force --foreign roots\n"
                "  rudo-snap capture --core core.4242 -o shop.zst\n",
};

// Is the snapshot being written to where the summary would go?
static bool is_standard_output(const char *path)
{
    struct stat output, standard;

    return stat(path, &output) == 0 && fstat(STDOUT_FILENO, &standard) == 0 &&
           output.st_dev == standard.st_dev && output.st_ino == standard.st_ino &&
           !S_ISREG(output.st_mode) && output.st_rdev == standard.st_rdev;
}

static void print_file(FILE *stream, const char *path, const CaptureSummary *summary)
{
    char text[NUMBER_CHARS];
    double ratio = summary->file.file_bytes == 0
                       ? 0
                       : (double)summary->resident_bytes / (double)summary->file.file_bytes;

    fprintf(stream, "  wrote        ");
    print_safely(stream, path, strlen(path));
    fprintf(stream, ", %s", format_bytes(text, summary->file.file_bytes));
    if (ratio >= 1.05)
        fprintf(stream, " (%.*fx smaller)", ratio < 10 ? 1 : 0, ratio);
    fprintf(stream, "\n");
}

static void print_summary(FILE *stream, const CaptureSettings *settings,
                          const CaptureSummary *summary)
{
    char text[NUMBER_CHARS];

    print_safely(stream, summary->executable, strlen(summary->executable));
    fprintf(stream, " (pid %" PRIu32 "), %" PRIu32 " thread%s, ", summary->pid,
            summary->thread_count, plural(summary->thread_count));
    fprintf(stream, "%s of private memory\n", format_bytes(text, summary->resident_bytes));
    if (settings->core == NULL)
        fprintf(stream, "  stopped for  %s\n", format_time(text, summary->pause_ns));
    fprintf(stream, "  found        %s GC page%s", format_count(text, summary->page_count),
            plural(summary->page_count));
    fprintf(stream, ", %s object%s", format_count(text, summary->object_count),
            plural(summary->object_count));
    fprintf(stream, " (looked at %s pages)\n", format_count(text, summary->looked_at_pages));
    print_file(stream, settings->output, summary);
    print_foreign_note(stream, (ForeignMode)settings->foreign_mode, summary->foreign_mode,
                       summary->foreign_note);
    fprintf(stream, "\n");
    style_begin(stream, STYLE_FAINT);
    fprintf(stream, "next: rudo-snap mark ");
    print_safely(stream, settings->output, strlen(settings->output));
    style_end(stream);
    fprintf(stream, "\n");
}

static void say_phase(void *context, CapturePhase phase)
{
    static const char *const names[] = {[CAPTURE_COPYING] = "copying the memory of the process",
                                        [CAPTURE_SEARCHING] = "looking for pages and roots",
                                        [CAPTURE_WRITING] = "writing the snapshot"};

    progress_say(context, names[phase]);
}

// Is it said, once, what to capture?
static bool check_source(const CaptureSettings *settings, Error *error)
{
    if (settings->pid != 0 && settings->core != NULL)
        return error_set(error, ERROR_USAGE, "--pid and --core: only one can be captured");
    if (settings->pid == 0 && settings->core == NULL)
        return error_set(error, ERROR_USAGE, "what to capture is missing: --pid or --core");
    if (settings->executable != NULL && settings->core == NULL)
        return error_set(error, ERROR_USAGE, "--exe goes with --core");
    return true;
}

static bool capture(const CaptureSettings *settings, const CaptureOptions *how,
                    CaptureSummary *summary, Error *error)
{
    if (settings->core != NULL)
        return capture_core(settings->core, settings->executable, settings->output, how, summary,
                            error);
    return capture_process((int)settings->pid, settings->output, how, summary, error);
}

ExitStatus capture_run(const Command *command, int argument_count, char **arguments)
{
    CaptureSettings settings = {.foreign_mode = FOREIGN_BLOCKS};
    CaptureOptions capture_options = {.layout = NULL};
    CaptureSummary summary;
    Progress progress;
    Operands operands;
    Error error;
    ParseResult parsed = command_parse(command, argument_count, arguments, &settings, &operands);
    bool ok;

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    if (!check_source(&settings, &error))
        return report_usage_error(command, &error);
    if (strcmp(settings.output, "-") == 0) {
        settings.output = "/dev/stdout";
        if (isatty(STDOUT_FILENO) == 1) {
            (void)error_set(&error, ERROR_USAGE, "a snapshot is nothing for a terminal");
            return report_usage_error(command, &error);
        }
    }
    capture_options.foreign_mode = (ForeignMode)settings.foreign_mode;
    capture_options.write = (SnapshotWriteOptions){.level = (int)settings.level,
                                                   .max_file_bytes = (uint64_t)settings.max_bytes,
                                                   .keeps_free_slots = settings.keeps_free_slots,
                                                   .replaces = settings.replaces,
                                                   .is_cancelled = interrupt_is_pending};
    // The target has to be let go and the unfinished file to be removed first.
    interrupt_defer();
    progress_init(&progress, (ProgressMode)settings.progress);
    capture_options.on_phase = say_phase;
    capture_options.phase_context = &progress;
    ok = capture(&settings, &capture_options, &summary, &error);
    progress_end(&progress);
    if (!ok) {
        if (error.code == ERROR_LIMIT && settings.max_bytes != 0)
            (void)error_add_hint(&error, "--max-size sets the limit; a higher --level makes "
                                         "snapshots smaller");
        return report_error(&error);
    }
    if (!settings.is_quiet)
        print_summary(is_standard_output(settings.output) ? stderr : stdout, &settings, &summary);
    return EXIT_STATUS_DONE;
}
