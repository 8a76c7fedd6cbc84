// Heaps of a Boehm collector with words changed at random: a search ends, whatever it finds, and
// what it accepts is possible.

#include <criterion/criterion.h>

#include "snapshot/capture/find/heap_search.h"
#include "tests/support/dose.h"
#include "tests/support/made_boehm.h"
#include "tests/support/xorshift.h"

typedef struct Place {
    uint64_t start;
    uint64_t words;
} Place;

static uint64_t random_place(Xorshift *random)
{
    const BoehmLayout *layout = made_boehm_layout();
    const Place places[] = {
        {MADE_ARRAYS, 64},
        {MADE_ARRAYS + layout->normal_lists, 16},
        {MADE_ARRAYS + layout->root_sets, 8},
        {MADE_ARRAYS + layout->root_hash, 8},
        {MADE_ARRAYS + layout->top_index, 2048},
        {MADE_KINDS, 24},
        {MADE_THREAD, 120},
        {MADE_META, 2 * 1028},
        {MADE_META + 2 * 8224, 400},
        {MADE_HEAP, 2048},
    };
    const Place *place = &places[xorshift_below(random, sizeof places / sizeof places[0])];

    return place->start + 8 * xorshift_below(random, place->words);
}

static uint64_t random_word(Xorshift *random)
{
    switch (xorshift_below(random, 6)) {
    case 0:
        return 0;
    case 1:
        return MADE_META + 8 * xorshift_below(random, 4096);
    case 2:
        return MADE_HEAP + 8 * xorshift_below(random, 4096);
    case 3:
        return UINT64_C(1) << xorshift_below(random, 64);
    case 4:
        return xorshift_below(random, 4096);
    default:
        return xorshift_next(random);
    }
}

static MadeBoehm *random_heap(Xorshift *random)
{
    MadeBoehm *made = made_boehm_new();
    uint64_t block = 0;

    for (uint32_t i = 0; i < 6; i++) {
        uint64_t bytes = 16 * (1 + xorshift_below(random, 40));
        uint8_t kind = (uint8_t)xorshift_below(random, 3);
        // One object at least, which refers to the one of the block before.
        uint32_t count = (uint32_t)xorshift_between(random, 1, 4096 / bytes);
        uint64_t next = made_boehm_block(made, bytes, kind, count);

        made_boehm_root(made, i, next);
        made_process_set(made_boehm_process(made), next, block);
        block = next;
    }
    made_boehm_free_memory(made, 0x2000);
    (void)made_boehm_large(made, 4096 + 16 * xorshift_below(random, 1000), MADE_NORMAL);
    return made;
}

static void expect_possible(const BoehmHeap *heap, uint64_t seed)
{
    uint64_t end = 0;

    for (uint64_t i = 0; i < heap->block_count; i++) {
        const BoehmBlock *block = &heap->blocks[i];

        cr_assert_geq(block->address, end, "seed %llu", (unsigned long long)seed);
        end = block->address + block->bytes;
        cr_assert(block->is_free || block->is_large ||
                  block->bytes * block->slot_count <= heap->block_bytes);
    }
}

Test(boehm_damage, a_search_ends_and_finds_what_is_possible)
{
    uint64_t first = test_seed(1);

    for (uint64_t seed = first; seed < first + test_dose(60); seed++) {
        Xorshift random = xorshift_seeded(seed);
        MadeBoehm *made = random_heap(&random);
        HeapSearchOptions options = {.heap_kind = HEAP_BOEHM};
        BoehmHeap *heap = NULL;
        HeapSearch *search = NULL;
        HeapSearchCounts counts;
        Error error = {0};

        for (uint64_t n = xorshift_below(&random, 4); n > 0; n--)
            made_process_set(made_boehm_process(made), random_place(&random), random_word(&random));
        if (made_boehm_find(made, &heap, &error) && heap != NULL)
            expect_possible(heap, seed);
        boehm_heap_free(heap);
        if (heap_search_new(made_boehm_copy(made), &options, &search, &counts, &error))
            cr_expect_not_null(heap_search_contents(search)->details->pages);
        heap_search_free(search);
        made_boehm_free(made);
    }
}

// ---- wrong layouts ----

// Members of which each must be right for a heap to be accepted.
static void change_layout(BoehmLayout *layout, Xorshift *random)
{
    uint32_t *const members[] = {
        &layout->large_free,         &layout->all_nils,     &layout->top_index,
        &layout->normal_lists,       &layout->atomic_lists, &layout->root_hash,
        &layout->heap_section_count,
    };
    uint32_t *member = members[xorshift_below(random, sizeof members / sizeof members[0])];
    uint32_t change = 8 * (uint32_t)xorshift_between(random, 1, 40);

    // Chains that begin before the first one that is used lead to the same root sets.
    bool grows = member == &layout->root_hash || *member <= change || xorshift_percent(random, 50);

    *member += grows ? change : -change;
}

static bool is_right(const BoehmLayout *layout)
{
    const BoehmLayout *right = made_boehm_layout();

    return layout->top_index == right->top_index && layout->large_free == right->large_free &&
           layout->root_hash == right->root_hash && layout->normal_lists == right->normal_lists;
}

Test(boehm_damage, a_wrong_layout_is_refused)
{
    uint64_t first = test_seed(1), accepted = 0, tried = 0;
    Xorshift random = xorshift_seeded(first);
    MadeBoehm *made = random_heap(&random);
    BoehmHeap *heap = NULL;
    Error error = {0};

    cr_assert(made_boehm_find_as(made, made_boehm_layout(), &heap, &error), "%s", error.message);
    boehm_heap_free(heap);
    for (uint32_t i = 0; boehm_layout(i) != NULL; i++) {
        if (is_right(boehm_layout(i)))
            continue;
        tried++;
        accepted += made_boehm_find_as(made, boehm_layout(i), &heap, &error);
        boehm_heap_free(heap);
    }
    for (uint64_t i = 0; i < test_dose(100); i++) {
        BoehmLayout layout = *made_boehm_layout();

        change_layout(&layout, &random);
        tried++;
        accepted += made_boehm_find_as(made, &layout, &heap, &error);
        boehm_heap_free(heap);
    }
    cr_expect_eq(accepted, 0u, "%llu of %llu accepted", (unsigned long long)accepted,
                 (unsigned long long)tried);
    made_boehm_free(made);
}
