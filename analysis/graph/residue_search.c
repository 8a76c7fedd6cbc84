// ResidueSearch: see analysis/graph/residue_search_internal.h.
//
// Three passes over pieces of the heap, on several threads: one finds the headers of buffers, and
// so the shapes of blocks, and the words of objects whose place says residue; one finds such words
// of blocks; and, where there are any, one counts the other words that refer to the same objects.
// The first two resolve few words.

#include "analysis/graph/residue_search_internal.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/parallel_for.h"
#include "base/side_table.h"

#define PIECE_PAGES 1024u
#define PIECE_BLOCKS 4096u

// Does something with all words of a marked object or block. page: NO_INDEX for a block.
typedef bool (*VisitWords)(ResidueSearch *search, uint32_t worker, ResiduePiece *piece,
                           ResidueWord place, NodeWords words, Error *error);

typedef struct Pass {
    ResidueSearch *search;
    VisitWords visit;
    uint64_t first_piece;
} Pass;

static bool visit_pages(const Pass *pass, uint32_t worker, uint64_t item, Error *error)
{
    ResidueSearch *search = pass->search;
    const HeapImage *image = search->image;
    uint64_t end = (item + 1) * PIECE_PAGES;

    for (uint32_t page = (uint32_t)item * PIECE_PAGES; page < end && page < image->page_count;
         page++)
        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
            uint64_t left = search->mark->marked[heap_image_first_word(image, page) + word];

            for (; left != 0; left &= left - 1) {
                uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(left);

                if (!pass->visit(search, worker, &search->pieces[item],
                                 (ResidueWord){page, slot, 0},
                                 graph_object_words(image, page, slot), error))
                    return false;
            }
        }
    return true;
}

static bool visit_piece(void *context, uint32_t worker, uint64_t item, Error *error)
{
    const Pass *pass = context;
    ResidueSearch *search = pass->search;
    uint64_t first, end;

    item += pass->first_piece;
    if (item < search->page_pieces)
        return visit_pages(pass, worker, item, error);
    first = (item - search->page_pieces) * PIECE_BLOCKS;
    end = first + PIECE_BLOCKS;
    for (uint32_t block = (uint32_t)first; block < end && block < search->image->block_count;
         block++)
        if ((search->mark->marked_blocks[block / 64] >> block % 64 & 1) != 0 &&
            !pass->visit(search, worker, &search->pieces[item], (ResidueWord){NO_INDEX, block, 0},
                         graph_block_words(search->image, block), error))
            return false;
    return true;
}

static bool run_pass(ResidueSearch *search, VisitWords visit, uint64_t first_piece, Error *error)
{
    Pass pass = {search, visit, first_piece};
    uint64_t count = search->piece_count - first_piece;
    uint32_t threads = parallel_for_threads(0, count);

    if (search->thread_count > 0 && threads > search->thread_count)
        threads = search->thread_count;
    return parallel_for(count, threads, visit_piece, &pass, error);
}

static bool is_in_hull(const ResidueSearch *search, uint64_t word)
{
    return word - search->hull.start < search->hull.bytes;
}

// ---- shapes of blocks ----

// Headers that disagree about a block say nothing about it.
static bool take_shapes(ResidueSearch *search, Error *error)
{
    uint64_t whole = 0, count = 0;

    for (uint64_t i = 0; i < search->piece_count; i++)
        whole += search->pieces[i].shape_count;
    search->shapes = malloc((whole + 1) * sizeof *search->shapes);
    search->block_shapes =
        calloc(search->image->block_count + UINT64_C(1), sizeof *search->block_shapes);
    if (search->shapes == NULL || search->block_shapes == NULL)
        return error_set_memory(error, whole * sizeof *search->shapes, "shapes of buffers");
    for (uint64_t i = 0; i < search->piece_count; i++)
        for (uint64_t j = 0; j < search->pieces[i].shape_count; j++) {
            const BufferShape *shape = &search->pieces[i].shapes[j];
            uint32_t *index = &search->block_shapes[shape->block];

            if (*index == 0 && count < UINT32_MAX) {
                search->shapes[count] = *shape;
                *index = (uint32_t)++count;
            } else if (*index != 0 && !buffer_shape_is_same(&search->shapes[*index - 1], shape)) {
                search->shapes[*index - 1].kind = BUFFER_UNSURE;
            }
        }
    for (uint64_t i = 0; i < count; i++)
        if (!buffer_shape_holds(search->image, &search->shapes[i]))
            search->shapes[i].kind = BUFFER_UNSURE;
    return true;
}

// ---- words whose place says residue ----

static BufferShape *find_shape(const ResidueSearch *search, const ResidueWord *place)
{
    uint32_t index = place->page == NO_INDEX ? search->block_shapes[place->slot_or_block] : 0;

    return index == 0 ? NULL : &search->shapes[index - 1];
}

const BufferShape *residue_search_shape(const ResidueSearch *search, const ResidueWord *place)
{
    return find_shape(search, place);
}

// Is the place of word `at` one of residue, by a buffer that is read in any of these ways, or
// behind a tag of zero?
static bool is_candidate(const ResidueSearch *search, const BufferShape *shape, NodeWords words,
                         uint64_t at)
{
    return (at > 0 && load_u64(words.bytes + 8 * (at - 1)) == 0) ||
           (shape != NULL && buffer_shape_is_left_over(search->image, shape, words.offset + 8 * at,
                                                       READ_AS_VECTOR | READ_AS_RING));
}

// The slot that begins at `word`, as a bit of HeapImage.live, and its page; NO_SLOT: none does.
#define NO_SLOT UINT64_MAX

static inline uint64_t find_slot(const ResidueSearch *search, uint64_t word, uint32_t *page)
{
    const HeapImage *image = search->image;
    const HeapPage *record;
    uint64_t offset, slot = 0;

    *page = heap_image_find_page(image, word);
    if (*page == NO_INDEX)
        return NO_SLOT;
    record = &image->pages[*page];
    offset = word - record->address - record->header_size; // wraps before slot 0
    if (!heap_image_is_large(image, *page)) {
        // Small classes are powers of two.
        slot = offset >> __builtin_ctz(record->block_size);
        offset &= record->block_size - 1;
    }
    if (offset != 0 || slot >= record->slot_count)
        return NO_SLOT;
    return record->first_word * UINT64_C(64) + slot;
}

static inline bool has_bit(const uint64_t *words, uint64_t bit)
{
    return (words[bit / 64] >> bit % 64 & 1) != 0;
}

// Does the word of an object or block refer to a live object?
static bool refers_to_object(const ResidueSearch *search, uint64_t word)
{
    uint32_t page;
    uint64_t bit = is_in_hull(search, word) ? find_slot(search, word, &page) : NO_SLOT;

    return bit != NO_SLOT && has_bit(search->image->live, bit);
}

// A vector behind whose length nothing lies is one, whatever the word behind its header says: most
// headers with a small number behind them are not those of rings.
static void tell_vector(const ResidueSearch *search, BufferShape *shape, NodeWords words)
{
    for (uint64_t i = 0; i < words.count; i++)
        if (buffer_shape_is_left_over(search->image, shape, words.offset + 8 * i, READ_AS_VECTOR) &&
            refers_to_object(search, load_u64(words.bytes + 8 * i)))
            return;
    shape->second = UINT64_MAX;
}

static bool find_candidates(ResidueSearch *search, uint32_t worker, ResiduePiece *piece,
                            ResidueWord place, NodeWords words, Error *error)
{
    BufferShape *shape = find_shape(search, &place);

    (void)worker;
    // Each block is looked at once, so no other thread uses its shape.
    if (shape != NULL && shape->kind == BUFFER_VECTOR && shape->second <= shape->capacity)
        tell_vector(search, shape, words);
    for (uint64_t i = 0; i < words.count && i < UINT32_MAX; i++) {
        if (!is_candidate(search, shape, words, i) ||
            !refers_to_object(search, load_u64(words.bytes + 8 * i)))
            continue;
        if (!array_reserve(&piece->words, &piece->word_capacity, piece->word_count + 1,
                           sizeof *piece->words, "residue", error))
            return false;
        place.word = (uint32_t)i;
        piece->words[piece->word_count++] = place;
    }
    return true;
}

// The candidates of objects are found on the way: only those of blocks need shapes.
static bool find_headers(ResidueSearch *search, uint32_t worker, ResiduePiece *piece,
                         ResidueWord place, NodeWords words, Error *error)
{
    for (uint64_t i = 0; i < words.count; i++) {
        BufferShape shape;

        if (!is_in_hull(search, load_u64(words.bytes + 8 * i)) ||
            !buffer_shape_read(search->image, words, i, &shape))
            continue;
        if (!array_reserve(&piece->shapes, &piece->shape_capacity, piece->shape_count + 1,
                           sizeof shape, "shapes of buffers", error))
            return false;
        piece->shapes[piece->shape_count++] = shape;
    }
    return place.page == NO_INDEX || find_candidates(search, worker, piece, place, words, error);
}

NodeWords residue_word_words(const HeapImage *image, const ResidueWord *place)
{
    return place->page == NO_INDEX ? graph_block_words(image, place->slot_or_block)
                                   : graph_object_words(image, place->page, place->slot_or_block);
}

uint64_t residue_search_target(const ResidueSearch *search, const ResidueWord *word, uint32_t *page)
{
    return find_slot(
        search, load_u64(residue_word_words(search->image, word).bytes + 8 * (uint64_t)word->word),
        page);
}

// Sets the bits of all targets; returns the number of candidates.
static bool take_candidates(ResidueSearch *search, ResidueWords *out, Error *error)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < search->piece_count; i++)
        count += search->pieces[i].word_count;
    out->words = malloc((count + 1) * sizeof *out->words);
    search->targets = side_table_new((search->image->word_count + 1) * sizeof *search->targets);
    if (out->words == NULL || search->targets == NULL)
        return error_set_memory(error, count * sizeof *out->words, "residue");
    for (uint64_t i = 0; i < search->piece_count; i++) {
        ResiduePiece *piece = &search->pieces[i];

        for (uint64_t j = 0; j < piece->word_count; j++) {
            uint32_t page;
            uint64_t bit = residue_search_target(search, &piece->words[j], &page);

            search->targets[bit / 64] |= UINT64_C(1) << bit % 64;
            out->words[out->count++] = piece->words[j];
        }
        free(piece->words);
        piece->words = NULL;
        piece->word_count = piece->word_capacity = 0;
    }
    return true;
}

// ---- other words that refer to their objects ----

static uint64_t counts_bytes(const ResidueSearch *search)
{
    return (search->image->word_count + 1) * 64 * sizeof(uint16_t);
}

static bool count_others(ResidueSearch *search, uint32_t worker, ResiduePiece *piece,
                         ResidueWord place, NodeWords words, Error *error)
{
    const BufferShape *shape = residue_search_shape(search, &place);
    uint16_t *counts = search->counts[worker];

    (void)piece, (void)error;
    for (uint64_t i = 0; i < words.count; i++) {
        uint64_t word = load_u64(words.bytes + 8 * i), bit;
        uint32_t page;

        if (!is_in_hull(search, word) || is_candidate(search, shape, words, i))
            continue;
        bit = find_slot(search, word, &page);
        if (bit != NO_SLOT && has_bit(search->targets, bit) && counts[bit] < UINT16_MAX)
            counts[bit]++;
    }
    return true;
}

static bool make_counts(ResidueSearch *search, Error *error)
{
    uint32_t wanted = parallel_for_threads(0, search->piece_count);

    while (search->thread_count < wanted && search->thread_count < MOST_COUNTING_THREADS) {
        uint16_t *counts = side_table_new(counts_bytes(search));

        if (counts == NULL)
            break;
        search->counts[search->thread_count++] = counts;
    }
    return search->thread_count > 0 ||
           error_set_memory(error, counts_bytes(search), "counts of references");
}

void residue_search_release(ResidueSearch *search)
{
    for (uint64_t i = 0; search->pieces != NULL && i < search->piece_count; i++) {
        free(search->pieces[i].shapes);
        free(search->pieces[i].words);
    }
    free(search->pieces);
    free(search->shapes);
    free(search->block_shapes);
    side_table_free(search->targets, (search->image->word_count + 1) * sizeof *search->targets);
    for (uint32_t i = 0; i < search->thread_count; i++)
        side_table_free(search->counts[i], counts_bytes(search));
}

bool residue_search_run(ResidueSearch *search, ResidueWords *out, Error *error)
{
    const HeapImage *image = search->image;

    search->hull = graph_hull(image);
    search->page_pieces = ((uint64_t)image->page_count + PIECE_PAGES - 1) / PIECE_PAGES;
    search->piece_count =
        search->page_pieces + ((uint64_t)image->block_count + PIECE_BLOCKS - 1) / PIECE_BLOCKS;
    search->pieces = calloc(search->piece_count + 1, sizeof *search->pieces);
    if (search->pieces == NULL)
        return error_set_memory(error, search->piece_count * sizeof *search->pieces, "residue");
    if (!run_pass(search, find_headers, 0, error) || !take_shapes(search, error) ||
        !run_pass(search, find_candidates, search->page_pieces, error) ||
        !take_candidates(search, out, error))
        return false;
    return out->count == 0 ||
           (make_counts(search, error) && run_pass(search, count_others, 0, error));
}
