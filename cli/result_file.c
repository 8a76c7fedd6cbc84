// Results: see cli/result_file.h.

#include "cli/result_file.h"

#include <stdio.h>

#include "cli/interrupt.h"
#include "snapshot/file/snapshot_file.h"

static const OutputWatch watch = {interrupt_remember_file, interrupt_forget_file};

bool result_file_open(const char *option, const char *path, bool replaces_snapshots,
                      OutputFile **out, Error *error)
{
    OutputOptions options = {.replaces = true,
                             .is_shared = true,
                             .cancel = {interrupt_is_pending, NULL},
                             .watch = &watch};

    *out = NULL;
    if (!replaces_snapshots && snapshot_begins(path)) {
        (void)error_set(error, ERROR_USAGE, "%s would replace the snapshot '%s'", option, path);
        return error_add_hint(error, "choose another name, or give --force to replace it");
    }
    // Bytes that printf() gathers come first.
    (void)fflush(stdout);
    return output_file_open(path, &options, out, error);
}

static bool sink_write(void *context, const char *bytes, size_t count, Error *error)
{
    return output_file_write(context, bytes, count, error);
}

JsonSink result_file_sink(OutputFile *file)
{
    return (JsonSink){.write = sink_write, .context = file};
}
