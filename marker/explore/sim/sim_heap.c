// Memory of a run: an arena that the next run uses again from its start.
//
// Calls of malloc() and the like in the exploring build come here (by objcopy --redefine-sym), so
// that a run which is given up in the middle leaks nothing. Pieces follow each other in the order
// of the calls, so equal runs have equal addresses.

#include <string.h>

#include "marker/explore/sim/sim_internal.h"

#define ALIGNMENT 64u
// Larger tables are not cleared: the only one, for heaps as small as these, is the pool of chunks
// of references, which is written before it is read, and most of which is never touched.
#define CLEARED_TABLE_BYTES ((size_t)64 << 10)

// Before each piece: its size.
typedef struct PieceHead {
    size_t bytes;
} PieceHead;

static void *take(size_t bytes, bool is_cleared)
{
    SimRun *run = coroutine_top()->owner;
    size_t start = (run->arena_used + sizeof(PieceHead) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    uint8_t *piece = run->arena + start;

    if (bytes > SIM_ARENA_BYTES || start > SIM_ARENA_BYTES - bytes)
        sim_abandon(run, SIM_NO_MEMORY);
    ((PieceHead *)(void *)piece)[-1].bytes = bytes;
    run->arena_used = start + bytes;
    if (is_cleared)
        memset(piece, 0, bytes);
    return piece;
}

void *sim_malloc(size_t bytes)
{
    return take(bytes, false);
}

void *sim_calloc(size_t count, size_t bytes)
{
    return bytes != 0 && count > SIM_ARENA_BYTES / bytes ? NULL : take(count * bytes, true);
}

void *sim_aligned_alloc(size_t alignment, size_t bytes)
{
    return alignment > ALIGNMENT ? NULL : take(bytes, false);
}

void *sim_realloc(void *memory, size_t bytes)
{
    void *larger = take(bytes, false);

    if (memory != NULL) {
        size_t before = ((PieceHead *)memory)[-1].bytes;
        memcpy(larger, memory, before < bytes ? before : bytes);
        sim_free(memory);
    }
    return larger;
}

void sim_free(void *memory)
{
    // Overwriting the first bytes is quick, and enough to make later uses fail.
    enum { POISONED_BYTES = 64 };

    if (memory == NULL)
        return;
    size_t bytes = ((PieceHead *)memory)[-1].bytes;
    memset(memory, 0xdb, bytes < POISONED_BYTES ? bytes : POISONED_BYTES);
}

void *sim_side_table_new(size_t bytes)
{
    return take(bytes, bytes <= CLEARED_TABLE_BYTES);
}

void sim_side_table_free(const void *table, size_t bytes)
{
    (void)bytes;
    sim_free((void *)(uintptr_t)table);
}
