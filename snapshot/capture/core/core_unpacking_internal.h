// Opening core files, compressed or not.

#ifndef SNAPSHOT_CAPTURE_CORE_CORE_UNPACKING_INTERNAL_H
#define SNAPSHOT_CAPTURE_CORE_CORE_UNPACKING_INTERNAL_H

#include <stdbool.h>

#include "snapshot/capture/copy/copy_options.h"
#include "base/error.h"

// Opens the core at `path` for reading. One that systemd-coredump compressed (.zst) is unpacked
// to an unnamed file in $TMPDIR or /var/tmp, with holes for its zeros; that file is gone when
// the descriptor is closed. Errors: system, corrupt, unsupported (another compression), memory,
// interrupted. The caller closes `*descriptor`.
NODISCARD bool core_unpacking_open(const char *path, const Cancel *cancel, int *descriptor,
                                   Error *error);

#endif
