// Which versions of rudo-gc a process was built with, by the file names of panic locations in the
// read-only data of its modules (snapshot/heap/rudo_gc_layouts.h).

#ifndef SNAPSHOT_CAPTURE_NAMES_COLLECTOR_VERSIONS_H
#define SNAPSHOT_CAPTURE_NAMES_COLLECTOR_VERSIONS_H

#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "snapshot/capture/names/module_files.h"
#include "snapshot/heap/rudo_gc_layouts.h"

#define MAX_COLLECTOR_VERSIONS 8u

typedef struct CollectorVersions {
    uint32_t count;                              // 0: the modules name none, or cannot be read
    RudoGcVersion items[MAX_COLLECTOR_VERSIONS]; // each once, in the order of the modules
} CollectorVersions;

// Errors: memory, interrupted.
NODISCARD bool collector_versions_find(const ProcessCopy *copy, const MappedModule *modules,
                                       uint32_t module_count, const Cancel *cancel,
                                       CollectorVersions *out, Error *error);

#endif
