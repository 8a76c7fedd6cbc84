// The words that say which slots hold live and dead objects, and the tags of pages.

#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/heap_image_internal.h"
#include "base/side_table.h"

uint64_t heap_image_bucket(const HeapImage *image, uint32_t page)
{
    return (image->pages[page].address >> image->page_shift) - image->page_window.first;
}

// The size classes of powers of two whose pages have at most 64 slots in all of their bytes, header
// included: then no offset in the page can be taken for another slot modulo 64.
static void build_slot_classes(HeapImage *image)
{
    uint32_t tag = PAGE_TAG_COMPLEX + 1;

    for (uint32_t shift = image->page_shift - 6; shift < image->page_shift; shift++, tag++) {
        uint32_t block_size = 1u << shift;
        if (!heap_layout_is_class(&image->layout, block_size) || block_size > TAGGED_BLOCK_SIZE_MAX)
            continue;
        // The lowest multiple of the slot size behind the header, wherever else slot 0 may be.
        uint32_t header_size =
            (image->layout.page_header_bytes + block_size - 1) / block_size * block_size;
        if (header_size + block_size > image->layout.page_size)
            continue;
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
    const HeapPage *record = &image->pages[page];
    uint32_t block_size = record->block_size;
    const SlotClass *class;
    uint32_t tag;

    if (heap_image_is_large(image, page) || block_size < granule ||
        block_size > TAGGED_BLOCK_SIZE_MAX || record->header_size < PAGE_TAG_BITS * granule)
        return PAGE_TAG_COMPLEX;
    tag = PAGE_TAG_COMPLEX + 1 + (uint32_t)__builtin_ctz(block_size) - (image->page_shift - 6);
    if (tag > PAGE_TAG_CLASS)
        return PAGE_TAG_COMPLEX;
    class = &image->slot_classes[tag];
    return class->block_size == block_size &&
                   (uint32_t) class->first_slot << class->shift == record->header_size &&
                   class->slot_count == record->slot_count
               ? (uint8_t)tag
               : PAGE_TAG_COMPLEX;
}

// Are there words for wide pages?
static bool has_wide_pages(const HeapImage *image)
{
    return image->is_direct && image->layout.page_header_bytes == 0 &&
           image->layout.object_header_bytes == 0 && image->page_shift == WIDE_PAGE_SHIFT;
}

// Would the page of slots be one, if it is in the window?
static bool is_wide_page(const HeapImage *image, uint32_t page)
{
    const HeapPage *record = &image->pages[page];

    return image->wide_count > 0 && !heap_image_is_large(image, page) && record->header_size == 0 &&
           record->block_size % 16 == 0;
}

// Hands out the words of `live` and of every mark, and tags the pages; `extra` counts the words
// behind the tagged or wide ones.
static uint64_t place_words(HeapImage *image, HeapPage *pages, uint8_t *tags)
{
    uint64_t extra = 0, placed = image->tag_count + image->wide_count;

    for (uint32_t page = 0; page < image->page_count; page++) {
        bool is_in_window = page >= image->window_low && page < image->window_high;
        uint32_t words = heap_image_page_words(image, page);
        uint64_t word = image->is_direct ? heap_image_bucket(image, page) : page;
        bool has_place = is_in_window || !image->is_direct;
        bool is_tagged = page_tag(image, page) > PAGE_TAG_COMPLEX && has_place;
        bool is_wide = is_wide_page(image, page) && has_place;
        bool is_counted = tags != NULL && image->tag_count > 0;
        if (is_counted && has_place)
            tags[word] = page_tag(image, page);
        if (is_counted && is_in_window && image->is_direct)
            for (uint64_t tail = heap_image_run_pages(image, page) - 1; tail > 0; tail--)
                tags[word + tail] = PAGE_TAG_COMPLEX;
        if (pages != NULL)
            pages[page].first_word = (uint32_t)(is_wide     ? word * WIDE_WORDS
                                                : is_tagged ? word
                                                            : placed + extra);
        if (!is_tagged && !is_wide)
            extra += words;
    }
    return placed + extra;
}

static bool allocate_words(HeapImage *image, bool has_dead, uint64_t **live, uint64_t **dead,
                           uint8_t **tags, Error *error)
{
    // One more, so that an empty heap has arrays too.
    size_t word_bytes = (image->word_count + 1) * sizeof **live;

    image->live = *live = side_table_new(word_bytes);
    image->dead = *dead = has_dead ? side_table_new(word_bytes) : NULL;
    image->page_tags = *tags = side_table_new(image->tag_count + 1);
    return (*live != NULL && *tags != NULL && (*dead != NULL || !has_dead)) ||
           error_set_memory(error, word_bytes, "the live words");
}

bool heap_image_build_words(HeapImage *image, const PageRecords *records, bool has_dead,
                            Error *error)
{
    uint64_t *live, *dead;
    uint8_t *tags;

    build_slot_classes(image);
    if (has_wide_pages(image))
        image->wide_count = image->page_window.count * WIDE_WORDS;
    else
        image->tag_count = image->is_direct ? image->page_window.count : image->page_count;
    image->word_count = place_words(image, NULL, NULL);
    if (image->word_count > UINT32_MAX)
        return error_set(error, ERROR_UNSUPPORTED, "%llu mark words are more than we can index",
                         (unsigned long long)image->word_count);
    if (!allocate_words(image, has_dead, &live, &dead, &tags, error))
        return false;
    (void)place_words(image, (HeapPage *)(uintptr_t)image->pages, tags);

    for (uint32_t page = 0; page < image->page_count; page++) {
        const PageRecord *record = &records->items[page];
        const PageBits *bits = page_record_bits(records, record);
        uint64_t first = heap_image_first_word(image, page);
        uint32_t words = heap_image_page_words(image, page);

        for (uint32_t word = 0; word < words; word++) {
            live[first + word] = bits[word].allocated & ~bits[word].dead;
            if (bits[word].dead != 0)
                dead[first + word] = bits[word].dead;
        }
        if (record->has_under_construction)
            image->has_under_construction = true;
        if (first < image->tag_count && (tags[first] & PAGE_TAG_CLASS) > PAGE_TAG_COMPLEX &&
            (uint32_t)__builtin_popcountll(live[first]) == record->slot_count)
            tags[first] |= PAGE_TAG_WHOLE;
    }
    return heap_image_find_odd_classes(image, error);
}
