// Referrers: see analysis/referrer_search.h.

#include "analysis/referrer_search.h"

#include <stdlib.h>

#include "base/array.h"

typedef struct Search {
    const HeapImage *image;
    const MarkResult *mark;
    uint64_t start;
    uint64_t bytes;
    // Only the first address counts: of an object, except from stacks and registers.
    bool starts_only;
    Referrers *found;
} Search;

static bool add_root(Search *search, uint64_t root, Error *error)
{
    Referrers *found = search->found;

    if (found->root_count++ >= REFERRERS_LISTED)
        return true;
    if (!array_reserve(&found->roots, &found->root_capacity, found->root_count,
                       sizeof *found->roots, "the roots that refer to an object", error))
        return false;
    found->roots[found->root_count - 1] = root;
    return true;
}

static bool search_roots(Search *search, Error *error)
{
    for (uint64_t i = 0; i < search->image->root_count; i++) {
        const Root *root = &search->image->roots[i];
        uint64_t offset = root->value - search->start;

        if (offset < search->bytes &&
            (offset == 0 || !search->starts_only || root_allows_interior(root)) &&
            !add_root(search, i, error))
            return false;
    }
    return true;
}

// Counts the words that refer to the place, from the first of which `referrer` gets its offset.
static void search_words(const Search *search, PlaceWords words, Referrer *referrer)
{
    uint64_t limit = search->starts_only ? 1 : search->bytes;

    for (uint64_t i = 0; i < words.count; i++) {
        uint64_t word = load_u64(words.bytes + 8 * i);

        if (word - search->start >= limit)
            continue;
        if (referrer->words++ == 0) {
            referrer->offset = words.offset + 8 * i;
            referrer->target = word;
        }
    }
}

static bool add_node(Search *search, const Referrer *referrer, Error *error)
{
    Referrers *found = search->found;

    if (referrer->words == 0)
        return true;
    found->node_count++;
    found->node_words += referrer->words;
    found->garbage_count += !referrer->is_reachable;
    if (found->listed == REFERRERS_LISTED)
        return true;
    if (!array_reserve(&found->nodes, &found->capacity, found->listed + 1, sizeof *found->nodes,
                       "what refers to an object", error))
        return false;
    found->nodes[found->listed++] = *referrer;
    return true;
}

static bool search_slot(Search *search, uint32_t page, uint32_t slot, Error *error)
{
    const HeapImage *image = search->image;
    HeapPlace place = {.kind = HEAP_PLACE_OBJECT,
                       .address = heap_image_object_address(image, page, slot),
                       .bytes = image->pages[page].block_size,
                       .page = page,
                       .slot = slot};
    Referrer referrer = {.page = page,
                         .slot = slot,
                         .block = NO_INDEX,
                         .is_reachable = mark_result_is_marked(search->mark, image, page, slot)};

    // Its words are not written yet.
    if (heap_image_is_under_construction(image, page, slot))
        return true;
    search_words(search, heap_place_words(image, &place), &referrer);
    return add_node(search, &referrer, error);
}

static bool search_pages(Search *search, Error *error)
{
    const HeapImage *image = search->image;

    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
            uint64_t left = image->live[heap_image_first_word(image, page) + word];

            for (; left != 0; left &= left - 1)
                if (!search_slot(search, page, word * 64 + (uint32_t)__builtin_ctzll(left), error))
                    return false;
        }
    return true;
}

static bool search_blocks(Search *search, Error *error)
{
    const HeapImage *image = search->image;

    for (uint32_t block = 0; block < image->block_count; block++) {
        HeapPlace place = {.kind = HEAP_PLACE_BLOCK,
                           .address = image->blocks[block].address,
                           .bytes = image->blocks[block].bytes,
                           .page = NO_INDEX,
                           .slot = NO_INDEX,
                           .block = block};
        Referrer referrer = {.page = NO_INDEX, .slot = NO_INDEX, .block = block};

        referrer.is_reachable = (search->mark->marked_blocks[block / 64] >> block % 64 & 1) != 0;
        search_words(search, heap_place_words(image, &place), &referrer);
        if (!add_node(search, &referrer, error))
            return false;
    }
    return true;
}

static int compare(const void *left, const void *right)
{
    const Referrer *a = left, *b = right;

    if (a->is_reachable != b->is_reachable)
        return a->is_reachable ? -1 : 1;
    if (a->page != b->page)
        return a->page < b->page ? -1 : 1;
    if (a->slot != b->slot)
        return a->slot < b->slot ? -1 : 1;
    return (a->block > b->block) - (a->block < b->block);
}

bool referrers_find(const HeapImage *image, const MarkResult *mark, const HeapPlace *place,
                    Referrers *out, Error *error)
{
    Search search = {.image = image,
                     .mark = mark,
                     .start = place->address,
                     .bytes = place->bytes > 0 ? place->bytes : 1,
                     .starts_only = place->kind == HEAP_PLACE_OBJECT,
                     .found = out};

    *out = (Referrers){0};
    if (!search_roots(&search, error) || !search_pages(&search, error) ||
        !search_blocks(&search, error))
        return false;
    if (out->listed > 0)
        qsort(out->nodes, out->listed, sizeof *out->nodes, compare);
    return true;
}

void referrers_release(Referrers *referrers)
{
    free(referrers->roots);
    free(referrers->nodes);
    *referrers = (Referrers){0};
}
