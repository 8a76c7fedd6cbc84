// Looking things up in random heaps equals the plainest possible search over what the heap was
// made from: pages, slots, blocks, live words, references; in place and relocated.

#include "snapshot/heap/heap_image.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/xorshift.h"

#define HEAPS 40u
#define WORDS_PER_HEAP 400u

// Everything below is told from the contents alone, one page header at a time.
typedef struct Found {
    ReferenceKind kind;
    uint64_t page_address; // of the page header
    uint64_t slot;
    uint64_t block_address;
} Found;

static bool naive_bit(const uint8_t *page, uint32_t bitmap, uint64_t bit)
{
    return page[bitmap + bit / 8] >> (bit % 8) & 1;
}

static bool naive_is_dead(const HeapLayout *layout, const uint8_t *object, uint32_t block_size)
{
    return block_size >= layout->object_header_bytes &&
           (heap_layout_read(object, layout->weak_count) & layout->dead_bit) != 0;
}

// Calls `visit` for every page header, tails of large objects left out, until it says stop.
typedef bool (*PageVisitor)(void *context, uint64_t address, const uint8_t *bytes,
                            const PageHeader *header);

static void walk(const SnapshotContents *contents, PageVisitor visit, void *context)
{
    uint64_t page_size = contents->layout.page_size;
    uint64_t behind = 0; // end of the large object that we are inside

    for (uint64_t r = 0; r < contents->run_count; r++) {
        const SnapshotPages *run = &contents->runs[r];
        for (uint64_t p = 0; p < run->page_count; p++) {
            uint64_t address = run->address + p * page_size;
            const uint8_t *bytes = run->bytes + p * page_size;
            PageHeader header;
            if (address < behind)
                continue;
            cr_assert_eq(page_header_read(&contents->layout, bytes, UINT64_MAX, &header),
                         PAGE_HEADER_VALID);
            behind = address + header.page_count * page_size;
            if (!visit(context, address, bytes, &header))
                return;
        }
    }
}

typedef struct Search {
    const SnapshotContents *contents;
    uint64_t word;
    bool allow_interior;
    Found found;
} Search;

static bool look_into_page(void *context, uint64_t address, const uint8_t *bytes,
                           const PageHeader *header)
{
    Search *search = context;
    const HeapLayout *layout = &search->contents->layout;
    uint64_t start = address + header->header_size;

    if (search->word < address ||
        search->word - address >= (uint64_t)header->page_count * layout->page_size)
        return true;
    search->found.kind = REFERENCE_INVALID;
    search->found.page_address = address;
    for (uint64_t slot = 0; slot < header->slot_count; slot++) {
        uint64_t object = start + slot * header->block_size;
        bool is_hit = search->word == object || (search->allow_interior && search->word > object &&
                                                 search->word - object < header->block_size);
        if (!is_hit || !naive_bit(bytes, layout->allocated_bitmap, slot))
            continue;
        search->found.slot = slot;
        search->found.kind = naive_is_dead(layout, bytes + (object - address), header->block_size)
                                 ? REFERENCE_DEAD
                                 : REFERENCE_OBJECT;
    }
    return false;
}

static Found naive_resolve(const SnapshotContents *contents, uint64_t word, bool allow_interior)
{
    Search search = {contents, word, allow_interior, {REFERENCE_NONE, 0, 0, 0}};

    walk(contents, look_into_page, &search);
    for (uint64_t i = 0; search.found.kind == REFERENCE_NONE && i < contents->block_count; i++) {
        const SnapshotBlock *block = &contents->blocks[i];
        if (word >= block->address && word - block->address < block->bytes) {
            search.found.kind = REFERENCE_BLOCK;
            search.found.block_address = block->address;
            break;
        }
    }
    return search.found;
}

static void expect_resolved(const HeapImage *image, const SnapshotContents *contents, uint64_t word,
                            bool allow_interior, uint64_t seed)
{
    Found expected = naive_resolve(contents, word, allow_interior);
    Reference got = heap_image_resolve(image, word, allow_interior);
    bool is_object = expected.kind == REFERENCE_OBJECT || expected.kind == REFERENCE_DEAD;

    cr_assert_eq(got.kind, expected.kind, "seed %" PRIu64 ", word 0x%" PRIx64 ": %d, expected %d",
                 seed, word, (int)got.kind, (int)expected.kind);
    if (is_object) {
        cr_assert_eq(image->pages[got.page].address, expected.page_address);
        cr_assert_eq(got.slot, expected.slot);
    }
    if (expected.kind == REFERENCE_BLOCK)
        cr_assert_eq(image->blocks[got.block].address, expected.block_address);
}

// Random words, and every edge of a few random pages and blocks.
static uint64_t choose_word(const RandomHeap *heap, const SnapshotContents *contents,
                            Xorshift *random)
{
    uint64_t page_size = contents->layout.page_size;

    switch (xorshift_below(random, 4)) {
    case 0:
        if (contents->run_count > 0) {
            const SnapshotPages *run = &contents->runs[xorshift_below(random, contents->run_count)];
            return run->address + xorshift_below(random, run->page_count + 1) * page_size - 8 +
                   8 * xorshift_below(random, 3);
        }
        break;
    case 1:
        if (contents->block_count > 0) {
            const SnapshotBlock *block =
                &contents->blocks[xorshift_below(random, contents->block_count)];
            return block->address + (xorshift_percent(random, 50) ? block->bytes : 0) - 1 +
                   xorshift_below(random, 3);
        }
        break;
    default:
        break;
    }
    return random_heap_word(heap, random);
}

static void check_lookups(const RandomHeap *heap, const HeapImage *image, uint64_t seed)
{
    const SnapshotContents *contents = random_heap_contents(heap);
    Xorshift random = xorshift_seeded(seed);

    for (unsigned i = 0; i < WORDS_PER_HEAP; i++) {
        uint64_t word = choose_word(heap, contents, &random);
        expect_resolved(image, contents, word, xorshift_percent(&random, 50), seed);
    }
}

static RandomHeap *make_heap(uint64_t seed, uint32_t objects)
{
    RandomHeapOptions options = random_heap_options(seed, objects);

    return random_heap_new(&options);
}

Test(heap_image_lookup, every_word_resolves_as_a_plain_search_says, .timeout = 3000)
{
    uint64_t first = test_seed(1);

    for (uint64_t seed = first; seed < first + test_dose(HEAPS); seed++) {
        RandomHeap *heap = make_heap(seed, 300);
        HeapImage *in_place = random_heap_image(heap, false);
        HeapImage *relocated = random_heap_image(heap, true);
        check_lookups(heap, in_place, seed);
        check_lookups(heap, relocated, seed);
        heap_image_free(in_place);
        heap_image_free(relocated);
        random_heap_free(heap);
    }
}

// ---- side tables ----

typedef struct PageCheck {
    const HeapImage *image;
    const HeapLayout *layout;
    uint32_t page;
    uint8_t *is_taken; // per word of `live`
    uint64_t under_construction;
    uint64_t seed;
} PageCheck;

// Every page has words of its own, and a tag that says what the page says.
static void check_words_and_tag(PageCheck *check, uint32_t page)
{
    const HeapImage *image = check->image;
    const HeapPage *record = &image->pages[page];
    uint64_t first = heap_image_first_word(image, page);
    uint8_t tag = first < image->tag_count ? image->page_tags[first] : PAGE_TAG_COMPLEX;
    const SlotClass *class = &image->slot_classes[tag & PAGE_TAG_CLASS];
    uint32_t live = 0;

    for (uint64_t word = first; word < first + heap_image_page_words(image, page); word++) {
        cr_assert_lt(word, image->word_count);
        cr_assert_not(check->is_taken[word], "seed %" PRIu64 ": word %" PRIu64 " twice",
                      check->seed, word);
        check->is_taken[word] = 1;
        live += (uint32_t)__builtin_popcountll(image->live[word]);
    }
    cr_assert_neq(tag & PAGE_TAG_CLASS, PAGE_TAG_NONE);
    // "Complex" is never wrong, only slow; ordinary pages must not need it.
    if ((tag & PAGE_TAG_CLASS) == PAGE_TAG_COMPLEX) {
        cr_assert(heap_image_is_large(image, page) || image->layout.page_size > 4096 ||
                  record->block_size < 64 || first >= image->tag_count);
        return;
    }
    cr_assert_eq(class->block_size, record->block_size);
    cr_assert_eq(UINT32_C(1) << class->shift, record->block_size);
    cr_assert_eq((uint32_t) class->first_slot << class->shift, record->header_size);
    cr_assert_eq(class->slot_count, record->slot_count);
    cr_assert_eq(class->payload_offset, heap_image_payload_offset(image, record->block_size));
    cr_assert_eq((tag & PAGE_TAG_WHOLE) != 0, live == record->slot_count);
}

// Where the window numbers the words: buckets without a page, and tails of large objects.
static void check_window_tags(const HeapImage *image)
{
    for (uint64_t bucket = 0; image->is_direct && bucket < image->page_window.count; bucket++) {
        uint32_t page = image->page_window.entries[bucket];
        uint64_t address = (image->page_window.first + bucket) << image->page_shift;
        if (page == NO_INDEX)
            cr_assert_eq(image->page_tags[bucket], PAGE_TAG_NONE);
        else if (address != image->pages[page].address)
            cr_assert_eq(image->page_tags[bucket], PAGE_TAG_COMPLEX);
        else if (image->is_flat)
            cr_assert_eq((uint64_t)(uintptr_t)heap_image_page_bytes(image, page),
                         address + image->window_delta);
    }
}

static bool check_page(void *context, uint64_t address, const uint8_t *bytes,
                       const PageHeader *header)
{
    PageCheck *check = context;
    const HeapImage *image = check->image;
    uint32_t page = check->page++;
    const HeapPage *record = &image->pages[page];

    cr_assert_eq(record->address, address);
    cr_assert_eq(record->block_size, header->block_size);
    cr_assert_eq(record->slot_count, header->slot_count);
    cr_assert_eq(record->owner_thread, header->owner_thread);
    cr_assert_eq(heap_image_is_large(image, page), header->is_large);
    cr_assert_eq(heap_image_generation(image, page), header->generation);
    cr_assert_eq(memcmp(heap_image_page_bytes(image, page), bytes, check->layout->page_size), 0);
    check_words_and_tag(check, page);
    for (uint32_t slot = 0; slot < header->slot_count; slot++) {
        const uint8_t *object = bytes + header->header_size + (uint64_t)slot * header->block_size;
        bool is_allocated = naive_bit(bytes, check->layout->allocated_bitmap, slot);
        bool is_dead = naive_is_dead(check->layout, object, header->block_size);
        bool has_header = header->block_size >= check->layout->object_header_bytes;
        bool is_building = has_header && (heap_layout_read(object, check->layout->weak_count) &
                                          check->layout->under_construction_bit) != 0;
        cr_assert_eq(heap_image_is_allocated(image, page, slot), is_allocated);
        cr_assert_eq(heap_image_is_live(image, page, slot), is_allocated && !is_dead,
                     "seed %" PRIu64 ", page 0x%" PRIx64 ", slot %u", check->seed, address, slot);
        cr_assert_eq(heap_image_dirty_word(image, page, slot / 64) >> (slot % 64) & 1,
                     naive_bit(bytes, check->layout->dirty_bitmap, slot));
        cr_assert_eq(heap_image_type_word(image, page, slot),
                     has_header ? heap_layout_read(object, check->layout->type_word) : 0);
        if (is_allocated && !is_dead) {
            cr_assert_eq(heap_image_is_under_construction(image, page, slot), is_building);
            check->under_construction += is_building;
        }
    }
    // No bit beyond the last slot.
    for (uint32_t slot = header->slot_count; slot < 64 * heap_image_page_words(image, page); slot++)
        cr_assert_not(heap_image_is_live(image, page, slot));
    return true;
}

static void check_side_tables(const RandomHeap *heap, const HeapImage *image, uint64_t seed)
{
    const SnapshotContents *contents = random_heap_contents(heap);
    PageCheck check = {.image = image, .layout = &contents->layout, .seed = seed};

    check.is_taken = calloc(image->word_count + 1, 1);
    cr_assert_not_null(check.is_taken);
    walk(contents, check_page, &check);
    cr_assert_eq(check.page, image->page_count);
    for (uint64_t word = 0; word < image->word_count; word++)
        cr_assert(check.is_taken[word] || image->live[word] == 0);
    free(check.is_taken);
    check_window_tags(image);
    cr_assert_eq(image->has_under_construction, check.under_construction > 0);
    cr_assert_eq(image->root_count, contents->root_count);
    cr_assert_eq(image->block_count, contents->block_count);
    for (uint32_t i = 0; i < image->block_count; i++) {
        cr_assert_eq(image->blocks[i].address, contents->blocks[i].address);
        cr_assert_eq(memcmp(image->foreign_bytes + image->blocks[i].offset,
                            contents->blocks[i].data, contents->blocks[i].bytes),
                     0);
    }
}

Test(heap_image_lookup, side_tables_say_what_the_pages_say, .timeout = 3000)
{
    uint64_t first = test_seed(1000);

    for (uint64_t seed = first; seed < first + test_dose(HEAPS); seed++) {
        RandomHeap *heap = make_heap(seed, seed % 20 == 0 ? 20000 : 1000);
        HeapImage *image = random_heap_image(heap, seed % 2 == 0);
        check_side_tables(heap, image, seed);
        heap_image_free(image);
        random_heap_free(heap);
    }
}

Test(heap_image_lookup, other_page_sizes_work_the_same, .timeout = 3000)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    uint64_t first = test_seed(2000);
    Error error;

    for (uint64_t seed = first; seed < first + test_dose(10); seed++) {
        RandomHeapOptions options = random_heap_options(seed, 4000);
        RandomHeap *heap;
        HeapImage *image;

        layout.page_size = LAYOUT_MIN_PAGE_SIZE << seed % 5; // up to 64 KiB: 4000 slots a page
        cr_assert(heap_layout_check(&layout, &error), "%s", error.message);
        options.layout = &layout;
        heap = random_heap_new(&options);
        image = random_heap_image(heap, false);
        check_side_tables(heap, image, seed);
        check_lookups(heap, image, seed);
        heap_image_free(image);
        random_heap_free(heap);
    }
}

// ---- windows ----

Test(heap_image_lookup, a_window_covers_the_dense_part_and_the_rest_is_found_without_it)
{
    RandomHeapOptions options = {
        .seed = 5, .objects = 20000, .occupancy = 90, .has_far_page = true};
    RandomHeap *heap = random_heap_new(&options);
    HeapImage *image = random_heap_image(heap, true);
    uint64_t far = image->pages[0].address;

    cr_assert_gt(image->page_count, 100u);
    cr_expect_gt(image->page_window.count, 0u);
    cr_expect_geq(image->page_window.first << image->page_shift, image->pages[1].address,
                  "the far page is outside");
    cr_expect_eq(heap_image_find_page(image, far), 0u);
    cr_expect_eq(heap_image_find_page(image, far + 4095), 0u);
    cr_expect_eq(heap_image_find_page(image, far - 1), NO_INDEX);
    // 4 bytes for each page of the stretch and no more.
    cr_expect_leq(image->page_window.count, image->image_bytes >> image->page_shift);
    heap_image_free(image);
    random_heap_free(heap);
}
