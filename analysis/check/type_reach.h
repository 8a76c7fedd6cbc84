// TypeReach: does an object of one type lead to an object of another one?

#ifndef ANALYSIS_CHECK_TYPE_REACH_H
#define ANALYSIS_CHECK_TYPE_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/graph/node_types.h"
#include "base/error.h"

// A shortest chain of references between them.
typedef struct TypeReach {
    uint32_t length; // nodes; 0: there is none, else 2 at least
    uint32_t *nodes; // owned
} TypeReach;

// Looks for a chain of one reference or more from a reachable node whose type is set in `from` to
// one whose type is set in `to`; both have an entry for each type of `types`. Errors: memory.
// Released by type_reach_release() in any case.
NODISCARD bool type_reach_find(const NodeTypes *types, const bool *from, const bool *to,
                               TypeReach *out, Error *error);
void type_reach_release(TypeReach *reach);

// "shop::Global.cache[3] -> shop::Temp"; a long one without its middle. The caller frees it; NULL
// when memory is short.
char *type_reach_text(const NodeTypes *types, const TypeReach *reach);

#endif
