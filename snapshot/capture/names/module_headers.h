// What the headers of mapped files say: segments and build-ids. A GuardedChild reads them, since
// their size and content are the target's choice.

#ifndef SNAPSHOT_CAPTURE_NAMES_MODULE_HEADERS_H
#define SNAPSHOT_CAPTURE_NAMES_MODULE_HEADERS_H

#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "snapshot/capture/names/guarded_child.h"
#include "snapshot/capture/names/module_files.h"

typedef struct ModuleHeaders {
    uint32_t segment_count;                // 0: not known
    ElfSegment segments[ELF_MAX_SEGMENTS]; // of them, those that are loaded
    char build_id[ELF_BUILD_ID_CHARS];     // ""
} ModuleHeaders;

// Called with the headers of each module that could be read, by its number. False stops, with
// `error` set.
typedef bool (*ModuleHeadersVisitor)(void *context, uint32_t module, const ModuleHeaders *headers,
                                     Error *error);

// *end says why headers of some modules may be missing. Errors: memory, interrupted, the visitor's.
NODISCARD bool module_headers_visit(const ProcessCopy *copy, const MappedModule *modules,
                                    uint32_t module_count, const Cancel *cancel,
                                    ModuleHeadersVisitor visitor, void *context, GuardedEnd *end,
                                    Error *error);

#endif
