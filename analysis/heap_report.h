// HeapReport: everything that is told of one heap at once.
//
// What needs the dominator tree is left out when there is none, for lack of memory: has_tree.

#ifndef ANALYSIS_HEAP_REPORT_H
#define ANALYSIS_HEAP_REPORT_H

#include "analysis/ambiguity_ledger.h"
#include "analysis/heap_groups.h"
#include "analysis/leak_suspects.h"
#include "analysis/page_fragmentation.h"
#include "analysis/reachability_report.h"
#include "analysis/graph/root_paths.h"

typedef struct HeapReport {
    const HeapImage *image;                 // borrowed
    const MarkResult *mark;                 // borrowed
    const ReachabilityReport *reachability; // borrowed
    const NodeTypes *types;                 // borrowed; NULL without a tree
    const DominatorTree *tree;              // borrowed; NULL: what needs it is left out
    HeapGroups groups;
    PageFragmentation fragmentation;
    LeakSuspects suspects;
    RootPath paths[MAX_SUSPECTS]; // to each suspect's place; to its example where that is no node
    uint32_t retainer_count;
    uint32_t *retainers; // nodes that keep most alive, largest first; owned
    AmbiguityLedger ledger;
} HeapReport;

// All is borrowed and must outlive the report; tree and types may be NULL. `top` retainers.
// Errors: memory, and those of marking. Released by heap_report_release() in any case.
NODISCARD bool heap_report_make(const HeapImage *image, const MarkResult *mark,
                                const ReachabilityReport *reachability, DominatorTree *tree,
                                const NodeTypes *types, uint32_t top, HeapReport *out,
                                Error *error);
void heap_report_release(HeapReport *report);

#endif
