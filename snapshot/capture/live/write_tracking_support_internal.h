// Can the writes of a process be tracked?

#ifndef SNAPSHOT_CAPTURE_LIVE_WRITE_TRACKING_SUPPORT_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_WRITE_TRACKING_SUPPORT_INTERNAL_H

#include "base/error.h"

// False with ERROR_UNSUPPORTED when the kernel cannot, when the process has a userfaultfd of its
// own, or when devices or the kernel may write its memory behind the page tables, and it is not
// known where: it has a file of such a device open, or an AF_XDP socket; it reads files with
// O_DIRECT; memory is pinned, and not listed. Other errors: system, memory.
NODISCARD bool write_tracking_check_support(int pid, int tid, Error *error);

#endif
