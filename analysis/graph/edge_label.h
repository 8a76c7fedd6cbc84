// EdgeLabels: what the place of a reference is called: ".audit", "[17].conn", "+136".
//
// Names come from the program's data types. A word of an object of known type is called by its
// field, a word of a block by the number of the value and the field in it; others by their offset
// in the object, or by the number of the word in the block. Everything that shows a reference asks
// here, so that a place has one name in all answers.
//
//     EdgeLabel label;
//     edge_label_make(labels, page, slot, block, offset, &label);
//     printf("%s", label.text);

#ifndef ANALYSIS_GRAPH_EDGE_LABEL_H
#define ANALYSIS_GRAPH_EDGE_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/graph/object_graph.h"
#include "base/error.h"
#include "snapshot/heap/block_owners.h"
#include "snapshot/heap/data_values.h"

#define EDGE_LABEL_CHARS 200u

typedef enum EdgeKind {
    EDGE_UNKNOWN = 0, // nothing says what the word is
    EDGE_STRONG,      // a reference, or a pointer to a block
    EDGE_WEAK,        // a weak reference
    EDGE_NONE,        // left over: part of a variant that the value does not have (None), or in a
                      // place of a container where no value is
    EDGE_OTHER,       // a number, a pointer that owns nothing
} EdgeKind;

// Of a field that the value has.
EdgeKind edge_kind_of(const SnapshotField *field);
// "strong", "weak", "none", "other"; NULL for EDGE_UNKNOWN.
const char *edge_kind_name(EdgeKind kind);

typedef struct EdgeLabels {
    const HeapImage *image; // borrowed
    DataValues *values;     // NULL: the snapshot has no data types; owned
    BlockOwners *owners;    // likewise
} EdgeLabels;

// `image` is borrowed and must outlive the labels. Errors: memory. Released by
// edge_labels_release() in any case.
NODISCARD bool edge_labels_init(EdgeLabels *labels, const HeapImage *image, Error *error);
void edge_labels_release(EdgeLabels *labels);

typedef struct EdgeLabel {
    EdgeKind kind;
    bool is_named;                // the text has a name or the number of a value
    const SnapshotField *field;   // NULL: not known; borrowed
    uint64_t value_offset;        // of the value that has the field, in the object or block
    const SnapshotDataType *type; // of that value
    char text[EDGE_LABEL_CHARS];  // cut where it is too long
} EdgeLabel;

// The label of the word at `offset` in the object (page, slot), or in the block where page is
// NO_INDEX.
void edge_label_make(const EdgeLabels *labels, uint32_t page, uint32_t slot, uint32_t block,
                     uint64_t offset, EdgeLabel *out);

// ".slots[17].conn" -> ".slots[].conn": one name for all items of an array.
void edge_label_drop_numbers(EdgeLabel *label);

// The label of the reference of a node to another: the strong one, if several words refer to it.
// False: no word does.
bool edge_label_between(const EdgeLabels *labels, const ObjectGraph *graph, uint32_t node,
                        uint32_t target, EdgeLabel *out, uint64_t *offset);

// The data type of an object, or NULL.
const SnapshotDataType *edge_labels_type_of(const EdgeLabels *labels, uint32_t page, uint32_t slot);

#endif
