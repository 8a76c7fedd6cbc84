// What the parts of naming share: the child's side (capture_symbols, capture_frames) and the
// parent's (capture_names), and the records that go from one to the other:
//
//     u32 kind, u32 bytes of the body, body
//
// A string is a u32 length and its bytes. The parent checks all of it: the child may have gone
// wrong over a hostile file before it was stopped.

#ifndef SNAPSHOT_CAPTURE_NAMES_CAPTURE_NAMES_INTERNAL_H
#define SNAPSHOT_CAPTURE_NAMES_CAPTURE_NAMES_INTERNAL_H

#include "snapshot/capture/find/capture_search.h"
#include "snapshot/capture/names/guarded_child.h"

typedef enum NameRecord {
    // u32 table (NameTable), u32 index, then strings: all symbols of one function, instead of
    // what an earlier record said of it
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
} NameRecord;

typedef enum NameTable { NAME_TABLE_TYPES, NAME_TABLE_DROPS } NameTable;

// What says that rudo-gc is at work: capture_collection.c.
typedef enum CollectorFlag {
    FLAG_THREAD_COLLECTS,
    FLAG_COLLECTION_WANTED,
    FLAG_MARKING,
    COLLECTOR_FLAG_COUNT,
} CollectorFlag;

#define NAME_RECORD_HEAD_BYTES 8u
// Merged functions have tens of names; a file could list millions at one address.
#define MAX_FUNCTION_NAMES 256u

// An address in the function that the frame executes: a call may be a function's last instruction.
static inline uint64_t frame_code_address(const SnapshotFrame *frame)
{
    return frame->program_counter - (frame->is_interrupted ? 0 : 1);
}

// A module's separate debug file: a descriptor, or -1. `own` is its file.
int capture_open_debug_file(const CaptureAnalysis *analysis, uint32_t module, ElfFile *own);

// Puts a record together. The body is added to `buffer` in between.
void name_record_begin(ByteBuffer *buffer, NameRecord kind);
void name_record_add_string(ByteBuffer *buffer, const char *text);
// Says it, and empties the buffer. False when the child can say no more.
bool name_record_end(ByteBuffer *buffer, GuardedChild *child);

// Looks at a flag of the collector in the copy, and takes down in `collection` what it says.
void capture_take_flag(CaptureAnalysis *analysis, ByteCursor *cursor);

// In the child: the frames of all threads.
void capture_say_frames(void *analysis, GuardedChild *child);
// In the child: symbols of functions and variables, of all modules, and of the code in all frames
// that `analysis` has.
void capture_say_symbols(void *analysis, GuardedChild *child);
// In the child: names of functions whose symbols hide them, or are not there, by debug information.
void capture_say_hidden_names(void *analysis, GuardedChild *child);

#endif
