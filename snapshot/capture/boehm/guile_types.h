// The types of objects on a heap of Guile 3.0, by the tag in their first word.
//
// Source: Guile 3.0's libguile/scm.h (scm_tc3_*, scm_tc7_*), struct.h (the fields of vtables),
// strings.c (symbols and string buffers).

#ifndef SNAPSHOT_CAPTURE_BOEHM_GUILE_TYPES_H
#define SNAPSHOT_CAPTURE_BOEHM_GUILE_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "snapshot/capture/boehm/boehm_heap.h"
#include "snapshot/capture/copy/memory_reader.h"

#define GUILE_TYPE_CHARS 128u

// Is this the name of the module that holds Guile 3.0?
bool guile_is_module(const char *module);

typedef struct GuileType {
    // "pair", "record <order>"; NULL: the object has no tag. Static, or the same as `text`.
    const char *name;
    char text[GUILE_TYPE_CHARS];
    // Of a record of a compiled program the address of its name, a string in the .go file that is
    // mapped there ("<order>"); `name` is "struct" then. 0: none.
    uint64_t record_name;
} GuileType;

// The type of the object at `address`, which lies in `block`.
void guile_type_find(const BoehmHeap *heap, MemoryReader *reader, const BoehmBlock *block,
                     uint64_t address, GuileType *out);

#endif
