// MallocState: see snapshot/capture/copy/malloc_state.h.
//
// struct malloc_state differs by version, but its middle does not: ten fast bins, top, last
// remainder, then 127 bins, each a pair of pointers into a circular list that is linked
// through chunks and through the bin itself, as if the bin were a chunk 16 bytes below its
// pair. An empty bin therefore holds its own address minus 16, twice: nothing else looks like that.

#include "snapshot/capture/copy/malloc_state.h"

#define BIN_COUNT 127u
#define BIN_BYTES 16u
#define MAX_BROKEN_BINS 2u // a thread may have been stopped while it linked a chunk
#define MAX_STATE_TRIES 64u

static bool is_empty_bin(MemoryReader *reader, uint64_t bin)
{
    return memory_word(reader, bin) == bin - 16 && memory_word(reader, bin + 8) == bin - 16;
}

static bool is_bin(MemoryReader *reader, uint64_t bin)
{
    uint64_t first, last;

    if (is_empty_bin(reader, bin))
        return true;
    first = memory_word(reader, bin);
    last = memory_word(reader, bin + 8);
    return first % 16 == 0 && last % 16 == 0 && memory_word(reader, first + 24) == bin - 16 &&
           memory_word(reader, last + 16) == bin - 16;
}

// `bin` is an empty bin; which of the 127 is not known. Returns the address of the first.
static bool find_first_bin(MemoryReader *reader, uint64_t bin, uint64_t *first_bin)
{
    uint32_t least_broken = MAX_BROKEN_BINS + 1;

    *first_bin = 0;
    for (uint32_t before = 0; before < BIN_COUNT && before * BIN_BYTES <= bin; before++) {
        uint64_t first = bin - before * BIN_BYTES;
        uint32_t broken = 0;
        for (uint32_t i = 0; i < BIN_COUNT && broken < least_broken; i++)
            if (!is_bin(reader, first + i * BIN_BYTES))
                broken++;
        if (broken < least_broken) {
            least_broken = broken;
            *first_bin = first;
        }
    }
    return least_broken <= MAX_BROKEN_BINS;
}

uint32_t malloc_find_states(MemoryReader *reader, uint64_t start, uint64_t end, MallocState *states,
                            uint32_t limit)
{
    uint32_t count = 0, tries = 0;
    uint64_t copied_end = 0; // of the memory that `address` is in

    for (uint64_t address = round_up(start, 8);
         address < end && count < limit && tries < MAX_STATE_TRIES; address += 8) {
        uint64_t first_bin;
        if (address >= copied_end) {
            MemoryPiece piece;
            uint64_t position = address;
            // Skips memory that was never touched in one step.
            if (!memory_next_piece(reader, &position, end, &piece))
                break;
            address = round_up(piece.address, 8);
            copied_end = piece.address + piece.bytes;
        }
        if (!is_empty_bin(reader, address))
            continue;
        tries++;
        if (!find_first_bin(reader, address, &first_bin))
            continue;
        states[count++] = (MallocState){
            .fast_bins = first_bin - 16 - 8 * MALLOC_FAST_BINS,
            .top = memory_word(reader, first_bin - 16),
            // Behind the bins: a bitmap of 16 bytes, the next arena, the next free arena.
            .end = first_bin + BIN_COUNT * BIN_BYTES + 32,
        };
        address = states[count - 1].end - 8;
    }
    return count;
}
