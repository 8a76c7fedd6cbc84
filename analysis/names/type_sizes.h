// Types whose functions a linker merged, told apart by their sizes: debug information gives the
// size of each type's objects, and an object lies in a slot of the smallest size class that it
// fits.

#ifndef ANALYSIS_NAMES_TYPE_SIZES_H
#define ANALYSIS_NAMES_TYPE_SIZES_H

#include "base/error.h"
#include "snapshot/heap/snapshot_details.h"

typedef struct TypeSizes TypeSizes;

// `details` is borrowed. The caller frees *out. Errors: memory.
NODISCARD bool type_sizes_new(const SnapshotDetails *details, TypeSizes **out, Error *error);
void type_sizes_free(TypeSizes *sizes);

// The name of the only type of these functions whose objects have slots of `block_size` bytes
// (large objects: their exact size), or NULL: none or several of them have, or the sizes of the
// `count` types that the functions may belong to are not all known. Borrowed from the details.
const char *type_sizes_name(const TypeSizes *sizes, uint64_t trace, uint64_t drop,
                            uint32_t block_size, uint32_t count);

#endif
