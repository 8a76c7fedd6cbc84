// Copying a process out of its core file, which the kernel wrote when the program crashed, or gcore
// did.
//
// The private writable memory in the core becomes a ProcessCopy, as if the process had been stopped
// and copied: the same pages, the same mark.

#ifndef SNAPSHOT_CAPTURE_CORE_CORE_PROCESS_H
#define SNAPSHOT_CAPTURE_CORE_CORE_PROCESS_H

#include "snapshot/capture/copy/copy_options.h"
#include "base/error.h"
#include "snapshot/capture/copy/process_copy.h"

// executable: the file to read the executable's symbols from, or NULL: the one that the core names.
// Errors: system (cannot be read, no room to unpack it), corrupt (not a core file, cut short,
// damaged), unsupported (from another machine, an unknown compression), memory, interrupted. On
// success the caller owns `*out` and frees its parts with process_copy_release().
NODISCARD bool core_process_copy(const char *path, const char *executable, const Cancel *cancel,
                                 ProcessCopy *out, Error *error);

#endif
