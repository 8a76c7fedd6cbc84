// Mark words: see marker/mark_words.h.

#include "marker/mark_words.h"

#include <stdlib.h>
#include <string.h>

// How slot bits and granule bits of a class correspond.
typedef struct GranuleClass {
    uint64_t slots;
    uint64_t starts;
    uint32_t first;  // granule of slot 0
    uint32_t stride; // log2 of the granules of a slot
} GranuleClass;

static uint32_t granule_shift(const HeapImage *image)
{
    return image->page_shift - 6;
}

static uint64_t spread(const GranuleClass *class, uint64_t slots)
{
    uint64_t granules = 0;

    if (slots == class->slots)
        return class->starts;
    if (class->stride == 0)
        return slots << class->first;
    for (; slots != 0; slots &= slots - 1)
        granules |=
            UINT64_C(1) << (class->first + ((uint32_t)__builtin_ctzll(slots) << class->stride));
    return granules;
}

// The slots that begin at the given granules.
static uint64_t gather(const GranuleClass *class, uint64_t granules)
{
    uint64_t slots = 0;

    if (granules == 0 || granules == class->starts)
        return granules == 0 ? 0 : class->slots;
    if (class->stride == 0)
        return granules >> class->first;
    for (; granules != 0; granules &= granules - 1)
        slots |=
            UINT64_C(1) << (((uint32_t)__builtin_ctzll(granules) - class->first) >> class->stride);
    return slots;
}

static GranuleClass granule_class(const HeapImage *image, const SlotClass *class)
{
    uint32_t stride = class->block_size == 0 ? 0 : class->shift - granule_shift(image);
    GranuleClass result = {
        .first = (uint32_t) class->first_slot << stride,
        .stride = stride,
    };

    for (uint32_t slot = 0; slot < class->slot_count; slot++)
        result.starts |= UINT64_C(1) << (result.first + (slot << stride));
    result.slots = class->slots;
    return result;
}

uint64_t mark_words_starts(const HeapImage *image, const SlotClass *class)
{
    return granule_class(image, class).starts;
}

uint64_t mark_words_place(const HeapImage *image, uint32_t page, uint32_t slot, uint64_t *bit)
{
    uint64_t first = heap_image_first_word(image, page);
    uint64_t offset = heap_image_object_address(image, page, slot) - image->pages[page].address;

    if (first < image->wide_count)
        slot = (uint32_t)(offset / 16);
    else if (first < image->tag_count)
        slot = (uint32_t)(offset >> granule_shift(image));
    *bit = UINT64_C(1) << (slot % 64);
    return first + slot / 64;
}

// A minor mark touches no bit of an old page. Tags stay.
static void clear_old_pages(uint64_t *words, const HeapImage *image, bool are_granules)
{
    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t first = heap_image_first_word(image, page);
        if (heap_image_generation(image, page) == 0)
            continue;
        memset(words + first, 0,
               (first < image->wide_count ? WIDE_WORDS : heap_image_page_words(image, page)) *
                   sizeof *words);
        if (are_granules && first < image->tag_count)
            words[first] = image->page_tags[first];
    }
}

// Ones for all foreign blocks, zeroes behind the last.
static uint64_t all_blocks(const HeapImage *image, uint64_t word)
{
    uint64_t left = image->block_count - word * 64;

    return left >= 64 ? UINT64_MAX : (UINT64_C(1) << left) - 1;
}

// Turns live slots into white granules with the page's tag, or, at the end, white granules into
// marked slots.
static void convert_tagged(uint64_t *words, const HeapImage *image, bool to_granules)
{
    GranuleClass classes[PAGE_TAG_CLASS + 1];

    for (uint32_t tag = 0; tag <= PAGE_TAG_CLASS; tag++)
        classes[tag] = granule_class(image, &image->slot_classes[tag]);
    for (uint64_t i = 0; i < image->tag_count; i++) {
        uint8_t tag = image->page_tags[i];
        const GranuleClass *class = &classes[tag & PAGE_TAG_CLASS];
        if (to_granules)
            words[i] = tag | spread(class, image->live[i]);
        else
            words[i] = image->live[i] & ~gather(class, words[i] & class->starts);
    }
}

// Does every slot hold a live object?
static bool is_whole(const HeapImage *image, uint32_t page)
{
    const uint64_t *live = image->live + heap_image_first_word(image, page);
    uint32_t slots = image->pages[page].slot_count;

    for (uint32_t first = 0; first < slots; first += 64)
        if (live[first / 64] != heap_layout_slot_bits(slots, first))
            return false;
    return true;
}

// Adds what Note [Odd pages] says.
static void describe_odd_pages(uint64_t *words, const HeapImage *image)
{
    for (uint32_t page = 0; image->odd_pages != NULL && page < image->page_count; page++) {
        uint64_t place = page;

        if (image->odd_pages[page] == 0 || image->wide_count > 0)
            continue;
        if (image->is_direct)
            place = (image->pages[page].address >> image->page_shift) - image->page_window.first;
        words[place] |= (uint64_t)image->odd_pages[page] << ODD_WORD_CLASS_SHIFT |
                        heap_image_first_word(image, page) << ODD_WORD_INDEX_SHIFT |
                        (is_whole(image, page) ? ODD_WORD_IS_WHOLE : 0);
    }
}

// ---- wide pages: see Note [Wide pages] ----

// Turns the live slots of a page into white granules, twice.
static void start_wide_page(uint64_t *words, const uint64_t *live, const HeapPage *page)
{
    uint32_t stride = page->block_size / 16;

    for (uint32_t first = 0; first < page->slot_count; first += 64)
        for (uint64_t left = live[first / 64]; left != 0; left &= left - 1) {
            uint32_t granule = (first + (uint32_t)__builtin_ctzll(left)) * stride;
            words[granule / 64] |= UINT64_C(1) << granule % 64;
        }
    memcpy(words + WIDE_BIT_WORDS, words, WIDE_BIT_WORDS * sizeof *words);
}

// Turns the granules that are still white into marks of all other live slots.
static void finish_wide_page(uint64_t *words, const uint64_t *live, const HeapPage *page)
{
    uint64_t white[WIDE_BIT_WORDS];
    uint32_t stride = page->block_size / 16;

    memcpy(white, words, sizeof white);
    memcpy(words, live, WIDE_WORDS * sizeof *words);
    for (uint32_t i = 0; i < WIDE_BIT_WORDS; i++)
        for (uint64_t left = white[i]; left != 0; left &= left - 1) {
            uint32_t slot = (i * 64 + (uint32_t)__builtin_ctzll(left)) / stride;
            words[slot / 64] &= ~(UINT64_C(1) << slot % 64);
        }
}

static bool start_wide_pages(uint64_t *words, const HeapImage *image, MarkTarget *target,
                             Error *error)
{
    uint64_t pages = image->wide_count / WIDE_WORDS;

    if (pages == 0)
        return true;
    target->wide_classes = calloc(pages, 1);
    if (target->wide_classes == NULL)
        return error_set_memory(error, pages, "the classes of pages");
    memset(words, 0, image->wide_count * sizeof *words);
    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t first = heap_image_first_word(image, page);

        if (first >= image->wide_count)
            continue;
        start_wide_page(words + first, image->live + first, &image->pages[page]);
        target->wide_classes[first / WIDE_WORDS] =
            image->odd_pages == NULL ? 0 : image->odd_pages[page];
    }
    return true;
}

static void finish_wide_pages(uint64_t *words, const HeapImage *image, MarkTarget *target)
{
    for (uint32_t page = 0; image->wide_count > 0 && page < image->page_count; page++) {
        uint64_t first = heap_image_first_word(image, page);

        if (first < image->wide_count)
            finish_wide_page(words + first, image->live + first, &image->pages[page]);
    }
    free(target->wide_classes);
    target->wide_classes = NULL;
}

bool mark_words_start(MarkResult *result, const HeapImage *image, MarkTarget *target, Error *error)
{
    uint64_t placed = image->tag_count + image->wide_count;

    convert_tagged(result->marked, image, true);
    describe_odd_pages(result->marked, image);
    if (!start_wide_pages(result->marked, image, target, error))
        return false;
    memcpy(result->marked + placed, image->live + placed,
           (image->word_count - placed) * sizeof *result->marked);
    if (result->kind == MARK_MINOR)
        clear_old_pages(result->marked, image, true);
    for (uint64_t i = 0; i < result->block_word_count; i++)
        result->marked_blocks[i] = all_blocks(image, i);
    target->white = shared_u64_adopt(result->marked, result->word_count + 1);
    target->white_blocks = shared_u64_adopt(result->marked_blocks, result->block_word_count + 1);
    if (target->white == NULL || target->white_blocks == NULL)
        return error_set_memory(error, result->word_count * 8, "the mark words");
    return true;
}

void mark_words_finish(MarkResult *result, const HeapImage *image, MarkTarget *target)
{
    shared_u64_give_back(target->white, result->marked, result->word_count + 1);
    shared_u64_give_back(target->white_blocks, result->marked_blocks, result->block_word_count + 1);
    convert_tagged(result->marked, image, false);
    finish_wide_pages(result->marked, image, target);
    for (uint64_t i = image->tag_count + image->wide_count; i < image->word_count; i++)
        result->marked[i] = image->live[i] & ~result->marked[i];
    if (result->kind == MARK_MINOR)
        clear_old_pages(result->marked, image, false);
    for (uint64_t i = 0; i < result->block_word_count; i++)
        result->marked_blocks[i] = all_blocks(image, i) & ~result->marked_blocks[i];
}
