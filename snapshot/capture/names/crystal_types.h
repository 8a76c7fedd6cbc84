// The types of a Crystal program: objects begin with the number of their type, and the code that
// allocates objects of a type stores it. Only a debug build has such code as functions of their
// own. A GuardedChild reads the file, which is the target's choice.
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
    uint32_t id;    // in the first four bytes of its objects
    uint32_t bytes; // that are allocated for one; 0: not known, or not the same for all
    bool is_pointer_free;
    char *name; // "Array(Order)"; owned
} CrystalType;

typedef struct CrystalTypes {
    CrystalType *types; // ascending by id; owned
    uint32_t count;     // 0: not a Crystal program, or one without these functions
} CrystalTypes;

// Errors: memory, interrupted. Released with crystal_types_release() in any case.
NODISCARD bool crystal_types_find(const ProcessCopy *copy, const MappedModule *module,
                                  const Cancel *cancel, CrystalTypes *out, Error *error);
void crystal_types_release(CrystalTypes *types);

// The type of an object in a slot of `slot_bytes` that begins with `id`; NULL: none fits.
const CrystalType *crystal_types_at(const CrystalTypes *types, uint32_t id, uint64_t slot_bytes,
                                    bool is_pointer_free);

#endif
