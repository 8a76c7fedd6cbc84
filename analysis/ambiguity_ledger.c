// AmbiguityLedger: see analysis/ambiguity_ledger.h.

#include "analysis/ambiguity_ledger.h"

#include <stdlib.h>

#include "base/side_table.h"

static void add_word(AmbiguityLedger *out, const DominatorTree *tree, uint32_t node)
{
    uint32_t place = out->word_count;

    while (place > 0 && tree->retained_bytes[out->words[place - 1]] < tree->retained_bytes[node])
        place--;
    if (place == LEDGER_WORDS || tree->retained_bytes[node] == 0)
        return;
    if (out->word_count < LEDGER_WORDS)
        out->word_count++;
    for (uint32_t later = out->word_count - 1; later > place; later--)
        out->words[later] = out->words[later - 1];
    out->words[place] = node;
}

static void read_tree(const DominatorTree *tree, AmbiguityLedger *out)
{
    for (uint32_t i = 0; i < tree->holder_count; i++) {
        const RootHolder *holder = &tree->holders[i];
        uint32_t node = tree->graph->node_count + i;
        KindLedger *kind = &out->kinds[holder->kind];

        if (holder->is_exact) {
            out->exact_words += holder->level == HOLDER_WORD;
            continue;
        }
        if (holder->level == HOLDER_CERTAINTY)
            out->conservative_bytes = tree->retained_bytes[node];
        if (holder->level == HOLDER_KIND) {
            kind->retained_bytes = tree->retained_bytes[node];
            kind->retained_objects = tree->retained_objects[node];
        }
        if (holder->level != HOLDER_WORD)
            continue;
        out->conservative_words++;
        kind->words++;
        kind->interior_words += tree->graph->roots[holder->graph_root].is_interior;
        add_word(out, tree, node);
    }
}

static bool mark_without(const ObjectGraph *graph, HeapCut *cut, bool is_interior_wanted,
                         FreedCounts *freed, Error *error)
{
    uint64_t words = 0;

    *freed = (FreedCounts){0};
    heap_cut_reset(cut);
    for (uint64_t i = 0; i < graph->root_count; i++) {
        const Root *root = &graph->image->roots[graph->roots[i].root];
        bool is_wanted = is_interior_wanted
                             ? graph->roots[i].is_interior
                             : root->kind == ROOT_STACK || root->kind == ROOT_REGISTER;

        if (!is_wanted || root->is_exact)
            continue;
        heap_cut_root(cut, graph->roots[i].root);
        words++;
    }
    return words == 0 || heap_cut_mark(cut, graph->mark, freed, NULL, error);
}

// Compares the number of words that refer to each object with the count in its header.
static bool count_excess(const ObjectGraph *graph, AmbiguityLedger *out, Error *error)
{
    const HeapImage *image = graph->image;
    uint64_t bytes = (uint64_t)graph->node_count * sizeof(uint32_t);
    uint32_t *words = side_table_new(bytes);
    NodeCursor cursor = node_cursor(graph);

    if (words == NULL)
        return error_set_memory(error, bytes, "the references to each object");
    for (uint64_t edge = 0; edge < graph->edge_count; edge++)
        words[graph->targets[edge]] += words[graph->targets[edge]] < UINT32_MAX;
    while (node_cursor_next(&cursor) && cursor.place.page != NO_INDEX) {
        uint64_t counted;

        if (!heap_layout_has_object_header(&image->layout,
                                           image->pages[cursor.place.page].block_size))
            continue;
        counted =
            heap_layout_read(heap_image_object_bytes(image, cursor.place.page, cursor.place.slot),
                             image->layout.reference_count);
        if (words[cursor.node] > counted) {
            out->excess_objects++;
            out->excess_words += words[cursor.node] - counted;
        }
    }
    side_table_free(words, bytes);
    return true;
}

bool ambiguity_ledger_make(const DominatorTree *tree, AmbiguityLedger *out, Error *error)
{
    const ObjectGraph *graph = tree->graph;
    HeapCut *cut = NULL;
    bool ok;

    *out = (AmbiguityLedger){.has_counts = graph->image->layout.reference_count.width > 0};
    read_tree(tree, out);
    ok = heap_cut_new(graph->image, &cut, error) &&
         mark_without(graph, cut, false, &out->stacks_and_registers, error) &&
         mark_without(graph, cut, true, &out->interior, error) &&
         (!out->has_counts || count_excess(graph, out, error));
    heap_cut_free(cut);
    return ok;
}
