// DataValues: reads the values of an object or a block by the data types of the program.
//
// Data types come from a file, and values from another process: nothing of either is trusted. A
// value is read only inside of the bytes that it is said to have; types with more parts than
// DATA_MAX_PARTS, arrays nested deeper than DATA_MAX_DEPTH, and values longer than their bytes are
// not known, and of what is not known nothing is said.
//
// Which variant a value has, how long a Vec is, and which buckets of a hash table are used, is
// data, and a redacted snapshot does not have it: then every variant and every place counts as
// used.

#ifndef SNAPSHOT_HEAP_DATA_VALUES_H
#define SNAPSHOT_HEAP_DATA_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/heap/data_types.h"
#include "snapshot/heap/heap_layout.h"
#include "snapshot/heap/snapshot_details.h"

#define DATA_MAX_PARTS 1024u
#define DATA_MAX_DEPTH 8u

// What of a type can matter to references.
typedef struct DataPlan {
    uint32_t part_count;
    const uint32_t *parts; // fields that are weak, blocks, arrays, or of a variant; ascending
    bool is_known;         // else the type has too many parts
    bool is_of_interest;   // some part is weak, a block, of a variant, or an array of such values
} DataPlan;

typedef struct DataTypeWord {
    uint64_t type_word;
    uint32_t type; // index
} DataTypeWord;

typedef struct DataValues {
    const SnapshotDetails *details; // borrowed
    bool knows_data;                // not redacted
    DataPlan *plans;                // by data type; owned
    uint32_t *parts;                // of all plans; owned
    uint64_t word_count;
    DataTypeWord *words; // ascending by type word, then type; owned
} DataValues;

// `details` are borrowed and must outlive the result. NULL in `*out`, and true, where they have no
// data types. Errors: memory. The caller frees it with data_values_free().
NODISCARD bool data_values_new(const SnapshotDetails *details, DataValues **out, Error *error);
void data_values_free(DataValues *values);

// The data type of objects with these functions and this size, or NO_DATA: there is none, or
// several that differ. block_size: bytes of the slot; of a large object its exact size.
uint32_t data_values_find(const DataValues *values, const HeapLayout *layout, uint64_t type_word,
                          uint64_t drop_function, uint32_t block_size);

static inline const SnapshotDataType *data_values_type(const DataValues *values, uint32_t type)
{
    return &values->details->data_types[type];
}

// A value of a data type, in bytes that are its own.
typedef struct DataValue {
    uint32_t type;
    uint64_t offset;      // of the value in the object or block
    const uint8_t *bytes; // of the value; at least as many as the type has
} DataValue;

// Which variants a value has, by their numbers: all of them where data is not known. Only of types
// whose plan is known.
typedef struct DataVariants {
    bool has[DATA_MAX_PARTS];
} DataVariants;

void data_value_variants(const DataValues *values, const DataValue *value, DataVariants *out);

// Does the value have the field?
static inline bool data_variants_have(const DataVariants *variants, const SnapshotField *field)
{
    return field->variant == NO_DATA || variants->has[field->variant];
}

typedef struct DataVisitor {
    // [offset, offset + bytes) of the object or block holds no reference that keeps anything alive:
    // a weak one, or part of a variant that the value does not have. May be NULL.
    void (*dead)(void *context, uint64_t offset, uint64_t bytes);
    // The value has a FIELD_BLOCK. May be NULL.
    void (*block)(void *context, const DataValue *value, uint32_t field);
    void *context;
} DataVisitor;

// Visits a value, and the values in its arrays. length: bytes that are there from value->bytes on.
void data_value_visit(const DataValues *values, const DataValue *value, uint64_t length,
                      const DataVisitor *visitor);

// ---- blocks ----

// Where values lie in a block, as the value that owns the block says.
typedef struct BlockFrame {
    uint32_t type;   // of the values; NO_DATA: not known, and then all else but `shape` is 0
    uint8_t shape;   // BlockShape
    bool is_counted; // else it is not known which places are used: all may be
    uint64_t bytes;  // of a value
    uint64_t first;  // offset of value 0; of a hash table: of the control bytes
    uint64_t places; // how many values fit
    uint64_t length; // how many exist, unless the shape is BLOCK_HASH
    uint64_t head;
    uint64_t height; // of a tree's node
} BlockFrame;

// Reads the frame of the block at `block_address` that field `field` of the value, a FIELD_BLOCK,
// points to. False: the value's pointer, length and capacity do not fit the block.
bool block_frame_read(const DataValues *values, const DataValue *value, uint32_t field,
                      uint64_t block_address, uint64_t block_bytes, BlockFrame *frame);

// Can the values in the block say something about references? Not those of a tree's nodes, of which
// it is not known which exist.
static inline bool block_frame_is_visited(const DataValues *values, const BlockFrame *frame)
{
    return frame->type != NO_DATA && frame->shape != BLOCK_TREE &&
           values->plans[frame->type].is_of_interest;
}

// The offset of place `index` < frame->places in the block.
uint64_t block_frame_place(const BlockFrame *frame, uint64_t index);

// Is there a value at the place? bytes: of the block.
bool block_frame_is_used(const BlockFrame *frame, const uint8_t *bytes, uint64_t index);

// The place that holds the offset, or UINT64_MAX.
uint64_t block_frame_index(const BlockFrame *frame, uint64_t offset);

#endif
