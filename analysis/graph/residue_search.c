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

bool residue_search_refers_to_object(const ResidueSearch *search, uint64_t word)
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

// Words that are resolved together, so that the loads of all of them are waited for together.
#define BATCH_WORDS 64u

typedef struct Batch {
    const ResidueSearch *search;
    ResiduePiece *piece;
    uint16_t *counts; // of the thread
    uint32_t count;
    uint64_t words[BATCH_WORDS];
    ResidueWord places[BATCH_WORDS];
    bool are_candidates[BATCH_WORDS];
} Batch;

// The same by the tag of the page alone, which is in a faster cache. False: it does not say.
static inline bool slot_by_tag(const HeapImage *image, uint64_t word, uint64_t *bit)
{
    uint64_t bucket = (word >> image->page_shift) - image->page_window.first;
    uint64_t offset = word & (image->layout.page_size - 1), slot;
    const SlotClass *class;
    unsigned tag;

    if (!image->is_direct || bucket >= image->tag_count)
        return false;
    tag = image->page_tags[bucket] & PAGE_TAG_CLASS;
    if (tag <= PAGE_TAG_COMPLEX)
        return false;
    class = &image->slot_classes[tag];
    slot = (offset >> class->shift) - class->first_slot; // wraps before slot 0
    *bit = (offset & (class->block_size - 1)) != 0 || slot >= class->slot_count
               ? NO_SLOT
               : bucket * 64 + slot;
    return true;
}

// Finds the slots to which the words refer, or NO_SLOT.
static bool resolve_batch(const Batch *batch, uint64_t bits[BATCH_WORDS], Error *error)
{
    const HeapImage *image = batch->search->image;
    uint32_t pages[BATCH_WORDS];

    for (uint32_t i = 0; i < batch->count; i++) {
        pages[i] = NO_INDEX;
        if (slot_by_tag(image, batch->words[i], &bits[i])) {
            __builtin_prefetch(&batch->counts[bits[i] == NO_SLOT ? 0 : bits[i]], 1);
            continue;
        }
        bits[i] = NO_SLOT;
        pages[i] = heap_image_find_page(image, batch->words[i]);
        // Headers in blocks have been read.
        if (pages[i] == NO_INDEX && batch->places[i].page != NO_INDEX &&
            !residue_shapes_add(batch->search, batch->piece,
                                residue_word_words(image, &batch->places[i]), batch->places[i].word,
                                error))
            return false;
    }
    for (uint32_t i = 0; i < batch->count; i++)
        if (pages[i] != NO_INDEX) {
            bits[i] = slot_in(image, pages[i], batch->words[i]);
            __builtin_prefetch(&batch->counts[bits[i] == NO_SLOT ? 0 : bits[i]], 1);
        }
    return true;
}

// Takes words that refer to objects as candidates, or counts them.
static bool end_batch(Batch *batch, Error *error)
{
    uint64_t bits[BATCH_WORDS];

    if (!resolve_batch(batch, bits, error))
        return false;
    for (uint32_t i = 0; i < batch->count; i++) {
        uint16_t *count = bits[i] == NO_SLOT ? NULL : &batch->counts[bits[i]];

        if (count == NULL)
            continue;
        if (!batch->are_candidates[i])
            *count = (uint16_t)(*count + (*count < UINT16_MAX));
        else if (is_live(batch->search, bits[i]) &&
                 !add_candidate(batch->piece, batch->places[i], bits[i], error))
            return false;
    }
    batch->count = 0;
    return true;
}

// The words of an object or a block.
static inline bool take_words(Batch *batch, const BufferShape *shape, ResidueWord place,
                              NodeWords words, Error *error)
{
    const ResidueSearch *search = batch->search;

    for (uint64_t i = 0; i < words.count && i < UINT32_MAX; i++) {
        uint64_t word = load_u64(words.bytes + 8 * i);

        if (!is_in_hull(search, word))
            continue;
        if (batch->count == BATCH_WORDS && !end_batch(batch, error))
            return false;
        place.word = (uint32_t)i;
        batch->words[batch->count] = word;
        batch->places[batch->count] = place;
        batch->are_candidates[batch->count++] = is_candidate(search, shape, words, i);
    }
    return true;
}

static bool take_objects(Batch *batch, uint64_t item, Error *error)
{
    const HeapImage *image = batch->search->image;
    uint64_t end = (item + 1) * PIECE_PAGES;

    for (uint32_t page = (uint32_t)item * PIECE_PAGES; page < end && page < image->page_count;
         page++)
        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
            uint64_t left = batch->search->mark->marked[heap_image_first_word(image, page) + word];

            for (; left != 0; left &= left - 1) {
                uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(left);

                if (!take_words(batch, NULL, (ResidueWord){page, slot, 0},
                                graph_object_words(image, page, slot), error))
                    return false;
            }
        }
    return end_batch(batch, error);
}

static bool read_headers(const ResidueSearch *search, ResiduePiece *piece, uint32_t block,
                         Error *error)
{
    NodeWords words = graph_block_words(search->image, block);

    for (uint64_t i = 0; i < words.count; i++) {
        uint64_t word = load_u64(words.bytes + 8 * i);

        if (is_in_hull(search, word) && heap_image_find_page(search->image, word) == NO_INDEX &&
            !residue_shapes_add(search, piece, words, i, error))
            return false;
    }
    return true;
}

static bool take_block(Batch *batch, uint32_t block, Error *error)
{
    NodeWords words = graph_block_words(batch->search->image, block);
    BufferShape *shape = residue_shapes_find(batch->search, block);

    // Each block is looked at once, so no other thread uses its shape.
    if (shape != NULL && shape->kind == BUFFER_VECTOR && shape->second <= shape->capacity)
        residue_shapes_tell_vector(batch->search, shape, words);
    return take_words(batch, shape, (ResidueWord){NO_INDEX, block, 0}, words, error);
}

// The marked blocks of a piece that is behind those of pages.
static bool visit_blocks(Batch *batch, uint64_t item, bool are_taken, Error *error)
{
    const ResidueSearch *search = batch->search;
    uint64_t first = (item - search->page_pieces) * PIECE_BLOCKS, end = first + PIECE_BLOCKS;

    for (uint32_t block = (uint32_t)first; block < end && block < search->image->block_count;
         block++)
        if ((search->mark->marked_blocks[block / 64] >> block % 64 & 1) != 0 &&
            !(are_taken ? take_block(batch, block, error)
                        : read_headers(search, batch->piece, block, error)))
            return false;
    return end_batch(batch, error);
}

static Batch batch_of(const ResidueSearch *search, uint32_t worker, uint64_t item)
{
    return (Batch){
        .search = search, .piece = &search->pieces[item], .counts = search->counts[worker]};
}

static bool visit_first(void *context, uint32_t worker, uint64_t item, Error *error)
{
    const ResidueSearch *search = context;
    Batch batch = batch_of(search, worker, item);

    return item < search->page_pieces ? take_objects(&batch, item, error)
                                      : visit_blocks(&batch, item, false, error);
}

static bool visit_second(void *context, uint32_t worker, uint64_t item, Error *error)
{
    const ResidueSearch *search = context;
    Batch batch = batch_of(search, worker, search->page_pieces + item);

    return visit_blocks(&batch, search->page_pieces + item, true, error);
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
           residue_shapes_take(search, error) &&
           run_pass(search, visit_second, block_pieces, error) &&
           take_candidates(search, out, error);
}
