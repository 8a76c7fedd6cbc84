// DwarfPackage: a .dwp file, in which the debug information of all units was put together when it
// was split off an executable. libdw 0.188 does not read them: we take the parts of one unit, by
// the package's index, and present them as the .dwo file that they were.
//
// For a GuardedChild only.

#ifndef SNAPSHOT_CAPTURE_DEBUG_DWARF_PACKAGE_H
#define SNAPSHOT_CAPTURE_DEBUG_DWARF_PACKAGE_H

#include "snapshot/capture/debug/elf_file.h"

typedef struct DwarfPackage DwarfPackage;

// `file` is borrowed until the package is closed. NULL: it is not a package that we can read, or
// memory is short.
DwarfPackage *dwarf_package_open(ElfFile *file);
void dwarf_package_close(DwarfPackage *package);

// The unit with this identification as a .dwo file, or NULL. The caller frees it before the next
// call: the files share memory.
ElfFile *dwarf_package_unit(DwarfPackage *package, uint64_t id);

#endif
