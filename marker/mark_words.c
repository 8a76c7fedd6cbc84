// Mark words: see marker/mark_words.h.

#include "marker/mark_words.h"

#include <string.h>

// A minor mark touches no bit of an old page.
static void clear_old_pages(uint64_t *words, const HeapImage *image)
{
    for (uint32_t page = 0; page < image->page_count; page++)
        if (heap_image_generation(image, page) > 0)
            memset(words + heap_image_first_word(image, page), 0,
                   heap_image_page_words(image, page) * sizeof *words);
}

// Ones for all foreign blocks, zeroes behind the last.
static uint64_t all_blocks(const HeapImage *image, uint64_t word)
{
    uint64_t left = image->block_count - word * 64;

    return left >= 64 ? UINT64_MAX : (UINT64_C(1) << left) - 1;
}

bool mark_words_start(MarkResult *result, const HeapImage *image, MarkTarget *target, Error *error)
{
    memcpy(result->marked, image->live, image->word_count * sizeof *result->marked);
    if (result->kind == MARK_MINOR)
        clear_old_pages(result->marked, image);
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
    for (uint64_t i = 0; i < image->word_count; i++)
        result->marked[i] = image->live[i] & ~result->marked[i];
    if (result->kind == MARK_MINOR)
        clear_old_pages(result->marked, image);
    for (uint64_t i = 0; i < result->block_word_count; i++)
        result->marked_blocks[i] = all_blocks(image, i) & ~result->marked_blocks[i];
}
