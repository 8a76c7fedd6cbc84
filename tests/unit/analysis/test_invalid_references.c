// Words that point into pages, but to no object: told apart by where they are and what they point
// to.

#include <criterion/criterion.h>

#include "analysis/invalid_references.h"
#include "tests/support/heap_answers.h"
#include "tests/support/typed_heap.h"

#define PAGE UINT64_C(0x10000000)
#define LARGE UINT64_C(0x18000000)
#define BLOCK UINT64_C(0x20000000)

typedef struct Seen {
    uint32_t count;
    InvalidReference references[8];
} Seen;

static bool see(void *context, const InvalidReference *reference)
{
    Seen *seen = context;

    seen->references[seen->count++] = *reference;
    return true;
}

static bool see_one(void *context, const InvalidReference *reference)
{
    (void)see(context, reference);
    return false;
}

static void expect(const Seen *seen, uint32_t at, uint64_t offset, uint64_t target,
                   InvalidKind kind)
{
    cr_expect_eq(seen->references[at].offset, offset);
    cr_expect_eq(seen->references[at].target, target);
    cr_expect_eq(seen->references[at].kind, kind);
}

Test(invalid_references, are_told_apart_by_place_and_target)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 128, 1);
    uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
    uint64_t free_slot = made_heap_slot(heap, page, 2);
    uint64_t large = made_heap_object(heap, made_heap_page(heap, LARGE, 5000, 1), 0);
    HeapAnswers answers;
    InvalidProof proof;
    EdgeLabels labels;
    InvalidCounts counts;
    Seen seen = {0};
    Error error;

    made_heap_root(heap, ROOT_GLOBAL, a);
    made_heap_root(heap, ROOT_GLOBAL, b + 8);
    made_heap_root(heap, ROOT_STACK, b + 8); // a reference: stacks may point inside
    made_heap_root(heap, ROOT_STACK, free_slot + 8);
    made_heap_refer(heap, a, 0, free_slot);
    made_heap_refer(heap, a, 1, b + 16);
    made_heap_refer(heap, a, 2, large);
    made_heap_refer(heap, a, 3, made_heap_block(heap, BLOCK, 32));
    made_heap_refer(heap, large, 0, large + 5000 + 8);
    made_heap_block_word(heap, BLOCK, 8, page + 16);
    made_heap_block_word(heap, BLOCK, 16, b);
    heap_answers_of(&answers, heap);

    cr_assert(edge_labels_init(&labels, answers.image, &error));
    cr_assert(
        invalid_references_count(answers.image, answers.mark, &labels, &counts, &proof, &error));
    edge_labels_release(&labels);
    cr_expect_not(proof.is_found);
    cr_expect_eq(counts.roots[INVALID_INTERIOR], 1);
    cr_expect_eq(counts.roots[INVALID_FREE_SLOT], 1);
    cr_expect_eq(counts.objects[INVALID_FREE_SLOT], 1);
    cr_expect_eq(counts.objects[INVALID_INTERIOR], 1);
    cr_expect_eq(counts.objects[INVALID_UNUSED_END], 1);
    cr_expect_eq(counts.blocks[INVALID_PAGE_HEADER], 1);
    cr_expect_eq(invalid_counts_sum(counts.roots) + invalid_counts_sum(counts.objects) +
                     invalid_counts_sum(counts.blocks),
                 answers.mark->totals.invalid_references);

    invalid_references_visit(answers.image, answers.mark, see, &seen);
    cr_assert_eq(seen.count, 4);
    expect(&seen, 0, 48, free_slot, INVALID_FREE_SLOT);
    expect(&seen, 1, 56, b + 16, INVALID_INTERIOR);
    expect(&seen, 2, 48, large + 5000 + 8, INVALID_UNUSED_END);
    expect(&seen, 3, 8, page + 16, INVALID_PAGE_HEADER);
    cr_expect_eq(seen.references[3].page, NO_INDEX);
    seen.count = 0;
    invalid_references_visit(answers.image, answers.mark, see_one, &seen);
    cr_expect_eq(seen.count, 1);
    heap_answers_close(&answers);
}

Test(invalid_references, the_first_proven_one_is_in_a_field_that_holds_a_reference)
{
    SnapshotField fields[] = {typed_heap_field("size", 0, 8, FIELD_UNSIGNED),
                              typed_heap_field("next", 8, 8, FIELD_STRONG)};
    uint64_t word = 0x400010;
    const SnapshotDataType type = {.bytes = 16,
                                   .value_at = 48,
                                   .object_bytes = 64,
                                   .type_word_count = 1,
                                   .type_words = &word,
                                   .field_count = 2,
                                   .fields = fields};
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1), free_slot = made_heap_slot(heap, page, 2);
    uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
    InvalidCounts counts;
    InvalidProof proof;
    EdgeLabels labels;
    MarkResult *mark;
    HeapImage *image;
    Error error;

    made_heap_root(heap, ROOT_GLOBAL, a);
    made_heap_root(heap, ROOT_GLOBAL, b);
    made_heap_set_type(heap, a, word);
    made_heap_set_type(heap, b, word);
    // A number that looks like a reference, and a reference to an object that was freed.
    made_heap_refer(heap, a, 0, free_slot);
    made_heap_refer(heap, b, 1, free_slot);
    image = made_heap_image(heap, false);
    made_heap_free(heap);
    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &mark, &error));

    cr_assert(edge_labels_init(&labels, image, &error));
    cr_assert(invalid_references_count(image, mark, &labels, &counts, &proof, &error));
    cr_expect_not(proof.is_found, "nothing says what fields are");
    edge_labels_release(&labels);
    typed_heap_take(image, &type, 1);
    cr_assert(edge_labels_init(&labels, image, &error));
    cr_assert(invalid_references_count(image, mark, &labels, &counts, &proof, &error));
    cr_assert(proof.is_found);
    cr_expect_eq(proof.reference.slot, 1);
    cr_expect_eq(proof.reference.offset, 56);
    cr_expect_eq(proof.reference.target, free_slot);
    cr_expect_str_eq(proof.label.text, ".next");
    edge_labels_release(&labels);
    mark_result_free(mark);
    heap_image_free(image);
}
