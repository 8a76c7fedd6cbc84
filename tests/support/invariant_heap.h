// What keeps_invariants (tests/live/targets) promises of its heap at every moment, and
// check_invariants looks for in a snapshot of it. Page p belongs to thread p modulo the number of
// threads, so that each thread's pages lie all over the heap.
//
// Slot 0, a counter: the thread goes through its pages again and again and writes the number of
// the pass, then a checksum of it. So at any moment the counters are n up to some page, and n - 1
// behind it; and one checksum at most is not that of its counter.
//
// Slot 1, a node. All nodes of a thread are in its two lists, or held by its journal while one is
// moved from a list to the other: from these three words each node is reached exactly once, or
// twice while it is moved.
//
// Slot 2 of the thread's first page: the lists' first nodes. Slot 3 there: the journal.

#ifndef TESTS_SUPPORT_INVARIANT_HEAP_H
#define TESTS_SUPPORT_INVARIANT_HEAP_H

#include <stdint.h>

#define INVARIANT_SLOT_BYTES 64u
#define INVARIANT_HEADER_BYTES 1600u // of a page of that class
// Of each slot: two words behind the object's header.
#define INVARIANT_FIRST_WORD 48u
#define INVARIANT_SECOND_WORD 56u

// Where a word of a slot lies in its page.
static inline uint32_t invariant_offset(uint32_t slot, uint32_t word)
{
    return INVARIANT_HEADER_BYTES + slot * INVARIANT_SLOT_BYTES + word;
}

// Of a counter's value, or of a node (value 0), by where it is.
static inline uint64_t invariant_checksum(uint64_t address, uint64_t value)
{
    uint64_t mixed = (value ^ address) * UINT64_C(0x9e3779b97f4a7c15);

    return mixed ^ mixed >> 29;
}

#endif
