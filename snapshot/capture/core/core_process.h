// Copying a process out of its core file: what the kernel writes when a program crashes, gcore
// when one asks for it.
//
// All that is private writable memory in the core becomes a ProcessCopy, as if the process had
// been stopped and copied: the same pages, the same mark.

#ifndef SNAPSHOT_CAPTURE_CORE_CORE_PROCESS_H
#define SNAPSHOT_CAPTURE_CORE_CORE_PROCESS_H

#include "snapshot/capture/copy/copy_options.h"
#include "base/error.h"
#include "snapshot/capture/copy/process_copy.h"

// `executable` may be NULL: a file to take the executable's symbols from, instead of the one that
// the core names. Errors: system (cannot be read, no room to unpack it), corrupt (no core file,
// cut short, damaged), unsupported (another machine's, compressed in a way we do not know),
// memory, interrupted. On success the caller owns `*out` and frees its parts with
// process_copy_release().
NODISCARD bool core_process_copy(const char *path, const char *executable, const Cancel *cancel,
                                 ProcessCopy *out, Error *error);

#endif
