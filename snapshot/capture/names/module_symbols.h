// Where a module has symbols of given names. A GuardedChild reads them, since the file is the
// target's choice.

#ifndef SNAPSHOT_CAPTURE_NAMES_MODULE_SYMBOLS_H
#define SNAPSHOT_CAPTURE_NAMES_MODULE_SYMBOLS_H

#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "snapshot/capture/names/module_files.h"

// Fills `addresses` with those of `names`, `count` of them, in the process where `base` is the load
// base of the module; 0: it has no such function or object, or its file cannot be read.
// Errors: memory, interrupted.
NODISCARD bool module_symbols_find(const ProcessCopy *copy, const MappedModule *module,
                                   uint64_t base, const char *const *names, uint32_t count,
                                   const Cancel *cancel, uint64_t *addresses, Error *error);

#endif
