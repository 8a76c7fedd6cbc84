// The fields of one type, for the files that read them: see data_type_reader.h.

#ifndef SNAPSHOT_CAPTURE_DEBUG_DATA_TYPE_READER_INTERNAL_H
#define SNAPSHOT_CAPTURE_DEBUG_DATA_TYPE_READER_INTERNAL_H

#include "snapshot/capture/debug/data_type_reader.h"

#define MAX_TYPE_PARTS 4096u // of one type
#define MAX_FIELD_DEPTH 24u  // of structures in each other
#define MAX_FIELD_NAME_CHARS 256u

typedef struct FieldList {
    DataTypeReader *reader;
    uint64_t type_bytes;
    bool is_partial;
    uint64_t field_capacity;
    uint32_t field_count;
    SnapshotField *fields; // owned
    uint64_t variant_capacity;
    uint32_t variant_count;
    SnapshotVariant *variants; // owned
} FieldList;

// Where a value lies in the type whose fields are listed.
typedef struct FieldPlace {
    uint64_t offset;
    uint32_t variant;
    uint32_t depth;
    const char *name; // dotted; borrowed
} FieldPlace;

// The base of a type's name, "HashMap" of "HashMap<K, V>"; cut at `chars`.
void data_type_base_name(DwarfEntry *type, char *base, size_t chars);

// Appends a field of `bytes` at the place, without a target; NULL: the table is full. The pointer
// is valid until the next call.
SnapshotField *field_list_add(FieldList *list, const FieldPlace *place, uint64_t bytes,
                              FieldKind kind, const char *type_name);
SnapshotVariant *field_list_add_variant(FieldList *list, const char *name);

// Appends the fields of a value of this type.
void field_list_add_value(FieldList *list, DwarfEntry *type, const FieldPlace *place);
// The members of a structure.
void field_list_add_members(FieldList *list, DwarfEntry *type, const FieldPlace *place);

// ---- data_type_enums.c ----

// Of Rust: a structure with variants. False: it has none.
bool field_list_add_enum(FieldList *list, DwarfEntry *type, const FieldPlace *place);
// Of C, and of Rust without fields: named numbers.
void field_list_add_numbers(FieldList *list, DwarfEntry *type, const FieldPlace *place);

// ---- data_type_containers.c ----

// A type that is known by its name: a reference to an object, or a container that owns malloc'd
// memory. False: it is none of them.
bool field_list_add_container(FieldList *list, DwarfEntry *type, const FieldPlace *place);
void field_list_add_pointer(FieldList *list, DwarfEntry *type, const FieldPlace *place);

#endif
