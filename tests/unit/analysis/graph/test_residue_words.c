// Words that look left over, in heaps made by hand: their places, and the counts that protect what
// is needed.

#include <criterion/criterion.h>

#include "analysis/graph/residue_words.h"
#include "marker/mark.h"
#include "tests/support/made_heap.h"

#define PAGE UINT64_C(0x10000000)
#define BLOCK UINT64_C(0x20000000)
#define ITEMS 8u

// A holder, which a global refers to, and items that refer to themselves and count that.
typedef struct Shop {
    MadeHeap *heap;
    uint64_t holder;
    uint64_t items[ITEMS];
} Shop;

static Shop shop_new(void)
{
    Shop shop = {.heap = made_heap_new(NULL)};
    uint64_t page = made_heap_page(shop.heap, PAGE, 128, 1);

    shop.holder = made_heap_object(shop.heap, page, 0);
    made_heap_set_references(shop.heap, shop.holder, 1);
    made_heap_root(shop.heap, ROOT_GLOBAL, shop.holder);
    for (uint32_t i = 0; i < ITEMS; i++) {
        shop.items[i] = made_heap_object(shop.heap, page, i + 1);
        made_heap_set_references(shop.heap, shop.items[i], 1);
        // Made objects have a weak count of 1.
        made_heap_refer(shop.heap, shop.items[i], 0, shop.items[i]);
        made_heap_refer(shop.heap, shop.items[i], 1, shop.items[i]);
    }
    return shop;
}

// A block of `bytes`, to which the holder refers from a header of four words.
static void add_buffer(Shop *shop, uint64_t bytes, uint64_t before, uint64_t offset, uint64_t after,
                       uint64_t last)
{
    made_heap_block(shop->heap, BLOCK, bytes);
    made_heap_refer(shop->heap, shop->holder, 1, before);
    made_heap_refer(shop->heap, shop->holder, 2, BLOCK + offset);
    made_heap_refer(shop->heap, shop->holder, 3, after);
    made_heap_refer(shop->heap, shop->holder, 4, last);
}

// Item `item` is in word `word` of the buffer; `is_held`: it counts that.
static void put(Shop *shop, uint64_t word, uint32_t item, bool is_held)
{
    made_heap_block_word(shop->heap, BLOCK, 8 * word, shop->items[item]);
    if (is_held)
        made_heap_set_references(shop->heap, shop->items[item], 2);
}

// Frees the shop. Returns the objects that are reachable without residue; all others, of which
// there are `reachable`, the rule reaches as well.
static uint64_t without_residue(Shop *shop, uint64_t reachable)
{
    HeapImage *image = made_heap_image(shop->heap, false);
    MarkResult *mark = NULL, *again = NULL;
    ResidueWords residue;
    MarkTotals totals;
    Error error;

    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &mark, &error), "%s", error.message);
    cr_expect_eq(mark->totals.marked_objects, reachable);
    cr_assert(residue_words_find(image, mark, &residue, &error), "%s", error.message);
    cr_expect(residue.is_known);
    cr_assert(residue_words_mark(&residue, image, mark, &totals, &error), "%s", error.message);
    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &again, &error), "%s", error.message);
    cr_expect_eq(again->totals.marked_objects, reachable, "the image is as it was");
    mark_result_free(again);
    mark_result_free(mark);
    residue_words_release(&residue);
    heap_image_free(image);
    made_heap_free(shop->heap);
    return totals.marked_objects;
}

Test(residue_words, behind_the_length_of_a_vector)
{
    Shop shop = shop_new();

    add_buffer(&shop, 8 * 8, 8, 0, 3, UINT64_C(1) << 50);
    for (uint32_t i = 0; i < ITEMS; i++)
        put(&shop, i, i, i < 3);
    cr_expect_eq(without_residue(&shop, 1 + ITEMS), 1 + 3);
}

Test(residue_words, in_blocks_of_allocators_with_size_classes)
{
    // 8 entries in 80 bytes, as in 64; and in twice the size, which no class explains.
    for (uint64_t bytes = 80; bytes <= 120; bytes += 40) {
        Shop shop = shop_new();

        add_buffer(&shop, bytes, 8, 0, 3, UINT64_C(1) << 50);
        for (uint32_t i = 0; i < ITEMS; i++)
            put(&shop, i, i, i < 3);
        cr_expect_eq(without_residue(&shop, 1 + ITEMS), bytes == 80 ? 1u + 3 : 1u + ITEMS);
    }
}

Test(residue_words, but_not_where_the_count_needs_them)
{
    Shop shop = shop_new();

    // The length is not that of the buffer: all items count the words in it.
    add_buffer(&shop, 8 * 8, 8, 0, 3, UINT64_C(1) << 50);
    for (uint32_t i = 0; i < ITEMS; i++)
        put(&shop, i, i, true);
    cr_expect_eq(without_residue(&shop, 1 + ITEMS), 1 + ITEMS);
}

Test(residue_words, outside_the_window_of_a_ring)
{
    Shop shop = shop_new();

    // Head 6, length 4: it wraps, and holds the entries 6, 7, 0 and 1.
    add_buffer(&shop, 8 * 8, 8, 0, 6, 4);
    for (uint32_t i = 0; i < ITEMS; i++)
        put(&shop, i, i, i >= 6 || i < 2);
    cr_expect_eq(without_residue(&shop, 1 + ITEMS), 1 + 4);
}

Test(residue_words, in_empty_buckets_of_a_table)
{
    Shop shop = shop_new();

    // Eight buckets of a key and a value, control bytes and a group of them again behind.
    add_buffer(&shop, 8 * 16 + 24, 0, 8 * 16, 7, 4);
    made_heap_refer(shop.heap, shop.holder, 5, 2);
    made_heap_block_word(shop.heap, BLOCK, 8 * 16, UINT64_C(0xffff80ff11ff22ff));
    made_heap_block_word(shop.heap, BLOCK, 8 * 16 + 8, UINT64_MAX);
    made_heap_block_word(shop.heap, BLOCK, 8 * 16 + 16, UINT64_MAX);
    for (uint32_t i = 0; i < ITEMS; i++) {
        // Bucket 0 is the last one.
        made_heap_block_word(shop.heap, BLOCK, 8 * (2 * (7 - i)), 1 + i);
        put(&shop, 2 * (7 - i) + 1, i, i == 1 || i == 3);
    }
    cr_expect_eq(without_residue(&shop, 1 + ITEMS), 1 + 2);
}

Test(residue_words, behind_a_tag_of_zero)
{
    Shop shop = shop_new();

    made_heap_refer(shop.heap, shop.holder, 1, shop.items[0]); // None
    made_heap_refer(shop.heap, shop.holder, 2, 1);
    made_heap_refer(shop.heap, shop.holder, 3, shop.items[1]); // Some
    made_heap_set_references(shop.heap, shop.items[1], 2);
    made_heap_refer(shop.heap, shop.holder, 5, shop.items[2]); // behind a number that is zero
    made_heap_set_references(shop.heap, shop.items[2], 2);
    cr_expect_eq(without_residue(&shop, 1 + 3), 1 + 2);
}

Test(residue_words, headers_that_disagree_say_nothing)
{
    Shop shop = shop_new();

    add_buffer(&shop, 8 * 8, 8, 0, 3, UINT64_C(1) << 50);
    made_heap_refer(shop.heap, shop.holder, 5, 8);
    made_heap_refer(shop.heap, shop.holder, 6, BLOCK);
    made_heap_refer(shop.heap, shop.holder, 7, 8);
    for (uint32_t i = 0; i < ITEMS; i++)
        put(&shop, i, i, false);
    cr_expect_eq(without_residue(&shop, 1 + ITEMS), 1 + ITEMS);
}

Test(residue_words, are_not_known_without_counts_or_in_minor_marks)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    MadeHeap *heap;
    HeapImage *image;
    MarkResult *mark;
    ResidueWords residue;
    Error error;

    for (int i = 0; i < 2; i++) {
        layout.reference_count.width = i == 0 ? 0 : 8;
        heap = made_heap_new(&layout);
        (void)made_heap_object(heap, made_heap_page(heap, PAGE, 64, 1), 0);
        image = made_heap_image(heap, false);
        cr_assert(mark_reachable_serial(image, i == 0 ? MARK_MAJOR : MARK_MINOR, &mark, &error),
                  "%s", error.message);
        cr_assert(residue_words_find(image, mark, &residue, &error), "%s", error.message);
        cr_expect(!residue.is_known);
        mark_result_free(mark);
        heap_image_free(image);
        made_heap_free(heap);
    }
}
