// heap_image_builder_fill_records(): whether pages were looked at, and how, is not to be seen in
// the image.

#include "snapshot/heap/heap_image.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/made_heap.h"

#define PAGE 4096u
#define BASE UINT64_C(0x200000000000)
#define PAGES 9u
#define PAGE_OF_OLD (BASE + PAGES * PAGE + 4 * PAGE) // in a second run, behind a hole

static const LayoutField word_field = {0, 8};

// One with small object headers as well, so that there are pages of many slots that have them.
static HeapLayout layouts[2];

static void make_layouts(void)
{
    layouts[0] = layouts[1] = *heap_layout_rudo_gc_0_8();
    layouts[1].object_header_bytes = 16;
    layouts[1].reference_count = (LayoutField){0, 8};
    layouts[1].weak_count = (LayoutField){12, 4};
    layouts[1].dead_bit = 1 << 30;
    layouts[1].under_construction_bit = UINT64_C(1) << 31;
    layouts[1].type_word = layouts[1].drop_function = layouts[1].dropping =
        layouts[1].object_generation = (LayoutField){0};
}

TestSuite(heap_image_records, .init = make_layouts);

typedef enum Looks { LOOKS_NONE, LOOKS_WHOLE, LOOKS_PIECES, LOOKS_TOO_SOON, LOOKS_COUNT } Looks;

static void write_header(const HeapLayout *layout, uint8_t *page, uint32_t block_size)
{
    made_heap_write_header(layout, page, block_size, 1);
    for (uint32_t word = 0; word < 4; word++) // bits behind the last slot too
        heap_layout_write(page + layout->allocated_bitmap + 8 * word, word_field,
                          UINT64_C(0xfffffffffffffff6));
}

static void set_state(const HeapLayout *layout, uint8_t *page, uint32_t slot, uint64_t bits)
{
    uint32_t block_size = (uint32_t)heap_layout_read(page, layout->block_size);
    uint32_t header = (uint32_t)heap_layout_read(page, layout->header_size);

    heap_layout_write(page + header + slot * block_size, layout->weak_count, bits | 1);
}

// Slots 0 and 3 of each page are free.
static void fill(const HeapLayout *layout, uint8_t *pages)
{
    const uint32_t block_sizes[PAGES] = {64, 64, 64, 16, 32, 32, 2048, 5000, 64};

    for (uint32_t page = 0; page < PAGES; page++)
        write_header(layout, pages + page * PAGE, block_sizes[page]);
    set_state(layout, pages, 1, layout->dead_bit);
    set_state(layout, pages, 3, layout->dead_bit);
    set_state(layout, pages, 38, layout->dead_bit);
    set_state(layout, pages + PAGE, 2, layout->under_construction_bit);
    set_state(layout, pages + PAGE, 4, layout->dead_bit);
    // Payload where larger objects have their header.
    memset(pages + 3 * PAGE + 1584, 0xff, 16 * 157);
    set_state(layout, pages + 5 * PAGE, 70, layout->dead_bit);
    set_state(layout, pages + 7 * PAGE, 0, layout->dead_bit);
    // What lies inside the large object looks like a page.
    heap_layout_write(pages + 7 * PAGE + layout->allocated_bitmap, word_field, 1);
    set_state(layout, pages + 8 * PAGE, 5, layout->dead_bit);
}

static void look(HeapImageBuilder *builder, uint8_t *pages, Looks looks)
{
    if (looks == LOOKS_WHOLE)
        heap_image_builder_fill_records(builder, pages, PAGES * PAGE);
    if (looks == LOOKS_PIECES) {
        heap_image_builder_fill_records(builder, pages, 100);
        heap_image_builder_fill_records(builder, pages + PAGE + 100, 4 * PAGE);
        heap_image_builder_fill_records(builder, pages + 5 * PAGE + 100, 4 * PAGE - 100);
    }
}

static HeapImage *make_image(const HeapLayout *layout, bool is_relocated, Looks looks)
{
    HeapImageOptions options = {.force_relocation = is_relocated};
    const PageRun runs[] = {{BASE, PAGES}, {PAGE_OF_OLD, 1}};
    HeapImageBuilder *builder = NULL;
    HeapImage *image = NULL;
    uint8_t *pages, *old;
    Error error;

    cr_assert(heap_image_builder_new(layout, &options, &builder, &error));
    cr_assert(heap_image_builder_reserve(builder, runs, 2, &error));
    pages = heap_image_builder_bytes(builder, BASE, PAGES * PAGE);
    old = heap_image_builder_bytes(builder, PAGE_OF_OLD, PAGE);
    write_header(layout, old, 128);
    if (looks == LOOKS_PIECES) {
        // No whole page.
        write_header(layout, pages + PAGE, 64);
        heap_image_builder_fill_records(builder, pages + 100, PAGE);
        heap_image_builder_fill_records(builder, pages + PAGE, PAGE - 1);
        memset(pages + PAGE, 0, PAGE);
    }
    if (looks == LOOKS_TOO_SOON) {
        for (uint32_t page = 0; page < PAGES; page++)
            write_header(layout, pages + page * PAGE, 64);
        heap_image_builder_fill_records(builder, pages, PAGES * PAGE);
        heap_image_builder_fill_records(builder, old, PAGE);
        // The caller that asks for bytes may change them.
        cr_assert_eq(heap_image_builder_bytes(builder, BASE, PAGE + 1), pages);
        cr_assert_eq(heap_image_builder_bytes(builder, BASE + 2 * PAGE - 1, 7 * PAGE),
                     pages + 2 * PAGE - 1);
        cr_assert_eq(heap_image_builder_bytes(builder, PAGE_OF_OLD + 8, 8), old + 8);
        memset(pages, 0, PAGES * PAGE);
    }
    fill(layout, pages);
    set_state(layout, old, 2, layout->dead_bit);
    look(builder, pages, looks);
    if (looks == LOOKS_WHOLE)
        heap_image_builder_fill_records(builder, old, PAGE);
    cr_assert(heap_image_builder_finish(&builder, &image, &error), "%s", error.message);
    return image;
}

static void compare(const HeapImage *image, const HeapImage *plain, int looks)
{
    cr_assert_eq(image->page_count, plain->page_count);
    cr_assert_eq(image->word_count, plain->word_count);
    cr_expect_eq(image->has_under_construction, plain->has_under_construction);
    for (uint64_t word = 0; word < plain->word_count; word++)
        cr_expect_eq(image->live[word], plain->live[word], "looks %d, word %llu", looks,
                     (unsigned long long)word);
    cr_expect_arr_eq(image->page_tags, plain->page_tags, plain->tag_count);
}

Test(heap_image_records, looking_at_pages_changes_nothing)
{
    for (int variant = 0; variant < 4; variant++) {
        const HeapLayout *layout = &layouts[variant / 2];
        HeapImage *plain = make_image(layout, variant % 2 != 0, LOOKS_NONE);

        for (Looks looks = LOOKS_WHOLE; looks < LOOKS_COUNT; looks++) {
            HeapImage *image = make_image(layout, variant % 2 != 0, looks);
            compare(image, plain, (int)looks);
            heap_image_free(image);
        }
        heap_image_free(plain);
    }
}

Test(heap_image_records, the_dead_and_the_free_are_not_live)
{
    HeapImage *image = make_image(&layouts[0], false, LOOKS_WHOLE);
    uint32_t old = heap_image_find_page(image, PAGE_OF_OLD);

    cr_expect_eq(image->live[heap_image_first_word(image, 0)],
                 UINT64_C(0x3ffffffff6) & ~UINT64_C(0x2));
    cr_expect(heap_image_is_live(image, old, 1));
    cr_expect_not(heap_image_is_live(image, old, 2));
    cr_expect_not(heap_image_is_live(image, old, 3));
    cr_expect(image->has_under_construction);
    heap_image_free(image);
}
