// TypeTable: the types of the objects in a heap.
//
// An object's type follows from its *key*: its trace function, its drop function, its slot's size,
// and whether it is DEAD, since DEAD objects have lost their functions. Each key belongs to one
// type; a type has several keys where a compiler made its functions more than once, or where its
// objects have several sizes. Types are in the order in which they are shown, which is the same in
// every run of a program: by module and offset of their functions, and by size.
//
//     TypeTable *types;
//     if (!type_table_new(&types, error)) ...
//     for each allocated object:
//         TypeKey key = type_key_of(image, page, slot);
//         if (type_table_add(types, &key, error) == NO_INDEX) ...
//     if (!type_table_finish(types, image->details, error)) ...
//     label = types->types[type_table_find(types, image, page, slot)].label;
//
// ReachabilityReport holds the finished table of its image.

#ifndef ANALYSIS_NAMES_TYPE_TABLE_H
#define ANALYSIS_NAMES_TYPE_TABLE_H

#include "analysis/names/name_sets.h"
#include "base/hash_index.h"
#include "snapshot/heap/heap_image.h"

// All zero for objects without an object header.
typedef struct TypeKey {
    uint64_t trace; // the type word
    uint64_t drop;  // 0 where the layout has none
    uint32_t block_size;
    bool is_dead;
    uint32_t type; // index into TypeTable.types, once the table is finished
} TypeKey;

static inline bool type_key_is_same(const TypeKey *a, const TypeKey *b)
{
    return a->trace == b->trace && a->drop == b->drop && a->block_size == b->block_size &&
           a->is_dead == b->is_dead;
}

typedef enum HeapTypeKind {
    HEAP_TYPE_OBJECTS,    // a type, with or without a name
    HEAP_TYPE_NONE,       // of objects that have lost their type, or are not built yet
    HEAP_TYPE_HEADERLESS, // objects without an object header
} HeapTypeKind;

typedef struct HeapType {
    HeapTypeKind kind;
    uint32_t first_key; // the first of its keys
    // "shop::Order", "i64 | u64", or NULL where no symbol gives one; borrowed from the sets.
    const char *name;
    const char *label; // the name, or "type #7 (trace shop+0x1f40)"; never NULL; likewise
} HeapType;

typedef struct TypeTable {
    uint32_t type_count;
    HeapType *types; // owned
    uint32_t key_count;
    uint64_t key_capacity;
    TypeKey *keys; // owned; in order of first appearance
    HashIndex key_index;
    // Indices of keys in the order in which they are shown: by module and offset of the trace
    // function, then of the drop function, then by size. Owned; once the table is finished.
    uint32_t *shown_keys;
    NameSets *sets; // owned; once the table is finished
} TypeTable;

// An empty table without types. Errors: memory. The caller owns `*out`.
NODISCARD bool type_table_new(TypeTable **out, Error *error);
void type_table_free(TypeTable *table);

// The key of an allocated object, its `type` not set.
TypeKey type_key_of(const HeapImage *image, uint32_t page, uint32_t slot);

// The key's index; a new key is added. NO_INDEX when memory is short (then `error` is set).
uint32_t type_table_add(TypeTable *table, const TypeKey *key, Error *error);
// Makes types of the keys. `details` is borrowed as long as the table lives. Errors: memory.
NODISCARD bool type_table_finish(TypeTable *table, const SnapshotDetails *details, Error *error);

// A label without its number among the types of its heap, for comparing heaps: "shop::Order",
// "(trace shop+0x1f40)". A part of it.
const char *type_label_without_number(const char *label);

// Index of the key, or NO_INDEX.
uint32_t type_table_find_key(const TypeTable *table, const TypeKey *key);

// Index of the type of an allocated object of the image that the table was made from. Neighbouring
// objects mostly have the same key: a caller that needs many compares keys first.
static inline uint32_t type_table_find(const TypeTable *table, const HeapImage *image,
                                       uint32_t page, uint32_t slot)
{
    TypeKey key = type_key_of(image, page, slot);

    return table->keys[type_table_find_key(table, &key)].type;
}

#endif
