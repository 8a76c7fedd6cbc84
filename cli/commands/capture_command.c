// `rudo-snap capture`: records the heap of a running process, or of its core file.

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/output_path.h"
#include "cli/capture_notes.h"
#include "cli/commands/capture_program.h"
#include "cli/commands/capture_summary.h"
#include "cli/commands/page_explanation_output.h"
#include "cli/command_list.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "snapshot/capture/capture.h"
#include "snapshot/heap/layout_file.h"

typedef struct CaptureSettings {
    SessionSettings session;
    int64_t pid; // 0: not given
    const char *core;
    const char *executable;
    bool is_at_exit;
    int64_t after_ns; // 0: not given; so are the next two
    int64_t every_ns;
    const char *signal_name;
    const char *output;
    bool replaces;
    bool keeps_free_slots;
    bool redacts;
    int method;            // CaptureMethod
    int64_t max_pause_ns;  // 0: any
    int64_t staging_bytes; // 0: as many as it takes
    int heap_kind;         // HeapKind
    int64_t wait_collection_ns;
    int foreign_mode; // ForeignMode
    const char *layout;
    bool explains;
    bool is_verbose;
    int64_t level;
    int64_t max_bytes; // 0: any
} CaptureSettings;

#define DEFAULT_WAIT_NS UINT64_C(2000000000)

static const OptionChoice foreign_modes[] = {
    {"blocks", FOREIGN_BLOCKS}, {"roots", FOREIGN_ROOTS}, {"none", FOREIGN_NONE}, {NULL, 0}};

static const OptionChoice heap_kinds[] = {
    {"auto", HEAP_AUTO}, {"rudo-gc", HEAP_RUDO_GC}, {"bdwgc", HEAP_BOEHM}, {NULL, 0}};

static const OptionChoice methods[] = {{"auto", CAPTURE_AUTO},
                                       {"precopy", CAPTURE_PRECOPY},
                                       {"fork", CAPTURE_FORK},
                                       {"stop", CAPTURE_STOP},
                                       {NULL, 0}};

static const Option options[] = {
    {.name = "pid",
     .letter = 'p',
     .type = OPTION_NUMBER,
     .value_name = "PID",
     .help = "capture the running process PID; it needs no\n"
             "preparation, and pauses briefly",
     .setting = offsetof(CaptureSettings, pid),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "core",
     .type = OPTION_TEXT,
     .value_name = "CORE",
     .help = "capture from a core file, written by gcore or after a\n"
             "crash; one that systemd-coredump compressed (.zst)\n"
             "can be read, too",
     .setting = offsetof(CaptureSettings, core)},
    {.name = "exe",
     .type = OPTION_TEXT,
     .value_name = "PROGRAM",
     .help = "with --core: read the executable's symbols from\n"
             "PROGRAM, which must be the same build, instead of\n"
             "the path in the core file",
     .setting = offsetof(CaptureSettings, executable)},
    {.name = "at-exit",
     .type = OPTION_FLAG,
     .help = "capture PROGRAM when it ends, however it ends (the\n"
             "default with PROGRAM)",
     .setting = offsetof(CaptureSettings, is_at_exit)},
    {.name = "after",
     .type = OPTION_DURATION,
     .value_name = "TIME",
     .help = "capture PROGRAM once, after it has run for TIME\n"
             "(250ms, 10s, 1.5h)",
     .setting = offsetof(CaptureSettings, after_ns),
     .minimum = 1},
    {.name = "every",
     .type = OPTION_DURATION,
     .value_name = "TIME",
     .help = "capture PROGRAM every TIME; the snapshots are\n"
             "numbered: shop.0001.zst, shop.0002.zst, ...",
     .setting = offsetof(CaptureSettings, every_ns),
     .minimum = 1000000},
    {.name = "on-signal",
     .type = OPTION_TEXT,
     .value_name = "SIGNAL",
     .help = "capture PROGRAM each time rudo-snap receives SIGNAL\n"
             "(USR1, USR2 or HUP); the snapshots are numbered",
     .setting = offsetof(CaptureSettings, signal_name)},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write the snapshot, a Zstandard file, to FILE; '-'\n"
             "writes it to standard output, and the summary to\n"
             "standard error",
     .setting = offsetof(CaptureSettings, output)},
    {.name = "force",
     .letter = 'f',
     .type = OPTION_FLAG,
     .help = "replace FILE if it exists",
     .setting = offsetof(CaptureSettings, replaces)},
    {.name = "method",
     .type = OPTION_CHOICE,
     .choices = methods,
     .help = "how the process is copied. precopy: while it runs,\n"
             "with a pause for the pages it changed last; fork:\n"
             "from a fork of it; stop: while it is stopped; auto\n"
             "(the default): the possible method with the shortest\n"
             "pause",
     .setting = offsetof(CaptureSettings, method)},
    {.name = "max-pause",
     .type = OPTION_DURATION,
     .value_name = "TIME",
     .help = "give up, with exit status 1 and without a snapshot,\n"
             "if the process would be stopped for longer than TIME\n"
             "(20ms)",
     .setting = offsetof(CaptureSettings, max_pause_ns),
     .minimum = 1000},
    {.name = "staging",
     .type = OPTION_BYTES,
     .value_name = "SIZE",
     .help = "use at most SIZE of memory (at least 16M) for the copy\n"
             "of the process; a larger copy is kept compressed\n"
             "(default: the size of the process, or half of the\n"
             "free memory if that is less)",
     .setting = offsetof(CaptureSettings, staging_bytes),
     .minimum = CAPTURE_LEAST_STAGING},
    {.name = "heap",
     .type = OPTION_CHOICE,
     .choices = heap_kinds,
     .help = "whose heap is captured: rudo-gc's (or that of a\n"
             "layout), that of the Boehm collector (bdwgc: Guile,\n"
             "Nix, Crystal, ECL, C programs), or the one that the\n"
             "process has (auto, the default)",
     .setting = offsetof(CaptureSettings, heap_kind)},
    {.name = "wait-collection",
     .type = OPTION_DURATION,
     .value_name = "TIME",
     .help = "with a heap of the Boehm collector: a process that is\n"
             "inside a collection is captured again for at most\n"
             "TIME, then as it is (default: 2s)",
     .setting = offsetof(CaptureSettings, wait_collection_ns)},
    {.name = "foreign",
     .type = OPTION_CHOICE,
     .choices = foreign_modes,
     .help = "malloc'd memory: trace its blocks like objects (the\n"
             "default), treat all its words as roots, or ignore it",
     .setting = offsetof(CaptureSettings, foreign_mode)},
    {.name = "layout",
     .type = OPTION_TEXT,
     .value_name = "LAYOUT",
     .help = "the layout of the heap's pages: a name (rudo-gc-0.1,\n"
             "-0.3, -0.5, -0.8.12, -0.8) or a JSON file, schema\n"
             "rudo-snap/layout/1 (default: that of the version of\n"
             "rudo-gc which the program names)",
     .setting = offsetof(CaptureSettings, layout)},
    {.name = "explain",
     .type = OPTION_FLAG,
     .help = "with --pid or --core: write no snapshot, but say of\n"
             "the pages of the heap which checks of their headers\n"
             "fail, with the values found and those expected; exit\n"
             "status 1 if no page is valid",
     .setting = offsetof(CaptureSettings, explains)},
    {.name = "verbose",
     .letter = 'v',
     .type = OPTION_FLAG,
     .help = "with --explain: a line for each page",
     .setting = offsetof(CaptureSettings, is_verbose)},
    {.name = "keep-free",
     .type = OPTION_FLAG,
     .help = "keep the contents of free slots (default: zero them)",
     .setting = offsetof(CaptureSettings, keeps_free_slots)},
    {.name = "redact",
     .type = OPTION_FLAG,
     .help = "keep the object graph, all counts and the digest, but\n"
             "no data and no names that were given at run time: safe\n"
             "to share",
     .setting = offsetof(CaptureSettings, redacts)},
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
     .help = "give up, with exit status 1 and without a snapshot,\n"
             "if it would be larger than SIZE",
     .setting = offsetof(CaptureSettings, max_bytes),
     .minimum = 1},
    QUIET_OPTION(offsetof(CaptureSettings, session)),
    PROGRESS_OPTION(offsetof(CaptureSettings, session)),
    {.name = NULL},
};

const CommandUsage capture_usage = {
    .operands = "--output FILE|--explain [-- PROGRAM ARGUMENT...]",
    .max_operands = INT32_MAX,
    .options = options,
    .details = "Records the garbage-collected heap of a running process, and all memory that may\n"
               "refer to it, in one file. The process keeps running while it is copied, and\n"
               "pauses, usually for about 1 ms, for the pages it changed last (see --method). It\n"
               "keeps running whatever happens to rudo-snap. FILE appears once it is complete.\n"
               "\n"
               "With --core, captures the process in a core file. The snapshot is the same as if\n"
               "the process had been captured when the core was written.\n"
               "\n"
               "With PROGRAM, runs it and captures it at its end, or when the options say.\n"
               "PROGRAM keeps standard input and output; rudo-snap prints to standard error and\n"
               "forwards the signals it receives. If all snapshots were written, the exit status\n"
               "is that of PROGRAM, or 128 + the number of the signal that ended it.\n",
    .examples = "  rudo-snap capture --pid 4242 -o shop.zst\n"
                "  rudo-snap capture --pid 4242 -o shop.zst --force --foreign roots\n"
                "  rudo-snap capture --core core.4242 -o shop.zst\n"
                "  rudo-snap capture -o end.zst -- shop --port 8080\n"
                "  rudo-snap capture --every 10s -o shop.zst -- shop --port 8080\n"
                "  rudo-snap capture --pid 4242 --layout my-heap.json --explain\n",
};

static void say_phase(void *context, CapturePhase phase)
{
    static const char *const names[] = {[CAPTURE_COPYING] = "copying the memory of the process",
                                        [CAPTURE_SEARCHING] = "looking for pages and roots",
                                        [CAPTURE_WRITING] = "writing the snapshot"};

    progress_say(context, names[phase]);
}

// Is there one thing to capture, with options that fit it?
static bool check_source(const CaptureSettings *settings, const Operands *program, Error *error)
{
    int sources = (settings->pid != 0) + (settings->core != NULL) + (program->count > 0);
    int moments = settings->is_at_exit + (settings->after_ns != 0) + (settings->every_ns != 0) +
                  (settings->signal_name != NULL);

    if (sources == 0)
        return error_set(error, ERROR_USAGE,
                         "nothing to capture: give --pid PID, --core CORE or -- PROGRAM");
    if (sources > 1)
        return error_set(error, ERROR_USAGE, "--pid, --core and -- PROGRAM exclude each other");
    if (settings->explains && (program->count > 0 || settings->output != NULL))
        return error_set(error, ERROR_USAGE,
                         "--explain writes no snapshot: it goes with --pid or --core, and without "
                         "--output");
    if (settings->is_verbose && !settings->explains)
        return error_set(error, ERROR_USAGE, "--verbose needs --explain");
    if (settings->output == NULL && !settings->explains)
        return error_set(error, ERROR_USAGE, "missing option: --output FILE");
    if (settings->executable != NULL && settings->core == NULL)
        return error_set(error, ERROR_USAGE, "--exe needs --core");
    if (moments > 0 && program->count == 0)
        return error_set(error, ERROR_USAGE,
                         "--at-exit, --after, --every and --on-signal need -- PROGRAM");
    if ((settings->method != CAPTURE_AUTO || settings->max_pause_ns != 0) &&
        (settings->core != NULL || (program->count > 0 && moments == settings->is_at_exit)))
        return error_set(error, ERROR_USAGE,
                         "--method and --max-pause apply to a process that keeps running, not to "
                         "--core or to a capture at the end of PROGRAM");
    if (settings->heap_kind == HEAP_BOEHM && (settings->layout != NULL || settings->explains))
        return error_set(error, ERROR_USAGE,
                         "--heap bdwgc excludes --layout and --explain: the pages of that heap "
                         "have no headers");
    if (settings->wait_collection_ns >= 0 && settings->core != NULL)
        return error_set(error, ERROR_USAGE,
                         "--wait-collection applies to processes, not to --core");
    if (settings->staging_bytes != 0 && settings->core != NULL)
        return error_set(error, ERROR_USAGE, "--staging applies to processes, not to --core");
    if (moments > 1)
        return error_set(error, ERROR_USAGE,
                         "--at-exit, --after, --every and --on-signal exclude each other");
    return true;
}

static bool find_signal(const char *name, int *signal_number, Error *error)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"HUP", SIGHUP}};

    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (strcasecmp(name, signals[i].name) == 0) {
            *signal_number = signals[i].number;
            return true;
        }
    return error_set(error, ERROR_USAGE, "--on-signal: '%s' is not USR1, USR2 or HUP", name);
}

static ExitStatus capture_program(const Command *command, const CaptureSettings *settings,
                                  const CaptureOptions *how, const Operands *program)
{
    ProgramCapture capture = {
        .argument_count = program->count,
        .arguments = program->values,
        .output = settings->output,
        .how = how,
        .moment = settings->every_ns != 0         ? CAPTURE_EVERY
                  : settings->after_ns != 0       ? CAPTURE_AFTER
                  : settings->signal_name != NULL ? CAPTURE_ON_SIGNAL
                                                  : CAPTURE_AT_EXIT,
        .interval_ns = settings->every_ns != 0 ? settings->every_ns : settings->after_ns,
        .is_quiet = settings->session.is_quiet,
    };
    Error error;

    if (settings->signal_name != NULL &&
        !find_signal(settings->signal_name, &capture.signal_number, &error))
        return report_usage_error(command, &error);
    return (ExitStatus)capture_program_run(&capture);
}

static bool capture(const CaptureSettings *settings, const CaptureOptions *how,
                    CaptureSummary *summary, Error *error)
{
    if (settings->core != NULL)
        return capture_core(settings->core, settings->executable, settings->output, how, summary,
                            error);
    return capture_process((int)settings->pid, settings->output, how, summary, error);
}

static bool check_output(const CaptureSettings *settings, const Operands *program, Error *error)
{
    const char *const inputs[] = {settings->core, settings->executable, settings->layout};

    if (settings->output == NULL)
        return true;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        if (inputs[i] != NULL && output_path_hits(settings->output, inputs[i]))
            return error_set(error, ERROR_USAGE, "--output would overwrite the input '%s'",
                             inputs[i]);
    if (!output_path_is_stream(settings->output, STDOUT_FILENO))
        return true;
    if (program->count > 0)
        return error_set(error, ERROR_USAGE,
                         "cannot write the snapshot to standard output, which PROGRAM uses");
    if (isatty(STDOUT_FILENO) != 1)
        return true;
    (void)error_set(error, ERROR_USAGE, "refusing to write a snapshot to a terminal");
    return error_add_hint(error, "name a file with --output, or redirect standard output");
}

// Says what is wrong with pages, and writes nothing.
static ExitStatus explain(const CaptureSettings *settings, CaptureOptions *how)
{
    PageExplanation *explanation = NULL;
    Progress progress;
    ExitStatus status;
    Error error;
    bool ok;

    interrupt_defer();
    how->write.cancel = (Cancel){interrupt_is_pending, NULL};
    progress_init(&progress, (ProgressMode)settings->session.progress);
    how->on_phase = say_phase;
    how->phase_context = &progress;
    ok = settings->core != NULL
             ? capture_explain_core(settings->core, settings->executable, how, &explanation, &error)
             : capture_explain_process((int)settings->pid, how, &explanation, &error);
    progress_end(&progress);
    if (!ok)
        return report_error(&error);
    interrupt_resume();
    status = explanation->valid_pages > 0 ? EXIT_STATUS_DONE : EXIT_STATUS_FOUND;
    if (!settings->session.is_quiet)
        print_page_explanation(explanation, settings->is_verbose);
    page_explanation_free(explanation);
    return status;
}

// A process or a core file.
static ExitStatus run_once(const CaptureSettings *settings, CaptureOptions *how)
{
    CaptureSummary summary;
    Progress progress;
    Error error;
    bool ok;

    // A signal takes effect after the target is released and the unfinished file is removed.
    interrupt_defer();
    how->write.cancel = (Cancel){interrupt_is_pending, NULL};
    progress_init(&progress, (ProgressMode)settings->session.progress);
    how->on_phase = say_phase;
    how->phase_context = &progress;
    ok = capture(settings, how, &summary, &error);
    progress_end(&progress);
    if (!ok)
        return report_error(&error);
    // The target runs and the file is whole; a reader who does not empty the pipe must not hold us.
    interrupt_resume();
    print_layout_warning(stderr, summary.metadata.references_overlooked, summary.layout);
    print_root_warning(stderr, &summary.metadata);
    if (settings->session.is_quiet)
        return EXIT_STATUS_DONE;
    print_capture_summary(output_path_is_stream(settings->output, STDOUT_FILENO) ? stderr : stdout,
                          settings->output, &summary);
    return EXIT_STATUS_DONE;
}

ExitStatus capture_run(const Command *command, int argument_count, char **arguments)
{
    CaptureSettings settings = {.foreign_mode = FOREIGN_BLOCKS, .wait_collection_ns = -1};
    CaptureOptions how = {.layout = NULL};
    HeapLayout layout;
    Operands operands;
    Error error;
    ParseResult parsed = command_parse(command, argument_count, arguments, &settings, &operands);

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    if (!check_source(&settings, &operands, &error) || !check_output(&settings, &operands, &error))
        return report_usage_error(command, &error);
    if (settings.layout != NULL) {
        if (!layout_find(settings.layout, &layout, &error))
            return report_error(&error);
        how.layout = &layout;
    }
    how.heap_kind = (HeapKind)settings.heap_kind;
    how.wait_collection_ns =
        settings.wait_collection_ns < 0 ? DEFAULT_WAIT_NS : (uint64_t)settings.wait_collection_ns;
    how.foreign_mode = (ForeignMode)settings.foreign_mode;
    how.method = (CaptureMethod)settings.method;
    how.max_pause_ns = (uint64_t)settings.max_pause_ns;
    how.staging_bytes = (uint64_t)settings.staging_bytes;
    how.write = (SnapshotWriteOptions){.level = (int)settings.level,
                                       .max_file_bytes = (uint64_t)settings.max_bytes,
                                       .redacts = settings.redacts,
                                       .keeps_free_slots = settings.keeps_free_slots,
                                       // A series continues, and replaces none.
                                       .replaces = settings.replaces && settings.every_ns == 0 &&
                                                   settings.signal_name == NULL};
    if (settings.explains)
        return explain(&settings, &how);
    if (operands.count > 0)
        return capture_program(command, &settings, &how, &operands);
    return run_once(&settings, &how);
}
