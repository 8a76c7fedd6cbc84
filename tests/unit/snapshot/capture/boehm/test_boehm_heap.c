// Finding the heap of a Boehm collector in words: what is allocated, free and dead, and that every
// identity is demanded.

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/made_boehm.h"

// Blocks of every kind.
typedef struct Heap {
    MadeBoehm *made;
    uint64_t list;  // 3 of 128 objects of 32 bytes
    uint64_t texts; // 2 of 64, pointer-free
    uint64_t kept;  // 1 of 16, uncollectable
    uint64_t large; // 3 pages
} Heap;

static Heap make_heap(void)
{
    Heap heap = {.made = made_boehm_new()};

    heap.list = made_boehm_block(heap.made, 32, MADE_NORMAL, 3);
    heap.texts = made_boehm_block(heap.made, 64, MADE_POINTER_FREE, 2);
    made_boehm_free_memory(heap.made, 0x4000);
    heap.kept = made_boehm_block(heap.made, 256, MADE_UNCOLLECTABLE, 1);
    heap.large = made_boehm_large(heap.made, 3 * 4096 - 16, MADE_NORMAL);
    return heap;
}

static uint64_t count_slots(const BoehmHeap *heap, uint8_t state)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < heap->slot_count; i++)
        count += heap->slots[i] == state;
    return count;
}

static BoehmHeap *find(const Heap *heap)
{
    BoehmHeap *found = NULL;
    Error error = {0};

    cr_assert(made_boehm_find(heap->made, &found, &error), "%s", error.message);
    cr_assert_not_null(found);
    return found;
}

Test(boehm_heap, everything_is_found_without_symbols)
{
    Heap heap = make_heap();
    BoehmHeap *found = find(&heap);

    cr_expect_str_eq(found->layout->builds, made_boehm_layout()->builds);
    cr_expect_eq(found->arrays, MADE_ARRAYS);
    cr_expect_eq(found->block_count, 5u);
    cr_expect_eq(found->heap_bytes, UINT64_C(0x1000) * (3 + 4 + 3));
    cr_expect_eq(found->free_bytes, 0x4000u);
    cr_expect_eq(found->slot_count, 128u + 64 + 16 + 1);
    cr_expect_eq(count_slots(found, BOEHM_ALLOCATED), 3u + 2 + 1 + 1);
    cr_expect_eq(count_slots(found, BOEHM_FREE), 125u + 62 + 15);
    cr_expect_eq(found->kind_count, 3u);
    cr_expect_eq(found->collections, MADE_COLLECTIONS);
    cr_expect(found->counts_interior);
    cr_expect_eq(found->root_count, 1u);
    cr_expect_eq(found->roots[0].start, MADE_ROOTS);
    cr_expect_eq(found->thread_count, 1u);
    cr_expect_eq(found->threads[0].record, MADE_THREAD);
    cr_expect_eq(found->threads[0].stack_end, MADE_STACK + 0x4000);
    boehm_heap_free(found);
    made_boehm_free(heap.made);
}

Test(boehm_heap, no_index_is_no_heap)
{
    MadeBoehm *made = made_boehm_new(); // without blocks, but with an index
    BoehmHeap *found = NULL;
    Error error = {0};

    made_process_set(made_boehm_process(made), MADE_ARRAYS + made_boehm_layout()->top_index, 0);
    cr_expect(made_boehm_find(made, &found, &error));
    cr_expect_null(found);
    made_boehm_free(made);
}

Test(boehm_heap, words_refer_by_the_collectors_rule)
{
    Heap heap = make_heap();
    BoehmHeap *found = find(&heap);
    uint64_t slot = boehm_heap_resolve(found, heap.list + 32, false);

    cr_expect_eq(boehm_heap_resolve(found, heap.list + 32 + 8, false), slot);
    cr_expect_eq(boehm_heap_resolve(found, heap.large + 8192, false),
                 boehm_heap_block_at(found, heap.large)->first_slot);
    cr_expect_eq(boehm_heap_resolve(found, heap.large + 3 * 4096 - 8, true), BOEHM_NO_SLOT);
    cr_expect_eq(boehm_heap_resolve(found, MADE_HEAP - 8, true), BOEHM_NO_SLOT);
    memset(found->valid_offsets, 0, found->block_bytes);
    found->valid_offsets[0] = 1;
    found->counts_interior = false;
    cr_expect_eq(boehm_heap_resolve(found, heap.list + 32 + 8, false), BOEHM_NO_SLOT);
    cr_expect_eq(boehm_heap_resolve(found, heap.list + 32 + 8, true), slot);
    cr_expect_eq(boehm_heap_resolve(found, heap.large + 8192, false), BOEHM_NO_SLOT);
    boehm_heap_free(found);
    made_boehm_free(heap.made);
}

Test(boehm_heap, unmarked_objects_of_unswept_blocks_are_dead)
{
    Heap heap = make_heap();
    uint64_t header = made_boehm_header(heap.made, heap.list);
    BoehmHeap *found;

    made_boehm_unmark(heap.made, heap.list, 1);
    // Allocated since the last collection: not marked, but swept.
    found = find(&heap);
    cr_expect_eq(count_slots(found, BOEHM_DEAD), 0u);
    boehm_heap_free(found);
    made_process_bytes(made_boehm_process(heap.made), header + 26, 2)[0] = MADE_COLLECTIONS - 1;
    found = find(&heap);
    cr_expect_eq(count_slots(found, BOEHM_DEAD), 1u);
    cr_expect_eq(found->slots[boehm_heap_resolve(found, heap.list + 32, false)], BOEHM_DEAD);
    boehm_heap_free(found);
    // An uncollectable object is released when it is not marked.
    made_boehm_unmark(heap.made, heap.kept, 0);
    found = find(&heap);
    cr_expect_eq(count_slots(found, BOEHM_RELEASED), 1u);
    boehm_heap_free(found);
    made_boehm_free(heap.made);
}

Test(boehm_heap, threads_keep_free_lists_of_their_own)
{
    Heap heap = make_heap();
    MadeProcess *process = made_boehm_process(heap.made);
    uint64_t list = MADE_ARRAYS + made_boehm_layout()->normal_lists + 8 * 2, head;
    BoehmHeap *found;

    memcpy(&head, made_process_bytes(process, list, 8), sizeof head);
    made_process_set(process, list, 0);
    made_process_set(process, MADE_THREAD + made_boehm_layout()->thread_lists + 8 * (25 + 2), head);
    found = find(&heap);
    cr_expect_eq(count_slots(found, BOEHM_THREAD_FREE), 125u);
    cr_expect_eq(count_slots(found, BOEHM_FREE), 62u + 15);
    boehm_heap_free(found);
    made_boehm_free(heap.made);
}

// ---- refusals ----

typedef struct Breakage {
    const char *said; // by the refusal
    void (*breaks)(const Heap *heap);
} Breakage;

static void set(const Heap *heap, uint64_t address, uint64_t word)
{
    made_process_set(made_boehm_process(heap->made), address, word);
}

static void break_links(const Heap *heap)
{
    uint64_t node;

    memcpy(&node,
           made_process_bytes(
               made_boehm_process(heap->made),
               MADE_ARRAYS + made_boehm_layout()->top_index + 8 * ((MADE_HEAP >> 22) % 2048), 8),
           sizeof node);
    set(heap, node + 8192, node);
}

static void break_block(const Heap *heap)
{
    set(heap, made_boehm_header(heap->made, heap->list) + 16, heap->texts);
}

static void break_size(const Heap *heap)
{
    set(heap, made_boehm_header(heap->made, heap->list) + 32, 36);
}

static void break_overlap(const Heap *heap)
{
    set(heap, made_boehm_header(heap->made, heap->list) + 32, 8192);
}

static void break_last_mark(const Heap *heap)
{
    *made_process_bytes(made_boehm_process(heap->made),
                        made_boehm_header(heap->made, heap->list) + 64 + 256, 1) = 0;
}

static void break_map(const Heap *heap)
{
    set(heap, made_boehm_header(heap->made, heap->list) + 48, MADE_META);
}

static void break_heap_size(const Heap *heap)
{
    set(heap, MADE_ARRAYS, 0x5000);
}

static void break_free_bytes(const Heap *heap)
{
    set(heap, MADE_ARRAYS + made_boehm_layout()->large_free, 0x3000);
}

static void break_root_sets(const Heap *heap)
{
    set(heap, MADE_ARRAYS + made_boehm_layout()->root_sets + 16,
        MADE_ARRAYS + made_boehm_layout()->root_sets);
}

static void break_sections(const Heap *heap)
{
    set(heap, MADE_ARRAYS + made_boehm_layout()->heap_section_count, 2);
    set(heap, MADE_ARRAYS + made_boehm_layout()->heap_sections, MADE_META);
}

static void break_descriptor(const Heap *heap)
{
    set(heap, made_boehm_header(heap->made, heap->list) + 40, 32);
}

static void break_kinds(const Heap *heap)
{
    set(heap, MADE_KINDS, 0);
}

static void break_free_list(const Heap *heap)
{
    set(heap, MADE_ARRAYS + made_boehm_layout()->normal_lists + 8 * 2, heap->texts);
}

static void break_cycle(const Heap *heap)
{
    set(heap, heap->list + 32 * 3, heap->list + 32 * 127);
}

static void break_waiting(const Heap *heap)
{
    set(heap, MADE_DATA + 0x3b000 + 0x800 + 8 * 2, heap->list); // swept already
    made_process_bytes(made_boehm_process(heap->made),
                       made_boehm_header(heap->made, heap->texts) + 26, 2)[0] =
        MADE_COLLECTIONS + 1;
    made_process_bytes(made_boehm_process(heap->made),
                       made_boehm_header(heap->made, heap->list) + 26, 2)[0] = MADE_COLLECTIONS + 1;
    set(heap, MADE_DATA + 0x3b000 + 0x800 + 8 * 3, heap->list);
}

static void break_offsets(const Heap *heap)
{
    set(heap, MADE_ARRAYS + made_boehm_layout()->valid_offsets, 2);
}

static void break_thread_list(const Heap *heap)
{
    set(heap, MADE_THREAD + made_boehm_layout()->thread_lists + 8 * (25 + 2), heap->list);
    set(heap, heap->list, heap->texts);
}

static void break_second_thread(const Heap *heap)
{
    set(heap, MADE_THREAD + 0x400 + 8, MADE_CONTROL_BLOCK);
}

static void break_finalizers(const Heap *heap)
{
    set(heap, MADE_ARRAYS + made_boehm_layout()->finalizer_count, 3);
}

static const Breakage breakages[] = {
    {"links of the block index", break_links},
    {"do not name their blocks", break_block},
    {"has objects of 36 bytes", break_size},
    {"overlaps", break_overlap},
    {"no known layout", break_last_mark},
    {"no known layout", break_map},
    {"no known build", break_heap_size},
    {"no known build", break_free_bytes},
    {"no known build", break_root_sets},
    {"no known build", break_sections},
    {"GC_obj_kinds is nowhere", break_descriptor},
    {"GC_obj_kinds is nowhere", break_kinds},
    {"free list of kind 1, 32 bytes", break_free_list},
    {"free list of kind 1, 32 bytes", break_cycle},
    {"wait to be swept", break_waiting},
    {"not a table of booleans", break_offsets},
    {"free list", break_thread_list},
    {"two records", break_second_thread},
    {"finalizers", break_finalizers},
};

Test(boehm_heap, each_identity_is_demanded)
{
    for (size_t i = 0; i < sizeof breakages / sizeof breakages[0]; i++) {
        Heap heap = make_heap();
        BoehmHeap *found = NULL;
        Error error = {0};

        breakages[i].breaks(&heap);
        cr_expect_not(made_boehm_find(heap.made, &found, &error), "%zu: %s", i, breakages[i].said);
        cr_expect_eq(error.code, ERROR_UNSUPPORTED);
        cr_expect(strstr(error.message, breakages[i].said) != NULL, "%zu: '%s', not '%s'", i,
                  error.message, breakages[i].said);
        cr_expect(strstr(error.hint, "8.2.12") != NULL);
        boehm_heap_free(found);
        made_boehm_free(heap.made);
    }
}

// ---- inside a collection ----

// Builds that tell the state of marking decide it: blocks without marks are seen at rest, too.
// (Those that do not are stopped at random by tests/versions/boehm_builds.sh.)
Test(boehm_heap, blocks_without_marks_are_no_collection_where_the_state_is_known)
{
    Heap heap = make_heap();
    uint64_t header = made_boehm_header(heap.made, heap.list);
    BoehmHeap *found;

    for (uint32_t object = 0; object < 3; object++)
        made_boehm_unmark(heap.made, heap.list, object);
    found = find(&heap); // all of them are new
    cr_expect_not(found->is_collecting);
    boehm_heap_free(found);
    made_process_bytes(made_boehm_process(heap.made), header + 26, 2)[0] = MADE_COLLECTIONS - 1;
    found = find(&heap);
    cr_expect(found->knows_collecting);
    cr_expect_not(found->is_collecting);
    cr_expect_gt(count_slots(found, BOEHM_DEAD), 0u);
    boehm_heap_free(found);
    made_boehm_free(heap.made);
}
