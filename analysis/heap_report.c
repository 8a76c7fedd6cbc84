// HeapReport: see analysis/heap_report.h.

#include "analysis/heap_report.h"

#include <stdlib.h>

#include "analysis/retained_report.h"

void heap_report_release(HeapReport *report)
{
    heap_groups_release(&report->groups);
    page_fragmentation_release(&report->fragmentation);
    for (uint32_t i = 0; i < MAX_SUSPECTS; i++)
        free(report->paths[i].nodes);
    free(report->retainers);
    *report = (HeapReport){.image = NULL};
}

// ---- one search for the paths to all suspects ----

typedef struct SuspectTargets {
    uint32_t count;
    uint32_t left;
    uint32_t nodes[MAX_SUSPECTS];
} SuspectTargets;

// Ends the search at the last target. Called once for each node, when it is reached.
static bool is_last(const void *context, uint32_t node)
{
    // The context is `targets` of find_paths(), which is not const.
    SuspectTargets *targets = (SuspectTargets *)(uintptr_t)context;

    for (uint32_t i = 0; i < targets->count; i++)
        if (targets->nodes[i] == node)
            targets->left--;
    return targets->left == 0;
}

static bool find_paths(HeapReport *report, Error *error)
{
    const LeakSuspects *suspects = &report->suspects;
    SuspectTargets targets = {.count = suspects->count, .left = suspects->count};
    PathQuery query = {.is_target = is_last, .context = &targets};
    PathTree tree;
    bool ok;

    if (suspects->count == 0)
        return true;
    for (uint32_t i = 0; i < suspects->count; i++) {
        const LeakSuspect *suspect = &suspects->suspects[i];

        targets.nodes[i] = dominator_tree_is_holder(report->tree, suspect->place) ? suspect->example
                                                                                  : suspect->place;
    }
    ok = path_tree_init(&tree, report->tree->graph, &query, error);
    for (uint32_t i = 0; ok && i < suspects->count; i++)
        ok = path_tree_chain(&tree, targets.nodes[i], &report->paths[i].nodes,
                             &report->paths[i].length, error);
    path_tree_release(&tree);
    return ok;
}

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
        return report->tree->retained_bytes[dominator_tree_top(report->tree)] -
               report->collector->block_bytes;
    return report->reachability->totals.reachable_bytes +
           report->reachability->reachable_foreign_bytes;
}

bool heap_report_make(const HeapImage *image, const MarkResult *mark,
                      const ReachabilityReport *reachability, DominatorTree *tree,
                      const NodeTypes *types, const CollectorMemory *collector, uint32_t top,
                      HeapReport *out, Error *error)
{
    static const CollectorMemory nothing;

    if (collector == NULL)
        collector = &nothing;
    *out = (HeapReport){.image = image,
                        .mark = mark,
                        .reachability = reachability,
                        .types = types,
                        .tree = tree,
                        .collector = collector};
    if (!heap_groups_make(image, mark, reachability, tree, types, &out->groups, error) ||
        !page_fragmentation_find(image, mark, tree, types, &out->fragmentation, error))
        return false;
    return tree == NULL || (leak_suspects_find(tree, types, collector, &out->suspects, error) &&
                            find_paths(out, error) && find_retainers(out, top, error) &&
                            ambiguity_ledger_make(tree, &out->ledger, error));
}
