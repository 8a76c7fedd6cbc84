// Capturing a heap: see snapshot/capture.h.

#include "snapshot/capture.h"

#include <stdio.h>
#include <string.h>

#include "snapshot/capture_analysis.h"
#include "snapshot/capture_core.h"
#include "snapshot/capture_exit.h"
#include "snapshot/capture_process.h"

static void describe_copy(const ProcessCopy *copy, CaptureSummary *summary)
{
    (void)snprintf(summary->executable, sizeof summary->executable, "%s", copy->executable);
    summary->pid = (uint32_t)copy->pid;
    summary->thread_count = copy->thread_count;
    summary->resident_bytes = copy->copied_bytes;
    summary->pause_ns = copy->pause_ns;
    summary->is_from_core = copy->is_core;
}

static void begin_phase(const CaptureOptions *options, CapturePhase phase)
{
    if (options->on_phase != NULL)
        options->on_phase(options->phase_context, phase);
}

// Finds the heap in `copy` and writes it.
static bool write_copy(const ProcessCopy *copy, const char *path, const CaptureOptions *options,
                       CaptureSummary *summary, Error *error)
{
    CaptureAnalysis *analysis = NULL;
    bool is_ok = false;

    describe_copy(copy, summary);
    begin_phase(options, CAPTURE_SEARCHING);
    if (!capture_analysis_new(copy, options, &analysis, summary, error))
        goto done;
    begin_phase(options, CAPTURE_WRITING);
    is_ok = snapshot_write(path, capture_analysis_contents(analysis), &options->write,
                           &summary->file, error);

done:
    capture_analysis_free(analysis);
    return is_ok;
}

static CaptureCancel cancel_of(const CaptureOptions *options)
{
    return (CaptureCancel){.is_cancelled = options->write.is_cancelled,
                           .context = options->write.cancel_context};
}

// What both ways begin with: nobody is disturbed for a file that cannot be written.
static bool begin(const char *path, const CaptureOptions *options, CaptureSummary *summary,
                  Error *error)
{
    memset(summary, 0, sizeof *summary);
    if (!snapshot_check_output(path, options->write.replaces, error))
        return false;
    begin_phase(options, CAPTURE_COPYING);
    return true;
}

bool capture_process(int pid, const char *path, const CaptureOptions *options,
                     CaptureSummary *summary, Error *error)
{
    const ProcessCopyOptions how = {.cancel = cancel_of(options),
                                    .method = options->method,
                                    .max_pause_ns = options->max_pause_ns};
    ProcessCopy copy;
    bool is_ok;

    if (!begin(path, options, summary, error) || !capture_process_copy(pid, &how, &copy, error))
        return false;
    is_ok = write_copy(&copy, path, options, summary, error);
    process_copy_release(&copy);
    return is_ok;
}

bool capture_exiting(const ExitWatch *watch, const char *path, const CaptureOptions *options,
                     CaptureSummary *summary, Error *error)
{
    CaptureCancel cancel = cancel_of(options);
    ProcessCopy copy;
    bool is_ok;

    if (!begin(path, options, summary, error) || !capture_exit_copy(watch, &cancel, &copy, error))
        return false;
    is_ok = write_copy(&copy, path, options, summary, error);
    process_copy_release(&copy);
    return is_ok;
}

bool capture_core(const char *core, const char *executable, const char *path,
                  const CaptureOptions *options, CaptureSummary *summary, Error *error)
{
    CaptureCancel cancel = cancel_of(options);
    ProcessCopy copy;
    bool is_ok;

    if (!begin(path, options, summary, error) ||
        !capture_core_copy(core, executable, &cancel, &copy, error))
        return false;
    is_ok = write_copy(&copy, path, options, summary, error);
    process_copy_release(&copy);
    return is_ok;
}
