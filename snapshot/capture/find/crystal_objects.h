// The types of objects on a heap of Crystal, by the number in their first four bytes. Buffers have
// no such number, but any value there; so a type's objects must have the size that is allocated for
// them, where that is known, and else the size of most objects that begin with its number. Values
// without a number (integers, tuples, unions) are never named.

#ifndef SNAPSHOT_CAPTURE_FIND_CRYSTAL_OBJECTS_H
#define SNAPSHOT_CAPTURE_FIND_CRYSTAL_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/boehm/boehm_heap.h"
#include "snapshot/capture/copy/memory_reader.h"
#include "snapshot/capture/names/crystal_types.h"

typedef struct CrystalObjects {
    CrystalTypes types;         // owned
    struct CrystalSlots *slots; // of each type; owned
} CrystalObjects;

// Takes the types over, and learns the sizes of their objects. Errors: memory.
NODISCARD bool crystal_objects_learn(const BoehmHeap *heap, MemoryReader *reader,
                                     CrystalTypes *types, CrystalObjects *out, Error *error);
void crystal_objects_release(CrystalObjects *objects);

// The name of the object's type; NULL: not known.
const char *crystal_object_name(const CrystalObjects *objects, const BoehmBlock *block,
                                uint64_t first_word);

#endif
