// Finding the memory of glibc's malloc: the main arena in the memory that sbrk() extends,
// secondary arenas in heaps of 64 MiB, and large chunks in mappings of their own (malloc_mapped.c).
// All are recognised by their contents, wherever the kernel put them. Then deciding which chunks
// are blocks: those in use that hold nothing else.

#include <stdlib.h>

#include "base/array.h"
#include "snapshot/capture/copy/register_words.h"
#include "snapshot/capture/find/block_allocators_internal.h"
#include "snapshot/capture/find/heap_search_internal.h"

#define HEAP_ALIGNMENT (UINT64_C(64) << 20) // HEAP_MAX_SIZE of 64-bit glibc
#define MAX_MAIN_STATES 16u                 // one per C library that is loaded
#define MAX_HEAP_HEADER_BYTES 256u

typedef struct ArenaSearch {
    HeapSearch *search;
    MemoryReader reader;
    RegionList areas; // contiguous anonymous memory without "[heap]" and "[stack]"
    RegionList busy;  // GC pages, stacks, TLS, globals: ascending, disjoint
    RegionList heap_claims;
    RegionList heaps;    // memory of arenas, walkable or not: ascending, disjoint
    MallocState *states; // owned
    uint64_t state_count;
    uint64_t state_capacity;
} ArenaSearch;

static bool add_state(ArenaSearch *arenas, const MallocState *state, Error *error)
{
    if (!array_reserve(&arenas->states, &arenas->state_capacity, arenas->state_count + 1,
                       sizeof *arenas->states, "malloc states", error))
        return false;
    arenas->states[arenas->state_count++] = *state;
    return region_list_add(&arenas->search->metadata, state->fast_bins, state->end, REGION_IGNORED,
                           NO_INDEX, error);
}

// The main arena's state is a variable of the C library.
static bool find_main_states(ArenaSearch *arenas, Error *error)
{
    const HeapSearch *search = arenas->search;
    MallocState states[MAX_MAIN_STATES];

    for (uint32_t m = 0; m < search->details->module_count; m++)
        for (uint32_t i = search->modules[m].first_mapping; i <= search->modules[m].last_mapping;
             i++) {
            const ProcessMapping *mapping = &search->copy->mappings[i];
            uint32_t count;
            if (!mapping_is_private_writable(mapping) || !mapping_is_file(mapping))
                continue;
            count = malloc_find_states(&arenas->reader, mapping->start, mapping->end, states,
                                       MAX_MAIN_STATES);
            for (uint32_t s = 0; s < count; s++)
                if (!add_state(arenas, &states[s], error))
                    return false;
        }
    return true;
}

static bool find_areas(ArenaSearch *arenas, Error *error)
{
    const ProcessCopy *copy = arenas->search->copy;

    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];
        RegionList *areas = &arenas->areas;
        if (!mapping_is_private_writable(mapping) || mapping_is_file(mapping) ||
            mapping_is_stack(mapping) || mapping_is_heap(mapping))
            continue;
        if (areas->count > 0 && areas->items[areas->count - 1].end == mapping->start)
            areas->items[areas->count - 1].end = mapping->end;
        else if (!region_list_add(areas, mapping->start, mapping->end, REGION_FOREIGN, NO_INDEX,
                                  error))
            return false;
    }
    return true;
}

// Walks [start, end), of which [metadata, start) holds the allocator's own header.
static bool walk_heap(ArenaSearch *arenas, uint64_t metadata, uint64_t start, uint64_t end,
                      bool is_main, uint64_t top, Error *error)
{
    HeapSearch *search = arenas->search;
    RegionList spans = {0};
    uint64_t covered = 0;
    bool ok = false;

    if (!region_list_add(&arenas->heap_claims, metadata, end, REGION_MALLOC, NO_INDEX, error) ||
        !malloc_walk_area(&arenas->reader, start, end, is_main, top, &search->chunks, &spans,
                          error))
        goto done;
    for (uint64_t i = 0; i < spans.count; i++) {
        covered += memory_copied_bytes(&arenas->reader, spans.items[i].start, spans.items[i].end);
        if (!region_list_add(&search->malloc_spans, spans.items[i].start, spans.items[i].end,
                             REGION_MALLOC, NO_INDEX, error))
            goto done;
    }
    if (spans.count > 0 && spans.items[0].start - metadata <= PAGE_BYTES && !is_main) {
        covered += spans.items[0].start - start;
        if (!region_list_add(&search->metadata, metadata, spans.items[0].start, REGION_IGNORED,
                             NO_INDEX, error))
            goto done;
    }
    search->walked_bytes += covered;
    // Without a state "[heap]" is another allocator's: musl keeps its records there.
    if (!is_main || arenas->state_count > 0)
        search->unwalked_bytes += memory_copied_bytes(&arenas->reader, start, end) - covered;
    ok = true;

done:
    region_list_release(&spans);
    return ok;
}

// The main arena: memory from sbrk(), which the kernel calls "[heap]". Without address
// randomisation .bss is in the same mapping, and a static executable has the main thread's TLS at
// the start.
static bool walk_main_heap(ArenaSearch *arenas, uint64_t start, uint64_t end, Error *error)
{
    const ProcessCopy *copy = arenas->search->copy;
    uint64_t top = 0;

    for (uint64_t i = 0; i < arenas->busy.count; i++) {
        const Region *region = &arenas->busy.items[i];
        bool is_before_chunks =
            (region->kind == REGION_GLOBAL && region->start <= start) ||
            (region->kind == REGION_TLS && (int)copy->threads[region->thread].tid == copy->pid);
        if (is_before_chunks && region->end > start && region->start < end)
            start = region->end < end ? region->end : end;
    }
    for (uint64_t i = 0; i < arenas->state_count; i++)
        if (arenas->states[i].top >= start && arenas->states[i].top < end)
            top = arenas->states[i].top;
    return walk_heap(arenas, start, start, end, true, top, error);
}

static bool walk_main_heaps(ArenaSearch *arenas, Error *error)
{
    const ProcessCopy *copy = arenas->search->copy;

    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        uint64_t start = copy->mappings[i].start;
        if (!mapping_is_heap(&copy->mappings[i]) ||
            !mapping_is_private_writable(&copy->mappings[i]))
            continue;
        while (i + 1 < copy->mapping_count && mapping_is_heap(&copy->mappings[i + 1]) &&
               mapping_is_private_writable(&copy->mappings[i + 1]) &&
               copy->mappings[i + 1].start == copy->mappings[i].end)
            i++;
        if (!walk_main_heap(arenas, start, copy->mappings[i].end, error))
            return false;
    }
    return true;
}

// The first words of struct heap_info: the arena's state, the heap before this one, the bytes in
// use.
typedef struct HeapHeader {
    uint64_t state;
    uint64_t previous;
    uint64_t bytes;
} HeapHeader;

static bool read_heap_header(MemoryReader *reader, uint64_t heap, uint64_t end, HeapHeader *out)
{
    uint64_t first;

    *out = (HeapHeader){memory_word(reader, heap), memory_word(reader, heap + 8),
                        memory_word(reader, heap + 16)};
    first = round_down(out->state, HEAP_ALIGNMENT);
    if (out->state == 0 || out->state % 16 != 0 || out->state - first > MAX_HEAP_HEADER_BYTES ||
        out->bytes == 0 || out->bytes % PAGE_BYTES != 0 || out->bytes > HEAP_ALIGNMENT ||
        out->bytes > end - heap || out->previous % HEAP_ALIGNMENT != 0)
        return false;
    // An arena's first heap holds the arena's state and has none before it.
    if (first == heap)
        return out->previous == 0;
    return out->previous != 0 && memory_word(reader, first) == out->state;
}

static bool walk_arena_heap(ArenaSearch *arenas, uint64_t heap, uint64_t end, Error *error)
{
    HeapHeader header;
    MallocState state;
    bool is_first;
    uint64_t start = heap + 24;

    if (!read_heap_header(&arenas->reader, heap, end, &header) ||
        malloc_find_states(&arenas->reader, header.state, header.state + PAGE_BYTES, &state, 1) ==
            0)
        return true;
    is_first = round_down(header.state, HEAP_ALIGNMENT) == heap;
    if (is_first) {
        start = state.end;
        if (!add_state(arenas, &state, error))
            return false;
    }
    return walk_heap(arenas, heap, start, heap + header.bytes, false, state.top, error);
}

static bool walk_arena_heaps(ArenaSearch *arenas, Error *error)
{
    for (uint64_t i = 0; i < arenas->areas.count; i++) {
        const Region *area = &arenas->areas.items[i];
        for (uint64_t heap = round_up(area->start, HEAP_ALIGNMENT);
             heap < area->end && heap >= area->start; heap += HEAP_ALIGNMENT) {
            MemoryPiece piece;
            uint64_t position = heap;
            // A heap begins with a header, so memory that was never touched is skipped at once.
            if (!memory_next_piece(&arenas->reader, &position, area->end, &piece))
                break;
            if (piece.address > heap)
                heap = round_up(piece.address, HEAP_ALIGNMENT);
            if (heap < area->end && !walk_arena_heap(arenas, heap, area->end, error))
                return false;
        }
    }
    return true;
}

static int compare_chunks(const void *left, const void *right)
{
    const MallocChunk *a = left, *b = right;

    return a->address < b->address ? -1 : a->address > b->address;
}

// ---- chunks that are not blocks ----

// Flags the chunks in which GC pages, a stack or a thread descriptor lie: the program made
// something else of them. Their remaining words are roots.
static bool flag_odd_chunks(ArenaSearch *arenas, Error *error)
{
    HeapSearch *search = arenas->search;
    MallocChunks *chunks = &search->chunks;
    uint64_t busy = 0;

    for (uint64_t i = 0; i < chunks->count; i++) {
        MallocChunk *chunk = &chunks->items[i];
        uint64_t user = chunk_user_address(chunk);
        if (region_map_overlaps(&arenas->busy, &busy, user, user + chunk_user_bytes(chunk)))
            chunk->size |= CHUNK_ODD;
        if ((chunk->size & CHUNK_ODD) != 0 && search->options.foreign_mode == FOREIGN_BLOCKS &&
            !region_list_add(&search->odd_chunks, user, user + chunk_user_bytes(chunk),
                             REGION_FOREIGN, NO_INDEX, error))
            return false;
    }
    return true;
}

// Claims the stack of a thread that executes outside its own: from its SP to the end of the chunk,
// of the global variables or of the mapping that SP is in.
static bool claim_stray(ArenaSearch *arenas, const StrayStack *stray, Error *error)
{
    HeapSearch *search = arenas->search;
    MallocChunks *chunks = &search->chunks;
    const Region *region = region_map_find(&arenas->busy, stray->stack_pointer);
    uint64_t start = round_down(stray->stack_pointer, 8) - RED_ZONE_BYTES;
    uint64_t i = malloc_chunks_holding(chunks, stray->stack_pointer);
    const ProcessMapping *mapping = process_copy_find_mapping(search->copy, stray->stack_pointer);

    if (mapping == NULL || stray->stack_pointer < RED_ZONE_BYTES)
        return true;
    if (i != UINT64_MAX) {
        MallocChunk *chunk = &chunks->items[i];
        uint64_t user = chunk_user_address(chunk);
        chunk->size |= CHUNK_ODD;
        return region_list_add(&search->stray_stacks, start > user ? start : user,
                               user + chunk_user_bytes(chunk), REGION_STACK, stray->thread, error);
    }
    if (region != NULL && region->kind == REGION_GLOBAL)
        return region_list_add(&search->stray_stacks, start > region->start ? start : region->start,
                               region->end, REGION_STACK, stray->thread, error);
    return region_list_add(&search->likely_stacks, start > mapping->start ? start : mapping->start,
                           mapping->end, REGION_STACK, stray->thread, error);
}

// Drops the chunks that are not blocks.
static void drop_other_chunks(MallocChunks *chunks)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; i < chunks->count; i++)
        if (chunk_is_block(&chunks->items[i]))
            chunks->items[kept++] = chunks->items[i];
    chunks->count = kept;
}

static bool find_busy(ArenaSearch *arenas, Error *error)
{
    HeapSearch *search = arenas->search;

    return region_map_claim(&arenas->busy, &search->pages, error) &&
           region_map_claim(&arenas->busy, &search->stacks, error) &&
           region_map_claim(&arenas->busy, &search->dead_stacks, error) &&
           region_map_claim(&arenas->busy, &search->tls, error) &&
           region_map_claim(&arenas->busy, &search->globals, error);
}

// Finds the blocks of other allocators. Their memory is not searched for glibc's large chunks.
static bool find_other_blocks(ArenaSearch *arenas, MallocChunks *blocks, Error *error)
{
    HeapSearch *search = arenas->search;
    RegionList spans = {0};
    BlockSearch others = {
        .reader = arenas->reader,
        .areas = &arenas->areas,
        .globals = &search->globals,
        .thread_locals = &search->tls,
        .cancel = &search->options.cancel,
        .chunks = blocks,
        .spans = &spans,
        .metadata = &search->metadata,
    };
    bool ok = mimalloc_find_blocks(&others, error) && jemalloc_find_blocks(&others, error) &&
              (arenas->state_count > 0 || musl_find_blocks(&others, error));

    for (uint64_t i = 0; ok && i < spans.count; i++) {
        const Region *span = &spans.items[i];
        search->walked_bytes += memory_copied_bytes(&arenas->reader, span->start, span->end);
        ok = region_list_add(&search->malloc_spans, span->start, span->end, REGION_MALLOC, NO_INDEX,
                             error) &&
             region_list_add(&arenas->heap_claims, span->start, span->end, REGION_MALLOC, NO_INDEX,
                             error);
    }
    search->unwalked_bytes += others.unwalked_bytes;
    region_list_release(&spans);
    return ok;
}

// Sorts the chunks. Those that begin inside another one, which only made memory has, are dropped.
static void sort_chunks(MallocChunks *chunks)
{
    uint64_t end = 0, kept = 0;

    if (chunks->count > 0)
        qsort(chunks->items, chunks->count, sizeof *chunks->items, compare_chunks);
    for (uint64_t i = 0; i < chunks->count; i++) {
        const MallocChunk chunk = chunks->items[i];
        if (chunk_user_address(&chunk) < end)
            continue;
        end = chunk_user_address(&chunk) + chunk_user_bytes(&chunk);
        chunks->items[kept++] = chunk;
    }
    chunks->count = kept;
}

// Adds the blocks of other allocators to glibc's chunks.
static bool add_chunks(MallocChunks *chunks, const MallocChunks *blocks, Error *error)
{
    for (uint64_t i = 0; i < blocks->count; i++)
        if (!malloc_chunks_add(chunks, blocks->items[i], error))
            return false;
    return true;
}

static bool find_chunks(ArenaSearch *arenas, MallocChunks *blocks, Error *error)
{
    HeapSearch *search = arenas->search;

    if (!find_areas(arenas, error) || !find_main_states(arenas, error) ||
        !walk_main_heaps(arenas, error) || !walk_arena_heaps(arenas, error) ||
        !find_other_blocks(arenas, blocks, error) ||
        !region_map_claim(&arenas->heaps, &arenas->heap_claims, error))
        return false;
    for (uint64_t i = 0; i < arenas->areas.count; i++) {
        uint64_t first = search->malloc_spans.count;
        if (!malloc_find_mapped(&arenas->reader, &arenas->areas.items[i], &arenas->busy,
                                &arenas->heaps, &search->chunks, &search->malloc_spans, error) ||
            !cancel_check(&search->options.cancel, error))
            return false;
        for (; first < search->malloc_spans.count; first++)
            search->walked_bytes +=
                search->malloc_spans.items[first].end - search->malloc_spans.items[first].start;
    }
    if (search->chunks.count > 0)
        qsort(search->chunks.items, search->chunks.count, sizeof *search->chunks.items,
              compare_chunks);
    malloc_flag_cached(&arenas->reader, &search->chunks, arenas->states, arenas->state_count);
    if (blocks->count == 0)
        return true;
    if (!add_chunks(&search->chunks, blocks, error))
        return false;
    sort_chunks(&search->chunks);
    return true;
}

bool heap_search_find_malloc(HeapSearch *search, Error *error)
{
    ArenaSearch arenas = {.search = search, .reader = memory_reader(search->copy)};
    MallocChunks blocks = {0};
    bool ok = find_busy(&arenas, error) && (search->options.foreign_mode == FOREIGN_ROOTS ||
                                            find_chunks(&arenas, &blocks, error));

    for (uint64_t i = 0; ok && i < search->stray_count; i++)
        ok = claim_stray(&arenas, &search->strays[i], error);
    ok = ok && flag_odd_chunks(&arenas, error);
    if (ok)
        drop_other_chunks(&search->chunks);
    region_list_release(&arenas.areas);
    region_list_release(&arenas.busy);
    region_list_release(&arenas.heap_claims);
    region_list_release(&arenas.heaps);
    free(arenas.states);
    free(blocks.items);
    return ok;
}
