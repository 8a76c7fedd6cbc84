// DwarfNames: the names of functions in debug information, for symbols whose mangling hides them.
// For a GuardedChild only.

#ifndef SNAPSHOT_CAPTURE_DEBUG_DWARF_NAMES_H
#define SNAPSHOT_CAPTURE_DEBUG_DWARF_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/debug/dwarf_file.h"

typedef struct DwarfFunction {
    uint64_t address;         // where its code begins, as the file says; 0: declared only
    const char *linkage_name; // its mangled symbol, or NULL; borrowed for the call
    const char *name;         // with its type parameters: "trace_fn_for<shop::Order>"
} DwarfFunction;

typedef void (*DwarfFunctionVisitor)(void *context, const DwarfFunction *function);

// Calls the visitor with every function that the compile units of `addresses` (ascending) define or
// declare.
void dwarf_names_visit(DwarfFile *file, const uint64_t *addresses, uint32_t count,
                       DwarfFunctionVisitor visitor, void *context);

#endif
