// HeapCut: see analysis/graph/heap_cut.h.

#include "analysis/graph/heap_cut.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/graph/sized_reach.h"
#include "base/side_table.h"

// A copy of the original image with live words, page tags, blocks and roots of its own.
struct HeapCut {
    const HeapImage *original;
    HeapImage image;
    uint64_t *live;
    uint8_t *page_tags;
    ForeignBlock *blocks;
    Root *roots; // without the removed ones
    uint64_t *cut_roots;
    uint64_t *cut_sized; // bit per block without content
    bool knows_before;
    SizedReach before; // of the mark of the original
};

static uint64_t bit_words(uint64_t bits)
{
    return (bits + 63) / 64;
}

void heap_cut_free(HeapCut *cut)
{
    if (cut == NULL)
        return;
    side_table_free(cut->live, (cut->original->word_count + 1) * sizeof *cut->live);
    side_table_free(cut->page_tags, cut->original->tag_count + 1);
    free(cut->blocks);
    free(cut->roots);
    free(cut->cut_roots);
    free(cut->cut_sized);
    sized_reach_release(&cut->before);
    free(cut);
}

static void copy(void *to, const void *from, uint64_t bytes)
{
    if (bytes > 0)
        memcpy(to, from, bytes);
}

void heap_cut_reset(HeapCut *cut)
{
    const HeapImage *original = cut->original;

    copy(cut->live, original->live, (original->word_count + 1) * sizeof *cut->live);
    copy(cut->page_tags, original->page_tags, original->tag_count + 1);
    copy(cut->blocks, original->blocks, original->block_count * sizeof *cut->blocks);
    memset(cut->cut_sized, 0,
           (bit_words(original->details->sized_block_count) + 1) * sizeof *cut->cut_sized);
    memset(cut->cut_roots, 0, (bit_words(original->root_count) + 1) * sizeof *cut->cut_roots);
}

bool heap_cut_new(const HeapImage *image, HeapCut **out, Error *error)
{
    HeapCut *cut = calloc(1, sizeof *cut);

    *out = NULL;
    if (cut == NULL)
        return error_set_memory(error, sizeof *cut, "a heap without some objects");
    cut->original = image;
    cut->image = *image;
    cut->live = side_table_new((image->word_count + 1) * sizeof *cut->live);
    cut->page_tags = side_table_new(image->tag_count + 1);
    cut->blocks = malloc((image->block_count + UINT64_C(1)) * sizeof *cut->blocks);
    cut->roots = malloc((image->root_count + 1) * sizeof *cut->roots);
    cut->cut_roots = malloc((bit_words(image->root_count) + 1) * sizeof *cut->cut_roots);
    cut->cut_sized =
        malloc((bit_words(image->details->sized_block_count) + 1) * sizeof *cut->cut_sized);
    if (cut->cut_sized == NULL || cut->live == NULL || cut->page_tags == NULL ||
        cut->blocks == NULL || cut->roots == NULL || cut->cut_roots == NULL) {
        heap_cut_free(cut);
        return error_set_memory(error,
                                (image->word_count + 1) * 9 +
                                    image->block_count * sizeof(ForeignBlock) +
                                    image->root_count * sizeof(Root),
                                "a heap without some objects");
    }
    cut->image.live = cut->live;
    cut->image.page_tags = cut->page_tags;
    cut->image.blocks = cut->blocks;
    cut->image.roots = cut->roots;
    heap_cut_reset(cut);
    *out = cut;
    return true;
}

void heap_cut_object(HeapCut *cut, uint32_t page, uint32_t slot)
{
    uint64_t first = heap_image_first_word(cut->original, page);

    cut->live[first + slot / 64] &= ~(UINT64_C(1) << slot % 64);
    if (first < cut->original->tag_count)
        cut->page_tags[first] &= (uint8_t)~PAGE_TAG_WHOLE;
}

void heap_cut_block(HeapCut *cut, uint32_t block)
{
    uint32_t sized = block - cut->original->block_count;

    // No word refers to an empty block.
    if (!heap_image_block_is_sized(cut->original, block))
        cut->blocks[block].bytes = 0;
    else
        cut->cut_sized[sized / 64] |= UINT64_C(1) << sized % 64;
}

const SizedReach *heap_cut_before(const HeapCut *cut)
{
    return &cut->before;
}

void heap_cut_root(HeapCut *cut, uint64_t root)
{
    cut->cut_roots[root / 64] |= UINT64_C(1) << root % 64;
}

static void count_freed(const HeapImage *image, const MarkResult *before, const MarkResult *after,
                        FreedCounts *freed)
{
    *freed = (FreedCounts){0};
    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t first = heap_image_first_word(image, page), objects = 0;

        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
            objects += (uint64_t)__builtin_popcountll(before->marked[first + word] &
                                                      ~after->marked[first + word]);
        freed->objects += objects;
        freed->object_bytes += objects * image->pages[page].block_size;
    }
    for (uint32_t block = 0; block < image->block_count; block++) {
        uint64_t is_freed =
            (before->marked_blocks[block / 64] & ~after->marked_blocks[block / 64]) >> block % 64 &
            1;

        freed->blocks += is_freed;
        freed->block_bytes += is_freed * image->blocks[block].bytes;
    }
}

// A block without content is cut off when nothing that is left leads to it, or when it was cut
// itself.
static bool count_sized(HeapCut *cut, const MarkResult *before, const MarkResult *after,
                        FreedCounts *freed, Error *error)
{
    SizedReach reach;

    if (cut->original->details->sized_block_count == 0)
        return true;
    if (!cut->knows_before && !sized_reach_make(cut->original, before, NULL, &cut->before, error))
        return false;
    cut->knows_before = true;
    if (!sized_reach_make(cut->original, after, cut->cut_sized, &reach, error)) {
        sized_reach_release(&reach);
        return false;
    }
    freed->sized_blocks = cut->before.blocks - reach.blocks;
    freed->sized_bytes = cut->before.bytes - reach.bytes;
    sized_reach_release(&reach);
    return true;
}

bool heap_cut_mark(HeapCut *cut, const MarkResult *before, FreedCounts *freed, MarkResult **out,
                   Error *error)
{
    MarkOptions options = mark_options_default();
    HeapImage image = cut->image;
    MarkResult *after = NULL;

    if (out != NULL)
        *out = NULL;
    image.root_count = 0;
    for (uint64_t root = 0; root < cut->original->root_count; root++)
        if ((cut->cut_roots[root / 64] >> root % 64 & 1) == 0)
            cut->roots[image.root_count++] = cut->original->roots[root];
    if (!mark_reachable(&image, &options, &after, error))
        return false;
    count_freed(cut->original, before, after, freed);
    if (!count_sized(cut, before, after, freed, error)) {
        mark_result_free(after);
        return false;
    }
    if (out != NULL)
        *out = after;
    else
        mark_result_free(after);
    return true;
}
