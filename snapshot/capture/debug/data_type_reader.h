// DataTypeReader: reads the layouts of types from debug information, in a child.
//
// It begins with the types of objects, and goes on with those that their fields hold or refer to,
// breadth first, until there are no more or a limit is reached: nearer types are more useful. Types
// of one name and size are the same, whichever unit describes them.

#ifndef SNAPSHOT_CAPTURE_DEBUG_DATA_TYPE_READER_H
#define SNAPSHOT_CAPTURE_DEBUG_DATA_TYPE_READER_H

#include "base/hash_index.h"
#include "snapshot/capture/debug/dwarf_scopes.h"
#include "snapshot/heap/data_types.h"

#define MAX_DATA_TYPES 16384u
#define MAX_DATA_TYPE_PARTS (1u << 18) // fields and variants of all types

typedef struct DataTypeReader {
    DwarfScopes *scopes; // owned
    uint32_t count;
    uint64_t capacity;
    SnapshotDataType *types; // owned
    uint64_t entry_capacity;
    DwarfEntry *entries; // of each type; owned
    HashIndex index;     // of the types, by name and size
    uint32_t filled;     // the first types have their fields
    uint64_t part_count;
    uint64_t deadline_ns; // clock_monotonic_ns()
    bool is_limited;      // something was left out
} DataTypeReader;

bool data_type_reader_init(DataTypeReader *reader);
void data_type_reader_release(DataTypeReader *reader);
// The index of the type, which is added if it is new; NO_DATA: a limit is reached.
uint32_t data_type_reader_add(DataTypeReader *reader, DwarfEntry *type);
// "shop::Session"; arrays have no name of their own.
#define MAX_TYPE_NAME_CHARS 1024u
void data_type_reader_name(DataTypeReader *reader, DwarfEntry *type,
                           char name[MAX_TYPE_NAME_CHARS]);
// Reads the fields of all types that were added, and of those that these refer to. To be called
// before the file that describes them is closed.
void data_type_reader_fill(DataTypeReader *reader);
// The file is closed next: its units may not be looked at again.
void data_type_reader_leave_file(DataTypeReader *reader);

#endif
