// MarkDifference: see analysis/replay/mark_difference.h.

#include "analysis/replay/mark_difference.h"

#include <string.h>

// Counts the bits of word `word` of a page, and lists them if it is the first page.
static void add_slots(DifferingSlots *slots, uint64_t bits, uint32_t word, bool is_first_page)
{
    slots->objects += (uint64_t)__builtin_popcountll(bits);
    if (!is_first_page)
        return;
    slots->in_page += (uint32_t)__builtin_popcountll(bits);
    for (; bits != 0 && slots->shown < DIFFERENCE_MAX_SLOTS; bits &= bits - 1)
        slots->slots[slots->shown++] = (uint16_t)(word * 64 + (uint32_t)__builtin_ctzll(bits));
}

static void add_page(const HeapImage *image, uint32_t page, const uint64_t *expected,
                     const uint64_t *marked, MarkDifference *out)
{
    const HeapPage *record = &image->pages[page];
    bool is_first = out->pages++ == 0;

    if (is_first) {
        out->page = page;
        out->page_address = record->address;
        out->block_size = record->block_size;
        out->owner_thread = record->owner_thread;
        out->is_large = heap_image_is_large(image, page);
    }
    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
        add_slots(&out->added, marked[word] & ~expected[word], word, is_first);
        add_slots(&out->missing, expected[word] & ~marked[word], word, is_first);
    }
}

bool mark_difference_find(const HeapImage *image, const uint64_t *expected, const uint64_t *marked,
                          MarkDifference *out)
{
    memset(out, 0, sizeof *out);
    if (memcmp(expected, marked, image->word_count * sizeof *marked) == 0)
        return true;
    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t first = heap_image_first_word(image, page);
        size_t bytes = heap_image_page_words(image, page) * sizeof *marked;
        if (memcmp(expected + first, marked + first, bytes) != 0)
            add_page(image, page, expected + first, marked + first, out);
    }
    return out->pages == 0;
}

bool mark_difference_of_results(const HeapImage *image, const MarkResult *expected,
                                const MarkResult *marked, MarkDifference *out)
{
    bool is_same = mark_difference_find(image, expected->marked, marked->marked, out);

    for (uint64_t word = 0; word < expected->block_word_count; word++)
        out->blocks += (uint64_t)__builtin_popcountll(expected->marked_blocks[word] ^
                                                      marked->marked_blocks[word]);
    return is_same && out->blocks == 0;
}
