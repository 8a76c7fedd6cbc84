// What references are called, on a small heap with data types.

#include <criterion/criterion.h>

#include "analysis/graph/edge_label.h"
#include "tests/support/heap_answers.h"
#include "tests/support/typed_heap.h"

#define PAGE UINT64_C(0x10000000)
#define BLOCK UINT64_C(0x50000000)
#define SLOT(index) (PAGE + 1664 + 128 * (uint64_t)(index))

// {weak at 0; Some(reference at 16) with a tag at 8; list: a Vec at 24 to 48; pair: an array of two
// references at 48}. The Vec holds {key at 0, value at 8}.
static uint64_t word = 0x400010;
static SnapshotField fields[5], element[2], plain;
static SnapshotVariant variants[2];
static SnapshotDataType types[3];

static void make_types(void)
{
    fields[0] = typed_heap_field("weak", 0, 8, FIELD_WEAK);
    fields[1] = typed_heap_field("next", 8, 16, FIELD_ENUM);
    fields[2] = typed_heap_field("next", 16, 8, FIELD_STRONG);
    fields[2].variant = 0;
    fields[3] = typed_heap_field("inner.list", 24, 8, FIELD_BLOCK);
    fields[3].shape = BLOCK_MANY;
    fields[3].target = 1;
    fields[3].length_at = 32;
    fields[3].capacity_at = 40;
    fields[4] = typed_heap_field("pair", 48, 16, FIELD_ARRAY);
    fields[4].target = 2;
    variants[0] = (SnapshotVariant){
        .field = 1, .discriminant_at = 8, .discriminant_bytes = 8, .low = 1, .high = 1};
    variants[1] = (SnapshotVariant){
        .field = 1, .discriminant_at = 8, .discriminant_bytes = 8, .is_default = true};
    element[0] = typed_heap_field("key", 0, 8, FIELD_STRONG);
    element[1] = typed_heap_field("value", 8, 8, FIELD_STRONG);
    plain = typed_heap_field("", 0, 8, FIELD_STRONG);
    types[0] = (SnapshotDataType){.bytes = 64,
                                  .value_at = 48,
                                  .object_bytes = 112,
                                  .type_word_count = 1,
                                  .type_words = &word,
                                  .field_count = 5,
                                  .fields = fields,
                                  .variant_count = 2,
                                  .variants = variants};
    types[1] = (SnapshotDataType){.bytes = 16, .field_count = 2, .fields = element};
    types[2] = (SnapshotDataType){.bytes = 8, .field_count = 1, .fields = &plain};
}

// Object 0 is typed; it refers to 1 by all of its words, and by the block.
static HeapImage *open_heap(bool has_types)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 128, 1);
    HeapImage *image;

    make_types();
    for (uint32_t slot = 0; slot < 2; slot++)
        made_heap_object(heap, page, slot);
    made_heap_set_type(heap, SLOT(0), word);
    made_heap_block(heap, BLOCK, 72);
    made_heap_refer(heap, SLOT(0), 0, SLOT(1));
    made_heap_refer(heap, SLOT(0), 2, SLOT(1));
    made_heap_refer(heap, SLOT(0), 3, BLOCK);
    made_heap_refer(heap, SLOT(0), 4, 2);
    made_heap_refer(heap, SLOT(0), 5, 4);
    made_heap_refer(heap, SLOT(0), 7, SLOT(1));
    for (uint32_t i = 0; i < 4; i++)
        made_heap_block_word(heap, BLOCK, 16 * i + 8, SLOT(1));
    made_heap_root(heap, ROOT_GLOBAL, SLOT(0));
    image = made_heap_image(heap, false);
    made_heap_free(heap);
    if (has_types)
        typed_heap_take(image, types, 3);
    return image;
}

static void expect_label(const EdgeLabels *labels, uint64_t address, const char *text,
                         EdgeKind kind)
{
    const HeapImage *image = labels->image;
    uint32_t page = heap_image_find_page(image, address), slot = 0, block = 0;
    uint64_t start;
    EdgeLabel label;

    if (page == NO_INDEX) {
        block = heap_image_find_block(image, address);
        start = image->blocks[block].address;
    } else {
        slot = heap_image_slot_at(image, page, address);
        start = heap_image_object_address(image, page, slot);
    }
    edge_label_make(labels, page, slot, block, address - start, &label);
    cr_expect_str_eq(label.text, text);
    cr_expect_eq(label.kind, kind, "%s is %d", text, label.kind);
}

Test(edge_label, words_have_the_names_of_fields)
{
    HeapImage *image = open_heap(true);
    EdgeLabels labels;
    Error error;

    cr_assert(edge_labels_init(&labels, image, &error), "%s", error.message);
    expect_label(&labels, SLOT(0) + 48, ".weak", EDGE_WEAK);
    expect_label(&labels, SLOT(0) + 64, ".next", EDGE_NONE);
    expect_label(&labels, SLOT(0) + 72, ".inner.list", EDGE_STRONG);
    expect_label(&labels, SLOT(0) + 104, ".pair[1]", EDGE_STRONG);
    expect_label(&labels, SLOT(0) + 80, "+80", EDGE_UNKNOWN);
    expect_label(&labels, SLOT(0) + 112, "+112", EDGE_UNKNOWN);
    expect_label(&labels, SLOT(1) + 48, "+48", EDGE_UNKNOWN);
    expect_label(&labels, BLOCK + 24, "[1].value", EDGE_STRONG);
    // Behind the length, and behind the capacity.
    expect_label(&labels, BLOCK + 56, "[3].value", EDGE_NONE);
    expect_label(&labels, BLOCK + 64, "+64", EDGE_NONE);
    edge_labels_release(&labels);
    heap_image_free(image);
}

Test(edge_label, without_types_words_have_offsets)
{
    HeapImage *image = open_heap(false);
    EdgeLabels labels;
    Error error;

    cr_assert(edge_labels_init(&labels, image, &error), "%s", error.message);
    expect_label(&labels, SLOT(0) + 64, "+64", EDGE_UNKNOWN);
    expect_label(&labels, BLOCK + 24, "[3]", EDGE_UNKNOWN);
    edge_labels_release(&labels);
    heap_image_free(image);
}

Test(edge_label, of_several_words_the_strong_one_names_the_reference)
{
    HeapAnswers answers;
    EdgeLabel label;
    uint64_t offset;

    heap_answers_open(&answers, open_heap(true));
    cr_assert(edge_label_between(&answers.types->labels, answers.graph,
                                 heap_answers_node(&answers, SLOT(0)),
                                 heap_answers_node(&answers, SLOT(1)), &label, &offset));
    cr_expect_str_eq(label.text, ".pair[1]");
    cr_expect_eq(offset, 104);
    cr_expect_not(edge_label_between(&answers.types->labels, answers.graph,
                                     heap_answers_node(&answers, SLOT(1)),
                                     heap_answers_node(&answers, SLOT(0)), &label, &offset));
    heap_answers_close(&answers);
}

Test(edge_label, a_type_that_holds_itself_has_a_label)
{
    HeapImage *image = open_heap(false);
    EdgeLabels labels;
    EdgeLabel label;
    Error error;

    // An array whose element is the array itself.
    plain = typed_heap_field("again", 0, 64, FIELD_ARRAY);
    plain.target = 0;
    types[0].field_count = 1;
    types[0].fields = &plain;
    typed_heap_take(image, types, 1);
    cr_assert(edge_labels_init(&labels, image, &error), "%s", error.message);
    edge_label_make(&labels, 0, 0, 0, 56, &label);
    cr_expect(label.is_named);
    cr_expect_lt(strlen(label.text), EDGE_LABEL_CHARS);
    edge_labels_release(&labels);
    heap_image_free(image);
}
