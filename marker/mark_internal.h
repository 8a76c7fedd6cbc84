// Results, as the files of marker/ make them.

#ifndef MARKER_MARK_INTERNAL_H
#define MARKER_MARK_INTERNAL_H

#include "marker/mark.h"

// An empty result for `image`: nothing marked, all counts 0. Errors: memory.
// The caller owns `*out` and frees it with mark_result_free().
NODISCARD bool mark_result_new(const HeapImage *image, MarkKind kind, MarkResult **out,
                               Error *error);

// Fills totals.marked_* from the mark words.
void mark_result_count(MarkResult *result, const HeapImage *image);

#endif
