// Limits for the growth of a type, or of all, from the first heap of a HeapDiff to the last.
//
// Objects are counted, or reachable bytes (LimitUnit, is_in_bytes). A type that grew from nothing
// exceeds every limit in per cent. A type of which none lives in a heap counts as 0 there.

#ifndef ANALYSIS_CHECK_GROWTH_LIMIT_H
#define ANALYSIS_CHECK_GROWTH_LIMIT_H

#include "analysis/check/limit_finding.h"
#include "analysis/heap_diff.h"

// Checks a limit of growth. `out` borrows from the diff. Errors: memory. Released by
// limit_finding_release() in any case.
NODISCARD bool growth_limit_check(const HeapLimit *limit, const HeapDiff *diff,
                                  const HeapProfile *const *profiles, LimitFinding *out,
                                  Error *error);

#endif
