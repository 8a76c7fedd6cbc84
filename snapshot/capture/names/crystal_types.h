// The types of a Crystal program: objects begin with the number of their type. Compilers
// from 1.16.2 on have a table of names (crystal_table.h); and the code that allocates objects of a
// type stores the number, which only a debug build has as functions of their own. A GuardedChild
// reads the file, which is the target's choice.
//
// Source: Crystal 1.6, src/compiler/crystal/codegen (codegen_allocate), and the code it makes.

#ifndef SNAPSHOT_CAPTURE_NAMES_CRYSTAL_TYPES_H
#define SNAPSHOT_CAPTURE_NAMES_CRYSTAL_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "snapshot/capture/names/module_files.h"

typedef struct CrystalType {
    uint32_t id;       // in the first four bytes of its objects
    uint32_t bytes;    // that are allocated for one; 0: not known, or not the same for all
    bool is_allocated; // by code that was found; what follows and `bytes` are known only then
    bool is_pointer_free;
    char *name; // "Array(Order)"; owned
} CrystalType;

typedef struct CrystalTypes {
    CrystalType *types; // ascending by id; owned
    uint32_t count;     // 0: not a Crystal program, or one without these functions and the table
    uint32_t string_id; // of String
} CrystalTypes;

// Errors: memory, interrupted. Released with crystal_types_release() in any case.
NODISCARD bool crystal_types_find(const ProcessCopy *copy, const MappedModule *module,
                                  const Cancel *cancel, CrystalTypes *out, Error *error);
void crystal_types_release(CrystalTypes *types);

// The index of the type with this number; UINT32_MAX: it has none.
uint32_t crystal_types_index(const CrystalTypes *types, uint32_t id);

#endif
