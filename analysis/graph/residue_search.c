// ResidueSearch: see analysis/graph/residue_search_internal.h.
//
// Two passes over pieces of the heap, on several threads. The first one visits all words: it finds
// the headers of buffers, and so the shapes of blocks, and takes the words of objects: those whose
// place says residue are candidates, the others are counted for the objects that they refer to. The
// second one takes the words of blocks, whose shapes are known then. So most words are resolved
// once, which takes about as long as marking does.

#include "analysis/graph/residue_search_internal.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/parallel_for.h"
#include "base/side_table.h"

#define PIECE_PAGES 1024u
#define PIECE_BLOCKS 4096u

static bool is_in_hull(const ResidueSearch *search, uint64_t word)
{
    return word - search->hull.start < search->hull.bytes;
}

static bool run_pass(ResidueSearch *search, ParallelItem visit, uint64_t count, Error *error)
{
    uint32_t threads = parallel_for_threads(0, count);

    return parallel_for(count, threads < search->thread_count ? threads : search->thread_count,
                        visit, search, error);
}

// ---- objects that words refer to ----

// The slot that begins at `word`, as a bit of HeapImage.live; NO_SLOT: none of the page does.
#define NO_SLOT UINT64_MAX

static inline uint64_t slot_in(const HeapImage *image, uint32_t page, uint64_t word)
{
    const HeapPage *record = &image->pages[page];
    uint64_t offset = word - record->address - record->header_size; // wraps before slot 0
    uint64_t slot = 0;

    if (!heap_image_is_large(image, page)) {
        if (offset >> 32 != 0)
            return NO_SLOT;
        slot = (uint32_t)offset / record->block_size;
        offset -= slot * record->block_size;
    }
    if (offset != 0 || slot >= record->slot_count)
        return NO_SLOT;
    return record->first_word * UINT64_C(64) + slot;
}

static inline bool is_live(const ResidueSearch *search, uint64_t bit)
{
    return bit != NO_SLOT && (search->image->live[bit / 64] >> bit % 64 & 1) != 0;
}

static bool refers_to_object(const ResidueSearch *search, uint64_t word)
{
    uint32_t page = is_in_hull(search, word) ? heap_image_find_page(search->image, word) : NO_INDEX;

    return page != NO_INDEX && is_live(search, slot_in(search->image, page, word));
}

NodeWords residue_word_words(const HeapImage *image, const ResidueWord *place)
{
    return place->page == NO_INDEX ? graph_block_words(image, place->slot_or_block)
                                   : graph_object_words(image, place->page, place->slot_or_block);
}

uint64_t residue_search_target(const ResidueSearch *search, const ResidueWord *word, uint32_t *page)
{
    uint64_t value =
        load_u64(residue_word_words(search->image, word).bytes + 8 * (uint64_t)word->word);

    *page = heap_image_find_page(search->image, value);
    return slot_in(search->image, *page, value);
}

uint64_t residue_search_count(const ResidueSearch *search, uint64_t bit)
{
    uint64_t found = 0;

    for (uint32_t i = 0; i < search->thread_count; i++)
        found += search->counts[i][bit];
    return found;
}

// ---- shapes of blocks ----

static bool add_shape(const ResidueSearch *search, ResiduePiece *piece, NodeWords words,
                      uint64_t at, Error *error)
{
    BufferShape shape;

    if (!buffer_shape_read(search->image, words, at, &shape))
        return true;
    if (!array_reserve(&piece->shapes, &piece->shape_capacity, piece->shape_count + 1, sizeof shape,
                       "shapes of buffers", error))
        return false;
    piece->shapes[piece->shape_count++] = shape;
    return true;
}

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

static BufferShape *find_shape(const ResidueSearch *search, uint32_t block)
{
    uint32_t index = search->block_shapes[block];

    return index == 0 ? NULL : &search->shapes[index - 1];
}

const BufferShape *residue_search_shape(const ResidueSearch *search, const ResidueWord *place)
{
    return place->page == NO_INDEX ? find_shape(search, place->slot_or_block) : NULL;
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

// ---- words ----

// Is the place of word `at` one of residue, by a buffer that is read in any of these ways, or
// behind a tag of zero?
static inline bool is_candidate(const ResidueSearch *search, const BufferShape *shape,
                                NodeWords words, uint64_t at)
{
    return (at > 0 && load_u64(words.bytes + 8 * (at - 1)) == 0) ||
           (shape != NULL && buffer_shape_is_left_over(search->image, shape, words.offset + 8 * at,
                                                       READ_AS_VECTOR | READ_AS_RING));
}

static bool add_candidate(ResiduePiece *piece, ResidueWord place, uint64_t bit, Error *error)
{
    if (!array_reserve(&piece->words, &piece->word_capacity, piece->word_count + 1,
                       sizeof *piece->words, "residue", error))
        return false;
    piece->words[piece->word_count++] = (ResidueCandidate){place, (uint32_t)bit};
    return true;
}

// Takes a word that refers to an object as a candidate, or counts it.
static inline bool take_word(const ResidueSearch *search, ResiduePiece *piece, uint16_t *counts,
                             const BufferShape *shape, ResidueWord place, NodeWords words,
                             uint64_t bit, Error *error)
{
    if (is_candidate(search, shape, words, place.word))
        return !is_live(search, bit) || add_candidate(piece, place, bit, error);
    if (bit != NO_SLOT && counts[bit] < UINT16_MAX)
        counts[bit]++;
    return true;
}

static inline bool take_object(const ResidueSearch *search, ResiduePiece *piece, uint16_t *counts,
                               uint32_t page, uint32_t slot, Error *error)
{
    const HeapImage *image = search->image;
    NodeWords words = graph_object_words(image, page, slot);

    for (uint64_t i = 0; i < words.count && i < UINT32_MAX; i++) {
        uint64_t word = load_u64(words.bytes + 8 * i);
        uint32_t target;

        if (!is_in_hull(search, word))
            continue;
        target = heap_image_find_page(image, word);
        if (target == NO_INDEX
                ? !add_shape(search, piece, words, i, error)
                : !take_word(search, piece, counts, NULL, (ResidueWord){page, slot, (uint32_t)i},
                             words, slot_in(image, target, word), error))
            return false;
    }
    return true;
}

static bool take_objects(const ResidueSearch *search, ResiduePiece *piece, uint16_t *counts,
                         uint64_t item, Error *error)
{
    const HeapImage *image = search->image;
    uint64_t end = (item + 1) * PIECE_PAGES;

    for (uint32_t page = (uint32_t)item * PIECE_PAGES; page < end && page < image->page_count;
         page++)
        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
            uint64_t left = search->mark->marked[heap_image_first_word(image, page) + word];

            for (; left != 0; left &= left - 1)
                if (!take_object(search, piece, counts, page,
                                 word * 64 + (uint32_t)__builtin_ctzll(left), error))
                    return false;
        }
    return true;
}

static bool read_headers(const ResidueSearch *search, ResiduePiece *piece, uint32_t block,
                         Error *error)
{
    NodeWords words = graph_block_words(search->image, block);

    for (uint64_t i = 0; i < words.count; i++) {
        uint64_t word = load_u64(words.bytes + 8 * i);

        if (is_in_hull(search, word) && heap_image_find_page(search->image, word) == NO_INDEX &&
            !add_shape(search, piece, words, i, error))
            return false;
    }
    return true;
}

static bool take_block(ResidueSearch *search, ResiduePiece *piece, uint16_t *counts, uint32_t block,
                       Error *error)
{
    const HeapImage *image = search->image;
    NodeWords words = graph_block_words(image, block);
    BufferShape *shape = find_shape(search, block);

    // Each block is looked at once, so no other thread uses its shape.
    if (shape != NULL && shape->kind == BUFFER_VECTOR && shape->second <= shape->capacity)
        tell_vector(search, shape, words);
    for (uint64_t i = 0; i < words.count && i < UINT32_MAX; i++) {
        uint64_t word = load_u64(words.bytes + 8 * i);
        uint32_t target = is_in_hull(search, word) ? heap_image_find_page(image, word) : NO_INDEX;

        if (target != NO_INDEX &&
            !take_word(search, piece, counts, shape, (ResidueWord){NO_INDEX, block, (uint32_t)i},
                       words, slot_in(image, target, word), error))
            return false;
    }
    return true;
}

// The marked blocks of a piece that is behind those of pages.
static bool visit_blocks(ResidueSearch *search, uint32_t worker, uint64_t item, bool are_taken,
                         Error *error)
{
    uint64_t first = (item - search->page_pieces) * PIECE_BLOCKS, end = first + PIECE_BLOCKS;
    ResiduePiece *piece = &search->pieces[item];

    for (uint32_t block = (uint32_t)first; block < end && block < search->image->block_count;
         block++)
        if ((search->mark->marked_blocks[block / 64] >> block % 64 & 1) != 0 &&
            !(are_taken ? take_block(search, piece, search->counts[worker], block, error)
                        : read_headers(search, piece, block, error)))
            return false;
    return true;
}

static bool visit_first(void *context, uint32_t worker, uint64_t item, Error *error)
{
    ResidueSearch *search = context;

    return item < search->page_pieces
               ? take_objects(search, &search->pieces[item], search->counts[worker], item, error)
               : visit_blocks(search, worker, item, false, error);
}

static bool visit_second(void *context, uint32_t worker, uint64_t item, Error *error)
{
    ResidueSearch *search = context;

    return visit_blocks(search, worker, search->page_pieces + item, true, error);
}

// ---- candidates ----

// Those of which no other word refers to the object are needed, and say nothing; in vectors they
// say how these are to be read.
static bool take_candidates(ResidueSearch *search, ResidueWords *out, Error *error)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < search->piece_count; i++) {
        ResiduePiece *piece = &search->pieces[i];
        uint64_t kept = 0;

        for (uint64_t j = 0; j < piece->word_count; j++) {
            const BufferShape *shape = residue_search_shape(search, &piece->words[j].word);

            if ((shape != NULL && shape->kind == BUFFER_VECTOR) ||
                residue_search_count(search, piece->words[j].bit) > 0)
                piece->words[kept++] = piece->words[j];
        }
        piece->word_count = kept;
        count += kept;
    }
    out->words = malloc((count + 1) * sizeof *out->words);
    if (out->words == NULL)
        return error_set_memory(error, count * sizeof *out->words, "residue");
    for (uint64_t i = 0; i < search->piece_count; i++)
        for (uint64_t j = 0; j < search->pieces[i].word_count; j++)
            out->words[out->count++] = search->pieces[i].words[j].word;
    return true;
}

// ---- all ----

static uint64_t counts_bytes(const ResidueSearch *search)
{
    return (search->image->word_count + 1) * 64 * sizeof(uint16_t);
}

static bool make_counts(ResidueSearch *search, Error *error)
{
    uint32_t wanted = parallel_for_threads(0, search->piece_count);

    while (search->thread_count < wanted && search->thread_count < MOST_COUNTING_THREADS) {
        uint16_t *counts = side_table_new(counts_bytes(search));

        if (counts == NULL)
            return error_set_memory(error, counts_bytes(search), "counts of references");
        search->counts[search->thread_count++] = counts;
    }
    return true;
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
    for (uint32_t i = 0; i < search->thread_count; i++)
        side_table_free(search->counts[i], counts_bytes(search));
}

bool residue_search_run(ResidueSearch *search, ResidueWords *out, Error *error)
{
    const HeapImage *image = search->image;
    uint64_t block_pieces = ((uint64_t)image->block_count + PIECE_BLOCKS - 1) / PIECE_BLOCKS;

    search->hull = graph_hull(image);
    search->page_pieces = ((uint64_t)image->page_count + PIECE_PAGES - 1) / PIECE_PAGES;
    search->piece_count = search->page_pieces + block_pieces;
    search->pieces = calloc(search->piece_count + 1, sizeof *search->pieces);
    if (search->pieces == NULL)
        return error_set_memory(error, search->piece_count * sizeof *search->pieces, "residue");
    return make_counts(search, error) &&
           run_pass(search, visit_first, search->piece_count, error) &&
           take_shapes(search, error) && run_pass(search, visit_second, block_pieces, error) &&
           take_candidates(search, out, error);
}
