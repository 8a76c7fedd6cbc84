// MarkShape: see analysis/replay/mark_shape.h.
//
// Ideal workers take objects in the order in which they became known. That order is breadth-first
// for any number of workers, so one search is enough: it stores the number of known objects after
// each object, and ticks are counted by jumping through that array.

#include "analysis/replay/mark_shape.h"

#include <stdlib.h>
#include <string.h>

typedef struct ShapeSearch {
    const ObjectGraph *graph;
    uint32_t *queue;
    uint64_t *seen; // bit per node
    uint32_t known;
} ShapeSearch;

static void find(ShapeSearch *search, uint32_t node)
{
    uint64_t bit = UINT64_C(1) << (node % 64);

    if ((search->seen[node / 64] & bit) != 0)
        return;
    search->seen[node / 64] |= bit;
    search->queue[search->known++] = node;
}

static void search_all(ShapeSearch *search, MarkShape *shape)
{
    const ObjectGraph *graph = search->graph;
    uint32_t level_end;

    for (uint64_t i = 0; i < graph->root_count; i++)
        find(search, graph->roots[i].node);
    shape->root_objects = search->known;
    level_end = search->known;
    shape->widest = level_end;
    shape->depth = level_end > 0;
    for (uint32_t at = 0; at < search->known; at++) {
        uint32_t node = search->queue[at];
        if (at == level_end) {
            if (search->known - level_end > shape->widest)
                shape->widest = search->known - level_end;
            level_end = search->known;
            shape->depth++;
        }
        for (uint64_t edge = object_graph_first_edge(graph, node);
             edge < object_graph_first_edge(graph, node + 1); edge++)
            find(search, graph->targets[edge]);
        shape->known[at] = search->known;
    }
    shape->objects = search->known;
}

bool mark_shape_init(MarkShape *shape, const ObjectGraph *graph, Error *error)
{
    size_t nodes = graph->node_count;
    ShapeSearch search = {.graph = graph};
    bool ok;

    memset(shape, 0, sizeof *shape);
    // One more, so that an empty heap has arrays too.
    search.queue = malloc((nodes + 1) * sizeof *search.queue);
    search.seen = calloc(nodes / 64 + 1, sizeof *search.seen);
    shape->known = malloc((nodes + 1) * sizeof *shape->known);
    ok = search.queue != NULL && search.seen != NULL && shape->known != NULL;
    if (ok)
        search_all(&search, shape);
    else
        mark_shape_release(shape);
    free(search.queue);
    free(search.seen);
    return ok || error_set_memory(error, nodes * 9, "the shape of the heap");
}

void mark_shape_release(MarkShape *shape)
{
    free(shape->known);
    shape->known = NULL;
}

uint64_t mark_shape_ideal_ticks(const MarkShape *shape, uint32_t workers)
{
    uint64_t done = 0, known = shape->root_objects, ticks = 0;

    while (done < known) {
        done += known - done < workers ? known - done : workers;
        known = shape->known[done - 1];
        ticks++;
    }
    return ticks;
}
