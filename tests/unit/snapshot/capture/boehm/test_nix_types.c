// Values of Nix are named by their tags, and what they refer to by them; where the words behind the
// tags are something else, nothing is named.

#include <criterion/criterion.h>
#include <string.h>

#include "snapshot/capture/boehm/nix_types.h"
#include "tests/support/made_boehm.h"

#define SETS 120u
#define EXPRESSION UINT64_C(0x560000000100)

enum { INTEGER = 1, STRING = 3, SET = 6, LIST_OF_2 = 8, LIST = 9, THUNK = 10 };

typedef struct Heap {
    MadeBoehm *made;
    uint64_t values; // 128 slots of 32 bytes
    uint64_t attributes;
    uint64_t texts;
} Heap;

static void set_value(const Heap *heap, uint32_t number, uint64_t tag, uint64_t first,
                      uint64_t second)
{
    uint64_t at = heap->values + 32 * number;

    made_process_set(made_boehm_process(heap->made), at, tag);
    made_process_set(made_boehm_process(heap->made), at + 8, first);
    made_process_set(made_boehm_process(heap->made), at + 16, second);
}

// SETS attribute sets that share their attributes, and one value of other kinds each.
static Heap make_heap(void)
{
    Heap heap = {.made = made_boehm_new()};

    heap.values = made_boehm_block(heap.made, 32, MADE_NORMAL, 128);
    heap.attributes = made_boehm_block(heap.made, 96, MADE_NORMAL, 4);
    heap.texts = made_boehm_block(heap.made, 16, MADE_POINTER_FREE, 2);
    for (uint32_t i = 0; i < SETS; i++)
        set_value(&heap, i, SET, heap.attributes, 0);
    set_value(&heap, SETS, INTEGER, 12, 0);
    set_value(&heap, SETS + 1, STRING, heap.texts, 0);
    set_value(&heap, SETS + 2, LIST_OF_2, heap.values, heap.values + 32);
    set_value(&heap, SETS + 3, LIST, 5, heap.attributes + 96);
    set_value(&heap, SETS + 4, THUNK, heap.attributes + 192, EXPRESSION);
    set_value(&heap, SETS + 5, 18, heap.values, heap.values); // no tag
    set_value(&heap, SETS + 6, LIST, 100, heap.attributes);   // longer than what it refers to
    return heap;
}

static NixTypes *find(const Heap *heap, BoehmHeap **found)
{
    MemoryReader reader = memory_reader(made_boehm_copy(heap->made));
    NixTypes *types;
    Error error = {0};

    cr_assert(made_boehm_find(heap->made, found, &error), "%s", error.message);
    cr_assert(nix_types_new(*found, &reader, &types, &error), "%s", error.message);
    return types;
}

static void expect(const NixTypes *types, const BoehmHeap *heap, uint64_t address, const char *name)
{
    const char *given = nix_type_name(types, boehm_heap_resolve(heap, address, false));

    if (name == NULL)
        cr_expect_null(given, "%s", given);
    else
        cr_expect_str_eq(given == NULL ? "-" : given, name);
}

Test(nix_types, values_and_what_they_refer_to_are_named)
{
    Heap heap = make_heap();
    BoehmHeap *found;
    NixTypes *types = find(&heap, &found);
    static const char *const others[] = {"integer", "string", "list", "list", "thunk", NULL, NULL};

    cr_assert_not_null(types);
    expect(types, found, heap.values, "attribute set");
    for (uint32_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect(types, found, heap.values + (uint64_t)32 * (SETS + i), others[i]);
    expect(types, found, heap.attributes, "attributes");
    expect(types, found, heap.attributes + 96, "list elements");
    expect(types, found, heap.attributes + 192, "environment");
    expect(types, found, heap.attributes + 288, NULL);
    expect(types, found, heap.texts, "characters");
    expect(types, found, heap.texts + 16, NULL);
    nix_types_free(types);
    boehm_heap_free(found);
    made_boehm_free(heap.made);
}

Test(nix_types, tags_that_do_not_fit_name_nothing)
{
    Heap heap = make_heap();
    BoehmHeap *found;

    // Two of 122 are not what their tags say.
    set_value(&heap, 0, LIST_OF_2, heap.values + 8, heap.values);
    cr_expect_null(find(&heap, &found));
    boehm_heap_free(found);
    made_boehm_free(heap.made);
}

Test(nix_types, too_few_values_prove_nothing)
{
    Heap heap = make_heap();
    BoehmHeap *found;

    for (uint32_t i = 30; i < SETS; i++)
        set_value(&heap, i, 0, 0, 0);
    cr_expect_null(find(&heap, &found));
    boehm_heap_free(found);
    made_boehm_free(heap.made);
}
