// Rule precise/1 on a small heap: the words that keep nothing alive are gone, and no others.

#include <criterion/criterion.h>

#include "marker/mark.h"
#include "snapshot/heap/block_owners.h"
#include "tests/support/made_heap.h"
#include "tests/support/typed_heap.h"

#define PAGE UINT64_C(0x10000000)
#define HOLDERS UINT64_C(0x10001000)
#define BLOCK UINT64_C(0x50000000)
#define OTHER UINT64_C(0x50001000)
#define SLOT(index) (PAGE + 1600 + 64 * (uint64_t)(index))
#define HOLDER(index) (HOLDERS + 1664 + 128 * (uint64_t)(index))
#define HOLDER_TYPE UINT64_C(0x400010)
#define OTHER_TYPE UINT64_C(0x400020)

// A holder: weak at 0; an enumeration at 8 with Some(reference at 16); a Vec {pointer at 24, length
// at 32, capacity at 40} of {strong at 0, weak at 8}; a number at 48.
static SnapshotField fields[6];
static SnapshotVariant variants[2];
static SnapshotField element[2];
static uint64_t word = HOLDER_TYPE;
static SnapshotDataType types[2];

static void make_types(void)
{
    fields[0] = typed_heap_field("weak", 0, 8, FIELD_WEAK);
    fields[1] = typed_heap_field("next", 8, 16, FIELD_ENUM);
    fields[2] = typed_heap_field("next", 16, 8, FIELD_STRONG);
    fields[2].variant = 0;
    fields[3] = typed_heap_field("list", 24, 8, FIELD_BLOCK);
    fields[3].shape = BLOCK_MANY;
    fields[3].target = 1;
    fields[3].length_at = 32;
    fields[3].capacity_at = 40;
    fields[4] = typed_heap_field("count", 48, 8, FIELD_UNSIGNED);
    variants[0] = (SnapshotVariant){
        .field = 1, .discriminant_at = 8, .discriminant_bytes = 8, .low = 1, .high = 1};
    variants[1] = (SnapshotVariant){
        .field = 1, .discriminant_at = 8, .discriminant_bytes = 8, .is_default = true};
    element[0] = typed_heap_field("key", 0, 8, FIELD_STRONG);
    element[1] = typed_heap_field("value", 8, 8, FIELD_WEAK);
    types[0] = (SnapshotDataType){.bytes = 56,
                                  .value_at = 48,
                                  .object_bytes = 104,
                                  .type_word_count = 1,
                                  .type_words = &word,
                                  .field_count = 5,
                                  .fields = fields,
                                  .variant_count = 2,
                                  .variants = variants};
    types[1] = (SnapshotDataType){.bytes = 16, .field_count = 2, .fields = element};
}

// Holder 0 is a root, and refers to each of the objects 0 to 8 in a word of its own.
static MadeHeap *make_heap(uint64_t tag, uint64_t length)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1);
    uint64_t holder = made_heap_object(heap, made_heap_page(heap, HOLDERS, 128, 1), 0);

    make_types();
    for (uint32_t slot = 0; slot < 9; slot++)
        made_heap_object(heap, page, slot);
    made_heap_set_type(heap, holder, HOLDER_TYPE);
    made_heap_block(heap, BLOCK, 72);
    made_heap_refer(heap, holder, 0, SLOT(0));
    made_heap_refer(heap, holder, 1, tag);
    made_heap_refer(heap, holder, 2, SLOT(1));
    made_heap_refer(heap, holder, 3, BLOCK);
    made_heap_refer(heap, holder, 4, length);
    made_heap_refer(heap, holder, 5, 4);
    made_heap_refer(heap, holder, 6, SLOT(2));
    for (uint32_t i = 0; i < 4; i++)
        made_heap_block_word(heap, BLOCK, 16 * i, SLOT(3 + i));
    made_heap_block_word(heap, BLOCK, 8, SLOT(7));
    made_heap_block_word(heap, BLOCK, 64, SLOT(8));
    made_heap_root(heap, ROOT_GLOBAL, holder);
    return heap;
}

// Which of the objects 0 to 8 are marked, as bits.
static uint64_t marked_of(MadeHeap *heap, bool is_redacted)
{
    HeapImage *image = made_heap_image(heap, false);
    MarkResult *mark;
    uint64_t marked;
    Error error;

    typed_heap_take(image, types, 2);
    ((SnapshotDetails *)(uintptr_t)image->details)->metadata.is_redacted = is_redacted;
    cr_assert(heap_image_make_precise(image, &error), "%s", error.message);
    cr_assert_str_eq(mark_rule_name(image), "precise/1");
    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &mark, &error), "%s", error.message);
    marked = mark->marked[heap_image_first_word(image, heap_image_find_page(image, PAGE))];
    mark_result_free(mark);
    heap_image_free(image);
    made_heap_free(heap);
    return marked;
}

Test(heap_image_precise, what_keeps_alive_stays)
{
    // Some, 2 of 4 values: not 0 (weak), 5, 6 (behind the length), 7 (weak), 8 (behind the
    // capacity).
    cr_expect_eq(marked_of(make_heap(1, 2), false), 0x1e);
}

Test(heap_image_precise, what_none_keeps_is_left_over)
{
    cr_expect_eq(marked_of(make_heap(0, 0), false), 0x04);
    cr_expect_eq(marked_of(make_heap(0, 4), false), 0x7c);
}

Test(heap_image_precise, a_redacted_heap_loses_weak_references_only)
{
    cr_expect_eq(marked_of(make_heap(0, 0), true), 0x17e);
}

Test(heap_image_precise, a_vec_that_does_not_fit_its_block_stays)
{
    cr_expect_eq(marked_of(make_heap(1, 5), false), 0x1fe);
}

Test(heap_image_precise, objects_of_other_types_stay)
{
    MadeHeap *heap = make_heap(0, 0);

    made_heap_set_type(heap, HOLDER(0), OTHER_TYPE);
    cr_expect_eq(marked_of(heap, false), 0x1ff);
}

Test(heap_image_precise, a_block_that_two_values_describe_differently_stays)
{
    MadeHeap *heap = make_heap(0, 2);
    uint64_t second = made_heap_object(heap, HOLDERS, 1);

    made_heap_set_type(heap, second, HOLDER_TYPE);
    made_heap_refer(heap, second, 3, BLOCK);
    made_heap_refer(heap, second, 4, 3);
    made_heap_refer(heap, second, 5, 4);
    cr_expect_eq(marked_of(heap, false), 0x1fc);
}

Test(heap_image_precise, owners_in_blocks_own_blocks)
{
    MadeHeap *heap = make_heap(0, 2);
    BlockOwners *owners;
    DataValues *values;
    BlockFrame frame;
    HeapImage *image;
    Error error;

    // The first value's key owns a block with one value.
    element[0] = typed_heap_field("key", 0, 8, FIELD_BLOCK);
    element[0].target = 1;
    made_heap_block(heap, OTHER, 24);
    made_heap_block_word(heap, BLOCK, 0, OTHER);
    image = made_heap_image(heap, false);
    typed_heap_take(image, types, 2);
    cr_assert(data_values_new(image->details, &values, &error));
    cr_assert(block_owners_new(image, values, &owners, &error));
    cr_assert(block_owners_frame(owners, 1, &frame));
    cr_expect_eq(owners->items[1].value_address, BLOCK);
    cr_expect_eq(frame.shape, BLOCK_ONE);
    cr_expect_eq(frame.places, 1);
    block_owners_free(owners);
    data_values_free(values);
    heap_image_free(image);
    made_heap_free(heap);
}
