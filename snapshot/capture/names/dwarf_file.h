// DwarfFile: the debug information of a file, unit by unit.
//
// Only compile units that hold one of the wanted functions are read, so that a large program takes
// no longer than these units. For a GuardedChild only (dwarf_entry.h).

#ifndef SNAPSHOT_CAPTURE_NAMES_DWARF_FILE_H
#define SNAPSHOT_CAPTURE_NAMES_DWARF_FILE_H

#include "snapshot/capture/names/dwarf_entry.h"
#include "snapshot/capture/names/elf_file.h"

typedef struct DwarfFile DwarfFile;

// NULL: the file has no debug information that can be read, or memory is short. `file` is borrowed
// until dwarf_file_close().
DwarfFile *dwarf_file_open(ElfFile *file);
void dwarf_file_close(DwarfFile *file);

// `unit`: the unit's own entry, of its .dwo file where it was split off.
typedef void (*DwarfUnitVisitor)(void *context, DwarfEntry *unit);

// Calls the visitor with each unit whose code holds one of `addresses` (ascending, as the file says
// them).
void dwarf_file_visit_units(DwarfFile *file, const uint64_t *addresses, uint32_t count,
                            DwarfUnitVisitor visitor, void *context);

// The name of a .dwo file that one of the visited units was split into, and that was not found; "".
// Borrowed.
const char *dwarf_file_missing_part(const DwarfFile *file);

#endif
