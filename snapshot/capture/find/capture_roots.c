// Root words: every byte of private writable memory gets one owner, and the words that may
// lead into the heap are picked from memory of the kinds that are roots.
//
// Note [Who owns a byte]
//
// The lists of claims are laid over each other in a fixed order, and the first that has a
// byte keeps it: GC pages, even inside a stack or a malloc chunk; certain stacks; what is dead
// below them; thread-local storage; the allocator's bookkeeping (its bins point at chunk
// headers, whose first word belongs to the chunk before: as roots they would keep garbage
// alive); stacks inside chunks and globals, and the rest of those chunks; globals; chunks;
// and what is less certain. All other private writable memory is a root of kind foreign:
// nothing is known about it, so nothing of it may be left out.

#include <stdlib.h>

#include "snapshot/capture/find/capture_search.h"
#include "snapshot/capture/find/capture_index_internal.h"

static bool claim_rest(CaptureAnalysis *analysis, Error *error)
{
    const ProcessCopy *copy = analysis->copy;

    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];
        if (mapping_is_private_writable(mapping) &&
            !region_list_add(&analysis->rest, mapping->start, mapping->end,
                             mapping_is_file(mapping) ? REGION_GLOBAL : REGION_FOREIGN, NO_INDEX,
                             error))
            return false;
    }
    return true;
}

// See Note [Who owns a byte].
static bool build_map(CaptureAnalysis *analysis, Error *error)
{
    RegionList *const lists[] = {
        &analysis->pages,      &analysis->stacks,          &analysis->dead_stacks,
        &analysis->tls,        &analysis->metadata,        &analysis->stray_stacks,
        &analysis->odd_chunks, &analysis->globals,         &analysis->malloc_spans,
        &analysis->tls_tails,  &analysis->guessed_globals, &analysis->likely_stacks,
        &analysis->rest,
    };

    if (!claim_rest(analysis, error))
        return false;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (!region_map_claim(&analysis->map, lists[i], error))
            return false;
    return true;
}

static bool add_root(CaptureAnalysis *analysis, uint64_t address, uint64_t value, RootKind kind,
                     uint32_t thread, Error *error)
{
    if (!array_reserve(&analysis->roots, &analysis->root_capacity, analysis->root_count + 1,
                       sizeof *analysis->roots, "roots", error))
        return false;
    analysis->roots[analysis->root_count++] = (Root){
        .address = address,
        .value = value,
        .thread = thread,
        .kind = (uint8_t)kind,
    };
    return true;
}

static bool scan_registers(CaptureAnalysis *analysis, const AddressIndex *index, Error *error)
{
    const ProcessCopy *copy = analysis->copy;

    for (uint32_t t = 0; t < copy->thread_count; t++)
        for (uint32_t r = 0; r < copy->threads[t].register_count; r++) {
            const ProcessRegister *word = &copy->threads[t].registers[r];
            if (address_index_find(index, word->value) != ADDRESS_NOWHERE &&
                !add_root(analysis, word->number, word->value, ROOT_REGISTER, t, error))
                return false;
        }
    return true;
}

// Is memory of this kind roots, and of which kind?
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
        *kind = ROOT_FOREIGN;
        return true;
    case REGION_GC:
    case REGION_NOBODY:
    case REGION_MALLOC:
        break;
    }
    return false;
}

static bool scan_region(CaptureAnalysis *analysis, const AddressIndex *index, MemoryReader *reader,
                        const Region *region, RootKind kind, Error *error)
{
    uint64_t position = round_up(region->start, 8);
    MemoryPiece piece;

    while (memory_next_piece(reader, &position, region->end, &piece)) {
        if (kind == ROOT_FOREIGN)
            analysis->foreign_root_bytes += piece.bytes;
        for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
            uint64_t word = load_u64(piece.data + offset);
            if (address_index_find(index, word) != ADDRESS_NOWHERE &&
                !add_root(analysis, piece.address + offset, word, kind, region->thread, error))
                return false;
        }
    }
    return true;
}

bool capture_find_roots(CaptureAnalysis *analysis, Error *error)
{
    MemoryReader reader = memory_reader(analysis->copy);
    AddressIndex index = {0};
    bool ok = build_map(analysis, error) &&
              address_index_build(&index, analysis, analysis->chunks.items,
                                  (uint32_t)analysis->chunks.count, error) &&
              scan_registers(analysis, &index, error);

    for (uint64_t i = 0; ok && i < analysis->map.count; i++) {
        const Region *region = &analysis->map.items[i];
        RootKind kind;
        if (root_kind_of(region->kind, &kind))
            ok = scan_region(analysis, &index, &reader, region, kind, error);
        if (ok && i % 1024 == 0)
            ok = capture_check_cancelled(analysis, error);
    }
    address_index_release(&index);
    return ok;
}
