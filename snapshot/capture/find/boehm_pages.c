// The heap of a Boehm collector: its blocks become pages, described one by one, with the words that
// the collector would look at (snapshot/capture/boehm/).

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "snapshot/capture/boehm/boehm_words.h"
#include "snapshot/capture/find/heap_search_internal.h"
#include "snapshot/capture/names/module_symbols.h"

// The writable data of all modules, ascending; ranges that touch are one. The caller frees *out.
static bool module_data(HeapSearch *search, BoehmRange **out, uint32_t *count, Error *error)
{
    RegionList map = {.items = NULL};
    bool ok = region_map_claim(&map, &search->globals, error) &&
              region_map_claim(&map, &search->guessed_globals, error);
    BoehmRange *ranges = ok ? malloc((map.count + 1) * sizeof *ranges) : NULL;

    *count = 0;
    *out = ranges;
    if (ok && ranges == NULL)
        ok = error_set_memory(error, map.count * sizeof *ranges, "the data of modules");
    for (uint64_t i = 0; ok && i < map.count; i++) {
        if (*count > 0 && ranges[*count - 1].end == map.items[i].start)
            ranges[*count - 1].end = map.items[i].end;
        else
            ranges[(*count)++] = (BoehmRange){map.items[i].start, map.items[i].end};
    }
    region_list_release(&map);
    return ok;
}

static uint64_t pages_of(const HeapSearch *search, const BoehmBlock *block)
{
    return round_up(block->bytes, search->layout.page_size) / search->layout.page_size;
}

// Adds `data` to the page runs.
static bool add_run(HeapSearch *search, uint64_t address, uint64_t page_count, const uint8_t *data,
                    Error *error)
{
    uint64_t page_size = search->layout.page_size;
    SnapshotPages *last = search->run_count > 0 ? &search->runs[search->run_count - 1] : NULL;

    // In the arena, neighbours follow each other.
    if (last != NULL && last->address + last->page_count * page_size == address) {
        last->page_count += page_count;
        return true;
    }
    if (!array_reserve(&search->runs, &search->run_capacity, search->run_count + 1,
                       sizeof *search->runs, "page runs", error))
        return false;
    search->runs[search->run_count++] = (SnapshotPages){address, page_count, data};
    return true;
}

static void take_bits(const BoehmHeap *heap, const BoehmBlock *block, PageBits *bits)
{
    for (uint32_t slot = 0; slot < block->slot_count; slot++) {
        uint8_t state = heap->slots[block->first_slot + slot];
        uint64_t bit = UINT64_C(1) << slot % 64;

        if (state == BOEHM_ALLOCATED || state == BOEHM_DEAD)
            bits[slot / 64].allocated |= bit;
        if (state == BOEHM_DEAD)
            bits[slot / 64].dead |= bit;
    }
}

// Describes the block in the details and in the records.
static bool describe(HeapSearch *search, const BoehmHeap *heap, const BoehmBlock *block,
                     Error *error)
{
    SnapshotPage *page = &search->details->pages[search->details->page_count];
    PageBits *bits = &page->bits;
    const PageRecord record = {
        .address = block->address,
        .block_size = (uint32_t)block->bytes,
        .slot_count = block->slot_count,
        .page_count = (uint32_t)pages_of(search, block),
        .is_large = block->is_large,
    };

    *page = (SnapshotPage){
        .address = block->address,
        .block_size = block->bytes,
        .read_bytes = boehm_block_read_bytes(block),
        .slot_count = block->slot_count,
        .kind = block->kind,
    };
    if (page->read_bytes == 0)
        page->flags |= SNAPSHOT_PAGE_POINTER_FREE;
    if (boehm_block_is_uncollectable(heap, block))
        page->flags |= SNAPSHOT_PAGE_UNCOLLECTABLE;
    if (block->slot_count > 64) {
        bits = page->more = calloc((block->slot_count + 63) / 64, sizeof *bits);
        if (bits == NULL) {
            page->slot_count = 0;
            return error_set_memory(error, block->slot_count / 4, "the bits of pages");
        }
    }
    take_bits(heap, block, bits);
    search->details->page_count++;
    return page_records_add_described(&search->records, &record, bits, error);
}

// The normal words of all objects of the block, at `out`.
static bool copy_block(HeapSearch *search, BoehmWords *words, const BoehmBlock *block, uint8_t *out,
                       Error *error)
{
    const uint8_t *bytes;

    if (!memory_assemble(&words->reader, &search->assembly, block->address,
                         pages_of(search, block) * search->layout.page_size, &bytes, error))
        return false;
    if (bytes == NULL) // hardly any of it was touched: it reads as zeros
        return true;
    for (uint32_t slot = 0; slot < block->slot_count; slot++)
        boehm_object_normal(words, block, block->first_slot + slot, bytes + slot * block->bytes,
                            out + slot * block->bytes);
    return true;
}

static bool take_blocks(HeapSearch *search, const BoehmHeap *heap, Error *error)
{
    BoehmWords words = {.heap = heap, .reader = memory_reader(search->copy)};
    uint64_t page_size = search->layout.page_size, pages = 0, used = 0, at = 0;

    for (uint64_t i = 0; i < heap->block_count; i++) {
        pages += heap->blocks[i].is_free ? 0 : pages_of(search, &heap->blocks[i]);
        used += !heap->blocks[i].is_free;
        if (!heap->blocks[i].is_free && heap->blocks[i].bytes > UINT32_MAX)
            return error_set(error, ERROR_UNSUPPORTED,
                             "the heap has an object of %llu bytes; at most 4 GiB are possible",
                             (unsigned long long)heap->blocks[i].bytes);
    }
    search->normal_bytes = pages * page_size;
    search->normal = mmap(NULL, search->normal_bytes + 1, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    search->details->pages = calloc(used + 1, sizeof *search->details->pages);
    if (search->normal == MAP_FAILED || search->details->pages == NULL) {
        search->normal = search->normal == MAP_FAILED ? NULL : search->normal;
        return error_set_memory(error, pages * page_size, "the pages of the heap");
    }
    for (uint64_t i = 0; i < heap->block_count; i++) {
        const BoehmBlock *block = &heap->blocks[i];
        uint64_t bytes = pages_of(search, block) * page_size;

        if (block->is_free)
            continue;
        if (!copy_block(search, &words, block, search->normal + at, error) ||
            !region_list_add(&search->pages, block->address, block->address + bytes, REGION_GC,
                             NO_INDEX, error) ||
            !add_run(search, block->address, bytes / page_size, search->normal + at, error) ||
            !describe(search, heap, block, error))
            return false;
        at += bytes;
        if (i % 4096 == 0 && !cancel_check(&search->options.cancel, error))
            return false;
    }
    search->counts.page_count = search->records.count;
    search->counts.object_count = page_records_count_live(&search->records);
    return true;
}

// The module of which a part of the data lies at `address`, or NO_INDEX: the last one that begins
// at or below it.
static uint32_t module_of(const HeapSearch *search, uint64_t address)
{
    uint32_t found = NO_INDEX;

    for (uint32_t i = 0; i < search->details->module_count; i++)
        if (search->copy->mappings[search->modules[i].first_mapping].start <= address &&
            (found == NO_INDEX ||
             search->modules[i].first_mapping > search->modules[found].first_mapping))
            found = i;
    return found;
}

static bool find_symbols(void *context, uint64_t address, BoehmSymbols *symbols, Error *error)
{
    static const char *const names[] = {"GC_arrays", "GC_gc_no", "GC_stackbottom",
                                        "GC_push_other_roots", "GC_default_push_other_roots"};
    HeapSearch *search = context;
    uint32_t module = module_of(search, address);
    uint64_t found[sizeof names / sizeof names[0]];

    if (module == NO_INDEX)
        return true;
    if (!module_symbols_find(search->copy, &search->modules[module],
                             search->details->modules[module].base, names,
                             sizeof names / sizeof names[0], &search->options.cancel, found, error))
        return false;
    *symbols = (BoehmSymbols){found[0], found[1], found[2], found[3], found[4]};
    return true;
}

// Does the program push roots of its own? By default the function lies in the collector's module.
static bool pushes_own_roots(const HeapSearch *search, const BoehmSymbols *symbols, uint64_t arrays)
{
    MemoryReader reader = memory_reader(search->copy);
    uint64_t function = symbols->push_other == 0 ? 0 : memory_word(&reader, symbols->push_other);

    if (function == 0)
        return false;
    if (symbols->push_default != 0)
        return function != symbols->push_default;
    return module_of(search, function) != module_of(search, arrays);
}

bool heap_search_find_boehm(HeapSearch *search, Error *error)
{
    BoehmRange *data;
    uint32_t count;
    bool ok =
        module_data(search, &data, &count, error) &&
        boehm_heap_find(search->copy, data, count, find_symbols, search, &search->boehm, error);

    free(data);
    if (!ok || search->boehm == NULL)
        return ok;
    search->layout = *heap_layout_boehm();
    search->boehm->pushes_own_roots =
        pushes_own_roots(search, &search->boehm->symbols, search->boehm->arrays);
    return take_blocks(search, search->boehm, error);
}
