// NodeTypes: see analysis/graph/node_types.h.

#include "analysis/graph/node_types.h"

#include <stdlib.h>
#include <string.h>

#include "base/parallel_for.h"
#include "base/side_table.h"
#include "base/text_ranks.h"

#define PIECE_PAGES 4096u

void node_types_free(NodeTypes *types)
{
    if (types == NULL)
        return;
    edge_labels_release(&types->labels);
    side_table_free(types->by_node, (uint64_t)types->graph->node_count * sizeof *types->by_node);
    free(types);
}

bool node_types_unify(const TypeTable *table, uint32_t **out, Error *error)
{
    size_t count = table->type_count;
    const char **labels = calloc(count + 1, sizeof *labels);
    uint32_t *ranks = malloc((count + 1) * sizeof *ranks);
    uint32_t *firsts = malloc((count + 1) * sizeof *firsts); // by rank
    bool ok;

    *out = malloc((count + 1) * sizeof **out);
    ok = (labels != NULL && ranks != NULL && firsts != NULL && *out != NULL) ||
         error_set_memory(error, count * 20, "types");
    for (uint32_t type = 0; ok && type < count; type++)
        labels[type] = table->types[type].label;
    ok = ok && text_ranks_make(labels, count, ranks, error);
    for (size_t type = count; ok && type-- > 0;)
        firsts[ranks[type]] = (uint32_t)type;
    for (uint32_t type = 0; ok && type < count; type++)
        (*out)[type] = firsts[ranks[type]];
    free(labels);
    free(ranks);
    free(firsts);
    if (!ok) {
        free(*out);
        *out = NULL;
    }
    return ok;
}

typedef struct Typing {
    NodeTypes *types;
    uint32_t *unified;
} Typing;

static bool type_pages(void *context, uint32_t worker, uint64_t item, Error *error)
{
    const Typing *typing = context;
    const NodeTypes *types = typing->types;
    const ObjectGraph *graph = types->graph;
    const HeapImage *image = graph->image;
    uint32_t first = (uint32_t)item * PIECE_PAGES, node = graph->page_nodes[first];
    uint32_t end =
        image->page_count - first > PIECE_PAGES ? first + PIECE_PAGES : image->page_count;
    uint32_t type = NO_INDEX;
    TypeKey previous = {0};

    (void)worker, (void)error;
    for (uint32_t page = first; page < end; page++) {
        const uint64_t *marked = graph->mark->marked + heap_image_first_word(image, page);

        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
            for (uint64_t left = marked[word]; left != 0; left &= left - 1) {
                TypeKey key = type_key_of(image, page, word * 64 + (uint32_t)__builtin_ctzll(left));

                // Neighbours are mostly alike.
                if (type == NO_INDEX || !type_key_is_same(&key, &previous))
                    type =
                        typing->unified[types->table->keys[type_table_find_key(types->table, &key)]
                                            .type];
                previous = key;
                types->by_node[node++] = type;
            }
    }
    return true;
}

bool node_types_new(const ObjectGraph *graph, const TypeTable *table, NodeTypes **out, Error *error)
{
    NodeTypes *types = calloc(1, sizeof *types);
    Typing typing = {.types = types};
    uint64_t pieces = ((uint64_t)graph->image->page_count + PIECE_PAGES - 1) / PIECE_PAGES;
    bool ok;

    *out = NULL;
    if (types == NULL)
        return error_set_memory(error, sizeof *types, "types");
    types->graph = graph;
    types->table = table;
    types->type_count = table->type_count + 1;
    types->by_node = side_table_new((uint64_t)graph->node_count * sizeof *types->by_node);
    ok = types->by_node != NULL;
    if (!ok)
        (void)error_set_memory(error, (uint64_t)graph->node_count * 4, "the types of objects");
    ok = ok && edge_labels_init(&types->labels, graph->image, error) &&
         node_types_unify(table, &typing.unified, error) &&
         parallel_for(pieces, parallel_for_threads(0, pieces), type_pages, &typing, error);
    free(typing.unified);
    if (!ok) {
        node_types_free(types);
        return false;
    }
    for (uint32_t node = graph->object_count; node < graph->node_count; node++)
        types->by_node[node] = node_types_foreign(types);
    *out = types;
    return true;
}

const char *node_types_label(const NodeTypes *types, uint32_t type)
{
    return type < types->table->type_count ? types->table->types[type].label : "foreign block";
}
