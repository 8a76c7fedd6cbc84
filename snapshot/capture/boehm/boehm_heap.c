// BoehmHeap: see snapshot/capture/boehm/boehm_heap.h. Runs the parts of the search, and answers
// what lies at an address.

#include "snapshot/capture/boehm/boehm_heap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "snapshot/capture/boehm/boehm_search_internal.h"

void boehm_read(MemoryReader *reader, uint64_t address, void *buffer, uint64_t bytes)
{
    const uint8_t *there = process_copy_bytes(reader->copy, address, bytes);

    if (there != NULL) {
        memcpy(buffer, there, bytes);
        return;
    }
    for (uint64_t i = 0; i < bytes; i++) {
        uint64_t word = memory_word(reader, (address + i) & ~UINT64_C(7));

        ((uint8_t *)buffer)[i] = (uint8_t)(word >> (address + i) % 8 * 8);
    }
}

uint32_t boehm_read_u32(MemoryReader *reader, uint64_t address)
{
    return (uint32_t)(memory_word(reader, address & ~UINT64_C(7)) >> address % 8 * 8);
}

bool boehm_refuse(Error *error, const char *format, ...)
{
    char why[256];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    (void)error_set(error, ERROR_UNSUPPORTED, "the heap of the Boehm collector cannot be read: %s",
                    why);
    return error_add_hint(error, "known are versions 7.2 to 8.2.12 on x86-64, with or without "
                                 "threads, LARGE_CONFIG or munmap");
}

const BoehmBlock *boehm_heap_block_at(const BoehmHeap *heap, uint64_t address)
{
    uint64_t next = search_above(heap->blocks, heap->block_count, address, address);
    const BoehmBlock *block;

    if (next == 0)
        return NULL;
    block = &heap->blocks[next - 1];
    if (block->is_free || address - block->address >= round_up(block->bytes, heap->block_bytes))
        return NULL;
    return block;
}

const BoehmBlock *boehm_block_from(const BoehmHeap *heap, uint64_t address)
{
    const BoehmBlock *block = boehm_heap_block_at(heap, address);

    return block != NULL && block->address == address ? block : NULL;
}

uint64_t boehm_heap_resolve(const BoehmHeap *heap, uint64_t word, bool is_on_stack)
{
    const BoehmBlock *block = boehm_heap_block_at(heap, word);
    uint64_t offset, slot, inside;

    if (block == NULL)
        return BOEHM_NO_SLOT;
    offset = word - block->address;
    if (block->is_large) {
        if (offset >= block->bytes)
            return BOEHM_NO_SLOT;
        if (offset < heap->block_bytes)
            return is_on_stack || heap->valid_offsets[offset] ? block->first_slot : BOEHM_NO_SLOT;
        if (!heap->counts_interior && !is_on_stack)
            return BOEHM_NO_SLOT;
        if ((block->flags & BOEHM_FLAG_IGNORE_OFF_PAGE) != 0 &&
            (!is_on_stack || heap->counts_interior))
            return BOEHM_NO_SLOT;
        return block->first_slot;
    }
    slot = offset / block->bytes;
    inside = offset % block->bytes;
    if (slot >= block->slot_count || (!is_on_stack && !heap->valid_offsets[inside]))
        return BOEHM_NO_SLOT;
    return block->first_slot + slot;
}

bool boehm_walk_list(BoehmSearch *search, uint64_t head, uint32_t kind, uint64_t bytes,
                     uint8_t state)
{
    BoehmHeap *heap = search->heap;
    const BoehmBlock *block = NULL;

    while (head != 0) {
        uint64_t offset;
        uint8_t *slot;

        if (block == NULL || head - block->address >= heap->block_bytes)
            block = boehm_heap_block_at(heap, head);
        if (block == NULL || block->is_large || block->bytes != bytes ||
            (kind != BOEHM_ANY_KIND && block->kind != kind))
            return false;
        offset = head - block->address;
        if (offset % bytes != 0 || offset / bytes >= block->slot_count)
            return false;
        slot = &heap->slots[block->first_slot + offset / bytes];
        if (*slot != BOEHM_ALLOCATED)
            return false;
        *slot = state;
        head = memory_word(&search->reader, head);
    }
    return true;
}

bool boehm_heap_find(const ProcessCopy *copy, const BoehmRange *data, uint32_t data_count,
                     BoehmFindSymbols *find_symbols, void *context, BoehmHeap **out, Error *error)
{
    return boehm_heap_find_as(NULL, 0, copy, data, data_count, find_symbols, context, out, error);
}

bool boehm_heap_find_as(const BoehmLayout *layouts, uint32_t layout_count, const ProcessCopy *copy,
                        const BoehmRange *data, uint32_t data_count, BoehmFindSymbols *find_symbols,
                        void *context, BoehmHeap **out, Error *error)
{
    BoehmSearch search = {
        .reader = memory_reader(copy),
        .data = data,
        .data_count = data_count,
        .layouts = layouts,
        .layout_count = layout_count,
        .heap = calloc(1, sizeof *search.heap),
    };
    bool is_ok;

    *out = NULL;
    if (search.heap == NULL)
        return error_set_memory(error, sizeof *search.heap, "the heap");
    is_ok = boehm_search_index(&search, error);
    if (is_ok && search.top_index != 0) {
        is_ok = find_symbols(context, search.top_index, &search.heap->symbols, error) &&
                boehm_search_headers(&search, error) && boehm_search_arrays(&search, error) &&
                boehm_search_kinds(&search, error) && boehm_search_threads(&search, error) &&
                boehm_search_sweeping(&search, error) && boehm_search_tables(&search, error);
        if (is_ok)
            *out = search.heap;
    }
    if (*out == NULL)
        boehm_heap_free(search.heap);
    free(search.nodes);
    return is_ok;
}

void boehm_heap_free(BoehmHeap *heap)
{
    if (heap == NULL)
        return;
    free(heap->blocks);
    free(heap->slots);
    free(heap->marked);
    free(heap->valid_offsets);
    free(heap->exclusions);
    free(heap->roots);
    free(heap->threads);
    free(heap->finalizers);
    free(heap->links);
    free(heap);
}
