// What makes two heaps incomparable, or one not whole.

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "analysis/check/heap_doubts.h"

// A heap, and a later one of another process of the program.
static const HeapIdentity before = {.is_complete = true,
                                    .has_names = true,
                                    .knows_sizes = true,
                                    .rule = "conservative/1",
                                    .layout = "rudo-gc-0.8",
                                    .page_size = 4096,
                                    .executable = "shop",
                                    .pid = 4242,
                                    .captured_at_ns = 1000,
                                    .digest = "a"};
static const HeapIdentity after = {.is_complete = true,
                                   .has_names = true,
                                   .knows_sizes = true,
                                   .rule = "conservative/1",
                                   .layout = "rudo-gc-0.8",
                                   .page_size = 4096,
                                   .executable = "shop",
                                   .pid = 77,
                                   .captured_at_ns = 2000,
                                   .digest = "b"};

static HeapDoubts doubts_of(const HeapIdentity *baseline, const HeapIdentity *heap,
                            DoubtKinds allowed)
{
    HeapDoubts doubts;

    heap_doubts_find(&(DoubtQuestion){.heap = heap,
                                      .heap_name = "the heap",
                                      .baseline = baseline,
                                      .baseline_name = "the baseline",
                                      .misses_names = true,
                                      .needs_sizes = true,
                                      .needs_sizes_before = true,
                                      .allowed = allowed},
                     &doubts);
    return doubts;
}

// There is one doubt, of this kind, and --allow takes it.
static void expect_one(const HeapIdentity *baseline, const HeapIdentity *heap, DoubtKind kind,
                       const char *text)
{
    HeapDoubts doubts = doubts_of(baseline, heap, 0);
    DoubtKinds allowed = 0;
    Error error;

    cr_assert_eq(doubts.count, 1);
    cr_expect_eq(doubts.doubts[0].kind, kind);
    cr_expect_not_null(strstr(doubts.doubts[0].text, text), "%s", doubts.doubts[0].text);
    cr_expect(heap_doubts_matter(&doubts));
    cr_assert(doubt_kinds_add(&allowed, doubt_kind_name(kind), &error));
    doubts = doubts_of(baseline, heap, allowed);
    cr_expect_eq(doubts.count, 1);
    cr_expect_not(heap_doubts_matter(&doubts));
}

Test(heap_doubts, a_later_process_of_the_program_is_compared)
{
    cr_expect_eq(doubts_of(&before, &after, 0).count, 0);
    cr_expect_eq(doubts_of(NULL, &after, 0).count, 0);
}

Test(heap_doubts, each_heap_is_whole)
{
    HeapIdentity other = after;

    other.is_complete = false;
    expect_one(&before, &other, DOUBT_INCOMPLETE, "the heap is incomplete");
    expect_one(NULL, &other, DOUBT_INCOMPLETE, "the heap is incomplete");
    other.pid++;
    expect_one(&other, &after, DOUBT_INCOMPLETE, "the baseline is incomplete");
    other = after;
    other.references_overlooked = 1;
    expect_one(NULL, &other, DOUBT_OVERLOOKED, "1 object has fewer than its own count");
    other.references_overlooked = 5;
    other.pid++;
    expect_one(&other, &after, DOUBT_OVERLOOKED, "5 objects have fewer than their own count");
    other = after;
    other.has_names = false;
    expect_one(NULL, &other, DOUBT_NAMES, "no type of the heap has a name");
    other = after;
    other.knows_sizes = false;
    expect_one(NULL, &other, DOUBT_SIZES, "were not recorded in the heap");
}

Test(heap_doubts, two_heaps_are_alike)
{
    HeapIdentity other = after;

    other.foreign_mode = FOREIGN_NONE;
    expect_one(&before, &other, DOUBT_FOREIGN_MODE, "'blocks' in the baseline, as 'none'");
    other = after;
    other.has_foreign_share = true;
    expect_one(&before, &other, DOUBT_FOREIGN_MODE, "'blocks', much of it as roots in the heap");
    other = after;
    other.rule = "exact/1";
    expect_one(&before, &other, DOUBT_RULE, "exact/1");
    other = after;
    (void)strcpy(other.layout, "rudo-gc-0.5");
    expect_one(&before, &other, DOUBT_LAYOUT, "rudo-gc-0.5");
    other = after;
    (void)strcpy(other.executable, "cart");
    expect_one(&before, &other, DOUBT_PROGRAM, "'cart'");
    other = before;
    expect_one(&before, &other, DOUBT_SAME_FILE, "the same snapshot");
}

Test(heap_doubts, a_copy_at_another_time_or_of_another_process_is_not_the_same)
{
    HeapIdentity other = before;

    other.captured_at_ns++;
    cr_expect_eq(doubts_of(&before, &other, 0).count, 0);
    other = before;
    other.pid++;
    cr_expect_eq(doubts_of(&before, &other, 0).count, 0);
}

Test(heap_doubts, all_doubts_at_once_have_room)
{
    HeapIdentity bad = before, worse = before;

    bad.is_complete = worse.is_complete = bad.has_names = worse.has_names = false;
    bad.knows_sizes = worse.knows_sizes = false;
    bad.references_overlooked = worse.references_overlooked = 1;
    worse.foreign_mode = FOREIGN_ROOTS;
    worse.rule = "precise/1";
    worse.page_size = 8192;
    (void)memset(worse.executable, 'x', sizeof worse.executable - 1);
    cr_expect_eq(doubts_of(&bad, &worse, 0).count, 13);
    cr_expect_leq(13, MOST_DOUBTS);
}

Test(heap_doubts, an_unknown_reason_is_refused)
{
    DoubtKinds kinds = 0;
    Error error;

    cr_expect_not(doubt_kinds_add(&kinds, "same-fil", &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    cr_expect_not_null(strstr(error.hint, "'same-file'"), "%s", error.hint);
    cr_expect_not(doubt_kinds_add(&kinds, "xyzzy", &error));
    cr_expect_not_null(strstr(error.hint, "incomplete, overlooked"), "%s", error.hint);
    cr_expect_eq(kinds, 0);
}
