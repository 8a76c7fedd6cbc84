// The rows of a view: analysis/heap_view_rows.c.

#ifndef ANALYSIS_HEAP_VIEW_INTERNAL_H
#define ANALYSIS_HEAP_VIEW_INTERNAL_H

#include "analysis/heap_view.h"

// Adds the rows of view->place, whose facts are there. Errors: memory.
NODISCARD bool heap_view_add_rows(HeapView *view, Error *error);

#endif
