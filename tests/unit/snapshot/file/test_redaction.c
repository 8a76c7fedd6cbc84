// Redaction: which words stay, and that every other byte of pages, large objects, blocks and roots
// goes, however they are cut.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/file/redaction.h"
#include "tests/support/snapshot_streams.h"

#define PAGE_BYTES 4096u
#define HEAP UINT64_C(0x600000000000)
#define SLOT 64u
#define FIRST_SLOT 1600u
#define SLOTS 39u
#define HEADER_BYTES 48u // of an object

static const SnapshotDetails no_details = {.thread_count = 0};

static SnapshotContents contents_of(const SnapshotPages *run, const SnapshotBlock *block)
{
    return (SnapshotContents){
        .layout = *heap_layout_rudo_gc_0_8(),
        .run_count = run != NULL,
        .runs = run,
        .block_count = block != NULL,
        .blocks = block,
        .details = &no_details,
    };
}

static Redaction redaction_of(const SnapshotContents *contents)
{
    Redaction redaction;
    Error error;

    cr_assert(redaction_init(&redaction, contents, &error), "%s", error.message);
    return redaction;
}

// Bytes that no redacted snapshot may hold: as a word they are not an address.
static void fill(uint8_t *bytes, uint64_t length)
{
    memset(bytes, 'S', length);
}

static uint64_t count_filled(const uint8_t *bytes, uint64_t length)
{
    uint64_t found = 0;

    for (uint64_t i = 0; i < length; i++)
        found += bytes[i] == 'S';
    return found;
}

// ---- which words stay ----

Test(redaction, words_stay_that_point_into_private_writable_memory_pages_or_blocks)
{
    static uint8_t data[16];
    char name[] = "";
    SnapshotMapping mappings[] = {
        {0x1000, 0x2000, 0, "rw-p", name}, // stays
        {0x2000, 0x3000, 0, "r--p", name}, // not writable
        {0x3000, 0x4000, 0, "rw-s", name}, // shared
        {0x5000, 0x6000, 0, "rwxp", name}, // stays
    };
    SnapshotDetails details = {.mapping_count = 4, .mappings = mappings};
    SnapshotPages run = {0x10000, 2, data};
    SnapshotBlock block = {0x8003, 5, data};
    SnapshotContents contents = contents_of(&run, &block);
    static const struct {
        uint64_t value;
        bool stays;
    } cases[] = {
        {0, false},      {0xfff, false},  {0x1000, true},   {0x1fff, true},      {0x2000, false},
        {0x3800, false}, {0x4fff, false}, {0x5000, true},   {0x5fff, true},      {0x6000, false},
        {0x8002, false}, {0x8003, true},  {0x8007, true},   {0x8008, false},     {0xffff, false},
        {0x10000, true}, {0x11fff, true}, {0x12000, false}, {UINT64_MAX, false},
    };
    Redaction redaction;

    contents.details = &details;
    redaction = redaction_of(&contents);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(redaction_keeps(&redaction, cases[i].value), cases[i].stays, "0x%llx",
                     (unsigned long long)cases[i].value);
    redaction_release(&redaction);
}

Test(redaction, mappings_that_overlap_or_are_nowhere_do_no_harm)
{
    char name[] = "";
    SnapshotMapping mappings[] = {
        {0x3000, 0x2000, 0, "rw-p", name}, // ends before it begins
        {0x1000, 0x3000, 0, "rw-p", name},
        {0x2000, 0x2800, 0, "rw-p", name}, // inside the one before
        {0x3000, 0x4000, 0, "rw-p", name}, // touches it
    };
    SnapshotDetails details = {.mapping_count = 4, .mappings = mappings};
    SnapshotContents contents = contents_of(NULL, NULL);
    Redaction redaction;

    contents.details = &details;
    redaction = redaction_of(&contents);
    cr_expect_eq(redaction.range_count, 1u);
    cr_expect(redaction_keeps(&redaction, 0x2900));
    cr_expect(redaction_keeps(&redaction, 0x3fff));
    cr_expect_not(redaction_keeps(&redaction, 0x4000));
    redaction_release(&redaction);
}

Test(redaction, without_any_memory_no_word_stays)
{
    SnapshotContents contents = contents_of(NULL, NULL);
    Redaction redaction = redaction_of(&contents);

    cr_expect_not(redaction_keeps(&redaction, 0));
    cr_expect_not(redaction_keeps(&redaction, HEAP));
    redaction_release(&redaction);
}

// ---- small pages ----

// A page of class 64 in which every byte that has no meaning is filled; slot 0 is allocated.
static void make_page(uint8_t *page)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    const uint32_t bitmaps[] = {layout->mark_bitmap, layout->dirty_bitmap,
                                layout->allocated_bitmap};

    fill(page, PAGE_BYTES);
    for (size_t i = 0; i < sizeof bitmaps / sizeof bitmaps[0]; i++)
        memset(page + bitmaps[i], 0, 8u * layout->bitmap_words);
    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, SLOT);
    heap_layout_write(page, layout->object_count, SLOTS);
    heap_layout_write(page, layout->header_size, FIRST_SLOT);
    heap_layout_write(page, layout->generation, 0);
    heap_layout_write(page, layout->flags, 0);
    heap_layout_write(page, layout->owner_thread, 1);
    heap_layout_write(page, layout->dead_count, 0);
    heap_layout_write(page, layout->free_list_head, 0);
    page[layout->allocated_bitmap] = 1;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        uint8_t *object = page + FIRST_SLOT + slot * SLOT;
        heap_layout_write(object, layout->weak_count, 0);
        heap_layout_write(object, layout->type_word, 0x1234);
    }
}

// Redacts a page in place.
static void redact_page(uint8_t *page)
{
    SnapshotPages run = {HEAP, 1, page};
    SnapshotContents contents = contents_of(&run, NULL);
    PageRecords records = records_of(&contents);
    Redaction redaction = redaction_of(&contents);

    cr_assert_eq(records.count, 1u);
    redaction_small_page(&redaction, records.items, page_record_bits(&records, records.items),
                         page);
    redaction_release(&redaction);
    page_records_release(&records);
}

Test(redaction, a_page_keeps_the_fields_of_its_headers_and_its_references)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    static uint8_t page[PAGE_BYTES], before[PAGE_BYTES];
    uint64_t word = HEAP + FIRST_SLOT, read;

    make_page(page);
    memcpy(page + FIRST_SLOT + HEADER_BYTES, &word, sizeof word);
    memcpy(before, page, sizeof page);
    redact_page(page);
    for (size_t i = 0; i < 14; i++)
        cr_expect_eq(page[i], before[i], "byte %zu of the page header", i);
    cr_expect_eq(page[layout->allocated_bitmap], 1);
    cr_expect_eq(heap_layout_read(page + FIRST_SLOT, layout->type_word), 0x1234u);
    memcpy(&read, page + FIRST_SLOT + HEADER_BYTES, sizeof read);
    cr_expect_eq(read, word);
    memcpy(&read, page + FIRST_SLOT + HEADER_BYTES + 8, sizeof read);
    cr_expect_eq(read, 0u);
    // Of the filling the fields of the object's header that were not written stay, nothing else.
    heap_layout_write(page + FIRST_SLOT, layout->reference_count, 0);
    heap_layout_write(page + FIRST_SLOT, layout->drop_function, 0);
    heap_layout_write(page + FIRST_SLOT, layout->dropping, 0);
    heap_layout_write(page + FIRST_SLOT, layout->object_generation, 0);
    cr_expect_eq(count_filled(page, sizeof page), 0u);
}

Test(redaction, of_a_free_slot_its_link_stays_and_no_text_in_its_place)
{
    // What rudo-gc writes: whether there is a next free slot, and its number.
    static const uint8_t link[8] = {1, 0, 7, 0}, beyond[8] = {1, 0, SLOTS, 0};
    static uint8_t page[PAGE_BYTES];
    uint8_t *slots = page + FIRST_SLOT;

    make_page(page);
    fill(slots + SLOT, (SLOTS - 1) * SLOT);
    memcpy(slots + 1 * SLOT, link, sizeof link);
    memcpy(slots + 2 * SLOT, beyond, sizeof beyond);
    redact_page(page);
    cr_expect_arr_eq(slots + 1 * SLOT, link, sizeof link);
    for (size_t i = SLOT; i < SLOTS * SLOT; i++)
        cr_assert(slots[i] == 0 || (i >= SLOT && i < SLOT + sizeof link), "byte %zu", i);
}

Test(redaction, links_are_numbers_of_slots_or_addresses)
{
    static uint8_t data[PAGE_BYTES];
    SnapshotPages run = {HEAP, 1, data};
    SnapshotContents contents = contents_of(&run, NULL);
    static const struct {
        uint32_t bytes;
        uint64_t link;
        bool stays;
    } cases[] = {
        {2, 38, true},         {2, 0xffff, true},      {2, 39, false},
        {4, 0x00260001, true}, {4, 0x00270001, false}, {8, HEAP + FIRST_SLOT, true},
        {8, UINT64_MAX, true}, {8, HEAP - 8, false},   {8, 0x5345435245543031, false},
        {1, 'S', false},       {1, 3, true},           {0, 0x5353, true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t link[8];
        contents.layout.free_link_bytes = cases[i].bytes;
        Redaction redaction = redaction_of(&contents);
        memcpy(link, &cases[i].link, sizeof link);
        cr_expect_eq(redaction_keeps_link(&redaction, link, SLOTS), cases[i].stays, "case %zu", i);
        redaction_release(&redaction);
    }
}

Test(redaction, bits_behind_the_last_slot_become_one)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    static uint8_t page[PAGE_BYTES];

    make_page(page);
    fill(page + layout->mark_bitmap + 400, 8);
    fill(page + layout->dirty_bitmap + 504, 8);
    redact_page(page);
    for (uint32_t b = SLOTS; b < 64 * layout->bitmap_words; b++) {
        cr_expect_eq(page[layout->mark_bitmap + b / 8] >> b % 8 & 1, b == SLOTS);
        cr_expect_eq(page[layout->dirty_bitmap + b / 8] >> b % 8 & 1, b == SLOTS);
        cr_expect_eq(page[layout->allocated_bitmap + b / 8] >> b % 8 & 1, 0);
    }
}

// ---- parts ----

// Blocks may lie anywhere, and be cut between frames anywhere.
Test(redaction, blocks_at_odd_addresses_keep_words_at_multiples_of_eight)
{
    static uint8_t data[100], whole[100], part[100];

    for (uint64_t odd = 0; odd < 8; odd++) {
        SnapshotBlock block = {0x5000 + odd, 91, data};
        SnapshotContents contents = contents_of(NULL, &block);
        uint64_t word = 0x5010, first = (8 - odd) % 8;
        Redaction redaction = redaction_of(&contents);
        fill(data, sizeof data);
        memcpy(data + first + 16, &word, sizeof word);
        memcpy(data + first + 44, &word, sizeof word); // not at a multiple of 8
        memcpy(whole, data, sizeof whole);
        redaction_block_part(&redaction, &block, 0, whole, 91);
        for (uint64_t i = 0; i < 91; i++)
            cr_expect_eq(whole[i], i / 8 == 0 || i - first - 16 >= 8 ? 0 : data[i]);
        // The same in two parts.
        for (uint64_t cut = 1; cut < 91; cut++) {
            memcpy(part, data, sizeof part);
            redaction_block_part(&redaction, &block, 0, part, cut);
            redaction_block_part(&redaction, &block, cut, part + cut, 91 - cut);
            if (odd > 0 || cut % 8 == 0)
                cr_expect_arr_eq(part, whole, 91);
        }
        redaction_release(&redaction);
    }
}

// Large objects are cut at multiples of the page size; with a far header, before it, too.
Test(redaction, large_objects_are_the_same_however_they_are_cut)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    static uint8_t pages[5 * 4096], whole[sizeof pages], part[sizeof pages];
    SnapshotPages run = {0x600000000000, 5, pages};
    SnapshotContents contents = contents_of(&run, NULL);
    uint64_t word = run.address + 8192;
    PageRecords records;
    Redaction redaction;

    fill(pages, sizeof pages);
    memset(pages, 0, 1576);
    pages[layout->allocated_bitmap] = 1;
    heap_layout_write(pages, layout->magic, layout->magic_value);
    heap_layout_write(pages, layout->flags, layout->flag_large);
    heap_layout_write(pages, layout->owner_thread, 1);
    heap_layout_write(pages, layout->object_count, 1);
    heap_layout_write(pages, layout->header_size, 8192);
    heap_layout_write(pages, layout->block_size, 8195);
    memset(pages + 8192, 0x11, 44);
    memcpy(pages + 8192 + 48, &word, sizeof word);
    memcpy(pages + 4 * 4096 - 8, &word, sizeof word);
    records = records_of(&contents);
    cr_assert_eq(records.count, 1);
    redaction = redaction_of(&contents);
    memcpy(whole, pages, sizeof whole);
    redaction_large_part(&redaction, records.items, 0, whole, sizeof whole);
    cr_expect_eq(count_filled(whole, sizeof whole), 0);
    cr_expect_arr_eq(whole + 8192, pages + 8192, 44);
    cr_expect_arr_eq(whole + 8192 + 48, &word, sizeof word);
    cr_expect_arr_eq(whole + 4 * 4096 - 8, &word, sizeof word);
    for (uint64_t cut = 4096; cut < sizeof pages; cut += 4096) {
        memcpy(part, pages, sizeof part);
        redaction_large_part(&redaction, records.items, 0, part, cut);
        redaction_large_part(&redaction, records.items, cut, part + cut, sizeof part - cut);
        cr_expect_arr_eq(part, whole, sizeof part);
    }
    // Of a free one nothing stays but the page's header.
    records.items[0].bits.allocated = 0;
    memcpy(whole, pages, sizeof whole);
    redaction_large_part(&redaction, records.items, 0, whole, sizeof whole);
    for (size_t i = 1576; i < sizeof whole; i++)
        cr_assert_eq(whole[i], 0, "byte %zu", i);
    page_records_release(&records);
    redaction_release(&redaction);
}

Test(redaction, roots_keep_their_number_and_lose_other_values)
{
    static uint8_t data[PAGE_BYTES];
    SnapshotPages run = {HEAP, 1, data};
    SnapshotContents contents = contents_of(&run, NULL);
    Redaction redaction = redaction_of(&contents);
    const Root roots[] = {{.address = 8, .value = HEAP + 5, .kind = ROOT_GLOBAL},
                          {.address = 16, .value = 42, .thread = NO_INDEX, .is_exact = 1}};
    Root *redacted = NULL;
    Error error;

    cr_assert(redaction_roots(&redaction, roots, 2, &redacted, &error));
    cr_expect_eq(redacted[0].value, HEAP + 5);
    cr_expect_eq(redacted[1].value, 0u);
    cr_expect_eq(redacted[1].address, 16u);
    cr_expect_eq(redacted[1].thread, NO_INDEX);
    cr_expect_eq(redacted[1].is_exact, 1);
    free(redacted);
    cr_assert(redaction_roots(&redaction, NULL, 0, &redacted, &error));
    free(redacted);
    redaction_release(&redaction);
}
