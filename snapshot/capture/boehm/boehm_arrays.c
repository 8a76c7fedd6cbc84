// GC_arrays: the struct with the collector's state, among the builds that are known.
//
// The block index is its last member, so each layout says where it would begin. It is the right one
// if what it says equals what was counted: the bytes of the heap and of its free blocks, the node
// of nothing, the sets of roots along their hash chains, the sections of the heap.

#include <stdlib.h>

#include "base/array.h"
#include "snapshot/capture/boehm/boehm_search_internal.h"

#define ROOT_SET_BYTES 32u // start, end, next of the hash chain, "temporary"
#define ROOT_CHAINS 64u
#define MOST_SECTIONS (UINT64_C(1) << 20)

// One set of static roots.
typedef struct RootSet {
    uint64_t start;
    uint64_t end;
    uint64_t next;
} RootSet;

// The set at `address`, an entry of the table at `table`. False: it is not one.
static bool read_root_set(MemoryReader *reader, const BoehmLayout *layout, uint64_t table,
                          uint64_t address, RootSet *set)
{
    if (address < table || address - table >= layout->root_set_bytes ||
        (address - table) % ROOT_SET_BYTES != 0)
        return false;
    *set = (RootSet){memory_word(reader, address), memory_word(reader, address + 8),
                     memory_word(reader, address + 16)};
    return set->start < set->end && set->start % 8 == 0 &&
           (memory_word(reader, address + 24) & 0xfffffffe) == 0;
}

// Goes through all root sets by their hash chains, and adds them to `sets` unless it is NULL.
// Returns their number, or UINT64_MAX.
static uint64_t visit_root_sets(MemoryReader *reader, const BoehmLayout *layout, uint64_t arrays,
                                BoehmRange *sets)
{
    uint64_t most = layout->root_set_bytes / ROOT_SET_BYTES, count = 0;

    for (uint32_t chain = 0; chain < ROOT_CHAINS; chain++) {
        uint64_t at = memory_word(reader, arrays + layout->root_hash + 8 * (uint64_t)chain);
        RootSet set;

        for (; at != 0; at = set.next) {
            if (count == most ||
                !read_root_set(reader, layout, arrays + layout->root_sets, at, &set))
                return UINT64_MAX;
            if (sets != NULL)
                sets[count] = (BoehmRange){set.start, set.end};
            count++;
        }
    }
    return count;
}

// Do the sections of the heap sum to it?
static bool are_sections(MemoryReader *reader, const BoehmLayout *layout, uint64_t arrays,
                         uint64_t heap_bytes)
{
    uint64_t count = memory_word(reader, arrays + layout->heap_section_count);
    uint64_t table = memory_word(reader, arrays + layout->heap_sections), sum = 0;

    if (count > MOST_SECTIONS || table % 8 != 0)
        return false;
    for (uint64_t i = 0; i < count; i++)
        sum += memory_word(reader, table + 16 * i + 8);
    return sum == heap_bytes;
}

static bool is_at(MemoryReader *reader, const BoehmSearch *search, const BoehmLayout *layout,
                  uint64_t arrays)
{
    const BoehmHeap *heap = search->heap;
    uint64_t sets;

    if (heap->symbols.arrays != 0 && heap->symbols.arrays != arrays)
        return false;
    if (arrays % 8 != 0 || memory_word(reader, arrays) != heap->heap_bytes ||
        memory_word(reader, arrays + layout->large_free) != heap->free_bytes ||
        memory_word(reader, arrays + layout->all_nils) != search->nil)
        return false;
    sets = visit_root_sets(reader, layout, arrays, NULL);
    if (sets == UINT64_MAX || (layout->root_set_count != 0 &&
                               boehm_read_u32(reader, arrays + layout->root_set_count) != sets))
        return false;
    return layout->heap_sections == 0 || are_sections(reader, layout, arrays, heap->heap_bytes);
}

// Do the layouts say the same of GC_arrays? They may differ in the records of threads.
static bool are_alike(const BoehmLayout *a, const BoehmLayout *b)
{
    return a->bytes == b->bytes && a->valid_offsets == b->valid_offsets &&
           a->normal_lists == b->normal_lists && a->atomic_lists == b->atomic_lists &&
           a->root_sets == b->root_sets && a->root_hash == b->root_hash &&
           a->exclusions == b->exclusions && a->exclusion_count == b->exclusion_count &&
           a->mark_state == b->mark_state && a->descriptors == b->descriptors &&
           a->finalizers == b->finalizers && a->links == b->links && a->kind_bytes == b->kind_bytes;
}

static const BoehmLayout *layout_at(const BoehmSearch *search, uint32_t index)
{
    if (search->layouts == NULL)
        return boehm_layout(index);
    return index < search->layout_count ? &search->layouts[index] : NULL;
}

static bool choose_layout(BoehmSearch *search, Error *error)
{
    BoehmHeap *heap = search->heap;
    const BoehmLayout *layout;

    for (uint32_t i = 0; (layout = layout_at(search, i)) != NULL; i++) {
        uint64_t arrays = search->top_index - layout->top_index;

        if (search->top_index < layout->top_index ||
            !is_at(&search->reader, search, layout, arrays))
            continue;
        if (heap->layout != NULL && !are_alike(heap->layout, layout))
            return boehm_refuse(error, "GC_arrays fits two builds, '%s' and '%s'",
                                heap->layout->builds, layout->builds);
        // One with threads reads those of one without, which has none.
        if (heap->layout == NULL || heap->layout->thread_bytes == 0) {
            heap->layout = layout;
            heap->arrays = arrays;
        }
    }
    return heap->layout != NULL ||
           boehm_refuse(error,
                        "no known build has the heap's %llu bytes, of which %llu are free, where "
                        "they must be",
                        (unsigned long long)heap->heap_bytes, (unsigned long long)heap->free_bytes);
}

// ---- roots ----

static int by_start(const void *left, const void *right)
{
    const BoehmRange *a = left, *b = right;

    return (a->start > b->start) - (a->start < b->start);
}

// The table of exclusions, ascending and disjoint; it ends at its first empty entry, or its count.
static uint64_t read_exclusions(MemoryReader *reader, const BoehmHeap *heap, BoehmRange *exclusions)
{
    const BoehmLayout *layout = heap->layout;
    uint64_t most = layout->exclusion_bytes / 16, count = 0;

    if (layout->exclusion_count != 0) {
        uint64_t told = memory_word(reader, heap->arrays + layout->exclusion_count);
        most = told < most ? told : most;
    }
    for (; count < most; count++) {
        uint64_t at = heap->arrays + layout->exclusions + 16 * count;
        exclusions[count] = (BoehmRange){memory_word(reader, at), memory_word(reader, at + 8)};
        if (exclusions[count].start == 0)
            break;
    }
    qsort(exclusions, count, sizeof *exclusions, by_start);
    return count;
}

static bool add_root(BoehmHeap *heap, uint64_t *capacity, uint64_t start, uint64_t end,
                     Error *error)
{
    if (start >= end)
        return true;
    if (!array_reserve(&heap->roots, capacity, heap->root_count + 1, sizeof *heap->roots,
                       "the roots of the heap", error))
        return false;
    heap->roots[heap->root_count++] = (BoehmRange){start, end};
    return true;
}

// The root sets less the exclusions; overlaps of sets are given once.
static bool subtract(BoehmHeap *heap, const BoehmRange *sets, uint64_t set_count,
                     const BoehmRange *exclusions, uint64_t exclusion_count, Error *error)
{
    uint64_t capacity = 0, from = 0;

    for (uint64_t i = 0; i < set_count; i++) {
        uint64_t start = sets[i].start > from ? sets[i].start : from;

        for (uint64_t e = 0; e < exclusion_count && start < sets[i].end; e++) {
            if (exclusions[e].end <= start || exclusions[e].start >= sets[i].end)
                continue;
            if (!add_root(heap, &capacity, start, exclusions[e].start, error))
                return false;
            start = exclusions[e].end;
        }
        if (!add_root(heap, &capacity, start, sets[i].end, error))
            return false;
        from = sets[i].end > from ? sets[i].end : from;
    }
    return true;
}

static bool find_roots(BoehmSearch *search, Error *error)
{
    BoehmHeap *heap = search->heap;
    const BoehmLayout *layout = heap->layout;
    BoehmRange *sets = calloc(layout->root_set_bytes / ROOT_SET_BYTES + 1, sizeof *sets);
    BoehmRange *exclusions = calloc(layout->exclusion_bytes / 16 + 1, sizeof *exclusions);
    bool is_ok = sets != NULL && exclusions != NULL;

    if (!is_ok) {
        (void)error_set_memory(error, layout->root_set_bytes, "the roots of the heap");
    } else {
        uint64_t count = visit_root_sets(&search->reader, layout, heap->arrays, sets);
        qsort(sets, count, sizeof *sets, by_start);
        heap->exclusion_count = read_exclusions(&search->reader, heap, exclusions);
        is_ok = subtract(heap, sets, count, exclusions, heap->exclusion_count, error);
        heap->exclusions = exclusions;
        exclusions = NULL;
    }
    free(sets);
    free(exclusions);
    return is_ok;
}

// Which offsets into objects count.
static bool read_offsets(BoehmSearch *search, Error *error)
{
    BoehmHeap *heap = search->heap;
    uint64_t valid = 0;

    heap->valid_offsets = calloc(heap->block_bytes, 1);
    if (heap->valid_offsets == NULL)
        return error_set_memory(error, heap->block_bytes, "the offsets that count");
    boehm_read(&search->reader, heap->arrays + heap->layout->valid_offsets, heap->valid_offsets,
               heap->block_bytes);
    for (uint64_t i = 0; i < heap->block_bytes; i++) {
        if (heap->valid_offsets[i] > 1)
            return boehm_refuse(error, "GC_valid_offsets is not a table of booleans");
        valid += heap->valid_offsets[i];
    }
    if (valid == 0)
        return boehm_refuse(error, "no offset into objects counts");
    heap->counts_interior = valid == heap->block_bytes;
    return true;
}

bool boehm_search_arrays(BoehmSearch *search, Error *error)
{
    if (!choose_layout(search, error) || !read_offsets(search, error) || !find_roots(search, error))
        return false;
    BoehmHeap *heap = search->heap;
    heap->knows_collecting = heap->layout->mark_state != 0;
    heap->is_collecting =
        heap->knows_collecting &&
        boehm_read_u32(&search->reader, heap->arrays + heap->layout->mark_state) != 0;
    return true;
}
