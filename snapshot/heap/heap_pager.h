// HeapPager: a range of memory for the pages of a heap, of which only some are resident.
//
// The range is cut into chunks. A chunk without its bytes cannot be accessed: a thread that touches
// it faults, and the process's fault handler asks heap_pager_catch() to bring the bytes from their
// source, in that thread. Then the access is repeated. So all code reads pages by plain
// loads, as if all of them were there; code that visits them in the order of their addresses is
// nearly as fast. At most `budget_bytes` of chunks are resident; the one that was brought first
// makes room for the next, and its memory is used again, so that no new memory is cleared.
//
// Words that were zeroed stay zero: see heap_pager_clear(). Nothing else may write to the range.
//
// A fault cannot fail: when a chunk cannot be brought its bytes read as zero, and the pager keeps
// the error. Results are right only while heap_pager_check() is.

#ifndef SNAPSHOT_HEAP_HEAP_PAGER_H
#define SNAPSHOT_HEAP_HEAP_PAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct HeapPager HeapPager;

// This many chunks may be brought at once, each by a thread of its own.
#define HEAP_PAGER_LANES 32u

// Where the bytes come from.
typedef struct HeapPageSource {
    // Reads [offset, offset + length) of the range; both are multiples of the size of the heap's
    // pages. Called on several threads at once, each with a lane (below HEAP_PAGER_LANES) of its
    // own. Errors: corrupt, system, memory.
    bool (*read)(void *context, uint32_t lane, uint64_t offset, uint64_t length, uint8_t *to,
                 Error *error);
    void (*release)(void *context);
    void *context;
} HeapPageSource;

// Who catches the faults of this process: libraries have no state in which they could find a pager
// by an address. Both are called for each pager.
typedef struct FaultCatcher {
    bool (*add)(HeapPager *pager, Error *error);
    void (*remove)(HeapPager *pager);
} FaultCatcher;

typedef struct HeapPagerOptions {
    const FaultCatcher *catcher;
    uint64_t budget_bytes; // as many as some chunks take at least
    uint64_t chunk_bytes;  // a power of two, a multiple of the system's pages; 0: 2 MiB
} HeapPagerOptions;

// Can this kernel hold a part of a heap? Since Linux 5.7.
bool heap_pager_is_supported(void);

// The size of the chunks of such a pager.
uint64_t heap_pager_chunk_bytes(const HeapPagerOptions *options);

// A range of `bytes`. On success the pager owns the source, which is released with it.
// Errors: memory, system, unsupported (by this kernel).
NODISCARD bool heap_pager_new(const HeapPagerOptions *options, uint64_t bytes,
                              const HeapPageSource *source, HeapPager **out, Error *error);
void heap_pager_free(HeapPager *pager);

uint8_t *heap_pager_base(const HeapPager *pager);

// Brings the bytes at `address` unless they are there. False: it is not in this range, or they
// cannot be mapped.
// Only what a fault handler may do: it takes locks and memory of its own, and no fault happens
// while these are held.
bool heap_pager_catch(HeapPager *pager, const void *address);

// The range without faults: visits all chunks on several threads (0: one a CPU), each in memory of
// the thread, which nothing else sees. Nothing stays resident. Errors: those of the source.
typedef void HeapPagerVisit(void *context, uint64_t offset, const uint8_t *bytes, uint64_t length);
NODISCARD bool heap_pager_visit(HeapPager *pager, uint32_t threads, HeapPagerVisit *visit,
                                void *context, Error *error);

// Zeroes bytes of the range for good. Errors: memory.
NODISCARD bool heap_pager_clear(HeapPager *pager, uint8_t *at, uint64_t bytes, Error *error);
// Gives a word back that was zeroed as a whole; at is a multiple of 8.
void heap_pager_restore(HeapPager *pager, uint8_t *at, uint64_t value);

// Was every chunk brought so far? Errors: the first one.
NODISCARD bool heap_pager_check(const HeapPager *pager, Error *error);

// Chunks brought so far; bytes that are resident, and that are at most. For use while no other
// thread reads pages.
uint64_t heap_pager_brought(const HeapPager *pager);
uint64_t heap_pager_resident(const HeapPager *pager);
uint64_t heap_pager_budget(const HeapPager *pager);

#endif
