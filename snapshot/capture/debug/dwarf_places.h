// Places in the source of code addresses: the functions that were inlined there, each in the one
// behind it, with file and line.
//
// For a GuardedChild only (dwarf_entry.h).

#ifndef SNAPSHOT_CAPTURE_DEBUG_DWARF_PLACES_H
#define SNAPSHOT_CAPTURE_DEBUG_DWARF_PLACES_H

#include "snapshot/capture/debug/dwarf_file.h"

// Inlined functions in each other; more are left out, from the outside in.
#define MAX_INLINED 32u

typedef struct DwarfPlace {
    const char *linkage_name; // mangled; "" where debug information has none; borrowed
    const char *name;         // without its namespace; borrowed
    const char *file;         // as the compiler was told, or ""; borrowed
    uint32_t line;            // 0: not known
} DwarfPlace;

// `places`: from the innermost function on; the last one is the function that has the code.
typedef void (*DwarfPlaceVisitor)(void *context, uint64_t address, const DwarfPlace *places,
                                  uint32_t count);

// Calls the visitor for each of `addresses` (ascending, each once, as the file says them) whose
// function is described.
void dwarf_places_visit(DwarfFile *file, const uint64_t *addresses, uint32_t count,
                        DwarfPlaceVisitor visitor, void *context);

#endif
