// DwarfFile: the debug information of a file, unit by unit.
//
// Only compile units that hold one of the wanted functions are read, so that a large program takes
// no longer than these units. For a GuardedChild only (dwarf_entry.h).

#ifndef SNAPSHOT_CAPTURE_DEBUG_DWARF_FILE_H
#define SNAPSHOT_CAPTURE_DEBUG_DWARF_FILE_H

#include "snapshot/capture/debug/dwarf_entry.h"
#include "snapshot/capture/debug/elf_file.h"

typedef struct DwarfFile DwarfFile;

// NULL: the file has no debug information that can be read, or memory is short. `file`, and
// `package` (its .dwp file, or NULL), are borrowed until dwarf_file_close().
DwarfFile *dwarf_file_open(ElfFile *file, ElfFile *package);
void dwarf_file_close(DwarfFile *file);

// `unit`: the unit's own entry, of its .dwo file where it was split off. is_transient: its entries
// are valid during the call only, and not until the file is closed.
typedef void (*DwarfUnitVisitor)(void *context, DwarfEntry *unit, bool is_transient);

// Calls the visitor with each unit whose code holds one of `addresses` (ascending, as the file says
// them).
void dwarf_file_visit_units(DwarfFile *file, const uint64_t *addresses, uint32_t count,
                            DwarfUnitVisitor visitor, void *context);

// The name of a .dwo file that one of the visited units was split into, and that was not found; "".
// Borrowed.
const char *dwarf_file_missing_part(const DwarfFile *file);

#endif
