// Can the writes of a process be tracked?

#ifndef SNAPSHOT_WRITE_TRACKING_SUPPORT_INTERNAL_H
#define SNAPSHOT_WRITE_TRACKING_SUPPORT_INTERNAL_H

#include "snapshot/error.h"

// False with ERROR_UNSUPPORTED when the kernel cannot, when the process has a userfaultfd of its
// own, or when devices may write its memory behind the page tables: it has pinned memory (RDMA,
// buffers registered with io_uring), or reads files with O_DIRECT.
NODISCARD bool write_tracking_check_support(int pid, int tid, Error *error);

#endif
