// ResidueWords: see analysis/graph/residue_words.h.

#include "analysis/graph/residue_words.h"

#include <stdlib.h>

#include "analysis/graph/residue_search_internal.h"
#include "base/side_table.h"

// One word of this number that look left over by their place may be needed all the same.
#define MOST_NEEDED 8u

// Do other words account for all references to the candidate's object?
static bool is_not_needed(const ResidueSearch *search, const ResidueWord *word)
{
    const HeapImage *image = search->image;
    const HeapLayout *layout = &image->layout;
    uint32_t page;
    uint64_t bit = residue_search_target(search, word, &page), references, weak;
    uint64_t found = residue_search_count(search, bit);
    const uint8_t *object = heap_image_object_bytes(
        image, page, (uint32_t)(bit - heap_image_first_word(image, page) * 64));

    if (!heap_layout_has_object_header(layout, image->pages[page].block_size))
        return false;
    references = heap_layout_read(object, layout->reference_count);
    weak = heap_layout_read(object, layout->weak_count) &
           ~(layout->dead_bit | layout->under_construction_bit | layout->old_bit);
    return references > 0 && references <= found && weak <= found - references;
}

// In a vector or ring: is the word residue by this reading alone, or by its tag?
static bool is_read_as(const ResidueSearch *search, const BufferShape *shape,
                       const ResidueWord *word, unsigned reading)
{
    return buffer_shape_is_left_over(
        search->image, shape,
        residue_word_words(search->image, word).offset + 8 * (uint64_t)word->word, reading);
}

// How a vector or ring, in which `count` candidates lie, is to be read: a reading is wrong that
// takes words for residue of which more than a few are needed. 0: neither is right.
static unsigned find_reading(const ResidueSearch *search, const BufferShape *shape,
                             const ResidueWord *words, uint64_t count)
{
    uint64_t left_over[READ_AS_RING + 1] = {0}, needed[READ_AS_RING + 1] = {0};

    for (uint64_t i = 0; i < count; i++)
        for (unsigned reading = READ_AS_VECTOR; reading <= READ_AS_RING; reading <<= 1)
            if (is_read_as(search, shape, &words[i], reading)) {
                left_over[reading]++;
                needed[reading] += !is_not_needed(search, &words[i]);
            }
    for (unsigned reading = READ_AS_VECTOR; reading <= READ_AS_RING; reading <<= 1)
        if (left_over[reading] > 0 && needed[reading] <= left_over[reading] / MOST_NEEDED)
            return reading;
    return 0;
}

// Keeps the candidates that are residue.
static void choose(const ResidueSearch *search, ResidueWords *residue)
{
    uint64_t kept = 0;

    for (uint64_t first = 0, end; first < residue->count; first = end) {
        const ResidueWord place = residue->words[first];
        const BufferShape *shape = residue_search_shape(search, &place);
        bool is_vector = shape != NULL && shape->kind == BUFFER_VECTOR;
        unsigned reading = 0;

        for (end = first + 1; end < residue->count && residue->words[end].page == place.page &&
                              residue->words[end].slot_or_block == place.slot_or_block;)
            end++;
        if (is_vector)
            reading = find_reading(search, shape, &residue->words[first], end - first);
        for (uint64_t i = first; i < end; i++) {
            NodeWords words = residue_word_words(search->image, &residue->words[i]);
            bool has_tag = residue->words[i].word > 0 &&
                           load_u64(words.bytes + 8 * (residue->words[i].word - UINT64_C(1))) == 0;
            bool is_left_over =
                !is_vector || has_tag || is_read_as(search, shape, &residue->words[i], reading);

            if (is_left_over && is_not_needed(search, &residue->words[i]))
                residue->words[kept++] = residue->words[i];
        }
    }
    residue->count = kept;
}

// ---- all ----

// Counts of references prove nothing where words are missing.
static bool is_applicable(const HeapImage *image, const MarkResult *mark)
{
    const SnapshotDetails *details = image->details;
    bool is_complete = details->metadata.is_complete || details->loss_count > 0;

    for (uint32_t i = 0; i < details->loss_count; i++)
        is_complete = is_complete && details->losses[i].kind == LOSS_NAMES;
    // Slots are numbered with 32 bits.
    return image->word_count < UINT32_MAX / 64 && mark->kind == MARK_MAJOR &&
           image->layout.reference_count.width != 0 && is_complete &&
           !details->metadata.is_redacted && !image->has_exact_types && !image->is_precise;
}

bool residue_words_find(const HeapImage *image, const MarkResult *mark, ResidueWords *out,
                        Error *error)
{
    ResidueSearch search = {.image = image, .mark = mark};
    bool ok;

    *out = (ResidueWords){.is_known = is_applicable(image, mark)};
    if (!out->is_known)
        return true;
    ok = residue_search_run(&search, out, error);
    if (ok)
        choose(&search, out);
    residue_search_release(&search);
    if (!ok)
        residue_words_release(out);
    return ok;
}

bool object_graph_flag_residue(ObjectGraph *graph, const ResidueWords *residue, Error *error)
{
    uint64_t bytes = (graph->edge_count / 64 + 1) * sizeof *graph->residue, at = 0;

    if (residue->count == 0)
        return true;
    graph->residue = side_table_new(bytes);
    if (graph->residue == NULL)
        return error_set_memory(error, bytes, "references");
    while (at < residue->count) {
        const ResidueWord *first = &residue->words[at];
        NodeWords words = residue_word_words(graph->image, first);
        uint32_t node = first->page == NO_INDEX
                            ? object_graph_block_node(graph, first->slot_or_block)
                            : object_graph_object_node(graph, first->page, first->slot_or_block);
        uint64_t edge = object_graph_first_edge(graph, node);

        for (uint64_t i = 0; i < words.count; i++) {
            bool is_residue = at < residue->count && residue->words[at].page == first->page &&
                              residue->words[at].slot_or_block == first->slot_or_block &&
                              residue->words[at].word == i;

            at += is_residue;
            if (graph_resolve(graph, load_u64(words.bytes + 8 * i)) == NO_NODE)
                continue;
            graph->residue[edge / 64] |= (uint64_t)is_residue << edge % 64;
            edge++;
        }
    }
    return true;
}

void residue_words_release(ResidueWords *residue)
{
    free(residue->words);
    *residue = (ResidueWords){.is_known = false};
}

static const uint8_t *word_at(const HeapImage *image, const ResidueWord *word)
{
    return residue_word_words(image, word).bytes + 8 * (uint64_t)word->word;
}

bool residue_words_mark(const ResidueWords *residue, HeapImage *image, const MarkResult *before,
                        MarkTotals *totals, Error *error)
{
    MarkOptions options = mark_options_default();
    MarkResult *after = NULL;
    uint64_t *values, cleared = 0;
    bool ok = true;

    *totals = before->totals;
    if (residue->count == 0)
        return true;
    values = malloc(residue->count * sizeof *values);
    if (values == NULL)
        return error_set_memory(error, residue->count * sizeof *values, "residue");
    for (; ok && cleared < residue->count; cleared++) {
        const uint8_t *at = word_at(image, &residue->words[cleared]);

        values[cleared] = load_u64(at);
        ok = heap_image_clear(image, at, sizeof *values, error);
    }
    ok = ok && mark_reachable(image, &options, &after, error);
    for (uint64_t i = 0; i < cleared; i++)
        heap_image_restore(image, word_at(image, &residue->words[i]), values[i]);
    free(values);
    if (!ok)
        return false;
    *totals = after->totals;
    mark_result_free(after);
    return true;
}
