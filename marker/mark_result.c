// MarkResult: the set of marked objects and blocks, its counts, and its digest.

#include <stdlib.h>

#include "marker/mark.h"
#include "marker/mark_internal.h"
#include "base/checksum.h"
#include "base/side_table.h"

const char *mark_kind_name(MarkKind kind)
{
    switch (kind) {
    case MARK_MAJOR:
        return "major";
    case MARK_MINOR:
        return "minor";
    }
    return "unknown";
}

const char *mark_policy_name(MarkPolicy policy)
{
    return policy == MARK_POLICY_OWNER ? "owner" : "steal";
}

bool mark_result_new(const HeapImage *image, MarkKind kind, MarkResult **out, Error *error)
{
    MarkResult *result = calloc(1, sizeof *result);

    *out = NULL;
    if (result == NULL)
        return error_set_memory(error, sizeof *result, "a mark result");
    result->kind = kind;
    result->word_count = image->word_count;
    result->block_word_count = ((uint64_t)image->block_count + 63) / 64;
    // One more, so that an empty heap has arrays too.
    result->marked = side_table_new((result->word_count + 1) * sizeof *result->marked);
    result->marked_blocks = calloc(result->block_word_count + 1, sizeof *result->marked_blocks);
    if (result->marked == NULL || result->marked_blocks == NULL) {
        error_set_memory(error, (result->word_count + result->block_word_count + 2) * 8,
                         "the mark words");
        mark_result_free(result);
        return false;
    }
    *out = result;
    return true;
}

void mark_result_free(MarkResult *result)
{
    if (result == NULL)
        return;
    side_table_free(result->marked, (result->word_count + 1) * sizeof *result->marked);
    free(result->marked_blocks);
    free(result);
}

void mark_result_count(MarkResult *result, const HeapImage *image)
{
    MarkTotals *totals = &result->totals;

    totals->marked_objects = totals->marked_bytes = 0;
    totals->marked_blocks = totals->marked_block_bytes = 0;
    for (uint32_t page = 0; page < image->page_count; page++) {
        const uint64_t *words = result->marked + heap_image_first_word(image, page);
        uint64_t objects = 0;
        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
            objects += (uint64_t)__builtin_popcountll(words[word]);
        totals->marked_objects += objects;
        totals->marked_bytes += objects * image->pages[page].block_size;
    }
    for (uint32_t block = 0; block < image->block_count; block++) {
        uint64_t bit = result->marked_blocks[block / 64] >> (block % 64) & 1;
        totals->marked_blocks += bit;
        totals->marked_block_bytes += bit * image->blocks[block].bytes;
    }
}

bool is_fully_marked(const MarkResult *result, const HeapImage *image, uint32_t page)
{
    uint64_t first = heap_image_first_word(image, page);

    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
        if ((image->live[first + word] & ~result->marked[first + word]) != 0)
            return false;
    return true;
}

void mark_result_digest(const MarkResult *result, const HeapImage *image,
                        char text[MARK_DIGEST_CHARS])
{
    Digest128 digest;

    digest128_init(&digest);
    for (uint32_t page = 0; page < image->page_count; page++) {
        const uint64_t *words = result->marked + heap_image_first_word(image, page);
        uint32_t count = heap_image_page_words(image, page);
        uint64_t any = 0;
        for (uint32_t word = 0; word < count; word++)
            any |= words[word];
        if (any == 0)
            continue;
        // Both are little-endian in memory on every machine we build for.
        digest128_update(&digest, &image->pages[page].address, sizeof(uint64_t));
        digest128_update(&digest, words, count * sizeof *words);
    }
    digest128_text(&digest, text);
}
