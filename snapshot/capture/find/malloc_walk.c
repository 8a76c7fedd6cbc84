// Walking glibc's chunks through a stretch of heap.
//
// A chunk begins with two words: the size of the chunk below (only while that one is free)
// and its own size with three flags; the user's bytes follow, and the next chunk begins where
// this one ends. So a walk that starts at a chunk, and meets only possible sizes until it arrives
// exactly at the top chunk, at a fence post or at the end of the heap, has seen every chunk.
//
// The first chunk may lie behind other memory: of other users of sbrk(), TLS of a static
// executable, or the allocator's own header; likewise behind a fence post. It is found by trying:
// see Note [Where a walk starts].

#include "snapshot/capture/find/malloc_chunks_internal.h"
#include "snapshot/heap/heap_image.h"

#define PREVIOUS_IN_USE 1u
#define IS_MMAPPED 2u
#define NON_MAIN_ARENA 4u
#define SIZE_FLAGS 7u

// A chain of this many chunks that pass every check is not an accident.
#define CONVINCING_CHUNKS 256u

// Note [Where a walk starts]
//
// Every 16-aligned address is tried in turn, lowest first. It is a start when a walk from
// there, with strict checks (no chunk says that the one below is free, or the sizes agree),
// arrives at an end, or passes CONVINCING_CHUNKS chunks. Tries from wrong starts mostly fail at
// their first word. The sum of their steps is limited to the number of addresses tried plus a
// constant: hostile memory could lead every try a long way.
//
// A walk that breaks off (a thread was stopped in the middle of malloc(), or the memory is
// damaged) is resumed the same way. The memory in between is in no span, and becomes roots.

typedef struct HeapWalk {
    MemoryReader *reader;
    uint64_t end;
    uint64_t top; // 0 when it is not in here
    bool is_main;
    uint64_t budget; // steps that tries may still take
} HeapWalk;

typedef enum WalkStep {
    WALK_CHUNK,  // an ordinary chunk
    WALK_TOP,    // the top chunk: the last
    WALK_FENCE,  // the end of a stretch of chunks
    WALK_BROKEN, // not a chunk
} WalkStep;

// Classifies the memory at `address`. *size: how far it reaches.
static WalkStep look(const HeapWalk *walk, uint64_t address, uint64_t *size)
{
    uint64_t left = walk->end - address;
    uint64_t word;

    if (left < CHUNK_HEADER_BYTES)
        return WALK_BROKEN;
    word = memory_word(walk->reader, address + 8);
    *size = word & ~(uint64_t)SIZE_FLAGS;
    // A stretch ends in two fence posts: 16 bytes, then 16 (sbrk) or 0 (another heap of an
    // arena); or only the latter, at the very end.
    if (word == PREVIOUS_IN_USE && left == CHUNK_HEADER_BYTES) {
        *size = CHUNK_HEADER_BYTES;
        return WALK_FENCE;
    }
    if ((word & ~(uint64_t)PREVIOUS_IN_USE) == 16 && left >= 32) {
        word = memory_word(walk->reader, address + 24);
        *size = 32;
        return word == (16 | PREVIOUS_IN_USE) || word == PREVIOUS_IN_USE ? WALK_FENCE : WALK_BROKEN;
    }
    if (*size < CHUNK_MIN_BYTES || *size % 16 != 0 || *size > left || (word & IS_MMAPPED) != 0 ||
        (walk->is_main && (word & NON_MAIN_ARENA) != 0))
        return WALK_BROKEN;
    if (address == walk->top || (walk->top == 0 && *size == left))
        return WALK_TOP;
    return WALK_CHUNK;
}

static bool is_in_use(const HeapWalk *walk, uint64_t address, uint64_t size)
{
    uint64_t next = address + size;

    return walk->end - next < CHUNK_HEADER_BYTES ||
           (memory_word(walk->reader, next + 8) & PREVIOUS_IN_USE) != 0;
}

static bool is_start(HeapWalk *walk, uint64_t address)
{
    uint32_t chunks = 0;

    if ((memory_word(walk->reader, address + 8) & PREVIOUS_IN_USE) == 0)
        return false;
    while (chunks < CONVINCING_CHUNKS) {
        uint64_t size;
        switch (look(walk, address, &size)) {
        case WALK_TOP:
        case WALK_FENCE:
            return true;
        case WALK_BROKEN:
            return false;
        case WALK_CHUNK:
            break;
        }
        if (walk->budget == 0)
            return false;
        walk->budget--;
        if (!is_in_use(walk, address, size) && memory_word(walk->reader, address + size) != size)
            return false;
        address += size;
        chunks++;
        if (address == walk->end)
            return true;
    }
    return true;
}

// The lowest start at or above `address`; walk->end when there is none.
static uint64_t find_start(HeapWalk *walk, uint64_t address)
{
    for (address = round_up(address, 16);
         address < walk->end && walk->end - address >= CHUNK_MIN_BYTES; address += 16) {
        MemoryPiece piece;
        uint64_t position = address;
        // Skips memory that was never touched at once.
        if (!memory_next_piece(walk->reader, &position, walk->end, &piece))
            break;
        if (piece.address > address)
            address = round_down(piece.address, 16);
        if (is_start(walk, address))
            return address;
    }
    return walk->end;
}

// Adds the chunks from `address` on. *address: where the walk ended. *is_over: no chunks follow.
static bool walk_chunks(const HeapWalk *walk, uint64_t *address, bool *is_over,
                        MallocChunks *chunks, Error *error)
{
    *is_over = false;
    while (*address < walk->end) {
        uint64_t size;
        WalkStep step = look(walk, *address, &size);
        if (step == WALK_BROKEN)
            return true;
        *address += size;
        if (step == WALK_FENCE)
            return true;
        if (step == WALK_TOP) {
            *is_over = true;
            return true;
        }
        MallocChunk chunk = {*address - size, size};
        if (!is_in_use(walk, chunk.address, size))
            chunk.size |= CHUNK_FREE;
        if (!malloc_chunks_add(chunks, chunk, error))
            return false;
    }
    *is_over = true;
    return true;
}

bool malloc_walk_area(MemoryReader *reader, uint64_t start, uint64_t end, bool is_main,
                      uint64_t top, MallocChunks *chunks, RegionList *spans, Error *error)
{
    HeapWalk walk = {
        .reader = reader,
        .end = end,
        .top = top >= start && top < end ? top : 0,
        .is_main = is_main,
        .budget = (end - start) / 16 + 4 * CONVINCING_CHUNKS,
    };
    bool is_over = false;

    while (!is_over) {
        uint64_t first = find_start(&walk, start);
        if (first >= end)
            return true;
        start = first;
        if (!walk_chunks(&walk, &start, &is_over, chunks, error) ||
            !region_list_add(spans, first, start, REGION_MALLOC, NO_INDEX, error))
            return false;
        // A walk from a start makes at least one step, so this loop ends.
    }
    return true;
}
