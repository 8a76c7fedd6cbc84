// DataTypeReader: see data_type_reader.h. Here: the list of types, and the queue.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "snapshot/capture/debug/data_type_reader_internal.h"

bool data_type_reader_init(DataTypeReader *reader)
{
    *reader = (DataTypeReader){.scopes = dwarf_scopes_new(), .deadline_ns = UINT64_MAX};
    return reader->scopes != NULL;
}

void data_type_reader_release(DataTypeReader *reader)
{
    dwarf_scopes_free(reader->scopes);
    snapshot_data_types_free(reader->types, reader->count);
    free(reader->entries);
    hash_index_release(&reader->index);
    *reader = (DataTypeReader){0};
}

void data_type_base_name(DwarfEntry *type, char *base, size_t chars)
{
    const char *name = dwarf_entry_name(type);
    size_t length = strcspn(name, "<");
    const char *last;

    // Boxes have their whole path as a name. "&T", "(A, B)" and "[T]" stay as they are.
    (void)snprintf(base, chars, "%.*s", (int)(length > 0 ? length : strlen(name)), name);
    last = strrchr(base, ':');
    if (last != NULL && last > base && last[-1] == ':' && base[0] != '&' && base[0] != '*' &&
        base[0] != '(' && base[0] != '[')
        memmove(base, last + 1, strlen(last + 1) + 1);
}

void data_type_reader_name(DataTypeReader *reader, DwarfEntry *type, char name[MAX_TYPE_NAME_CHARS])
{
    const char *own = dwarf_entry_name(type), *scope;
    DwarfEntry element;

    if (own[0] == '\0' && dwarf_tag(type) == DW_TAG_array_type &&
        dwarf_entry_type(type, &element)) {
        uint64_t bytes = dwarf_entry_bytes(&element);

        (void)snprintf(name, MAX_TYPE_NAME_CHARS, "[%.*s; %llu]", (int)MAX_TYPE_NAME_CHARS / 2,
                       dwarf_entry_name(&element),
                       (unsigned long long)(bytes == 0 ? 0 : dwarf_entry_bytes(type) / bytes));
        return;
    }
    scope = dwarf_scopes_of(reader->scopes, type);
    (void)snprintf(name, MAX_TYPE_NAME_CHARS, "%s%s%s", scope, scope[0] != '\0' ? "::" : "",
                   own[0] != '\0' ? own : "(no name)");
}

// ---- the list ----

typedef struct TypeKey {
    const char *name;
    uint64_t bytes;
    bool has_name;
} TypeKey;

static bool is_named(const char *name)
{
    return strstr(name, "(no name)") == NULL;
}

// Types without names are never the same, so each has a hash of its own.
static uint64_t hash_of_key(const HashIndex *index, const char *name, uint64_t bytes,
                            uint32_t position)
{
    return hash_index_hash(index, hash_index_text(index, name, strlen(name)),
                           bytes << 32 | (is_named(name) ? 0 : position));
}

static uint64_t hash_of_type(const HashIndex *index, const void *items, uint32_t position)
{
    const SnapshotDataType *type = &((const SnapshotDataType *)items)[position];

    return hash_of_key(index, type->name, type->bytes, position);
}

static bool is_same_type(const void *items, uint32_t position, const void *wanted)
{
    const SnapshotDataType *type = &((const SnapshotDataType *)items)[position];
    const TypeKey *key = wanted;

    return key->has_name && type->bytes == key->bytes && strcmp(type->name, key->name) == 0;
}

static bool make_room(DataTypeReader *reader)
{
    Error unwanted;

    return reader->count < MAX_DATA_TYPES &&
           array_reserve(&reader->types, &reader->capacity, reader->count + UINT64_C(1),
                         sizeof *reader->types, "data types", &unwanted) &&
           array_reserve(&reader->entries, &reader->entry_capacity, reader->count + UINT64_C(1),
                         sizeof *reader->entries, "data types", &unwanted) &&
           hash_index_reserve(&reader->index, reader->types, reader->count + UINT64_C(1),
                              hash_of_type, "data types", &unwanted);
}

uint32_t data_type_reader_add(DataTypeReader *reader, DwarfEntry *type)
{
    char name[MAX_TYPE_NAME_CHARS];
    TypeKey key = {.name = name, .bytes = dwarf_entry_bytes(type)};
    uint32_t *slot;
    char *copy;

    data_type_reader_name(reader, type, name);
    key.has_name = is_named(name);
    if (!make_room(reader)) {
        reader->is_limited = true;
        return NO_DATA;
    }
    slot = hash_index_find(&reader->index, reader->types,
                           hash_of_key(&reader->index, name, key.bytes, reader->count),
                           is_same_type, &key);
    if (*slot == 0) {
        if ((copy = strdup(name)) == NULL) {
            reader->is_limited = true;
            return NO_DATA;
        }
        reader->types[reader->count] = (SnapshotDataType){.name = copy, .bytes = key.bytes};
        reader->entries[reader->count] = *type;
        *slot = ++reader->count;
    }
    return *slot - 1;
}

void data_type_reader_leave_file(DataTypeReader *reader)
{
    // They are known by addresses, which other units may get.
    dwarf_scopes_clear(reader->scopes);
}

// ---- the queue ----

static void fill(DataTypeReader *reader, uint32_t index)
{
    FieldList list = {.reader = reader, .type_bytes = reader->types[index].bytes};
    DwarfEntry entry = reader->entries[index];
    SnapshotDataType *type;

    // A declaration without members has no size.
    if (list.type_bytes > 0)
        field_list_add_value(&list, &entry, &(FieldPlace){.variant = NO_DATA, .name = ""});
    else
        list.is_partial = true;
    type = &reader->types[index]; // it may have moved
    type->is_partial = list.is_partial;
    type->fields = list.fields;
    type->field_count = list.field_count;
    type->variants = list.variants;
    type->variant_count = list.variant_count;
    reader->part_count += list.field_count + list.variant_count;
}

void data_type_reader_fill(DataTypeReader *reader)
{
    for (; reader->filled < reader->count; reader->filled++) {
        if (reader->part_count >= MAX_DATA_TYPE_PARTS ||
            clock_monotonic_ns() > reader->deadline_ns) {
            reader->is_limited = true;
            break;
        }
        fill(reader, reader->filled);
    }
    // Those that have not been read may hold anything.
    for (; reader->filled < reader->count; reader->filled++)
        reader->types[reader->filled].is_partial = true;
}
