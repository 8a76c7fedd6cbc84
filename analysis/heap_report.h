// HeapReport: all answers about one heap in one document.
//
// The parts that need the dominator tree are left out when it did not fit a memory limit: `tree` is
// NULL then.

#ifndef ANALYSIS_HEAP_REPORT_H
#define ANALYSIS_HEAP_REPORT_H

#include "analysis/ambiguity_ledger.h"
#include "analysis/collector_memory.h"
#include "analysis/heap_groups.h"
#include "analysis/heap_history.h"
#include "analysis/routes/leak_suspects.h"
#include "analysis/routes/route_growth.h"
#include "analysis/routes/route_label.h"
#include "analysis/page_fragmentation.h"
#include "analysis/reachability_report.h"
#include "analysis/graph/root_paths.h"
#include "analysis/routes/type_routes.h"

typedef struct HeapReport {
    const HeapImage *image;                 // borrowed
    const MarkResult *mark;                 // borrowed
    const ReachabilityReport *reachability; // borrowed
    const NodeTypes *types;                 // borrowed; NULL without a tree
    const DominatorTree *tree;              // borrowed; NULL: the parts that need it are left out
    HeapGroups groups;
    PageFragmentation fragmentation;
    const CollectorMemory *collector; // borrowed
    TypeRoutes *routes;               // owned; NULL without a tree
    LeakSuspects suspects;
    char *labels[MAX_SUSPECTS]; // of each suspect's route: route_label(); owned
    char fingerprints[MAX_SUSPECTS][ROUTE_FINGERPRINT_CHARS];
    RootPath paths[MAX_SUSPECTS]; // to each suspect's place; to its example where that is a holder
    const HeapHistory *older;     // borrowed; NULL: not compared
    GrownPlaces grown;            // since the oldest; empty without older heaps or a tree
    Growth *type_growth; // of each group of types; owned; NULL: not compared, or without a tree
    uint32_t retainer_count;
    uint32_t *retainers; // nodes that keep most alive, largest first; owned
    AmbiguityLedger ledger;
} HeapReport;

// Borrows all, which must outlive the report; tree and types may be NULL. The tree is one of a
// graph without the collector's words (collector_memory_set_aside()); collector may be NULL: it has
// none; so may `older`, older heaps of the program. top: number of retainers. Errors: memory, and
// those of marking. Released by heap_report_release() in any case.
NODISCARD bool heap_report_make(const HeapImage *image, const MarkResult *mark,
                                const ReachabilityReport *reachability, DominatorTree *tree,
                                const NodeTypes *types, const CollectorMemory *collector,
                                const HeapHistory *older, uint32_t top, HeapReport *out,
                                Error *error);
void heap_report_release(HeapReport *report);

// The bytes that are reachable and not the collector's own, blocks included: all shares are of
// these.
uint64_t heap_report_program_bytes(const HeapReport *report);

// Adds a heap to those that a report is compared with. All but the history as above. Errors:
// memory.
NODISCARD bool heap_report_add_history(const HeapImage *image, const MarkResult *mark,
                                       const ReachabilityReport *reachability, DominatorTree *tree,
                                       const NodeTypes *types, const CollectorMemory *collector,
                                       HeapHistory *history, Error *error);

#endif
