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

// How deep entries may be nested in each other; programs have a few tens.
#define DWARF_WALK_DEPTH 512u

// What a walk does with an entry at `depth`, which is below DWARF_WALK_DEPTH. True: the walk goes
// into the entry. An entry is visited before those in it.
typedef bool DwarfVisit(void *context, DwarfEntry *entry, uint32_t depth);

// Visits the entries below `root`, depth first; those directly below it have depth 0. Deeper
// entries than DWARF_WALK_DEPTH, and all when memory is short, are left out.
void dwarf_entry_walk(DwarfEntry *root, DwarfVisit *visit, void *context);

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
