// Writes to memory that the kernel has pinned: an io_uring with a registered buffer, which reads
// from a pipe into it. Nothing of such a write goes through the page table.
//
// Test code only.

#ifndef TESTS_SUPPORT_PINNING_RING_H
#define TESTS_SUPPORT_PINNING_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum PinningRingKind {
    RING_LISTED,   // has a descriptor, whose fdinfo lists the buffer
    RING_UNMAPPED, // the same, but it lies in memory of the program, and another process made it
    RING_CLOSED,   // listed until its descriptor was closed: used by number, the memory is pinned
    RING_HIDDEN,   // unmapped and closed: nothing shows at all
} PinningRingKind;

typedef struct PinningRing {
    int number; // of the descriptor, or of the registered ring
    unsigned enter_flags;
    int pipe[2];
    uint32_t *submission_tail, *completion_head, *completion_tail;
    uint32_t submission_mask;
    void *rings;
    void *entries; // struct io_uring_sqe
} PinningRing;

// Registers [start, start + bytes) as the ring's buffer. To be used by the thread that opened it.
// False, with the reason, where the machine does not have it.
bool pinning_ring_open(PinningRing *ring, PinningRingKind kind, void *start, size_t bytes,
                       const char **reason);

// Of a ring that is listed: its buffer is pinned no longer, soon.
void pinning_ring_close(PinningRing *ring);

// Stores `value` in a word of the buffer. Ends the program when that fails.
void pinning_ring_put(PinningRing *ring, uint64_t *word, uint64_t value);

#endif
