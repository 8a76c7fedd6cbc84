// What the parts of the capture analysis share.
//
// The parts, in the order in which capture_analysis_new() runs them; each only adds to what
// the ones before it found:
//
//   capture_pages    GC pages: validated headers at page boundaries; a record of each, and the
//                    functions that tell the types of its objects (capture_types)
//   capture_modules  mapped files: load bases, .data/.bss
//   capture_stacks   thread stacks, their dead parts, thread-local storage
//   capture_malloc   glibc's chunks (and capture_malloc_walk, _mapped, _free)
//   capture_foreign  which chunks matter: the foreign blocks
//   capture_roots    every byte gets one owner; root words are picked
//   capture_types    finds the modules that the functions of types lie in
//   capture_names    names these functions and variables that hold roots (capture_symbols), and
//                    finds the frames of stacks (capture_frames)
//
// Everything here comes from another process that may be hostile: no address, size or count
// is used before it was checked against what was copied.

#ifndef SNAPSHOT_CAPTURE_FIND_CAPTURE_SEARCH_H
#define SNAPSHOT_CAPTURE_FIND_CAPTURE_SEARCH_H

#include "snapshot/capture/find/capture_analysis.h"
#include "base/array.h"
#include "snapshot/capture/copy/malloc_state.h"
#include "snapshot/capture/copy/memory_reader.h"
#include "snapshot/capture/names/elf_file.h"

#define RED_ZONE_BYTES 128u // below SP; leaf functions use it (x86-64 ABI)

// Never-touched memory is not in a ProcessCopy, so what spans it (a large object, a malloc
// chunk) has to be put together in a buffer of our own. All such holes together may be as
// large as what was copied plus this much: a process may map far more than there is memory.
#define MAX_HOLE_BYTES (UINT64_C(1) << 30)

// ---- who owns which bytes (capture_regions.c) ----

typedef enum RegionKind {
    REGION_GC,     // GC pages: read through the heap, never roots
    REGION_NOBODY, // dead stack, allocator metadata: not read at all
    REGION_MALLOC, // walked malloc chunks: read as foreign blocks, or left out
    REGION_STACK,
    REGION_TLS,
    REGION_GLOBAL,
    REGION_FOREIGN,
} RegionKind;

typedef struct Region {
    uint64_t start;
    uint64_t end;
    uint32_t thread; // index, or NO_INDEX
    RegionKind kind;
} Region;

typedef struct RegionList {
    Region *items; // owned
    uint64_t count;
    uint64_t capacity;
} RegionList;

// Adds [start, end) unless it is empty. Errors: memory.
NODISCARD bool region_list_add(RegionList *list, uint64_t start, uint64_t end, RegionKind kind,
                               uint32_t thread, Error *error);
void region_list_release(RegionList *list);

// Adds to `map` (ascending, disjoint) what `claims` claim and nobody has yet: whoever comes
// first owns a byte. Sorts `claims`; where they overlap each other, the lower start wins.
NODISCARD bool region_map_claim(RegionList *map, RegionList *claims, Error *error);

// The region of a map that holds `address`, or NULL.
const Region *region_map_find(const RegionList *map, uint64_t address);

// Does a region of the map overlap [start, end)? *position is a cursor for ascending starts.
bool region_map_overlaps(const RegionList *map, uint64_t *position, uint64_t start, uint64_t end);

// ---- malloc (capture_malloc*.c) ----

enum {
    CHUNK_FREE = 1,    // in a bin, fast bin or thread cache, or the top chunk
    CHUNK_MMAPPED = 2, // has a mapping of its own
    CHUNK_ODD = 4,     // holds GC pages or a stack: not a block, its other words are roots
    CHUNK_MATTERS = 8, // leads to the GC heap
    CHUNK_FLAGS = 15,
};

#define CHUNK_HEADER_BYTES 16u
#define CHUNK_MIN_BYTES 32u

typedef struct MallocChunk {
    uint64_t address; // of the chunk's header; the user's bytes begin 16 behind
    uint64_t size;    // of the whole chunk, with CHUNK_* flags in its low 4 bits
} MallocChunk;

static inline uint64_t chunk_bytes(const MallocChunk *chunk)
{
    return chunk->size & ~(uint64_t)CHUNK_FLAGS;
}

static inline bool chunk_is_block(const MallocChunk *chunk)
{
    return (chunk->size & (CHUNK_FREE | CHUNK_ODD)) == 0;
}

static inline uint64_t chunk_user_address(const MallocChunk *chunk)
{
    return chunk->address + CHUNK_HEADER_BYTES;
}

// malloc_usable_size(): a chunk of the heap may use the first word of the next one.
static inline uint64_t chunk_user_bytes(const MallocChunk *chunk)
{
    return chunk_bytes(chunk) - ((chunk->size & CHUNK_MMAPPED) != 0 ? 16 : 8);
}

typedef struct MallocChunks {
    MallocChunk *items; // ascending by address, disjoint; owned
    uint64_t count;
    uint64_t capacity;
} MallocChunks;

// Errors: memory.
NODISCARD bool malloc_chunks_add(MallocChunks *chunks, MallocChunk chunk, Error *error);
// The index of the chunk that begins at `address`, or UINT64_MAX.
uint64_t malloc_chunks_find(const MallocChunks *chunks, uint64_t address);
// The index of the chunk whose bytes, header included, hold `address`, or UINT64_MAX.
uint64_t malloc_chunks_holding(const MallocChunks *chunks, uint64_t address);

// Walks the chunks of [start, end): adds them to `chunks` and the walked spans to `spans`.
// is_main: no chunk may carry the NON_MAIN_ARENA flag. top: 0 when unknown or elsewhere.
// Errors: memory.
NODISCARD bool malloc_walk_area(MemoryReader *reader, uint64_t start, uint64_t end, bool is_main,
                                uint64_t top, MallocChunks *chunks, RegionList *spans,
                                Error *error);

// Finds chunks that have mappings of their own in `area`, outside of `busy` and `heaps`
// (both ascending and disjoint); adds them to `chunks` and their mappings to `spans`.
// Errors: memory.
NODISCARD bool malloc_find_mapped(MemoryReader *reader, const Region *area, const RegionList *busy,
                                  const RegionList *heaps, MallocChunks *chunks, RegionList *spans,
                                  Error *error);

// Flags the chunks that wait in thread caches and in the fast bins of `states` as free.
void malloc_flag_cached(MemoryReader *reader, MallocChunks *chunks, const MallocState *states,
                        uint64_t state_count);

// ---- the analysis ----

// Where a thread executes on memory that is no thread stack (a coroutine).
typedef struct StrayStack {
    uint64_t stack_pointer;
    uint32_t thread;
} StrayStack;

// A set of words by open addressing; 0 marks an empty place, and is never a member.
typedef struct WordSet {
    uint64_t *words;   // owned
    uint64_t capacity; // a power of two
    uint64_t count;
} WordSet;

// A file that is mapped with code.
typedef struct CaptureModule {
    uint32_t first_mapping;
    uint32_t last_mapping;
    bool has_elf; // its program headers could be read
} CaptureModule;

struct CaptureAnalysis {
    const ProcessCopy *copy;
    CaptureOptions options;
    HeapLayout layout;

    SnapshotPages *runs; // owned; their bytes are the copy's or the assembly's
    uint64_t run_count;
    uint64_t run_capacity;
    PageRecords records; // of all runs
    WordSet type_words;  // of all objects: the functions that their headers point to
    WordSet drop_words;
    MemoryAssembly assembly;
    uint64_t left_out_bytes; // large objects that there was no memory to put together
    RegionList left_out;     // the same

    // Claims on memory; the first list in this order that has a byte owns it.
    RegionList pages;
    RegionList stacks;      // certain: thread stacks that end at a guard, the main stack
    RegionList dead_stacks; // below the stack pointers of `stacks`
    RegionList tls;
    RegionList metadata;     // the allocator's own bookkeeping
    RegionList stray_stacks; // in malloc chunks and globals
    RegionList odd_chunks;
    RegionList globals;
    RegionList malloc_spans;
    RegionList guessed_globals; // .bss of files that could not be read
    RegionList tls_tails;       // the rest of the page in which a thread's descriptor lies
    RegionList likely_stacks;   // where the lower end is not known
    RegionList rest;            // all private writable memory
    RegionList map;             // the outcome: ascending, disjoint

    StrayStack *strays; // owned
    uint64_t stray_count;
    uint64_t stray_capacity;

    CaptureModule *modules; // owned; same order as details->modules
    uint64_t module_capacity;

    MallocChunks chunks;
    uint64_t walked_bytes;
    uint64_t unwalked_bytes; // of heaps that look like glibc's

    Root *roots; // owned
    uint64_t root_count;
    uint64_t root_capacity;
    SnapshotBlock *blocks; // owned; their data are the copy's or the assembly's
    uint64_t block_count;
    uint64_t foreign_root_bytes;

    SnapshotDetails *details; // owned
    uint64_t variable_capacity;
    uint32_t frame_count;          // of all stacks in `details`
    CollectionState collection;    // by the flags that were found
    struct CodePlace *code_places; // of all frames, ascending by code address; owned
    SnapshotContents contents;
};

// The path of a module's file, as the process saw it; borrowed.
const char *capture_module_path(const CaptureAnalysis *analysis, uint32_t module);
// The file of a module mapped, or NULL: for a GuardedChild only. The caller frees it.
ElfFile *capture_open_module_mapped(const CaptureAnalysis *analysis, uint32_t module);
// The file of a module, or NULL. The caller frees it.
ElfFile *capture_open_module(const CaptureAnalysis *analysis, uint32_t module);

// The parts. Errors of all: memory, interrupted; capture_find_pages() also: no heap.
NODISCARD bool capture_find_pages(CaptureAnalysis *analysis, CaptureSummary *summary, Error *error);
NODISCARD bool capture_find_modules(CaptureAnalysis *analysis, Error *error);
NODISCARD bool capture_find_stacks(CaptureAnalysis *analysis, Error *error);
NODISCARD bool capture_find_malloc(CaptureAnalysis *analysis, Error *error);
NODISCARD bool capture_find_blocks(CaptureAnalysis *analysis, Error *error);
NODISCARD bool capture_find_roots(CaptureAnalysis *analysis, Error *error);
NODISCARD bool capture_find_types(CaptureAnalysis *analysis, Error *error);
NODISCARD bool capture_find_names(CaptureAnalysis *analysis, Error *error);

// Collects the functions that the headers of a page's allocated objects point to, DEAD ones
// included: reports count these under a type, too.
NODISCARD bool capture_add_type_words(CaptureAnalysis *analysis, const PageRecord *record,
                                      const uint8_t *page, Error *error);

// ERROR_INTERRUPTED when the user asked us to stop.
NODISCARD bool capture_check_cancelled(const CaptureAnalysis *analysis, Error *error);

#endif
