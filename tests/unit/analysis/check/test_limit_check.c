// Limits against a small heap: each measure is what the other analyses say.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check/limit_check.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define BLOCK UINT64_C(0x50000000)
#define CART UINT64_C(0x400010)
#define ORDER UINT64_C(0x400020)
#define LOST UINT64_C(0x400030)

// A cart, type #1, with a block of 256 bytes for ten orders, type #2, of which a root holds one,
// too; and a lost object, type #3, that is garbage.
static void open_shop(HeapAnswers *answers)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1), cart = made_heap_object(heap, page, 0);
    uint64_t block = made_heap_block(heap, BLOCK, 256);

    made_heap_set_type(heap, cart, CART);
    made_heap_refer(heap, cart, 0, block);
    made_heap_root(heap, ROOT_GLOBAL, cart);
    for (uint32_t i = 0; i < 10; i++) {
        uint64_t order = made_heap_object(heap, page, 1 + i);

        made_heap_set_type(heap, order, ORDER);
        made_heap_block_word(heap, block, 8 * i, order);
        if (i == 0)
            made_heap_root(heap, ROOT_STACK, order);
    }
    made_heap_set_type(heap, made_heap_object(heap, page, 11), LOST);
    heap_answers_of(answers, heap);
}

static LimitFinding finding_of(const HeapAnswers *answers, const char *text)
{
    CheckedHeap heap = {.image = answers->image,
                        .mark = answers->mark,
                        .report = answers->report,
                        .types = answers->types,
                        .tree = answers->tree};
    LimitFinding finding;
    HeapLimit limit;
    Error error;

    cr_assert(heap_limit_parse(text, "test", &limit, &error), "%s", error.message);
    cr_assert(limit_check(&heap, &limit, &finding, &error), "%s", error.message);
    heap_limit_release(&limit);
    return finding;
}

static void expect(const HeapAnswers *answers, const char *text, bool is_exceeded,
                   uint64_t measured, uint64_t excess)
{
    LimitFinding finding = finding_of(answers, text);

    cr_expect_eq(finding.is_exceeded, is_exceeded, "%s", text);
    cr_expect_eq(finding.measured, measured, "%s: %llu", text,
                 (unsigned long long)finding.measured);
    cr_expect_eq(finding.excess, excess, "%s: %llu", text, (unsigned long long)finding.excess);
    limit_finding_release(&finding);
}

Test(limit_check, counts_of_reachable_objects)
{
    HeapAnswers answers;

    open_shop(&answers);
    expect(&answers, "count(type #2) <= 10", false, 10, 0);
    expect(&answers, "count(type #2) <= 9", true, 10, 1);
    expect(&answers, "count(type #3) <= 0", false, 0, 0);
    expect(&answers, "count(type #*) < 11", true, 11, 1);
    expect(&answers, "count(total) <= 10", true, 11, 1);
    expect(&answers, "count(type #2) <= 90%", true, 10, 1);
    expect(&answers, "count(type #2) <= 91%", false, 10, 0);
    expect(&answers, "count(foreign block) = 1", false, 1, 0);
    heap_answers_close(&answers);
}

Test(limit_check, retained_is_what_freeing_all_of_a_type_frees)
{
    HeapAnswers answers;

    open_shop(&answers);
    // The order that the stack holds stays.
    expect(&answers, "retained(type #1) <= 1kB", false, 64 + 256 + 9 * 64, 0);
    expect(&answers, "retained(type #2) <= 640B", false, 640, 0);
    // Together, not the sum.
    expect(&answers, "retained(type #*) <= 959B", true, 960, 1);
    expect(&answers, "retained(total) <= 1kB", false, 960, 0);
    expect(&answers, "retained(type #2) <= 66%", true, 640, 7);
    heap_answers_close(&answers);
}

Test(limit_check, malloc_is_owned_by_objects)
{
    HeapAnswers answers;

    open_shop(&answers);
    expect(&answers, "malloc(type #1) <= 255B", true, 256, 1);
    expect(&answers, "malloc(type #2) <= 0B", false, 0, 0);
    expect(&answers, "malloc(total) <= 1kB", false, 256, 0);
    expect(&answers, "malloc(type #1) <= 10% of reachable", true, 256, 160);
    heap_answers_close(&answers);
}

Test(limit_check, figures_of_the_heap)
{
    HeapAnswers answers;

    open_shop(&answers);
    expect(&answers, "reachable <= 11", false, 11, 0);
    expect(&answers, "reachable <= 959B", true, 960, 1);
    expect(&answers, "unreachable <= 0", true, 1, 1);
    expect(&answers, "unreachable <= 10%", false, 64, 0);
    expect(&answers, "unreachable <= 64B", false, 64, 0);
    expect(&answers, "pages <= 0", true, 1, 1);
    expect(&answers, "pages <= 4KiB", false, 4096, 0);
    expect(&answers, "complete", false, 0, 0);
    LimitFinding finding = finding_of(&answers, "occupancy >= 50%");

    cr_expect(finding.is_exceeded && finding.is_too_little);
    cr_expect_eq(finding.measured, 12);
    cr_expect_eq(finding.base, answers.report->totals.slots);
    heap_answers_close(&answers);
}

Test(limit_check, paths_between_types)
{
    HeapAnswers answers;
    LimitFinding finding;

    open_shop(&answers);
    expect(&answers, "no path type #2 -> type #1", false, 0, 0);
    finding = finding_of(&answers, "no path type #1 -> type #2");
    cr_expect(finding.is_exceeded);
    cr_assert_not_null(finding.kept_by);
    cr_expect_not_null(strstr(finding.kept_by, " -> type #2"), "%s", finding.kept_by);
    cr_expect_eq(strncmp(finding.example, "0x1000", 6), 0, "%s", finding.example);
    limit_finding_release(&finding);
    heap_answers_close(&answers);
}

Test(limit_check, a_type_that_is_missing_counts_as_nothing)
{
    HeapAnswers answers;
    LimitFinding finding;

    open_shop(&answers);
    finding = finding_of(&answers, "count(\"trace 0x40001\") <= 0");
    cr_expect_not(finding.is_exceeded);
    cr_expect(finding.is_missing);
    cr_assert_not_null(finding.nearest);
    limit_finding_release(&finding);
    finding = finding_of(&answers, "no path type #1 -> nothing");
    cr_expect(finding.is_missing);
    limit_finding_release(&finding);
    heap_answers_close(&answers);
}
