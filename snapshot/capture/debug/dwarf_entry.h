// DwarfEntry: an entry of debug information, and what readers ask of it. The door to libdw, with
// the numbers of DWARF (DW_TAG_structure_type).
//
// Files may be hostile, and libdw was not written for that: for a GuardedChild only.

#ifndef SNAPSHOT_CAPTURE_DEBUG_DWARF_ENTRY_H
#define SNAPSHOT_CAPTURE_DEBUG_DWARF_ENTRY_H

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

typedef Dwarf_Die DwarfEntry;

// The first child, and the next entry beside `entry`; false: there is none.
bool dwarf_entry_child(DwarfEntry *entry, DwarfEntry *child);
bool dwarf_entry_next(DwarfEntry *entry);

// "" when it has none; borrowed.
const char *dwarf_entry_name(DwarfEntry *entry);
const char *dwarf_entry_linkage_name(DwarfEntry *entry);

// The number that an attribute is; signed ones as their bits. False: the entry lacks it.
bool dwarf_entry_number(DwarfEntry *entry, unsigned attribute, uint64_t *out);
bool dwarf_entry_reference(DwarfEntry *entry, unsigned attribute, DwarfEntry *out);

// What DW_AT_type refers to, without names for the same type, const and the like.
bool dwarf_entry_type(DwarfEntry *entry, DwarfEntry *type);
// Bytes of a value of the type, arrays included; 0 where it is not known.
uint64_t dwarf_entry_bytes(DwarfEntry *type);

bool dwarf_entry_is_structure(DwarfEntry *type);
// A member that takes room in each value: not one of C++'s static ones.
bool dwarf_entry_is_member(DwarfEntry *entry, uint64_t *offset);
// The type of the template parameter with this name.
bool dwarf_entry_parameter(DwarfEntry *type, const char *name, DwarfEntry *out);

#endif
