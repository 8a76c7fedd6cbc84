// The search for a BoehmHeap: its parts in the order in which boehm_heap_find() runs them.
//
//   boehm_index    the block index: which blocks there are, and where their headers lie
//   boehm_headers  the layout of the headers; blocks
//   boehm_arrays   GC_arrays, by what must be equal; root sets
//   boehm_kinds    the kinds of objects, and their free lists
//   boehm_threads  threads that the collector knows, and their free lists
//   boehm_sweeping which slots wait to be swept
//   boehm_tables   finalizers and weak links
//
// Everything is read through a MemoryReader, which trusts no address. Lists end where a slot is met
// twice, so no input takes more than linear time.

#ifndef SNAPSHOT_CAPTURE_BOEHM_BOEHM_SEARCH_INTERNAL_H
#define SNAPSHOT_CAPTURE_BOEHM_BOEHM_SEARCH_INTERNAL_H

#include "snapshot/capture/boehm/boehm_heap.h"
#include "snapshot/capture/copy/memory_reader.h"

#define BOEHM_TOP_ENTRIES 2048u
#define BOEHM_NODE_ENTRIES 1024u
#define BOEHM_GRANULE UINT64_C(16)
#define BOEHM_LEAST_HEADER 65536u // smaller entries say how far back the head of an object is

// A node of the block index: 1024 entries, then these words. Never changed from 7.2 to 8.2.12.
enum {
    NODE_ASCENDING = 8192,
    NODE_DESCENDING = 8200,
    NODE_KEY = 8208,
    NODE_HASH_LINK = 8216,
    NODE_BYTES = 8224,
};

typedef struct BoehmNode {
    uint64_t key;
    uint64_t address;
} BoehmNode;

// Where the marks of a block are in its header.
typedef struct HeaderLayout {
    const char *name;
    uint32_t map; // 0: `inverse`, a u32, is there in its place
    uint32_t inverse;
    uint32_t mark_count;
    uint32_t marks;
    bool has_bytes;  // a byte a mark, or a bit
    bool is_by_slot; // a mark an object, or one each granule
} HeaderLayout;

typedef struct BoehmSearch {
    MemoryReader reader;
    const BoehmRange *data;
    uint32_t data_count;
    const BoehmLayout *layouts; // NULL: the known ones
    uint32_t layout_count;
    uint64_t top_index;
    uint64_t nil; // GC_all_nils: the node that stands for none
    BoehmNode *nodes;
    uint64_t node_count;
    uint64_t node_capacity;
    uint64_t block_capacity;
    const HeaderLayout *header;
    BoehmHeap *heap;
} BoehmSearch;

// Errors of all: unsupported, memory. boehm_search_index() leaves top_index 0 where there is none.
NODISCARD bool boehm_search_index(BoehmSearch *search, Error *error);
NODISCARD bool boehm_search_headers(BoehmSearch *search, Error *error);
NODISCARD bool boehm_search_arrays(BoehmSearch *search, Error *error);
NODISCARD bool boehm_search_kinds(BoehmSearch *search, Error *error);
NODISCARD bool boehm_search_threads(BoehmSearch *search, Error *error);
NODISCARD bool boehm_search_sweeping(BoehmSearch *search, Error *error);
NODISCARD bool boehm_search_tables(BoehmSearch *search, Error *error);

// Reads `bytes` of them into `buffer`; what was not copied reads as zero.
void boehm_read(MemoryReader *reader, uint64_t address, void *buffer, uint64_t bytes);
uint32_t boehm_read_u32(MemoryReader *reader, uint64_t address);

// The block that begins at `address`, or NULL.
const BoehmBlock *boehm_block_from(const BoehmHeap *heap, uint64_t address);

// Gives the slots of a free list their state, from `head` on. False where an entry is not a free
// slot of that kind and size, or was met before. `kind` BOEHM_ANY_KIND: any.
#define BOEHM_ANY_KIND UINT32_MAX
bool boehm_walk_list(BoehmSearch *search, uint64_t head, uint32_t kind, uint64_t bytes,
                     uint8_t state);

// "the heap of the Boehm collector cannot be read: WHY", with a hint; returns false.
bool boehm_refuse(Error *error, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
