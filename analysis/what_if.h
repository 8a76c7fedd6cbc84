// WhatIf: the objects that would become garbage if some objects, types or roots were removed.
//
// The heap is marked again without them.

#ifndef ANALYSIS_WHAT_IF_H
#define ANALYSIS_WHAT_IF_H

#include "analysis/graph/heap_cut.h"
#include "analysis/heap_selection.h"

// Objects of one type, or foreign blocks, that would be freed.
typedef struct FreedType {
    uint32_t type; // of the table; type_count: foreign blocks
    uint64_t objects;
    uint64_t bytes;
} FreedType;

typedef struct WhatIf {
    // Reachable objects and blocks, and roots, that were removed. All else that is freed was kept
    // alive by them.
    uint64_t cut_objects;
    uint64_t cut_blocks;
    uint64_t cut_roots;
    uint64_t reachable_sized_blocks; // without content, before
    uint64_t reachable_sized_bytes;
    FreedCounts freed; // with the objects and blocks that were removed
    uint32_t type_count;
    FreedType *types; // those with freed objects, most bytes first
} WhatIf;

// before: a major mark of the image. `out` keeps no pointer to any argument. Errors: as
// mark_reachable(). Released by what_if_release().
NODISCARD bool what_if_make(const HeapImage *image, const MarkResult *before,
                            const TypeTable *table, const HeapSelection *cuts, uint32_t cut_count,
                            WhatIf *out, Error *error);
void what_if_release(WhatIf *what_if);

#endif
