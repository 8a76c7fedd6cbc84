// SnapshotDataType: a type of the program as its debug information describes it: the type of the
// objects of a type word, or a type that such objects hold or refer to.
//
// A data type is a list of fields, flat: the members of nested structures have dotted names, and
// wrappers that hold one value (cells, Option, NonNull) have the name of the member that they are
// in. A type that is one value itself (u8, Gc<T>) has one field without a name. Fields of an
// enumeration's variants exist in values of that variant only (SnapshotVariant), and may overlap
// those of others.
//
// Bytes of no field are padding, unless `is_partial`.

#ifndef SNAPSHOT_HEAP_DATA_TYPES_H
#define SNAPSHOT_HEAP_DATA_TYPES_H

#include <stdbool.h>
#include <stdint.h>

// No data type, variant or place of a length.
#define NO_DATA UINT32_MAX

// The values are those of the snapshot file.
typedef enum FieldKind {
    FIELD_OPAQUE = 0, // bytes of unknown meaning: its words may refer to anything
    FIELD_UNSIGNED,
    FIELD_SIGNED,
    FIELD_FLOAT,
    FIELD_BOOL,
    FIELD_CHAR, // a Unicode scalar value, 4 bytes
    FIELD_CODE, // the address of a function or of constant data (a vtable)
    // A reference to an object of the heap, the object's start; `target`: its type.
    FIELD_STRONG,
    FIELD_WEAK,
    // A pointer that owns malloc'd memory with values of `target`: see `shape`.
    FIELD_BLOCK,
    FIELD_POINTER, // any other pointer; `target`: its type, if known
    FIELD_ARRAY,   // bytes / (bytes of `target`) values of `target`, one behind the other
    FIELD_ENUM,    // an enumeration with variants, whose fields follow
    FIELD_KIND_COUNT,
} FieldKind;

// Where the values of a FIELD_BLOCK lie in its block.
typedef enum BlockShape {
    BLOCK_ONE = 0, // one value at `first_at` (Box<T>, Rc<T>, Arc<T>)
    BLOCK_MANY,    // as many as the length says, from `first_at` on (Vec, String, Box<[T]>)
    BLOCK_RING,    // likewise; the first is number `head`, and behind number `capacity` - 1 comes 0
    // Value i of a SwissTable ends i * bytes before the address that the pointer holds. The control
    // bytes begin there: byte i has its highest bit clear where value i exists. There are
    // `capacity` + 1 of them (the word at `capacity_at` is a mask).
    BLOCK_HASH,
    // A B-tree's root node, a `target`; where the word at `head_at` (the height) is not 0, it is an
    // inner node. Its length counts the values of all nodes.
    BLOCK_TREE,
    BLOCK_SHAPE_COUNT,
} BlockShape;

typedef struct SnapshotField {
    uint32_t offset; // from the start of the value
    uint32_t bytes;
    uint8_t kind;    // FieldKind
    uint8_t shape;   // BlockShape
    bool is_text;    // the values of a FIELD_BLOCK are UTF-8
    bool is_shared;  // a FIELD_BLOCK that has several owners (Rc, Arc)
    uint32_t target; // index into the data types, or NO_DATA
    uint32_t
        variant; // index into the type's variants: the field exists in that one only; or NO_DATA
    uint32_t first_at; // FIELD_BLOCK: offset of the first value in the block
    // Offsets in the same value of u64 words, or NO_DATA: the value lacks that word.
    uint32_t length_at;
    uint32_t capacity_at;
    uint32_t head_at;
    char *name;      // dotted; "" where the type is one value; owned
    char *type_name; // short, without parameters and paths: "HashMap", "u64", "Gc"; owned
} SnapshotField;

// A variant of a FIELD_ENUM. A value has the variant whose range holds its discriminant, and if
// none of the enumeration's does, the one that `is_default`. (Discriminants may lie in niches: None
// of Option<Gc<T>> may be the address 0.)
typedef struct SnapshotVariant {
    uint32_t field; // index of the FIELD_ENUM
    bool is_default;
    uint32_t discriminant_at;    // offset from the start of the value
    uint32_t discriminant_bytes; // 1, 2, 4, 8; 0: the enumeration has this one variant only
    uint64_t low;
    uint64_t high;
    char *name; // "Some"; owned
} SnapshotVariant;

typedef struct SnapshotDataType {
    char *name;      // "shop::Session", as debug information has it; owned
    uint64_t bytes;  // of a value
    bool is_partial; // fields were left out: words of no field may refer to anything
    // Of the types of objects: offset of the value in the object, and bytes of both; otherwise 0.
    uint32_t value_at;
    uint64_t object_bytes;
    // The type words, and the drop functions, of objects that may be of this type; ascending. One
    // word may belong to several data types, whose functions a linker merged.
    uint32_t type_word_count;
    uint32_t drop_count;
    uint64_t *type_words; // owned
    uint64_t *drops;      // owned
    uint32_t field_count;
    SnapshotField *fields; // ascending by offset; fields of an enumeration behind it; owned
    uint32_t variant_count;
    SnapshotVariant *variants; // those of one field follow each other; owned
} SnapshotDataType;

void snapshot_data_types_free(SnapshotDataType *types, uint32_t count);

// Does `value`, the bytes of a value of this type (`length` at least), have the variant? NO_DATA is
// had by all. The enumeration must exist in the value, too. A variant is not had where its
// discriminant lies outside of `length`.
bool snapshot_data_type_has_variant(const SnapshotDataType *type, uint32_t variant,
                                    const uint8_t *value, uint64_t length);

#endif
