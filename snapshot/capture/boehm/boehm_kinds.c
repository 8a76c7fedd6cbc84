// GC_obj_kinds: the kinds of objects, each with the template of its descriptors and its free lists.
//
// It is found by its first two records: kind 0 (no pointers) and kind 1 have their free lists in
// GC_arrays. It is right if the descriptor of every block follows from the template of its kind.

#include "snapshot/capture/boehm/boehm_search_internal.h"

enum {
    KIND_FREE = 0,
    KIND_RECLAIM = 8,
    KIND_DESCRIPTOR = 16,
    KIND_ADDS_SIZE = 24, // u32
};

static void read_kinds(BoehmSearch *search, uint64_t at)
{
    BoehmHeap *heap = search->heap;
    MemoryReader *reader = &search->reader;

    heap->kind_count = 0;
    while (heap->kind_count < BOEHM_MOST_KINDS) {
        uint64_t record = at + (uint64_t)heap->kind_count * heap->layout->kind_bytes;
        BoehmKind kind = {
            .free_lists = memory_word(reader, record + KIND_FREE),
            .reclaim_lists = memory_word(reader, record + KIND_RECLAIM),
            .descriptor = memory_word(reader, record + KIND_DESCRIPTOR),
            .adds_size = boehm_read_u32(reader, record + KIND_ADDS_SIZE) != 0,
        };

        if (kind.free_lists == 0)
            break;
        heap->kinds[heap->kind_count++] = kind;
    }
}

// Does every descriptor follow from its kind?
static bool are_kinds(const BoehmHeap *heap)
{
    for (uint64_t i = 0; i < heap->block_count; i++) {
        const BoehmBlock *block = &heap->blocks[i];

        if (block->is_free)
            continue;
        if (block->kind >= heap->kind_count)
            return false;
        const BoehmKind *kind = &heap->kinds[block->kind];
        if (block->descriptor != kind->descriptor + (kind->adds_size ? block->bytes : 0))
            return false;
    }
    return true;
}

static bool walk_free_lists(BoehmSearch *search, Error *error)
{
    const BoehmHeap *heap = search->heap;
    uint64_t lists = heap->block_bytes / 32 + 1;

    for (uint32_t kind = 0; kind < heap->kind_count; kind++)
        for (uint64_t size = 1; size < lists; size++) {
            uint64_t head = memory_word(&search->reader, heap->kinds[kind].free_lists + 8 * size);

            if (!boehm_walk_list(search, head, kind, size * BOEHM_GRANULE, BOEHM_FREE))
                return boehm_refuse(error,
                                    "the free list of kind %u, %llu bytes, holds something else",
                                    kind, (unsigned long long)(size * BOEHM_GRANULE));
        }
    return true;
}

bool boehm_search_kinds(BoehmSearch *search, Error *error)
{
    BoehmHeap *heap = search->heap;
    uint64_t atomic = heap->arrays + heap->layout->atomic_lists;
    uint64_t normal = heap->arrays + heap->layout->normal_lists, found = 0;
    MemoryReader other = search->reader;

    for (uint32_t d = 0; d < search->data_count; d++) {
        uint64_t position = round_up(search->data[d].start, 8);
        MemoryPiece piece;

        while (memory_next_piece(&search->reader, &position, search->data[d].end, &piece))
            for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
                uint64_t at = piece.address + offset, word;

                __builtin_memcpy(&word, piece.data + offset, 8);
                if (word != atomic || memory_word(&other, at + heap->layout->kind_bytes) != normal)
                    continue;
                read_kinds(search, at);
                if (!are_kinds(heap))
                    continue;
                if (found != 0)
                    return boehm_refuse(error, "GC_obj_kinds fits two places, 0x%llx and 0x%llx",
                                        (unsigned long long)found, (unsigned long long)at);
                found = at;
            }
    }
    if (found == 0)
        return boehm_refuse(error, "GC_obj_kinds is nowhere");
    read_kinds(search, found);
    return walk_free_lists(search, error);
}
