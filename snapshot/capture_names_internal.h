// What the parts of naming share: the child's side (capture_symbols, capture_frames) and the
// parent's (capture_names), and the records that go from one to the other:
//
//     u32 kind, u32 bytes of the body, body
//
// A string is a u32 length and its bytes. The parent checks all of it: the child may have gone
// wrong over a hostile file before it was stopped.

#ifndef SNAPSHOT_CAPTURE_NAMES_INTERNAL_H
#define SNAPSHOT_CAPTURE_NAMES_INTERNAL_H

#include "snapshot/capture_analysis_internal.h"
#include "snapshot/guarded_child.h"

typedef enum NameRecord {
    // u32 table (NameTable), u32 index, then strings: all symbols of one function, instead of
    // what an earlier record said of it
    NAME_OF_FUNCTION = 1,
    // u64 address, u64 bytes, u32 module, u32 is thread-local, string
    NAME_OF_VARIABLE,
} NameRecord;

typedef enum NameTable { NAME_TABLE_TYPES, NAME_TABLE_DROPS } NameTable;

#define NAME_RECORD_HEAD_BYTES 8u
// Merged functions have tens of names; a file could list millions at one address.
#define MAX_FUNCTION_NAMES 256u

// Puts a record together. The body is added to `buffer` in between.
void name_record_begin(ByteBuffer *buffer, NameRecord kind);
void name_record_add_string(ByteBuffer *buffer, const char *text);
// Says it, and empties the buffer. False when the child can say no more.
bool name_record_end(ByteBuffer *buffer, GuardedChild *child);

// In the child: symbols of functions and variables, of all modules.
void capture_say_symbols(void *analysis, GuardedChild *child);
// In the child: names of functions whose symbols hide them, or are not there, by debug information.
void capture_say_hidden_names(void *analysis, GuardedChild *child);

#endif
