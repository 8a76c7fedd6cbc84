// Capturing a heap: see snapshot/capture/capture.h.

#include "snapshot/capture/capture.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/output_path.h"
#include "snapshot/capture/copy/packed_pages.h"
#include "snapshot/capture/core/core_process.h"
#include "snapshot/capture/live/exiting_process.h"
#include "snapshot/capture/live/live_process.h"

static void begin_phase(const CaptureOptions *options, CapturePhase phase)
{
    if (options->on_phase != NULL)
        options->on_phase(options->phase_context, phase);
}

// A copy of which something can no longer be read is given up, as if the user had cancelled.
typedef struct CopyWatch {
    const ProcessCopy *copy;
    const SnapshotWriteOptions *options; // the user's
} CopyWatch;

static bool is_given_up(void *context)
{
    const CopyWatch *watch = context;
    Error unwanted;

    if (cancel_is_requested(&watch->options->cancel))
        return true;
    return watch->copy->packed != NULL && !packed_pages_check(watch->copy->packed, &unwanted);
}

// Finds the heap in `copy` and writes it. Consumes the copy. *is_collecting (or NULL): instead of
// writing a heap inside a collection, set it and succeed.
static bool write_copy(ProcessCopy *copy, const char *path, const CaptureOptions *options,
                       CaptureSummary *summary, bool *is_collecting, Error *error)
{
    CopyWatch watch = {.copy = copy, .options = &options->write};
    SnapshotWriteOptions write = options->write;
    HeapSearch *search = NULL;
    bool is_ok;

    write.cancel = (Cancel){is_given_up, &watch};
    const HeapSearchOptions how = {
        .heap_kind = options->heap_kind,
        .wait_collection_ns = copy->is_core ? 0 : options->wait_collection_ns,
        .layout = options->layout,
        .foreign_mode = options->foreign_mode,
        .keeps_free_slots = write.keeps_free_slots,
        .cancel = write.cancel,
    };
    begin_phase(options, CAPTURE_SEARCHING);
    is_ok = heap_search_new(copy, &how, &search, &summary->found, error);
    if (is_ok && is_collecting != NULL && heap_search_is_collecting(search)) {
        *is_collecting = true;
    } else if (is_ok) {
        const SnapshotContents *contents = heap_search_contents(search);

        summary->metadata = contents->details->metadata;
        summary->thread_count = copy->thread_count;
        summary->packed_bytes = copy->packed == NULL ? 0 : packed_pages_packed_bytes(copy->packed);
        memcpy(summary->layout, contents->layout.name, sizeof summary->layout);
        begin_phase(options, CAPTURE_WRITING);
        is_ok = snapshot_write(path, contents, &write, &summary->file, error);
    }
    // An error that follows from unreadable pages gives way to their own.
    if (!is_ok && copy->packed != NULL)
        (void)!packed_pages_check(copy->packed, error);
    heap_search_free(search);
    process_copy_release(copy);
    return is_ok;
}

// Begins a capture: a process is not disturbed for a file that cannot be written.
static bool begin(const char *path, const CaptureOptions *options, CaptureSummary *summary,
                  Error *error)
{
    memset(summary, 0, sizeof *summary);
    if (!snapshot_check_output(path, options->write.replaces, error))
        return false;
    begin_phase(options, CAPTURE_COPYING);
    return true;
}

// The folder that compressed pages may go to, or NULL: data that are to be redacted must not reach
// a disk. To be freed.
static char *spool_folder(const char *path, const CaptureOptions *options)
{
    return options->write.redacts ? NULL : output_path_folder(path);
}

static ProcessCopyOptions describe_way(const CaptureOptions *options, const char *folder)
{
    return (ProcessCopyOptions){.cancel = options->write.cancel,
                                .method = options->method,
                                .max_pause_ns = options->max_pause_ns,
                                .staging_bytes = options->staging_bytes,
                                .spool_folder = folder};
}

// A collection is over after some milliseconds.
static void wait_for_collection(void)
{
    const struct timespec moment = {0, 5000000};

    (void)nanosleep(&moment, NULL);
}

bool capture_process(int pid, const char *path, const CaptureOptions *options,
                     CaptureSummary *summary, Error *error)
{
    char *folder = spool_folder(path, options);
    const ProcessCopyOptions how = describe_way(options, folder);
    uint64_t begun = clock_monotonic_ns();
    bool is_ok, is_collecting;

    do {
        bool is_last = clock_monotonic_ns() - begun >= options->wait_collection_ns;
        ProcessCopy copy;

        is_collecting = false;
        is_ok = begin(path, options, summary, error) &&
                live_process_copy(pid, &how, &copy, error) &&
                write_copy(&copy, path, options, summary, is_last ? NULL : &is_collecting, error);
        if (is_ok && is_collecting)
            wait_for_collection();
    } while (is_ok && is_collecting);
    free(folder);
    return is_ok;
}

bool capture_exiting(const ExitWatch *watch, const char *path, const CaptureOptions *options,
                     CaptureSummary *summary, Error *error)
{
    char *folder = spool_folder(path, options);
    const ProcessCopyOptions how = describe_way(options, folder);
    ProcessCopy copy;
    bool is_ok;

    is_ok = begin(path, options, summary, error) && exiting_process_copy(watch, &how, &copy, error);
    free(folder);
    return is_ok && write_copy(&copy, path, options, summary, NULL, error);
}

bool capture_core(const char *core, const char *executable, const char *path,
                  const CaptureOptions *options, CaptureSummary *summary, Error *error)
{
    ProcessCopy copy;

    return begin(path, options, summary, error) &&
           core_process_copy(core, executable, &options->write.cancel, &copy, error) &&
           write_copy(&copy, path, options, summary, NULL, error);
}

// Consumes the copy.
static bool explain_copy(ProcessCopy *copy, const CaptureOptions *options, PageExplanation **out,
                         Error *error)
{
    CopyWatch watch = {.copy = copy, .options = &options->write};
    const HeapSearchOptions how = {
        .layout = options->layout,
        .cancel = {is_given_up, &watch},
    };
    bool is_ok;

    begin_phase(options, CAPTURE_SEARCHING);
    is_ok = page_explanation_new(copy, &how, out, error);
    if (!is_ok && copy->packed != NULL)
        (void)!packed_pages_check(copy->packed, error);
    process_copy_release(copy);
    return is_ok;
}

bool capture_explain_process(int pid, const CaptureOptions *options, PageExplanation **out,
                             Error *error)
{
    const ProcessCopyOptions how = describe_way(options, NULL);
    ProcessCopy copy;

    *out = NULL;
    begin_phase(options, CAPTURE_COPYING);
    return live_process_copy(pid, &how, &copy, error) && explain_copy(&copy, options, out, error);
}

bool capture_explain_core(const char *core, const char *executable, const CaptureOptions *options,
                          PageExplanation **out, Error *error)
{
    ProcessCopy copy;

    *out = NULL;
    begin_phase(options, CAPTURE_COPYING);
    return core_process_copy(core, executable, &options->write.cancel, &copy, error) &&
           explain_copy(&copy, options, out, error);
}
