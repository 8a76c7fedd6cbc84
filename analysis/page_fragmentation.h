// PageFragmentation: pages that few objects keep from being free, these objects, and their
// dominators.

#ifndef ANALYSIS_PAGE_FRAGMENTATION_H
#define ANALYSIS_PAGE_FRAGMENTATION_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"

// A page is nearly empty when at most this share of its slots, in per cent, is reachable.
#define NEARLY_EMPTY_SHARE 25u

static inline bool page_is_nearly_empty(uint32_t reachable, uint32_t slots)
{
    return reachable > 0 && (uint64_t)reachable * 100 <= (uint64_t)slots * NEARLY_EMPTY_SHARE;
}

typedef struct ClassPages {
    uint32_t block_size;
    uint64_t pages;
    uint64_t nearly_empty;      // pages with at least one reachable object
    uint64_t without_reachable; // pages without a reachable object
    uint64_t free_bytes;        // of slots without a reachable object, in nearly empty pages
} ClassPages;

// Objects of one type on nearly empty pages whose immediate dominators have one type.
typedef struct PageKeeper {
    uint32_t type;
    uint32_t kept_by; // type of the dominators; types->type_count: one or several roots
    uint64_t pages;   // with such an object
    uint64_t objects;
    uint64_t free_bytes; // in these pages
    uint32_t example;    // node
} PageKeeper;

typedef struct PageFragmentation {
    uint32_t class_count;
    ClassPages *classes; // small classes, ascending; owned
    bool has_keepers;
    uint32_t keeper_count;
    PageKeeper *keepers; // most pages first; owned
} PageFragmentation;

// Without a tree (NULL) there are no keepers. Errors: memory. Released by
// page_fragmentation_release() in any case.
NODISCARD bool page_fragmentation_find(const HeapImage *image, const MarkResult *mark,
                                       const DominatorTree *tree, const NodeTypes *types,
                                       PageFragmentation *out, Error *error);
void page_fragmentation_release(PageFragmentation *fragmentation);

#endif
