// MemoryReader: the memory of a ProcessCopy as words, as pieces of contiguous bytes, and as ranges
// with zeros in their holes.
//
//     MemoryReader reader = memory_reader(copy);
//     uint64_t word = memory_word(&reader, 0x7f0000001000);
//
// Memory that was never touched is not in a copy; it reads as zero. No address is trusted: each
// is looked up among the copied ranges.

#ifndef SNAPSHOT_CAPTURE_COPY_MEMORY_READER_H
#define SNAPSHOT_CAPTURE_COPY_MEMORY_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/process_copy.h"

static inline uint64_t round_down(uint64_t value, uint64_t power_of_two)
{
    return value & ~(power_of_two - 1);
}

static inline uint64_t round_up(uint64_t value, uint64_t power_of_two)
{
    return round_down(value + power_of_two - 1, power_of_two);
}

// Remembers where it read last: neighbouring reads cost no search.
typedef struct MemoryReader {
    const ProcessCopy *copy; // borrowed
    uint64_t range;
} MemoryReader;

// Contiguous copied bytes.
typedef struct MemoryPiece {
    uint64_t address;
    uint64_t bytes;
    const uint8_t *data; // the copy's
} MemoryPiece;

static inline MemoryReader memory_reader(const ProcessCopy *copy)
{
    return (MemoryReader){copy, 0};
}

// Finds the next copied bytes in [*position, end), and moves *position behind them. False: there
// are none.
bool memory_next_piece(MemoryReader *reader, uint64_t *position, uint64_t end, MemoryPiece *piece);

// The word at an 8-aligned address; 0 where nothing was copied.
uint64_t memory_word(MemoryReader *reader, uint64_t address);

// The number of bytes in [start, end) that were copied.
uint64_t memory_copied_bytes(MemoryReader *reader, uint64_t start, uint64_t end);

// Buffers for ranges with holes, and the bytes of holes that may still be filled: a process may
// map far more memory than the machine has.
typedef struct MemoryAssembly {
    void **buffers; // owned
    uint64_t count;
    uint64_t capacity;
    uint64_t holes_left; // bytes
} MemoryAssembly;

// The bytes of [address, address + bytes) with zeros in the holes: straight from the copy, or
// from a buffer that `assembly` owns. *data is NULL when there are more holes than may be filled.
// Errors: memory.
NODISCARD bool memory_assemble(MemoryReader *reader, MemoryAssembly *assembly, uint64_t address,
                               uint64_t bytes, const uint8_t **data, Error *error);
void memory_assembly_release(MemoryAssembly *assembly);

#endif
