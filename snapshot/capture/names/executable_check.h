// Is the executable that the user named for a core file (--exe) one that names can come from?

#ifndef SNAPSHOT_CAPTURE_NAMES_EXECUTABLE_CHECK_H
#define SNAPSHOT_CAPTURE_NAMES_EXECUTABLE_CHECK_H

#include "base/cancel.h"
#include "base/error.h"
#include "snapshot/capture/names/module_files.h"

// True where the user named none. Errors: system (it cannot be opened), unsupported (it is not an
// ELF file, is of another build, has no symbols, or the core does not say where the executable is),
// memory, interrupted.
NODISCARD bool executable_check(const ProcessCopy *copy, const MappedModule *modules,
                                uint32_t module_count, const Cancel *cancel, Error *error);

#endif
