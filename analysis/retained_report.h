// RetainedReport: the objects and the types that keep most alive.
//
// The retained size of an object comes from the dominator tree: exactly the size that would become
// garbage if nothing referred to the object any more. A type has two figures. `retained_bytes` is
// the sum of the retained sizes of its objects, without those below another object of the type:
// fast, and never too large. `freed` is the exact size that becomes garbage when all of its objects
// are removed at once; it takes a mark for each type, so it is only computed on request.

#ifndef ANALYSIS_RETAINED_REPORT_H
#define ANALYSIS_RETAINED_REPORT_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/heap_cut.h"
#include "analysis/graph/node_types.h"

typedef struct RetainedType {
    uint32_t type; // of NodeTypes
    uint64_t objects;
    uint64_t bytes;
    uint64_t retained_bytes;
    uint64_t retained_objects;
    bool has_freed;
    FreedCounts freed;
} RetainedType;

typedef struct RetainedReport {
    const DominatorTree *tree; // borrowed
    const NodeTypes *types;    // borrowed
    uint32_t object_count;
    uint32_t *objects;            // nodes, by retained size, largest first
    uint32_t type_count;          // with reachable objects
    RetainedType *retained_types; // by retained size, largest first
} RetainedReport;

// Finds the `top` nodes of the graph that retain most, largest first. Errors: memory. The caller
// frees
// `*out`, an array of `*count`.
NODISCARD bool retained_largest(const DominatorTree *tree, uint32_t top, uint32_t **out,
                                uint32_t *count, Error *error);

// The same among the nodes for which `is_wanted` is true (NULL: all).
NODISCARD bool retained_largest_among(const DominatorTree *tree,
                                      bool (*is_wanted)(const void *context, uint32_t node),
                                      const void *context, uint32_t top, uint32_t **out,
                                      uint32_t *count, Error *error);

// Makes a report of the `top` largest objects and blocks, and of all types. Adds children to the
// tree. Errors: memory. The caller owns `*out` and frees it with retained_report_free().
NODISCARD bool retained_report_new(DominatorTree *tree, const NodeTypes *types, uint32_t top,
                                   RetainedReport **out, Error *error);
void retained_report_free(RetainedReport *report);

// Objects of a report whose references from their dominators have names: finding one takes time in
// proportion to the dominator.
#define RETAINED_NAMED 1000u

// What the dominator of objects[index] calls its reference to the object
// (analysis/graph/edge_label.h), in `label`. NULL: it has no name, or is none: the dominator is
// roots, or refers to it through others.
const char *retained_field(const RetainedReport *report, uint32_t index, EdgeLabel *label);

// Fills `freed` of the first `count` types. Errors: as mark_reachable().
NODISCARD bool retained_report_free_types(RetainedReport *report, uint32_t count,
                                          const AnalysisProgress *progress, Error *error);

// One retained size, compared with marking again.
typedef struct RetainedProof {
    uint32_t node;
    uint64_t retained_bytes;
    uint64_t retained_objects;
    FreedCounts freed;
} RetainedProof;

// Removes `count` random objects and blocks, or all if there are fewer, one after the other, and
// marks again. Half of them are chosen among those that keep others alive, if there are any. The
// same seed chooses the same nodes. Errors: as mark_reachable(). The caller frees `*out`, an array
// of `*out_count`.
NODISCARD bool retained_prove(const DominatorTree *tree, uint32_t count, uint64_t seed,
                              const AnalysisProgress *progress, RetainedProof **out,
                              uint32_t *out_count, Error *error);

static inline bool retained_proof_holds(const RetainedProof *proof)
{
    return proof->retained_bytes == freed_bytes(&proof->freed) &&
           proof->retained_objects == proof->freed.objects;
}

#endif
