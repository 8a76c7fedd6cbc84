// Root words: this file decides whether a word of the process is a root. It is one when both hold:
//
// 1. It lies in a register, or in memory that counts as a root (root_kind_of()): a stack from the
//    red zone up, thread-local storage, global variables, or private writable memory of unknown
//    use.
//    Which of these a byte belongs to: Note [Who owns a byte].
// 2. It points into a GC page, or into the user's bytes of a malloc chunk that is a foreign block
//    (leads_to_heap()). Whether an object lies there is decided when the heap is marked.
//
// Note [Who owns a byte]
//
// Every byte of private writable memory has one owner. The lists of claims are laid over each
// other in a fixed order (build_map()), and the first list that has a byte keeps it: GC pages, even
// inside a stack or a malloc chunk; the allocator's bookkeeping, which lies in thread-local
// storage, too (its bins point at chunk headers, whose first word belongs to the chunk before, and
// its records at the first block of a page: as roots they would keep garbage alive); certain
// stacks; the dead memory below them; thread-local storage; stacks inside chunks and globals, and
// the rest of those chunks; globals; chunks; and then the claims that are less certain. All other
// private writable memory is a root of kind foreign: it may hold anything, so none of it may be
// left out.

#include "base/array.h"
#include "snapshot/capture/find/heap_search_internal.h"

// All private writable memory that no other list claims, and shared memory.
static bool claim_rest(HeapSearch *search, Error *error)
{
    const ProcessCopy *copy = search->copy;

    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];
        if (mapping->is_shared_memory &&
            !region_list_add(&search->rest, mapping->start, mapping->end, REGION_SHARED, NO_INDEX,
                             error))
            return false;
        if (mapping_is_private_writable(mapping) &&
            !region_list_add(&search->rest, mapping->start, mapping->end,
                             mapping_is_file(mapping) ? REGION_GLOBAL : REGION_FOREIGN, NO_INDEX,
                             error))
            return false;
    }
    return true;
}

// See Note [Who owns a byte].
static bool build_map(HeapSearch *search, Error *error)
{
    RegionList *const lists[] = {
        &search->pages,
        &search->metadata,
        &search->stacks,
        &search->dead_stacks,
        &search->tls,
        &search->stray_stacks,
        &search->odd_chunks,
        &search->globals,
        &search->malloc_spans,
        &search->tls_tails,
        &search->guessed_globals,
        &search->likely_stacks,
        &search->rest,
    };

    if (!claim_rest(search, error))
        return false;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (!region_map_claim(&search->map, lists[i], error))
            return false;
    return true;
}

static bool add_root(HeapSearch *search, uint64_t address, uint64_t value, RootKind kind,
                     uint32_t thread, Error *error)
{
    if (!array_reserve(&search->roots, &search->root_capacity, search->root_count + 1,
                       sizeof *search->roots, "roots", error))
        return false;
    search->roots[search->root_count++] = (Root){
        .address = address,
        .value = value,
        .thread = thread,
        .kind = (uint8_t)kind,
    };
    return true;
}

// Does the word lie in a GC page or in a foreign block?
static bool leads_to_heap(const HeapSearch *search, uint64_t word)
{
    uint32_t found = address_index_find(&search->index, word);

    return found == ADDRESS_IN_PAGE ||
           (found != ADDRESS_NOWHERE && (search->chunks.items[found].size & CHUNK_MATTERS) != 0);
}

static bool scan_registers(HeapSearch *search, Error *error)
{
    const ProcessCopy *copy = search->copy;

    for (uint32_t t = 0; t < copy->thread_count; t++)
        for (uint32_t r = 0; r < copy->threads[t].register_count; r++) {
            const ProcessRegister *word = &copy->threads[t].registers[r];
            if (leads_to_heap(search, word->value) &&
                !add_root(search, word->number, word->value, ROOT_REGISTER, t, error))
                return false;
        }
    return true;
}

// Are the words of such memory roots, and of which kind?
static bool root_kind_of(RegionKind region, RootKind *kind)
{
    switch (region) {
    case REGION_STACK:
        *kind = ROOT_STACK;
        return true;
    case REGION_TLS:
        *kind = ROOT_TLS;
        return true;
    case REGION_GLOBAL:
        *kind = ROOT_GLOBAL;
        return true;
    case REGION_FOREIGN:
    case REGION_SHARED:
        *kind = ROOT_FOREIGN;
        return true;
    case REGION_GC:
    case REGION_IGNORED:
    case REGION_MALLOC:
        break;
    }
    return false;
}

// A variable that points into a chunk through which the heap is not reached: it keeps the chunk.
static void note_variable(HeapSearch *search, uint64_t word)
{
    uint32_t found = address_index_find(&search->index, word);

    if (found < ADDRESS_IN_PAGE && search->chunk_notes != NULL)
        search->chunk_notes[found] |= CHUNK_HELD;
}

// The bytes in [start, end) of pages that are not all zeros: a core file has pages that were never
// touched, too.
static uint64_t content_bytes(MemoryReader *reader, uint64_t start, uint64_t end)
{
    uint64_t position = round_up(start, 8), bytes = 0;
    MemoryPiece piece;

    while (memory_next_piece(reader, &position, end, &piece))
        for (uint64_t offset = 0, stop; offset + 8 <= piece.bytes; offset = stop) {
            uint64_t word = offset;
            stop = round_down(piece.address + offset, PAGE_BYTES) + PAGE_BYTES - piece.address;
            stop = stop < piece.bytes ? stop : piece.bytes;
            while (word + 8 <= stop && load_u64(piece.data + word) == 0)
                word += 8;
            bytes += word + 8 <= stop ? stop - offset : 0;
        }
    return bytes;
}

static bool scan_region(HeapSearch *search, MemoryReader *reader, const Region *region,
                        RootKind kind, Error *error)
{
    uint64_t position = round_up(region->start, 8);
    MemoryPiece piece;

    while (memory_next_piece(reader, &position, region->end, &piece)) {
        for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
            uint64_t word = load_u64(piece.data + offset);
            if (leads_to_heap(search, word)) {
                if (!add_root(search, piece.address + offset, word, kind, region->thread, error))
                    return false;
            } else if (kind == ROOT_GLOBAL || kind == ROOT_TLS) {
                note_variable(search, word);
            }
        }
    }
    return true;
}

bool heap_search_find_roots(HeapSearch *search, Error *error)
{
    MemoryReader reader = memory_reader(search->copy);
    bool is_boehm = search->boehm != NULL;
    bool ok = build_map(search, error) && (is_boehm ? heap_search_find_boehm_roots(search, error)
                                                    : scan_registers(search, error));

    for (uint64_t i = 0; ok && i < search->map.count; i++) {
        const Region *region = &search->map.items[i];
        RootKind kind;
        uint64_t bytes =
            region->kind == REGION_GC ? 0 : content_bytes(&reader, region->start, region->end);
        if (region->kind == REGION_SHARED)
            search->shared_root_bytes += bytes;
        else
            search->outside_bytes += bytes;
        // A Boehm collector has told its roots.
        if (is_boehm)
            continue;
        search->foreign_root_bytes += region->kind == REGION_FOREIGN ? bytes : 0;
        if (root_kind_of(region->kind, &kind))
            ok = scan_region(search, &reader, region, kind, error);
        if (ok && i % 1024 == 0)
            ok = cancel_check(&search->options.cancel, error);
    }
    return ok;
}
