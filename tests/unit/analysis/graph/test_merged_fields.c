// The names of the fields on merged paths, on a small heap with data types.

#include <criterion/criterion.h>

#include "analysis/graph/merged_paths.h"
#include "tests/support/heap_answers.h"
#include "tests/support/typed_heap.h"

#define PAGE UINT64_C(0x10000000)
#define BLOCK UINT64_C(0x50000000)
#define SHOP UINT64_C(0x400010)
#define ORDER UINT64_C(0x400020)
#define SLOT(index) (PAGE + 1664 + 128 * (uint64_t)(index))

// A shop: {first at 0, list: a Vec at 8 to 24 of {key at 0, order at 8}, pair: two at 24}.
static uint64_t word = SHOP;
static SnapshotField fields[3], element[2], plain;
static SnapshotDataType types[3];

static void make_types(void)
{
    fields[0] = typed_heap_field("first", 0, 8, FIELD_STRONG);
    fields[1] = typed_heap_field("list", 8, 8, FIELD_BLOCK);
    fields[1].shape = BLOCK_MANY;
    fields[1].target = 1;
    fields[1].length_at = 16;
    fields[1].capacity_at = 16;
    fields[2] = typed_heap_field("pair", 24, 16, FIELD_ARRAY);
    fields[2].target = 2;
    element[0] = typed_heap_field("key", 0, 8, FIELD_STRONG);
    element[1] = typed_heap_field("order", 8, 8, FIELD_STRONG);
    plain = typed_heap_field("", 0, 8, FIELD_STRONG);
    types[0] = (SnapshotDataType){.bytes = 40,
                                  .value_at = 48,
                                  .object_bytes = 88,
                                  .type_word_count = 1,
                                  .type_words = &word,
                                  .field_count = 3,
                                  .fields = fields};
    types[1] = (SnapshotDataType){.bytes = 16, .field_count = 2, .fields = element};
    types[2] = (SnapshotDataType){.bytes = 8, .field_count = 1, .fields = &plain};
}

// A shop with an order in `first`, two in `pair`, and more of them in a block than are looked at
// for each of its orders.
static void open_shop(HeapAnswers *answers, bool has_types)
{
    enum { LISTED = 40 };
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 128, 1);
    uint64_t orders = made_heap_page(heap, PAGE + 4096, 64, 1), shop, order[3];
    HeapImage *image;

    make_types();
    shop = made_heap_object(heap, page, 0);
    made_heap_set_type(heap, shop, SHOP);
    for (uint32_t i = 0; i < 3; i++) {
        order[i] = made_heap_object(heap, page, 1 + i);
        made_heap_set_type(heap, order[i], ORDER);
    }
    made_heap_refer(heap, shop, 0, order[0]);
    made_heap_refer(heap, shop, 3, order[1]);
    made_heap_refer(heap, shop, 4, order[2]);
    made_heap_refer(heap, shop, 1, made_heap_block(heap, BLOCK, LISTED * 16));
    made_heap_refer(heap, shop, 2, LISTED);
    for (uint64_t i = 0; i < LISTED; i++) {
        if (i == 39)
            orders = made_heap_page(heap, PAGE + 8192, 64, 1);
        uint64_t listed = made_heap_object(heap, orders, (uint32_t)(i % 39));

        made_heap_set_type(heap, listed, ORDER);
        made_heap_block_word(heap, BLOCK, 16 * i + 8, listed);
    }
    made_heap_root(heap, ROOT_GLOBAL, shop);
    image = made_heap_image(heap, false);
    made_heap_free(heap);
    if (has_types)
        typed_heap_take(image, types, 3);
    heap_answers_open(answers, image);
}

static MergedPaths *merge(const HeapAnswers *answers)
{
    PathQuery all = {.context = NULL};
    MergedPaths *merged = NULL;
    PathTree tree;
    Error error;

    cr_assert(path_tree_init(&tree, answers->graph, &all, &error));
    cr_assert(merged_paths_new(&tree, answers->types, NULL, NULL, &merged, &error));
    path_tree_release(&tree);
    return merged;
}

static uint64_t objects_in(const MergedPaths *merged, const char *field)
{
    for (uint32_t i = 0; i < merged->step_count; i++)
        if (merged_step_field(merged, i) != NULL &&
            strcmp(merged_step_field(merged, i), field) == 0)
            return merged->steps[i].own_objects;
    return 0;
}

Test(merged_fields, steps_are_told_apart_by_fields_and_items_are_one)
{
    HeapAnswers answers;

    open_shop(&answers, true);
    MergedPaths *merged = merge(&answers);

    cr_expect(merged->knows_fields);
    cr_expect_eq(objects_in(merged, ".first"), 1);
    cr_expect_eq(objects_in(merged, ".pair[]"), 2);
    cr_expect_eq(objects_in(merged, ".list"), 1);
    cr_expect_eq(objects_in(merged, "[].order"), 40);
    merged_paths_free(merged);
    heap_answers_close(&answers);
}

Test(merged_fields, without_types_steps_have_none)
{
    HeapAnswers answers;

    open_shop(&answers, false);
    MergedPaths *merged = merge(&answers);

    cr_expect_not(merged->knows_fields);
    cr_expect_eq(merged->field_count, 0);
    merged_paths_free(merged);
    heap_answers_close(&answers);
}
