// MarkGolden: see analysis/replay/mark_golden.h.

#include "analysis/replay/mark_golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marker/schedule/schedule_recording.h"
#include "base/array.h"
#include "base/checksum.h"

const char *golden_total_name(GoldenTotal total)
{
    static const char *const names[] = {
        "reachable_objects", "reachable_bytes", "foreign_blocks",
        "foreign_bytes",     "roots",           "invalid_references",
    };

    return total < GOLDEN_TOTAL_COUNT ? names[total] : "unknown";
}

void mark_golden_init(MarkGolden *golden)
{
    memset(golden, 0, sizeof *golden);
}

void mark_golden_release(MarkGolden *golden)
{
    free(golden->pages);
    free(golden->words);
    mark_golden_init(golden);
}

bool mark_golden_add_page(MarkGolden *golden, uint64_t address, const uint64_t *words,
                          uint32_t word_count, Error *error)
{
    if (!array_reserve(&golden->pages, &golden->page_capacity, golden->page_count + 1,
                       sizeof *golden->pages, "a golden mark", error) ||
        !array_reserve(&golden->words, &golden->word_capacity, golden->word_count + word_count,
                       sizeof *golden->words, "a golden mark", error))
        return false;
    golden->pages[golden->page_count++] = (GoldenPage){
        .address = address, .first_word = golden->word_count, .word_count = word_count};
    memcpy(golden->words + golden->word_count, words, word_count * sizeof *words);
    golden->word_count += word_count;
    return true;
}

static bool has_mark(const uint64_t *words, uint32_t count)
{
    uint64_t any = 0;

    for (uint32_t i = 0; i < count; i++)
        any |= words[i];
    return any != 0;
}

static void take_totals(MarkGolden *golden, const MarkTotals *totals)
{
    golden->totals[GOLDEN_OBJECTS] = totals->marked_objects;
    golden->totals[GOLDEN_BYTES] = totals->marked_bytes;
    golden->totals[GOLDEN_BLOCKS] = totals->marked_blocks;
    golden->totals[GOLDEN_BLOCK_BYTES] = totals->marked_block_bytes;
    for (uint32_t kind = 0; kind < ROOT_KIND_COUNT; kind++)
        golden->totals[GOLDEN_ROOTS] += totals->roots[kind];
    golden->totals[GOLDEN_INVALID_REFERENCES] = totals->invalid_references;
}

bool mark_golden_take(MarkGolden *golden, const HeapImage *image, const MarkResult *result,
                      Error *error)
{
    heap_fingerprint(image, golden->heap);
    (void)snprintf(golden->rule, sizeof golden->rule, "%s", mark_rule_name(image));
    mark_result_digest(result, image, golden->digest);
    take_totals(golden, &result->totals);
    for (uint32_t page = 0; page < image->page_count; page++) {
        const uint64_t *words = result->marked + heap_image_first_word(image, page);
        uint32_t count = heap_image_page_words(image, page);
        if (has_mark(words, count) &&
            !mark_golden_add_page(golden, image->pages[page].address, words, count, error))
            return false;
    }
    return true;
}

// ---- digests ----

// The digest of the pages [from, to).
static void digest_pages(const MarkGolden *golden, uint64_t from, uint64_t to,
                         char text[MARK_DIGEST_CHARS])
{
    Digest128 digest;

    digest128_init(&digest);
    for (uint64_t i = from; i < to; i++) {
        const GoldenPage *page = &golden->pages[i];
        // Both are little-endian in memory on every machine we build for.
        digest128_update(&digest, &page->address, sizeof page->address);
        digest128_update(&digest, golden->words + page->first_word,
                         page->word_count * sizeof *golden->words);
    }
    digest128_text(&digest, text);
}

void mark_golden_digest(const MarkGolden *golden, char digest[MARK_DIGEST_CHARS])
{
    digest_pages(golden, 0, golden->page_count, digest);
}

void mark_golden_group_digest(const MarkGolden *golden, uint64_t group,
                              char digest[MARK_DIGEST_CHARS])
{
    uint64_t from = group * GOLDEN_GROUP_PAGES, to = from + GOLDEN_GROUP_PAGES;

    digest_pages(golden, from, to < golden->page_count ? to : golden->page_count, digest);
}

// ---- comparing ----

// Copies the words of the golden to the places of the words of a mark of `image`.
static void place_words(const MarkGolden *golden, const HeapImage *image, uint64_t *words,
                        uint64_t *strange_pages)
{
    for (uint64_t i = 0; i < golden->page_count; i++) {
        const GoldenPage *record = &golden->pages[i];
        uint32_t page = heap_image_find_page(image, record->address);

        if (page == NO_INDEX || image->pages[page].address != record->address ||
            heap_image_page_words(image, page) != record->word_count)
            ++*strange_pages;
        else
            memcpy(words + heap_image_first_word(image, page), golden->words + record->first_word,
                   record->word_count * sizeof *words);
    }
}

bool mark_golden_compare(const MarkGolden *expected, const MarkGolden *found,
                         const HeapImage *image, const MarkResult *result, bool *is_same,
                         GoldenComparison *out, Error *error)
{
    uint64_t *words;

    memset(out, 0, sizeof *out);
    *is_same = false;
    if (strcmp(expected->heap, found->heap) != 0) {
        out->is_other_heap = true;
        return true;
    }
    words = calloc(image->word_count + 1, sizeof *words);
    if (words == NULL)
        return error_set_memory(error, image->word_count * sizeof *words, "a golden mark");
    place_words(expected, image, words, &out->strange_pages);
    *is_same = mark_difference_find(image, words, result->marked, &out->marks);
    free(words);

    out->is_other_rule = strcmp(expected->rule, found->rule) != 0;
    *is_same = *is_same && !out->is_other_rule && out->strange_pages == 0 &&
               strcmp(expected->digest, found->digest) == 0;
    for (int total = 0; total < GOLDEN_TOTAL_COUNT; total++) {
        out->differs[total] = expected->totals[total] != found->totals[total];
        *is_same = *is_same && !out->differs[total];
    }
    return true;
}
