// BlockOwners: for each foreign block the value that owns it, by the program's data types, and with
// it what lies in the block.
//
// All live objects are visited, and the values in blocks that have an owner, whatever is reachable.
// A block that two values describe differently, as a stale pointer may, has no owner: nothing is
// said about it. The result depends on the image alone.

#ifndef SNAPSHOT_HEAP_BLOCK_OWNERS_H
#define SNAPSHOT_HEAP_BLOCK_OWNERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/heap/data_values.h"
#include "snapshot/heap/heap_image.h"

typedef struct BlockOwner {
    uint64_t value_address; // where the value begins, in an object or another block
    uint32_t type;          // of the value; NO_DATA: none is known
    uint32_t field;         // its FIELD_BLOCK
} BlockOwner;

typedef struct BlockOwners {
    const HeapImage *image;   // borrowed
    const DataValues *values; // borrowed
    BlockOwner *items;        // by block; owned
} BlockOwners;

// Both are borrowed and must outlive the result. Errors: memory. The caller frees it with
// block_owners_free().
NODISCARD bool block_owners_new(const HeapImage *image, const DataValues *values, BlockOwners **out,
                                Error *error);
void block_owners_free(BlockOwners *owners);

// False: nothing is known about what lies in the block.
bool block_owners_frame(const BlockOwners *owners, uint32_t block, BlockFrame *frame);

// The value of a live object, or false: its type has no data type, or it is under construction.
bool data_value_of_object(const HeapImage *image, const DataValues *values, uint32_t page,
                          uint32_t slot, DataValue *value);

#endif
