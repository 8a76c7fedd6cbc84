// RootOrder: the writer sorts roots, without a copy where it can; the reader sorts those of files
// that were written before it did.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/file/root_order.h"
#include "snapshot/file/sections/sections.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"
#include "tests/support/xorshift.h"

static Root root_at(RootKind kind, uint32_t thread, uint64_t address, uint64_t value)
{
    return (Root){.address = address, .value = value, .thread = thread, .kind = (uint8_t)kind};
}

// Is `b` allowed behind `a`? The rule of docs/format.md, written down once more.
static bool are_in_order(const Root *a, const Root *b)
{
    const uint64_t left[] = {a->kind, a->thread, a->address, a->value, a->is_exact};
    const uint64_t right[] = {b->kind, b->thread, b->address, b->value, b->is_exact};

    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        if (left[i] != right[i])
            return left[i] < right[i];
    return true;
}

// The roots of all pieces, one behind the other; malloc'd.
static Root *roots_of(const RootOrder *order, uint64_t count)
{
    Root *roots = malloc((count + 1) * sizeof *roots);
    uint64_t done = 0;

    cr_assert_not_null(roots);
    cr_assert_eq(order->pieces[0].length, 0u, "the first piece is for the head");
    for (uint64_t i = 1; i < order->piece_count; i++) {
        uint64_t roots_here = order->pieces[i].length / sizeof *roots;
        cr_assert_leq(done + roots_here, count);
        memcpy(roots + done, order->pieces[i].bytes, order->pieces[i].length);
        done += roots_here;
    }
    cr_assert_eq(done, count);
    return roots;
}

// Orders the roots and checks the result; did that take a copy?
static bool check_order(const Root *roots, uint64_t count)
{
    RootOrder order;
    Error error;
    Root *ordered;
    bool has_copy;

    cr_assert(root_order_init(&order, roots, count, &error), "%s", error.message);
    ordered = roots_of(&order, count);
    for (uint64_t i = 1; i < count; i++)
        cr_assert(are_in_order(&ordered[i - 1], &ordered[i]), "root %llu", (unsigned long long)i);
    // None was lost: their sum is the same.
    uint64_t difference = 0;
    for (uint64_t i = 0; i < count; i++)
        difference +=
            (ordered[i].value + 3 * ordered[i].address) - (roots[i].value + 3 * roots[i].address);
    cr_expect_eq(difference, 0u);
    has_copy = order.sorted != NULL;
    free(ordered);
    root_order_release(&order);
    return has_copy;
}

Test(root_order, no_roots_are_no_pieces)
{
    RootOrder order;
    Error error;

    cr_assert(root_order_init(&order, NULL, 0, &error));
    cr_expect_eq(order.piece_count, 1u);
    root_order_release(&order);
}

Test(root_order, runs_that_do_not_overlap_are_not_copied)
{
    const Root roots[] = {
        root_at(ROOT_GLOBAL, NO_INDEX, 100, 1), root_at(ROOT_GLOBAL, NO_INDEX, 108, 2),
        root_at(ROOT_STACK, 1, 500, 3),         root_at(ROOT_STACK, 1, 508, 4),
        root_at(ROOT_STACK, 0, 700, 5),         root_at(ROOT_REGISTER, 0, 4, 6),
        root_at(ROOT_GLOBAL, NO_INDEX, 50, 7),
    };

    cr_expect_not(check_order(roots, sizeof roots / sizeof roots[0]));
}

Test(root_order, runs_that_overlap_are_sorted)
{
    const Root roots[] = {
        root_at(ROOT_GLOBAL, NO_INDEX, 100, 1),
        root_at(ROOT_GLOBAL, NO_INDEX, 300, 2),
        root_at(ROOT_GLOBAL, NO_INDEX, 200, 3),
        root_at(ROOT_GLOBAL, NO_INDEX, 400, 4),
    };

    cr_expect(check_order(roots, sizeof roots / sizeof roots[0]));
}

Test(root_order, each_member_decides_where_those_before_are_equal)
{
    Root exact = root_at(ROOT_STACK, 0, 8, 1);
    exact.is_exact = 1;
    const Root roots[] = {
        root_at(ROOT_REGISTER, 0, 0, 0),
        root_at(ROOT_STACK, 1, 0, 0),
        root_at(ROOT_STACK, 0, 16, 0),
        root_at(ROOT_STACK, 0, 8, 2),
        exact,
        root_at(ROOT_STACK, 0, 8, 1),
        root_at(ROOT_STACK, 0, 8, 1),
    };

    (void)check_order(roots, sizeof roots / sizeof roots[0]);
}

Test(root_order, roots_in_random_order_are_sorted)
{
    Xorshift random = xorshift_seeded(7);
    uint64_t count = 100000;
    Root *roots = malloc(count * sizeof *roots);

    cr_assert_not_null(roots);
    for (uint64_t i = 0; i < count; i++)
        roots[i] = root_at((RootKind)xorshift_below(&random, ROOT_KIND_COUNT),
                           (uint32_t)xorshift_below(&random, 3), xorshift_below(&random, 5000),
                           xorshift_below(&random, 2));
    cr_expect(check_order(roots, count));
    free(roots);
}

Test(root_order, a_file_does_not_depend_on_the_order_of_the_caller)
{
    RandomHeapOptions options = random_heap_options(3, 200);
    options.roots = 50;
    RandomHeap *heap = random_heap_new(&options);
    SnapshotContents contents = *random_heap_contents(heap);
    Root *reversed = malloc((contents.root_count + 1) * sizeof *reversed);
    Bytes one = snapshot_stream(&contents, NULL), other;

    cr_assert_not_null(reversed);
    cr_assert_gt(contents.root_count, 1u);
    for (uint64_t i = 0; i < contents.root_count; i++)
        reversed[i] = contents.roots[contents.root_count - 1 - i];
    contents.roots = reversed;
    other = snapshot_stream(&contents, NULL);
    cr_assert_eq(one.length, other.length);
    cr_expect_eq(memcmp(one.bytes, other.bytes, one.length), 0);
    free(one.bytes);
    free(other.bytes);
    free(reversed);
    random_heap_free(heap);
}

Test(root_order, an_image_does_not_depend_on_the_order_of_the_file)
{
    RandomHeapOptions options = random_heap_options(3, 200);
    options.roots = 50;
    RandomHeap *heap = random_heap_new(&options);
    Bytes stream = snapshot_stream(random_heap_contents(heap), NULL);
    SectionMap map = sections_of(stream.bytes, stream.length);
    uint8_t *table = stream.bytes + section_map_find(&map, SECTION_ROOTS)->offset + 8;
    uint64_t count = random_heap_contents(heap)->root_count, bytes = count * sizeof(Root);
    uint8_t *sorted = malloc(bytes);
    HeapImage *image = NULL;
    Error error;

    cr_assert_gt(count, 1u);
    cr_assert_not_null(sorted);
    memcpy(sorted, table, bytes);
    // As an old writer may have written them: the first one last.
    memcpy(table, sorted + sizeof(Root), bytes - sizeof(Root));
    memcpy(table + bytes - sizeof(Root), sorted, sizeof(Root));
    cr_assert(snapshot_read_stream(stream.bytes, stream.length, NULL, &image, &error), "%s",
              error.message);
    cr_assert_eq(image->root_count, count);
    cr_expect_eq(memcmp(image->roots, sorted, bytes), 0);
    heap_image_free(image);
    section_map_release(&map);
    free(sorted);
    free(stream.bytes);
    random_heap_free(heap);
}
