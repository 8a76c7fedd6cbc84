// HeapSelection: the objects, blocks or roots that the user names: by an address, the name of a
// type, or a group of roots.
//
//     0x600000004630             an object or foreign block that holds this address, or the root
//                                word at it
//     shop::Order                all objects of a type: by its label, one of the names in it
//                                ("i64" of "i64 | u64"), its last parts ("Order"), or trace
//                                function
//     stack, register, ...       all root words of a kind
//     conservative, exact        all root words that only look like references, or are known to be
//                                references
//     interior                   all root words that point inside an object
//     thread:NAME, thread:TID    all root words of a thread
// "type:" before a name makes it a type where a group of roots has the same name.

#ifndef ANALYSIS_HEAP_SELECTION_H
#define ANALYSIS_HEAP_SELECTION_H

#include "analysis/names/type_table.h"
#include "snapshot/heap/heap_image.h"

typedef enum SelectionKind {
    SELECTION_OBJECT, // place
    SELECTION_BLOCK,  // place
    SELECTION_TYPES,  // is_type
    SELECTION_ROOTS,  // roots
} SelectionKind;

typedef struct HeapSelection {
    SelectionKind kind;
    uint32_t page; // SELECTION_OBJECT
    uint32_t slot;
    uint32_t block;      // SELECTION_BLOCK
    uint64_t address;    // where the object or block begins
    uint64_t offset;     // of the given address, from there
    uint32_t type;       // SELECTION_TYPES: the first of them; may be foreign blocks
    bool *is_type;       // per type of the table, and one for foreign blocks; owned
    uint64_t root_count; // SELECTION_ROOTS
    uint64_t *roots;     // indices into HeapImage.roots, ascending; owned
} HeapSelection;

typedef enum SelectionScope {
    SELECT_HEAP,           // objects, blocks, types
    SELECT_HEAP_AND_ROOTS, // these and roots
} SelectionScope;

// Errors: usage, with the nearest objects or types as hints (no such object or type, several
// types); memory. On success the caller releases `out` with heap_selection_release().
NODISCARD bool heap_selection_make(const HeapImage *image, const TypeTable *table,
                                   SelectionScope scope, const char *text, HeapSelection *out,
                                   Error *error);
void heap_selection_release(HeapSelection *selection);

// Is the text an address as heap_selection_make() takes it: 0x and hexadecimal digits?
bool heap_selection_parse_address(const char *text, uint64_t *address);

#endif
