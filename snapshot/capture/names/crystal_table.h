// The table of Crystal's types, which compilers from 1.16.2 on put into a program: the name of each
// type as a String, by the number of the type. It checks itself: each String begins with the number
// of String, which the table names.
//
// For a GuardedChild: the file is the target's choice.
//
// Source: Crystal 1.16.2, src/compiler/crystal/codegen (create_type_id_to_class_name_map).

#ifndef SNAPSHOT_CAPTURE_NAMES_CRYSTAL_TABLE_H
#define SNAPSHOT_CAPTURE_NAMES_CRYSTAL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/capture/debug/elf_file.h"

#define CRYSTAL_NAME_CHARS 512u

// Called with the name of each type, which is not terminated. False stops.
typedef bool CrystalTableVisitor(void *context, uint32_t id, const char *name, uint16_t chars);

// Nothing is visited where the file has no such table, or one that is not right. Returns false when
// the visitor stopped.
bool crystal_table_read(ElfFile *file, int descriptor, CrystalTableVisitor *visitor, void *context);

#endif
