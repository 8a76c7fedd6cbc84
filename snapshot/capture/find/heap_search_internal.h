// The state of a HeapSearch, and its parts in the order in which heap_search_new() runs them. Each
// only adds to what the ones before it found:
//
//   module_globals  mapped files: load bases, .data and .bss
//   layout_choice   the layout of the heap, by the version that the program names
//   gc_pages        GC pages: validated headers at page boundaries; a record of each, and the
//                   functions that tell the types of its objects (type_words)
//   thread_stacks   thread stacks, their dead parts, thread-local storage
//   malloc_search   glibc's chunks (malloc_chunks_internal.h), and the blocks of mimalloc and
//   jemalloc
//                   (block_allocators_internal.h)
//   foreign_blocks  the chunks that lead to the heap: they become foreign blocks
//   root_words      every byte gets one owner; the words that are roots are picked
//   sized_blocks    chunks that objects and foreign blocks refer to, without leading to the heap
//   type_words      the modules that the functions of types lie in
//   layout_choice   whether the objects' reference counts prove the layout
//   account_search  where the resident memory is
//   (names)         names of these functions, of variables that hold roots, of frames
//
// Everything here comes from another process that may be hostile: no address, size or count
// is used before it was checked against what was copied.

#ifndef SNAPSHOT_CAPTURE_FIND_HEAP_SEARCH_INTERNAL_H
#define SNAPSHOT_CAPTURE_FIND_HEAP_SEARCH_INTERNAL_H

#include "snapshot/capture/boehm/boehm_heap.h"
#include "snapshot/capture/copy/memory_reader.h"
#include "snapshot/capture/find/address_index_internal.h"
#include "snapshot/capture/find/heap_search.h"
#include "snapshot/capture/find/malloc_chunks_internal.h"
#include "snapshot/capture/find/region_map_internal.h"
#include "snapshot/capture/names/collector_versions.h"
#include "snapshot/capture/names/module_files.h"

// A thread that executes on memory that is not a thread stack (a coroutine's).
typedef struct StrayStack {
    uint64_t stack_pointer;
    uint32_t thread;
} StrayStack;

// One chunk points into another one.
typedef struct ChunkEdge {
    uint32_t from;
    uint32_t to;
} ChunkEdge;

// Of chunks, in HeapSearch.chunk_notes; directly or through other chunks.
enum {
    CHUNK_HELD = 1,    // a global or thread-local variable points into it, or what these keep does
    CHUNK_REACHED = 2, // an object or a foreign block leads to it
    CHUNK_OF_OBJECT = 4, // an object leads to it
};

// A set of words by open addressing; 0 marks an empty place, and is never a member.
typedef struct WordSet {
    uint64_t *words;   // owned
    uint64_t capacity; // a power of two
    uint64_t count;
} WordSet;

struct HeapSearch {
    const ProcessCopy *copy;
    HeapSearchOptions options;
    HeapLayout layout;
    HeapSearchCounts counts;
    CollectorVersions versions; // that the program names; count 0 with a given layout

    SnapshotPages *runs; // owned; their bytes are the copy's or the assembly's
    uint64_t run_count;
    uint64_t run_capacity;
    PageRecords records; // of all runs
    WordSet type_words;  // of all objects: the functions that their headers point to
    WordSet drop_words;
    BoehmHeap *boehm;        // NULL: the heap has page headers; owned
    uint64_t *boehm_headers; // of its blocks, ascending; owned
    uint8_t *normal;         // the bytes of its pages with normal words; an owned mapping
    uint64_t normal_bytes;
    MemoryAssembly assembly;
    uint64_t left_out_bytes; // of large objects that could not be put together
    RegionList left_out;     // these objects

    // Claims on memory. root_words.c says in which order they count.
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
    RegionList map;             // all of them: ascending, disjoint

    StrayStack *strays; // owned
    uint64_t stray_count;
    uint64_t stray_capacity;

    MappedModule *modules; // owned; same order as details->modules
    uint64_t module_capacity;

    MallocChunks chunks;       // all blocks; those that lead to the heap have CHUNK_MATTERS
    AddressIndex index;        // of the GC pages and these chunks
    uint8_t *chunk_notes;      // CHUNK_HELD, ...; by chunk; owned; NULL: no chunks were looked at
    bool objects_were_scanned; // for chunks that they point into
    ChunkEdge *chunk_edges;    // ascending by `from`; owned
    uint64_t chunk_edge_count;
    uint64_t walked_bytes;
    uint64_t unwalked_bytes; // of heaps that look like glibc's, but could not be walked

    Root *roots; // owned
    uint64_t root_count;
    uint64_t root_capacity;
    SnapshotBlock *blocks; // owned; their data are the copy's or the assembly's
    uint64_t block_count;
    uint64_t foreign_root_bytes;
    uint64_t shared_root_bytes;
    uint64_t outside_bytes; // private memory outside of GC pages, without pages of zeros

    SnapshotDetails *details;   // owned
    CollectionState collection; // by the flags that were found
    SnapshotContents contents;
};

// A search that has found nothing yet. Errors: memory. The caller frees it with heap_search_free().
NODISCARD bool heap_search_begin(const ProcessCopy *copy, const HeapSearchOptions *options,
                                 HeapSearch **out, Error *error);

// The parts. Errors of all: memory, interrupted; heap_search_find_pages() also: no heap;
// heap_search_choose_layout() also: unsupported (a version of rudo-gc that is not known).
NODISCARD bool heap_search_find_modules(HeapSearch *search, Error *error);
NODISCARD bool heap_search_choose_layout(HeapSearch *search, Error *error);
NODISCARD bool heap_search_find_pages(HeapSearch *search, Error *error);
// Finds the heap of a Boehm collector; `boehm` stays NULL where there is none. Errors also:
// unsupported (it cannot be read).
NODISCARD bool heap_search_find_boehm(HeapSearch *search, Error *error);
NODISCARD bool heap_search_find_boehm_types(HeapSearch *search, Error *error);
NODISCARD bool heap_search_find_boehm_roots(HeapSearch *search, Error *error);
NODISCARD bool heap_search_find_stacks(HeapSearch *search, Error *error);
NODISCARD bool heap_search_find_malloc(HeapSearch *search, Error *error);
NODISCARD bool heap_search_find_blocks(HeapSearch *search, Error *error);
NODISCARD bool heap_search_find_roots(HeapSearch *search, Error *error);
NODISCARD bool heap_search_find_sized_blocks(HeapSearch *search, Error *error);
void heap_search_make_account(HeapSearch *search);
NODISCARD bool heap_search_find_types(HeapSearch *search, Error *error);
NODISCARD bool heap_search_prove_layout(HeapSearch *search, Error *error);

// Describes the writable shared mappings, when the roots are found and resident_bytes is set.
void heap_search_describe_shared(const HeapSearch *search, SnapshotMetadata *metadata);

// Collects the functions that the headers of a page's allocated objects point to, DEAD ones
// included: reports count these under a type, too.
NODISCARD bool heap_search_add_type_words(HeapSearch *search, const PageRecord *record,
                                          const uint8_t *page, Error *error);

#endif
