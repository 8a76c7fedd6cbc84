// The words that say which slots hold live objects, and the tags of pages.

#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/heap_image_internal.h"
#include "base/side_table.h"

uint64_t heap_image_run_pages(const HeapImage *image, uint32_t page)
{
    PageHeader header;

    if (!heap_image_is_large(image, page))
        return 1;
    if (page_header_read(&image->layout, heap_image_page_bytes(image, page), UINT64_MAX, &header) !=
        PAGE_HEADER_VALID)
        return 1;
    return header.page_count;
}

uint64_t heap_image_bucket(const HeapImage *image, uint32_t page)
{
    return (image->pages[page].address >> image->page_shift) - image->page_window.first;
}

static uint64_t dead_bits(HeapImage *image, uint32_t page, uint32_t word, uint64_t allocated)
{
    const HeapLayout *layout = &image->layout;
    const LayoutField weak_count = layout->weak_count;
    uint32_t block_size = image->pages[page].block_size;
    uint64_t dead = 0, under_construction = 0;

    if (!heap_layout_has_object_header(layout, block_size) || weak_count.width == 0)
        return 0;
    const uint8_t *objects = heap_image_object_bytes(image, page, word * 64);
    for (uint64_t bits = allocated; bits != 0; bits &= bits - 1) {
        uint32_t bit = (uint32_t)__builtin_ctzll(bits);
        uint64_t weak = heap_layout_read(objects + (uint64_t)bit * block_size, weak_count);
        if ((weak & layout->dead_bit) != 0)
            dead |= UINT64_C(1) << bit;
        else
            under_construction |= weak & layout->under_construction_bit;
    }
    if (under_construction != 0)
        image->has_under_construction = true;
    return dead;
}

// Which objects of a word's slots are live. early_word: see Note [Early words].
static uint64_t live_word(HeapImage *image, uint32_t page, uint32_t word, uint64_t early_word)
{
    uint64_t allocated;

    if (early_word != 0 && image->pages[page].slot_count <= 64)
        return early_word;
    allocated = heap_image_allocated_word(image, page, word);
    return early_word != 0 ? allocated : allocated & ~dead_bits(image, page, word, allocated);
}

// The size classes whose pages have at most 64 slots in all of their bytes, header included:
// then no offset in the page can be taken for another slot modulo 64.
static void build_slot_classes(HeapImage *image)
{
    uint32_t tag = PAGE_TAG_COMPLEX + 1;

    for (uint32_t shift = image->page_shift - 6; shift < image->page_shift; shift++, tag++) {
        uint32_t block_size = 1u << shift;
        if (block_size < image->layout.min_block_size ||
            block_size > image->layout.max_block_size || block_size > TAGGED_BLOCK_SIZE_MAX)
            continue;
        uint32_t header_size = heap_layout_small_header_size(&image->layout, block_size);
        uint32_t slot_count = (image->layout.page_size - header_size) >> shift;
        image->slot_classes[tag] = (SlotClass){
            .slots = slot_count == 64 ? UINT64_MAX : (UINT64_C(1) << slot_count) - 1,
            .block_size = block_size,
            .shift = (uint8_t)shift,
            .first_slot = (uint8_t)(header_size >> shift),
            .slot_count = (uint16_t)slot_count,
            .payload_offset = (uint16_t)heap_image_payload_offset(image, block_size),
        };
    }
}

static uint8_t page_tag(const HeapImage *image, uint32_t page)
{
    uint32_t granule = UINT32_C(1) << (image->page_shift - 6);
    uint32_t block_size = image->pages[page].block_size;

    if (heap_image_is_large(image, page) || block_size < granule ||
        block_size > TAGGED_BLOCK_SIZE_MAX ||
        image->pages[page].header_size < PAGE_TAG_BITS * granule)
        return PAGE_TAG_COMPLEX;
    return (uint8_t)(PAGE_TAG_COMPLEX + 1 + (uint32_t)__builtin_ctz(block_size) -
                     (image->page_shift - 6));
}

// Hands out the words of `live` and of every mark, and tags the pages; `extra` counts the words
// behind the tagged ones.
static uint64_t place_words(HeapImage *image, HeapPage *pages, uint8_t *tags)
{
    uint64_t extra = 0;

    for (uint32_t page = 0; page < image->page_count; page++) {
        bool is_in_window = page >= image->window_low && page < image->window_high;
        uint32_t words = heap_image_page_words(image, page);
        uint64_t word = image->is_direct ? heap_image_bucket(image, page) : page;
        bool is_tagged =
            page_tag(image, page) > PAGE_TAG_COMPLEX && (is_in_window || !image->is_direct);
        if (tags != NULL && (is_in_window || !image->is_direct))
            tags[word] = page_tag(image, page);
        if (tags != NULL && is_in_window && image->is_direct)
            for (uint64_t tail = heap_image_run_pages(image, page) - 1; tail > 0; tail--)
                tags[word + tail] = PAGE_TAG_COMPLEX;
        if (pages != NULL)
            pages[page].first_word = (uint32_t)(is_tagged ? word : image->tag_count + extra);
        if (!is_tagged)
            extra += words;
    }
    return image->tag_count + extra;
}

bool heap_image_build_words(HeapImage *image, const uint64_t *early_words, Error *error)
{
    uint64_t *live;
    uint8_t *tags;

    build_slot_classes(image);
    image->tag_count = image->is_direct ? image->page_window.count : image->page_count;
    image->word_count = place_words(image, NULL, NULL);
    if (image->word_count > UINT32_MAX)
        return error_set(error, ERROR_UNSUPPORTED, "%llu mark words are more than we can index",
                         (unsigned long long)image->word_count);
    // One more, so that an empty heap has arrays too.
    image->live = live = side_table_new((image->word_count + 1) * sizeof *live);
    image->page_tags = tags = side_table_new(image->tag_count + 1);
    if (live == NULL || tags == NULL)
        return error_set_memory(error, image->word_count * sizeof *live, "the live words");
    (void)place_words(image, (HeapPage *)(uintptr_t)image->pages, tags);

    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t first = heap_image_first_word(image, page);
        uint32_t words = heap_image_page_words(image, page);
        uint64_t early_word = early_words != NULL ? early_words[page] : 0;
        for (uint32_t word = 0; word < words; word++)
            live[first + word] = live_word(image, page, word, early_word);
        if (first < image->tag_count && (tags[first] & PAGE_TAG_CLASS) > PAGE_TAG_COMPLEX &&
            (uint32_t)__builtin_popcountll(live[first]) == image->pages[page].slot_count)
            tags[first] |= PAGE_TAG_WHOLE;
    }
    return true;
}
