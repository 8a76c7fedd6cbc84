// SizedReach: see analysis/graph/sized_reach.h. Each thread has bits of its own.

#include "analysis/graph/sized_reach.h"

#include <stdlib.h>

#include "analysis/graph/object_graph_internal.h"
#include "base/parallel_for.h"
#include "base/search.h"

#define PIECE_PAGES 1024u
#define PIECE_BLOCKS 4096u
#define MOST_THREADS 4u

typedef struct ReachSearch {
    const HeapImage *image;
    const MarkResult *mark;
    AddressHull hull;
    uint64_t page_pieces;
    uint32_t thread_count;
    uint64_t *bits[MOST_THREADS]; // the first are the result's
} ReachSearch;

static uint64_t bit_words(const SnapshotDetails *details)
{
    return ((uint64_t)details->sized_block_count + 63) / 64;
}

void sized_reach_release(SizedReach *reach)
{
    free(reach->reached);
    *reach = (SizedReach){.reached = NULL};
}

static void add_words(const ReachSearch *search, uint64_t *bits, NodeWords words)
{
    for (uint64_t i = 0; i < words.count; i++) {
        uint64_t word = load_u64(words.bytes + 8 * i);
        uint32_t block;

        if (word - search->hull.start >= search->hull.bytes ||
            heap_image_find_page(search->image, word) != NO_INDEX ||
            heap_image_find_block(search->image, word) != NO_INDEX)
            continue;
        block = heap_image_find_sized_block(search->image, word);
        if (block != NO_INDEX)
            bits[block / 64] |= UINT64_C(1) << block % 64;
    }
}

static void add_page(const ReachSearch *search, uint64_t *bits, uint32_t page)
{
    const uint64_t *marked = search->mark->marked + heap_image_first_word(search->image, page);

    for (uint32_t word = 0; word < heap_image_page_words(search->image, page); word++)
        for (uint64_t left = marked[word]; left != 0; left &= left - 1)
            add_words(search, bits,
                      graph_object_words(search->image, page,
                                         word * 64 + (uint32_t)__builtin_ctzll(left)));
}

static bool add_piece(void *context, uint32_t worker, uint64_t item, Error *error)
{
    const ReachSearch *search = context;
    uint64_t *bits = search->bits[worker];

    (void)error;
    if (item < search->page_pieces) {
        for (uint64_t page = item * PIECE_PAGES;
             page < (item + 1) * PIECE_PAGES && page < search->image->page_count; page++)
            add_page(search, bits, (uint32_t)page);
        return true;
    }
    item -= search->page_pieces;
    for (uint64_t block = item * PIECE_BLOCKS;
         block < (item + 1) * PIECE_BLOCKS && block < search->image->block_count; block++)
        if ((search->mark->marked_blocks[block / 64] >> block % 64 & 1) != 0)
            add_words(search, bits, graph_block_words(search->image, (uint32_t)block));
    return true;
}

// Adds the blocks that reached ones refer to. Errors: memory.
static bool follow_links(const SnapshotDetails *details, const uint64_t *left_out, uint64_t *bits,
                         Error *error)
{
    uint32_t *worklist, waiting = 0;

    if (details->sized_link_count == 0)
        return true;
    worklist = malloc((size_t)details->sized_block_count * sizeof *worklist);
    if (worklist == NULL)
        return error_set_memory(error, details->sized_block_count * sizeof *worklist,
                                "blocks without content");
    for (uint32_t block = 0; block < details->sized_block_count; block++)
        if ((bits[block / 64] >> block % 64 & 1) != 0)
            worklist[waiting++] = block;
    while (waiting > 0) {
        uint32_t block = worklist[--waiting];

        for (uint64_t i = search_from(details->sized_links, details->sized_link_count, from, block);
             i < details->sized_link_count && details->sized_links[i].from == block; i++) {
            uint32_t to = details->sized_links[i].to;

            if (((bits[to / 64] | (left_out != NULL ? left_out[to / 64] : 0)) >> to % 64 & 1) != 0)
                continue;
            bits[to / 64] |= UINT64_C(1) << to % 64;
            worklist[waiting++] = to;
        }
    }
    free(worklist);
    return true;
}

static void count(const SnapshotDetails *details, SizedReach *out)
{
    for (uint32_t block = 0; block < details->sized_block_count; block++) {
        const SizedBlock *sized = &details->sized_blocks[block];

        if (sized_block_is_shared(sized))
            out->reached[block / 64] &= ~(UINT64_C(1) << block % 64);
        if (!sized_reach_has(out, block))
            continue;
        out->blocks++;
        out->bytes += sized_block_bytes(sized);
    }
}

bool sized_reach_make(const HeapImage *image, const MarkResult *mark, const uint64_t *left_out,
                      SizedReach *out, Error *error)
{
    const SnapshotDetails *details = image->details;
    uint64_t words = bit_words(details);
    ReachSearch search = {.image = image,
                          .mark = mark,
                          .hull = graph_hull(image),
                          .page_pieces =
                              ((uint64_t)image->page_count + PIECE_PAGES - 1) / PIECE_PAGES};
    uint64_t pieces =
        search.page_pieces + ((uint64_t)image->block_count + PIECE_BLOCKS - 1) / PIECE_BLOCKS;
    uint32_t wanted = parallel_for_threads(0, pieces);
    bool ok;

    *out = (SizedReach){.reached = NULL};
    if (details->sized_block_count == 0)
        return true;
    out->reached = calloc(words, sizeof *out->reached);
    if (out->reached == NULL)
        return error_set_memory(error, words * sizeof *out->reached, "blocks without content");
    search.bits[search.thread_count++] = out->reached;
    while (search.thread_count < wanted && search.thread_count < MOST_THREADS) {
        search.bits[search.thread_count] = calloc(words, sizeof *out->reached);
        if (search.bits[search.thread_count] == NULL)
            break;
        search.thread_count++;
    }
    ok = parallel_for(pieces, search.thread_count, add_piece, &search, error);
    for (uint32_t thread = 1; thread < search.thread_count; thread++) {
        for (uint64_t i = 0; i < words; i++)
            out->reached[i] |= search.bits[thread][i];
        free(search.bits[thread]);
    }
    for (uint64_t i = 0; left_out != NULL && i < words; i++)
        out->reached[i] &= ~left_out[i];
    ok = ok && follow_links(details, left_out, out->reached, error);
    if (ok)
        count(details, out);
    return ok;
}
