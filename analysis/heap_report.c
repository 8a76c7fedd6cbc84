// HeapReport: see analysis/heap_report.h.

#include "analysis/heap_report.h"

#include <stdlib.h>

#include "analysis/routes/route_label.h"
#include "analysis/retained_report.h"

void heap_report_release(HeapReport *report)
{
    heap_groups_release(&report->groups);
    page_fragmentation_release(&report->fragmentation);
    for (uint32_t i = 0; i < MAX_SUSPECTS; i++) {
        free(report->paths[i].nodes);
        free(report->labels[i]);
    }
    type_routes_free(report->routes);
    grown_places_release(&report->grown);
    free(report->type_growth);
    free(report->retainers);
    *report = (HeapReport){.image = NULL};
}

// ---- suspects ----

// Bit per node: the collector's. The caller frees it. NULL: none, or memory is short.
static uint8_t *collector_nodes(const ObjectGraph *graph, const CollectorMemory *collector)
{
    uint8_t *bits = collector->block_count > 0 ? calloc(graph->node_count / 8 + 1, 1) : NULL;

    for (uint32_t node = graph->object_count; bits != NULL && node < graph->node_count; node++)
        if (collector_memory_has_node(collector, graph, node))
            bits[node / 8] |= (uint8_t)(1u << node % 8);
    return bits;
}

// The routes of all nodes, and the paths that they follow, which the caller releases.
static bool find_routes(DominatorTree *tree, const NodeTypes *types,
                        const CollectorMemory *collector, PathTree *paths, TypeRoutes **out,
                        Error *error)
{
    static const PathQuery all = {.context = NULL};
    uint8_t *left_out = collector_nodes(tree->graph, collector);
    bool ok = left_out != NULL || collector->block_count == 0 ||
              error_set_memory(error, tree->graph->node_count / 8, "routes");

    *out = NULL;
    *paths = (PathTree){.graph = tree->graph};
    ok = ok && path_tree_init(paths, tree->graph, &all, error) &&
         dominator_tree_add_children(tree, error) &&
         type_routes_new(tree, types, paths, left_out, out, error);
    free(left_out);
    return ok;
}

static uint64_t program_bytes(const DominatorTree *tree, const CollectorMemory *collector)
{
    return tree->retained_bytes[dominator_tree_top(tree)] - collector->block_bytes;
}

static bool describe_suspects(HeapReport *report, const PathTree *paths, Error *error)
{
    bool ok = true;

    for (uint32_t i = 0; ok && i < report->suspects.count; i++) {
        const LeakSuspect *suspect = &report->suspects.suspects[i];
        uint32_t end = dominator_tree_is_holder(report->tree, suspect->place) ? suspect->example
                                                                              : suspect->place;

        report->labels[i] = route_label(report->routes, suspect->route);
        ok = report->labels[i] != NULL || error_set_memory(error, 64, "the label of a suspect");
        ok = ok &&
             route_fingerprint(report->labels[i], node_types_label(report->types, suspect->type),
                               report->routes->routes[suspect->route].variable,
                               report->fingerprints[i], error);
        ok = ok &&
             path_tree_chain(paths, end, &report->paths[i].nodes, &report->paths[i].length, error);
    }
    return ok;
}

static bool find_suspects(HeapReport *report, DominatorTree *tree, Error *error)
{
    PathTree paths;
    bool ok = find_routes(tree, report->types, report->collector, &paths, &report->routes, error) &&
              leak_suspects_find(report->routes, program_bytes(tree, report->collector),
                                 report->older != NULL ? report->older->routes : NULL,
                                 report->older != NULL ? report->older->count : 0, MAX_SUSPECTS,
                                 &report->suspects, error) &&
              describe_suspects(report, &paths, error) &&
              (report->older == NULL || report->older->count == 0 ||
               grown_places_find(report->routes, report->older->routes, report->older->count,
                                 &report->grown, error));

    path_tree_release(&paths);
    return ok;
}

// ---- older heaps ----

bool heap_report_add_history(const HeapImage *image, const MarkResult *mark,
                             const ReachabilityReport *reachability, DominatorTree *tree,
                             const NodeTypes *types, const CollectorMemory *collector,
                             HeapHistory *history, Error *error)
{
    HeapGroups groups = {.has_retained = false};
    TypeRoutes *routes;
    PathTree paths;
    bool ok = find_routes(tree, types, collector, &paths, &routes, error);

    path_tree_release(&paths);
    ok = ok && heap_groups_make(image, mark, reachability, tree, types, &groups, error) &&
         heap_history_add(history, reachability, &groups, routes, program_bytes(tree, collector),
                          error);
    heap_groups_release(&groups);
    type_routes_free(routes);
    return ok;
}

static bool find_growth(HeapReport *report, Error *error)
{
    uint32_t count = report->groups.counts[GROUP_BY_TYPE];

    if (report->older == NULL || report->tree == NULL)
        return true;
    report->type_growth = calloc((size_t)count + 1, sizeof *report->type_growth);
    if (report->type_growth == NULL)
        return error_set_memory(error, count * sizeof *report->type_growth, "types");
    for (uint32_t i = 0; i < count; i++) {
        const HeapGroup *group = &report->groups.groups[GROUP_BY_TYPE][i];

        report->type_growth[i] = heap_history_type_growth(
            report->older, report->reachability->type_table->types[group->key].label,
            group->counts.reachable_objects, group->retained_bytes);
    }
    return true;
}

// ---- all ----

// The largest nodes that are not blocks of the collector.
static bool find_retainers(HeapReport *report, uint32_t top, Error *error)
{
    uint64_t wanted = top + report->collector->block_count;
    uint32_t kept = 0;

    if (!retained_largest(report->tree, wanted < UINT32_MAX ? (uint32_t)wanted : UINT32_MAX,
                          &report->retainers, &report->retainer_count, error))
        return false;
    for (uint32_t i = 0; i < report->retainer_count && kept < top; i++)
        if (!collector_memory_has_node(report->collector, report->tree->graph,
                                       report->retainers[i]))
            report->retainers[kept++] = report->retainers[i];
    report->retainer_count = kept;
    return true;
}

uint64_t heap_report_program_bytes(const HeapReport *report)
{
    // With the bytes of blocks without content.
    if (report->tree != NULL)
        return program_bytes(report->tree, report->collector);
    return report->reachability->totals.reachable_bytes +
           report->reachability->reachable_foreign_bytes;
}

bool heap_report_make(const HeapImage *image, const MarkResult *mark,
                      const ReachabilityReport *reachability, DominatorTree *tree,
                      const NodeTypes *types, const CollectorMemory *collector,
                      const HeapHistory *older, uint32_t top, HeapReport *out, Error *error)
{
    static const CollectorMemory nothing;

    if (collector == NULL)
        collector = &nothing;
    *out = (HeapReport){.image = image,
                        .mark = mark,
                        .reachability = reachability,
                        .types = types,
                        .tree = tree,
                        .collector = collector,
                        .older = older};
    if (!heap_groups_make(image, mark, reachability, tree, types, &out->groups, error) ||
        !page_fragmentation_find(image, mark, tree, types, &out->fragmentation, error) ||
        !find_growth(out, error))
        return false;
    return tree == NULL || (find_suspects(out, tree, error) && find_retainers(out, top, error) &&
                            ambiguity_ledger_make(tree, &out->ledger, error));
}
