// Limits against a heap, measured by the analyses that the other commands print: mark, what-if,
// report, diff.
//
//     LimitFinding finding;
//     if (!limit_check(&heap, &limit, &finding, error)) ...
//     if (finding.is_exceeded && !limit_explain(&heap, &limit, &finding, error)) ...

#ifndef ANALYSIS_CHECK_LIMIT_CHECK_H
#define ANALYSIS_CHECK_LIMIT_CHECK_H

#include "analysis/check/leak_findings.h"
#include "analysis/check/limit_finding.h"
#include "analysis/heap_diff.h"
#include "analysis/heap_report.h"

// The parts of a heap that a limit is measured by, beside its mark.
typedef enum LimitNeeds {
    LIMIT_NEEDS_GRAPH = 1,    // types
    LIMIT_NEEDS_TREE = 2,     // tree, types
    LIMIT_NEEDS_FINDINGS = 4, // findings
    LIMIT_NEEDS_DIFF = 8,     // diff, profiles
    LIMIT_NEEDS_PROGRAM = 32, // the image without the collector's words
    LIMIT_NEEDS_SIZES = 16,   // the sizes of malloc'd blocks without content are counted
} LimitNeeds;

// Bits of LimitNeeds.
unsigned limit_needs(const HeapLimit *limit);

// All borrowed; members that no limit needs are NULL.
typedef struct CheckedHeap {
    const HeapImage *image;
    const MarkResult *mark;
    const ReachabilityReport *report;
    const NodeTypes *types;
    const DominatorTree *tree;
    const LeakFindings *findings;
    const TypeRoutes *routes; // for limit_explain()
    const HeapDiff *diff;     // the baseline and this heap; NULL: there is no baseline
    const HeapProfile *const *profiles;
} CheckedHeap;

// `out` borrows from the heap and the diff. Errors: memory, and those of marking. Released by
// limit_finding_release() in any case.
NODISCARD bool limit_check(const CheckedHeap *heap, const HeapLimit *limit, LimitFinding *out,
                           Error *error);

// Adds to a finding about types the way by which most of their objects are kept. The heap has
// routes. Errors: memory.
NODISCARD bool limit_explain(const CheckedHeap *heap, LimitFinding *finding, Error *error);

#endif
