// What waits to be swept: the collector sweeps a block when it needs objects of its size. Until
// then, objects that the last collection did not mark are dead, and not on any free list.
//
// A block is stamped with the number of the collection after which it was swept. Blocks on the
// lists of those that wait are older than the last collection; so are blocks that are nearly full,
// which are on no list. Objects of uncollectable kinds are marked as long as they are allocated.

#include <stddef.h>

#include "snapshot/capture/boehm/boehm_search_internal.h"
#include "snapshot/capture/copy/register_words.h"

#define KIND_UNCOLLECTABLE 2u
#define KIND_ATOMIC_UNCOLLECTABLE 3u

bool boehm_block_is_uncollectable(const BoehmHeap *heap, const BoehmBlock *block)
{
    // The fourth kind of a build that has it; in others it is one of the program.
    return block->kind == KIND_UNCOLLECTABLE ||
           (block->kind == KIND_ATOMIC_UNCOLLECTABLE && heap->kinds[block->kind].descriptor == 0 &&
            !heap->kinds[block->kind].adds_size);
}

typedef struct Waiting {
    uint64_t count;
    uint16_t newest; // stamp
    bool has_stamp;
} Waiting;

// Checks the lists of blocks that wait, and finds their newest stamp.
static bool visit_waiting(BoehmSearch *search, uint64_t stamp, bool is_check, Waiting *waiting,
                          Error *error)
{
    const BoehmHeap *heap = search->heap;
    uint64_t lists = heap->block_bytes / 32 + 1;

    *waiting = (Waiting){0};
    for (uint32_t kind = 0; kind < heap->kind_count; kind++)
        for (uint64_t size = 0; size < lists && heap->kinds[kind].reclaim_lists != 0; size++) {
            uint64_t at = memory_word(&search->reader, heap->kinds[kind].reclaim_lists + 8 * size);

            while (at != 0) {
                const BoehmBlock *block = boehm_block_from(heap, at);

                if (block == NULL || block->kind != kind || block->is_large ||
                    block->bytes != size * BOEHM_GRANULE || ++waiting->count > heap->block_count)
                    return boehm_refuse(error,
                                        "the blocks of kind %u, %llu bytes, that wait to be swept "
                                        "are others",
                                        kind, (unsigned long long)(size * BOEHM_GRANULE));
                if (is_check && block->last_reclaimed == stamp)
                    return boehm_refuse(error, "the block at 0x%llx waits to be swept, but is",
                                        (unsigned long long)at);
                waiting->has_stamp = waiting->has_stamp || block->last_reclaimed == stamp;
                at = block->next;
            }
        }
    return true;
}

// The number of collections is the newest stamp of any header (those of free blocks have the one of
// the collection that freed them), or the one after it where a block with it waits.
static bool find_collections(BoehmSearch *search, Error *error)
{
    BoehmHeap *heap = search->heap;
    Waiting waiting;
    uint16_t newest = 0;

    for (uint64_t i = 0; i < heap->block_count; i++)
        if (heap->blocks[i].last_reclaimed > newest)
            newest = heap->blocks[i].last_reclaimed;
    if (!visit_waiting(search, newest, false, &waiting, error))
        return false;
    heap->collections = (uint64_t)newest + (waiting.has_stamp ? 1 : 0);
    if (heap->symbols.collections != 0)
        heap->collections = memory_word(&search->reader, heap->symbols.collections & ~UINT64_C(7));
    return visit_waiting(search, heap->collections & 0xffff, true, &waiting, error);
}

// Has the block objects that wait to be swept, none of which is marked? The end of a collection
// frees such a block, so its marks have just been cleared.
static bool is_cleared(const BoehmHeap *heap, const BoehmBlock *block)
{
    if (block->is_free || block->last_reclaimed == (heap->collections & 0xffff) ||
        (block->flags & (BOEHM_FLAG_DISCLAIM | BOEHM_FLAG_MARKS_ALL)) != 0 ||
        boehm_block_is_uncollectable(heap, block))
        return false;
    for (uint64_t slot = block->first_slot; slot < block->first_slot + block->slot_count; slot++)
        if (heap->marked[slot])
            return false;
    return true;
}

// The call in which threads wait until the collector lets them run again.
#define CALL_RT_SIGSUSPEND 130u
#define NEAR_STACK_BYTES 4096u

// Does the thread wait in the collector's handler? It notes its stack pointer there.
static bool is_suspended(const ProcessCopy *copy, const BoehmThread *known)
{
    const ProcessThread *thread = &copy->threads[known->thread];
    bool is_waiting = false;

    // Registers that are zero are not among them.
    for (uint32_t i = 0; i < thread->register_count; i++)
        if (thread->registers[i].number == REGISTER_ORIG_RAX)
            is_waiting = thread->registers[i].value == CALL_RT_SIGSUSPEND;
    return is_waiting && known->stack_pointer >= thread->stack_pointer &&
           known->stack_pointer - thread->stack_pointer < NEAR_STACK_BYTES;
}

// Is it inside a collection? Builds before 8.2 do not say so where it can be read.
static bool is_inside_collection(const BoehmSearch *search)
{
    const BoehmHeap *heap = search->heap;

    for (uint32_t i = 0; i < heap->thread_count; i++)
        if (is_suspended(search->reader.copy, &heap->threads[i]))
            return true;
    // Programs that make objects of kinds of their own (ECL) have such blocks at rest, too.
    for (uint64_t i = 0; !heap->knows_collecting && i < heap->block_count; i++)
        if (is_cleared(heap, &heap->blocks[i]))
            return true;
    return false;
}

bool boehm_search_sweeping(BoehmSearch *search, Error *error)
{
    BoehmHeap *heap = search->heap;

    if (!find_collections(search, error))
        return false;
    heap->is_collecting = heap->is_collecting || is_inside_collection(search);
    for (uint64_t i = 0; i < heap->block_count; i++) {
        const BoehmBlock *block = &heap->blocks[i];
        bool is_kept = !block->is_free && boehm_block_is_uncollectable(heap, block);
        bool is_unswept = !block->is_large && !heap->is_collecting &&
                          block->last_reclaimed != (heap->collections & 0xffff);

        for (uint64_t slot = block->first_slot; slot < block->first_slot + block->slot_count;
             slot++) {
            if (heap->slots[slot] != BOEHM_ALLOCATED || heap->marked[slot])
                continue;
            if (is_kept)
                heap->slots[slot] = BOEHM_RELEASED;
            else if (is_unswept)
                heap->slots[slot] = BOEHM_DEAD;
        }
    }
    return true;
}
