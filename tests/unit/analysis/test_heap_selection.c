// Names and addresses as the user writes them, on a small heap.

#include <criterion/criterion.h>
#include <string.h>

#include "analysis/heap_selection.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define SLOT(index) (PAGE + 1600 + 64 * (uint64_t)(index))
#define BLOCK UINT64_C(0x50000000)
#define ORDER UINT64_C(0x400010)
#define CART UINT64_C(0x400020)

// Slots 3 and 7 hold orders, 5 a cart, 9 a dropped object; a block lies elsewhere.
static void open_shop(HeapAnswers *answers)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1);
    uint64_t first = made_heap_object(heap, page, 3), cart = made_heap_object(heap, page, 5);
    uint64_t dropped = made_heap_object(heap, page, 9);

    cr_assert_eq(first, SLOT(3));
    made_heap_set_type(heap, first, ORDER);
    made_heap_set_type(heap, cart, CART);
    made_heap_set_type(heap, made_heap_object(heap, page, 7), ORDER);
    made_heap_set_type(heap, dropped, ORDER);
    made_heap_set_weak(heap, dropped, layout->dead_bit);
    made_heap_root(heap, ROOT_STACK, first);
    made_heap_root(heap, ROOT_STACK, cart + 8);
    made_heap_exact_root(heap, ROOT_GLOBAL, made_heap_block(heap, BLOCK, 40));
    heap_answers_of(answers, heap);
}

static bool make_selection(const HeapAnswers *answers, SelectionScope scope, const char *text,
                           HeapSelection *out, Error *error)
{
    return heap_selection_make(answers->image, answers->report->type_table, scope, text, out,
                               error);
}

static HeapSelection selected(const HeapAnswers *answers, const char *text)
{
    HeapSelection selection;
    Error error;

    cr_assert(make_selection(answers, SELECT_HEAP_AND_ROOTS, text, &selection, &error), "%s: %s",
              text, error.message);
    return selection;
}

static void expect_refused(const HeapAnswers *answers, SelectionScope scope, const char *text,
                           const char *message, const char *hint)
{
    HeapSelection selection;
    Error error;

    cr_expect_not(make_selection(answers, scope, text, &selection, &error), "%s", text);
    cr_expect_eq(error.code, ERROR_USAGE);
    cr_expect_not_null(strstr(error.message, message), "%s", error.message);
    cr_expect_not_null(strstr(error.hint, hint), "%s", error.hint);
}

Test(heap_selection, an_address_selects_the_object_or_block_that_holds_it)
{
    HeapAnswers answers;

    open_shop(&answers);
    HeapSelection selection = selected(&answers, "0x10000708"); // slot 3, 8 bytes in
    cr_expect_eq(selection.kind, SELECTION_OBJECT);
    cr_expect_eq(selection.slot, 3);
    cr_expect_eq(selection.address, SLOT(3));
    cr_expect_eq(selection.offset, 8);
    heap_selection_release(&selection);
    selection = selected(&answers, "0X50000027");
    cr_expect_eq(selection.kind, SELECTION_BLOCK);
    cr_expect_eq(selection.address, BLOCK);
    cr_expect_eq(selection.offset, 39);
    heap_selection_release(&selection);
    heap_answers_close(&answers);
}

Test(heap_selection, other_addresses_are_refused_with_the_nearest_objects)
{
    HeapAnswers answers;

    open_shop(&answers);
    expect_refused(&answers, SELECT_HEAP, "0x10000740", "no object and no foreign block",
                   "nearest object below is at 0x10000700");
    expect_refused(&answers, SELECT_HEAP, "0x10000740", "no object and no foreign block",
                   "nearest object above is at 0x10000780");
    expect_refused(&answers, SELECT_HEAP, "0x10000008", "no object",
                   "nearest object above is at 0x10000700");
    expect_refused(&answers, SELECT_HEAP, "0x10000880", "is a zombie", "not swept it yet");
    heap_answers_close(&answers);
}

Test(heap_selection, a_type_is_selected_by_its_label_or_a_part_of_it)
{
    static const char *const texts[] = {"type #1", "type #1 (trace 0x400010)", "type:type #1"};
    HeapAnswers answers;

    open_shop(&answers);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        HeapSelection selection = selected(&answers, texts[i]);

        cr_expect_eq(selection.kind, SELECTION_TYPES);
        cr_expect_eq(selection.type, 0);
        cr_expect(selection.is_type[0] && !selection.is_type[1]);
        heap_selection_release(&selection);
    }
    HeapSelection blocks = selected(&answers, "foreign block");
    cr_expect_eq(blocks.type, answers.report->type_table->type_count);
    heap_selection_release(&blocks);
    expect_refused(&answers, SELECT_HEAP, "foreign blok", "no type 'foreign blok'",
                   "'foreign block'");
    heap_answers_close(&answers);
}

Test(heap_selection, groups_of_roots_are_selected_where_they_are_allowed)
{
    static const struct {
        const char *text;
        uint64_t count;
    } groups[] = {{"stack", 2}, {"global", 1}, {"conservative", 2}, {"exact", 1}, {"interior", 1}};
    HeapAnswers answers;

    open_shop(&answers);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        HeapSelection selection = selected(&answers, groups[i].text);

        cr_expect_eq(selection.kind, SELECTION_ROOTS);
        cr_expect_eq(selection.root_count, groups[i].count, "%s", groups[i].text);
        for (uint64_t root = 1; root < selection.root_count; root++)
            cr_expect_lt(selection.roots[root - 1], selection.roots[root]);
        heap_selection_release(&selection);
    }
    expect_refused(&answers, SELECT_HEAP, "stack", "no type 'stack'", "");
    expect_refused(&answers, SELECT_HEAP_AND_ROOTS, "register", "no roots match 'register'", "");
    expect_refused(&answers, SELECT_HEAP_AND_ROOTS, "thread:main", "no roots match 'thread:main'",
                   "");
    heap_answers_close(&answers);
}
