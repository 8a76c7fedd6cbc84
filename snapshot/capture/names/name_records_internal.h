// Records of names: how the children that read executables hand names to the parent.
//
//     u32 kind, u32 bytes of the body, body
//
// A string is a u32 length and its bytes. The parent checks all of it: the child may have gone
// wrong over a hostile file before it was stopped.

#ifndef SNAPSHOT_CAPTURE_NAMES_NAME_RECORDS_INTERNAL_H
#define SNAPSHOT_CAPTURE_NAMES_NAME_RECORDS_INTERNAL_H

#include "snapshot/capture/names/guarded_child.h"
#include "snapshot/capture/names/heap_names.h"

typedef enum NameRecord {
    // u32 table (NameTable), u32 index, then strings: all symbols of one function, instead of
    // those in an earlier record
    NAME_OF_FUNCTION = 1,
    // u64 address, u64 bytes, u32 module, u32 is thread-local, string
    NAME_OF_VARIABLE,
    // u32 thread, u32 StackEnd, then per frame u64 program counter, u64 start, u64 end,
    // u64 is interrupted
    FRAMES_OF_STACK,
    // u64 code address (frame_code_address()), u64 address of the function, string
    NAME_OF_CODE,
    // u32 CollectorFlag, u64 address; of a thread-local one, from the control block
    FLAG_OF_COLLECTOR,
    // The body of a section FLDS: all data types
    LAYOUTS_OF_TYPES,
    // u32 module, u32 facts (ModuleFact), string or nothing: a file
    FACTS_OF_MODULE,
    // u64 code address (frame_code_address()), then per function that was inlined there, from the
    // innermost on, u32 line, string function, string file
    PLACES_OF_CODE,
} NameRecord;

typedef enum NameTable { NAME_TABLE_TYPES, NAME_TABLE_DROPS } NameTable;

#define NAME_RECORD_HEAD_BYTES 8u
// Merged functions have tens of names; a file could list millions at one address.
#define MAX_FUNCTION_NAMES 256u

// An address in the function that the frame executes: a call may be a function's last instruction.
static inline uint64_t frame_code_address(const SnapshotFrame *frame)
{
    return frame->program_counter - (frame->is_interrupted ? 0 : 1);
}

// ---- in the child ----

// Puts a record together in `buffer`; the body is added in between.
void name_record_begin(ByteBuffer *buffer, NameRecord kind);
void name_record_add_string(ByteBuffer *buffer, const char *text);
// Writes the record, and empties the buffer. False when the child's output is full.
bool name_record_end(ByteBuffer *buffer, GuardedChild *child);

// The work of the three children (GuardedWork.run); `request` is a NameRequest.
// Records the frames of all threads.
void stack_frames_write(void *request, GuardedChild *child);
// Records the symbols of functions and variables, of all modules, and of the code in all frames
// that the details have.
void symbol_names_write(void *request, GuardedChild *child);
// Records the names of functions whose symbols hide them, or were stripped, by debug information.
void hidden_names_write(void *request, GuardedChild *child);
// Records the layouts of the types of objects, by debug information.
void data_types_write(void *request, GuardedChild *child);
// Records the places in the source of the code in all frames (source_places.c).
void source_places_write(void *request, GuardedChild *child);

// ---- in the parent ----

// A frame, with the address by which its function is found.
typedef struct CodePlace {
    uint64_t address;
    SnapshotFrame *frame;
    uint32_t thread; // index
    uint32_t number; // in its stack
} CodePlace;

// The parent's state between records.
typedef struct NameReader {
    const NameRequest *request;
    uint64_t began_ns; // CLOCK_MONOTONIC
    uint64_t variable_capacity;
    uint32_t frame_count; // of all stacks in the details
    uint64_t place_capacity;
    CodePlace *code_places;     // of all frames, ascending by code address; owned
    CollectionState collection; // by the flags that were recorded
    struct ModuleFacts *facts;  // of all modules; NULL: none was recorded; owned
} NameReader;

void name_reader_release(NameReader *reader);

// Reads all records of one child into the details. Skips invalid records. Errors: memory.
NODISCARD bool name_reader_take(NameReader *reader, const ByteBuffer *records, Error *error);

// Prepares for names of code; to be called when all frames were read. Errors: memory.
NODISCARD bool name_reader_index_frames(NameReader *reader, Error *error);

// The next string, clean, malloc'd; "" where the record is cut. Errors: memory.
NODISCARD bool name_record_take_text(ByteCursor *cursor, char **out, Error *error);

// Reads a PLACES_OF_CODE (source_places.c). Errors: memory.
NODISCARD bool source_places_take(NameReader *reader, ByteCursor *cursor, Error *error);
void source_places_sort(SnapshotDetails *details);

// Puts the variables and places in order.
void name_reader_finish(NameReader *reader);

// Reads a FLAG_OF_COLLECTOR: looks at the flag in the copy (collector_flags.c).
void collector_flags_take(NameReader *reader, ByteCursor *cursor);

#endif
