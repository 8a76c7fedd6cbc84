// The roots of a Boehm heap, by the collector's own tables: static root sets, the stacks of threads
// that it knows, registers, uncollectable objects, and its tables of finalizers. malloc'd memory is
// no root. Values are those that the collector would mark: starts of allocated objects.

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "snapshot/capture/boehm/boehm_words.h"
#include "snapshot/capture/find/heap_search_internal.h"

// What the x86-64 ABI lets a function use below the stack pointer.
#define RED_ZONE 128u

static bool add_root(HeapSearch *search, uint64_t address, uint64_t value, RootKind kind,
                     uint32_t thread, bool is_exact, Error *error)
{
    if (value == 0)
        return true;
    if (!array_reserve(&search->roots, &search->root_capacity, search->root_count + 1,
                       sizeof *search->roots, "roots", error))
        return false;
    search->roots[search->root_count++] = (Root){
        .address = address,
        .value = value,
        .thread = thread,
        .kind = (uint8_t)kind,
        .is_exact = is_exact,
    };
    return true;
}

static bool scan(HeapSearch *search, uint64_t start, uint64_t end, RootKind kind, uint32_t thread,
                 Error *error)
{
    MemoryReader reader = memory_reader(search->copy);
    uint64_t position = round_up(start, 8);
    bool is_on_stack = kind == ROOT_STACK || kind == ROOT_FOREIGN;
    MemoryPiece piece;

    while (memory_next_piece(&reader, &position, end, &piece))
        for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
            uint64_t word;

            __builtin_memcpy(&word, piece.data + offset, 8);
            if (word >= PAGE_BYTES && word < HEAP_ADDRESS_LIMIT &&
                !add_root(search, piece.address + offset,
                          boehm_word_normal(search->boehm, word, is_on_stack), kind, thread, false,
                          error))
                return false;
        }
    return true;
}

// ---- threads ----

// The end of a thread's stack: what the collector says, if it can be.
static uint64_t stack_end(const HeapSearch *search, uint64_t stack_pointer, uint64_t told,
                          bool is_main)
{
    const ProcessMapping *mapping = process_copy_find_mapping(search->copy, stack_pointer);

    if (mapping == NULL)
        return stack_pointer;
    if (is_main && search->boehm->symbols.stack_bottom != 0) {
        MemoryReader reader = memory_reader(search->copy);
        told = memory_word(&reader, search->boehm->symbols.stack_bottom);
    }
    return told > stack_pointer && told <= mapping->end ? told : mapping->end;
}

static bool scan_thread(HeapSearch *search, uint32_t thread, uint64_t stack_pointer, uint64_t told,
                        bool is_main, Error *error)
{
    const ProcessThread *registers = &search->copy->threads[thread];

    for (uint32_t r = 0; r < registers->register_count; r++)
        if (!add_root(search, registers->registers[r].number,
                      boehm_word_normal(search->boehm, registers->registers[r].value, true),
                      ROOT_REGISTER, thread, false, error))
            return false;
    return scan(search, stack_pointer, stack_end(search, stack_pointer, told, is_main), ROOT_STACK,
                thread, error);
}

#define THREAD_FINISHED 1u
#define THREAD_IS_MAIN 4u

static bool scan_threads(HeapSearch *search, Error *error)
{
    const BoehmHeap *heap = search->boehm;
    const ProcessCopy *copy = search->copy;

    if (!heap->has_threads)
        return copy->thread_count == 0 ||
               scan_thread(search, 0, copy->threads[0].stack_pointer - RED_ZONE, 0, true, error);
    for (uint32_t i = 0; i < heap->thread_count; i++) {
        const BoehmThread *thread = &heap->threads[i];
        uint64_t stack_pointer = copy->threads[thread->thread].stack_pointer - RED_ZONE;

        if ((thread->flags & THREAD_FINISHED) != 0)
            continue;
        if (thread->is_blocked && thread->stack_pointer != 0)
            stack_pointer = thread->stack_pointer;
        if (!scan_thread(search, thread->thread, stack_pointer, thread->stack_end,
                         (thread->flags & THREAD_IS_MAIN) != 0, error))
            return false;
    }
    return true;
}

// ---- objects that the collector itself keeps ----

static bool add_uncollectable(HeapSearch *search, Error *error)
{
    const BoehmHeap *heap = search->boehm;

    for (uint64_t i = 0; i < heap->block_count; i++) {
        const BoehmBlock *block = &heap->blocks[i];

        if (block->is_free || !boehm_block_is_uncollectable(heap, block))
            continue;
        for (uint64_t slot = block->first_slot; slot < block->first_slot + block->slot_count;
             slot++) {
            uint64_t address = boehm_block_slot_address(block, slot);

            if (heap->slots[slot] == BOEHM_ALLOCATED &&
                !add_root(search, address, address, ROOT_EXPLICIT, NO_INDEX, true, error))
                return false;
        }
    }
    return true;
}

// The collector's tables lie in its own heap.
static bool add_tables(HeapSearch *search, Error *error)
{
    const BoehmHeap *heap = search->boehm;
    const BoehmLayout *layout = heap->layout;
    const uint32_t words[] = {layout->finalizers, layout->finalize_now, layout->descriptors,
                              layout->links, layout->links == 0 ? 0 : layout->links + 24};
    MemoryReader reader = memory_reader(search->copy);

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint64_t at = heap->arrays + words[i];

        if (words[i] != 0 &&
            !add_root(search, at, boehm_word_normal(heap, memory_word(&reader, at), false),
                      ROOT_EXPLICIT, NO_INDEX, true, error))
            return false;
    }
    for (uint32_t k = 0; k < heap->kind_count; k++)
        if (!add_root(search, heap->kinds[k].free_lists,
                      boehm_word_normal(heap, heap->kinds[k].free_lists, true), ROOT_EXPLICIT,
                      NO_INDEX, true, error))
            return false;
    return true;
}

// ---- mark procedures of the program ----

static bool is_collectors_own(const HeapSearch *search, uint64_t page)
{
    const BoehmHeap *heap = search->boehm;
    uint64_t at = search_from_u64(search->boehm_headers, heap->block_count, page);

    return boehm_heap_block_at(heap, page) != NULL ||
           (at < heap->block_count && search->boehm_headers[at] - page < PAGE_BYTES);
}

// Scans anonymous memory from `start` to the end of its mapping, or to memory of the collector: an
// object of such a kind points there, and what its procedure looks at is not known.
static bool scan_behind(HeapSearch *search, uint64_t start, Error *error)
{
    const ProcessMapping *mapping = process_copy_find_mapping(search->copy, start);
    uint64_t end;

    if (mapping == NULL || mapping->name[0] != '\0' || !mapping_is_private_writable(mapping))
        return true;
    for (end = start; end < mapping->end; end = round_down(end, PAGE_BYTES) + PAGE_BYTES)
        if (is_collectors_own(search, round_down(end, PAGE_BYTES)))
            break;
    if (end > mapping->end)
        end = mapping->end;
    if (end <= start)
        return true;
    search->foreign_root_bytes += end - start;
    return scan(search, start, end, ROOT_FOREIGN, NO_INDEX, error);
}

static int compare_words(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static bool scan_foreign(HeapSearch *search, Error *error)
{
    const BoehmHeap *heap = search->boehm;
    MemoryReader reader = memory_reader(search->copy);

    search->boehm_headers = malloc((heap->block_count + 1) * sizeof *search->boehm_headers);
    if (search->boehm_headers == NULL)
        return error_set_memory(error, heap->block_count * 8, "the headers of blocks");
    for (uint64_t i = 0; i < heap->block_count; i++)
        search->boehm_headers[i] = heap->blocks[i].header;
    qsort(search->boehm_headers, heap->block_count, sizeof *search->boehm_headers, compare_words);
    for (uint64_t i = 0; i < heap->block_count; i++) {
        const BoehmBlock *block = &heap->blocks[i];

        if (block->is_free || !boehm_kind_is_foreign(heap, &heap->kinds[block->kind]))
            continue;
        for (uint64_t slot = block->first_slot; slot < block->first_slot + block->slot_count;
             slot++) {
            uint64_t object = boehm_block_slot_address(block, slot);

            for (uint64_t at = 0; heap->slots[slot] == BOEHM_ALLOCATED && at < block->bytes;
                 at += 8)
                if (!scan_behind(search, memory_word(&reader, object + at) & ~UINT64_C(7), error))
                    return false;
        }
    }
    return true;
}

// ---- roots that the program pushes ----

// The roots that a program pushes by itself are not known: so all memory that it can write is
// scanned, but for the heap, memory of the collector, and what was scanned already.
static bool scan_everything(HeapSearch *search, Error *error)
{
    const BoehmHeap *heap = search->boehm;
    const ProcessCopy *copy = search->copy;
    RegionList map = {.items = NULL}, done = {.items = NULL}, rest = {.items = NULL};
    bool ok = true;

    for (uint64_t i = 0; ok && i < heap->block_count; i++) {
        uint64_t header = round_down(heap->blocks[i].header, PAGE_BYTES);

        ok = region_list_add(&done, header, header + PAGE_BYTES, REGION_IGNORED, NO_INDEX, error) &&
             region_list_add(&done, heap->blocks[i].address,
                             heap->blocks[i].address +
                                 round_up(heap->blocks[i].bytes, heap->block_bytes),
                             REGION_IGNORED, NO_INDEX, error);
    }
    for (uint64_t i = 0; ok && i < heap->exclusion_count; i++)
        ok = region_list_add(&done, heap->exclusions[i].start, heap->exclusions[i].end,
                             REGION_IGNORED, NO_INDEX, error);
    for (uint64_t i = 0; ok && i < heap->root_count; i++)
        ok = region_list_add(&done, heap->roots[i].start, heap->roots[i].end, REGION_IGNORED,
                             NO_INDEX, error);
    for (uint64_t i = 0; ok && i < search->dead_stacks.count; i++)
        ok = region_list_add(&done, search->dead_stacks.items[i].start,
                             search->dead_stacks.items[i].end, REGION_IGNORED, NO_INDEX, error);
    for (uint32_t i = 0; ok && i < copy->mapping_count; i++)
        if (mapping_is_private_writable(&copy->mappings[i]))
            ok = region_list_add(&rest, copy->mappings[i].start, copy->mappings[i].end,
                                 REGION_FOREIGN, NO_INDEX, error);
    ok = ok && region_map_claim(&map, &done, error) && region_map_claim(&map, &rest, error);
    for (uint64_t i = 0; ok && i < map.count; i++) {
        const Region *region = &map.items[i];
        MemoryReader reader = memory_reader(copy);

        if (region->kind != REGION_FOREIGN)
            continue;
        search->foreign_root_bytes += memory_copied_bytes(&reader, region->start, region->end);
        ok = scan(search, region->start, region->end, ROOT_FOREIGN, NO_INDEX, error);
    }
    region_list_release(&map);
    region_list_release(&done);
    region_list_release(&rest);
    return ok;
}

// ---- finalizers ----

// A mark over the normal words: which objects the roots reach so far.
typedef struct RootMark {
    const HeapSearch *search;
    uint8_t *marked;   // by slot; owned
    uint64_t *waiting; // addresses of objects; owned
    uint64_t count;
    uint64_t capacity;
} RootMark;

static bool mark(RootMark *marking, uint64_t address, Error *error)
{
    const BoehmHeap *heap = marking->search->boehm;
    uint64_t slot = boehm_heap_resolve(heap, address, true);

    if (slot == BOEHM_NO_SLOT || marking->marked[slot])
        return true;
    marking->marked[slot] = 1;
    if (boehm_block_is_pointer_free(boehm_heap_block_at(heap, address)))
        return true;
    if (!array_reserve(&marking->waiting, &marking->capacity, marking->count + 1,
                       sizeof *marking->waiting, "the objects to mark", error))
        return false;
    marking->waiting[marking->count++] = address;
    return true;
}

// The normal bytes of the object at `address`.
static const uint8_t *normal_bytes(const HeapSearch *search, uint64_t address)
{
    const SnapshotPages *run =
        &search->runs[search_above(search->runs, search->run_count, address, address) - 1];

    return run->bytes + (address - run->address);
}

static bool mark_all(RootMark *marking, Error *error)
{
    const HeapSearch *search = marking->search;

    for (uint64_t i = 0; i < search->root_count; i++)
        if (!mark(marking, search->roots[i].value, error))
            return false;
    while (marking->count > 0) {
        uint64_t address = marking->waiting[--marking->count];
        const BoehmBlock *block = boehm_heap_block_at(search->boehm, address);
        const uint8_t *bytes = normal_bytes(search, address);

        for (uint64_t at = 0; at + 8 <= block->bytes; at += 8) {
            uint64_t word;

            __builtin_memcpy(&word, bytes + at, sizeof word);
            if (word != 0 && !mark(marking, word, error))
                return false;
        }
    }
    return true;
}

// An object that nothing but its finalizer keeps lives until that has run: it is a root of its own.
static bool add_finalizers(HeapSearch *search, Error *error)
{
    const BoehmHeap *heap = search->boehm;
    RootMark marking = {.search = search};
    bool ok = true;

    if (heap->finalizer_count == 0)
        return true;
    marking.marked = calloc(heap->slot_count + 1, 1);
    if (marking.marked == NULL)
        return error_set_memory(error, heap->slot_count, "the objects to mark");
    ok = mark_all(&marking, error);
    for (uint64_t i = 0; ok && i < heap->finalizer_count; i++) {
        uint64_t object = boehm_word_normal(heap, heap->finalizers[i].object, true);
        uint64_t slot = object == 0 ? BOEHM_NO_SLOT : boehm_heap_resolve(heap, object, true);

        if (slot != BOEHM_NO_SLOT && !marking.marked[slot])
            ok = add_root(search, heap->finalizers[i].record, object, ROOT_HANDLE, NO_INDEX, true,
                          error);
    }
    free(marking.marked);
    free(marking.waiting);
    return ok;
}

// ---- names ----

static const char *root_name(const HeapSearch *search, const Root *root)
{
    if (root->kind == ROOT_HANDLE)
        return "a finalizer that has not run";
    if (root->kind != ROOT_EXPLICIT)
        return NULL;
    if (root->address == search->boehm->arrays + search->boehm->layout->finalize_now)
        return "the queue of finalizers that are due";
    return root->address == root->value && boehm_heap_block_at(search->boehm, root->address) != NULL
               ? "an uncollectable object"
               : "a table of the collector";
}

static int compare_roots(const void *left, const void *right)
{
    const SnapshotRootName *a = left, *b = right;

    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

// More names than these are left out.
#define MOST_NAMES 100000u

static bool name_roots(HeapSearch *search, Error *error)
{
    SnapshotDetails *details = search->details;
    uint64_t count = 0;

    for (uint64_t i = 0; i < search->root_count; i++)
        count += root_name(search, &search->roots[i]) != NULL;
    if (count == 0)
        return true;
    count = count < MOST_NAMES ? count : MOST_NAMES;
    details->root_names = calloc(count, sizeof *details->root_names);
    if (details->root_names == NULL)
        return error_set_memory(error, count * sizeof *details->root_names, "names of roots");
    for (uint64_t i = 0; i < search->root_count && details->root_name_count < count; i++) {
        const Root *root = &search->roots[i];
        const char *name = root_name(search, root);
        SnapshotRootName *named = &details->root_names[details->root_name_count];

        if (name == NULL)
            continue;
        *named = (SnapshotRootName){root->address, root->value, strdup(name)};
        if (named->name == NULL)
            return error_set_memory(error, strlen(name), "names of roots");
        details->root_name_count++;
    }
    qsort(details->root_names, details->root_name_count, sizeof *details->root_names,
          compare_roots);
    return true;
}

bool heap_search_find_boehm_roots(HeapSearch *search, Error *error)
{
    const BoehmHeap *heap = search->boehm;

    for (uint64_t i = 0; i < heap->root_count; i++)
        if (!scan(search, heap->roots[i].start, heap->roots[i].end, ROOT_GLOBAL, NO_INDEX, error))
            return false;
    return scan_threads(search, error) && add_uncollectable(search, error) &&
           add_tables(search, error) &&
           (heap->pushes_own_roots ? scan_everything(search, error)
                                   : scan_foreign(search, error)) &&
           add_finalizers(search, error) && name_roots(search, error);
}
