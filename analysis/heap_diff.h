// HeapDiff: growth between two or more heaps.
//
// Types, paths and size classes are compared by label. Objects are compared only between captures
// of one process, and never by address alone. An object of the later heap is the one that was there
// before if its page still belongs to the same thread and size class and has not become younger,
// and the object at its slot has the same type, the same count of uses in its header, and has not
// lost the flag of having survived a collection. Otherwise the slot was used again. A slot that was
// freed and used again for the same type, with the same header, counts as kept; so `kept` is an
// upper bound, and `fresh` and `gone` are lower bounds.

#ifndef ANALYSIS_HEAP_DIFF_H
#define ANALYSIS_HEAP_DIFF_H

#include "analysis/heap_profile.h"

typedef struct ObjectMoves {
    uint64_t kept;
    uint64_t fresh; // not there before
    uint64_t gone;
    uint64_t reused; // of fresh (and of gone): at the address of an object that is gone
} ObjectMoves;

typedef struct PageMoves {
    uint64_t kept;
    uint64_t fresh;
    uint64_t gone;
    uint64_t reused; // of kept: given to another size class or thread, or made young again
} PageMoves;

// One type or path in all heaps. Arrays have one entry a heap.
typedef struct DiffRow {
    // Borrowed from a profile: of a type without a name, from the last that has it, as the number
    // in the label is another one in each heap.
    const char *label;
    const char *key;       // type_label_without_number(); a part of a label
    const char *build;     // ProfileType.build; of paths ""
    uint64_t *objects;     // reachable
    uint64_t *bytes;       // with `owned`
    uint64_t *owned;       // bytes of blocks without content that these own; 0 where not known
    uint64_t *unreachable; // objects; of paths 0
    int64_t growth;        // bytes, from the first to the last
    bool grew_always;      // more objects in each heap than in the one before
    ObjectMoves moves;     // of a type, over all steps together
} DiffRow;

typedef struct DiffClass {
    uint32_t block_size; // 0: large
    uint64_t *pages;
    uint64_t *nearly_empty;
} DiffClass;

typedef struct HeapDiff {
    uint32_t heap_count;
    bool is_one_process; // captures of one process, in the order of time
    bool knows_owned;    // all heaps know their blocks without content, so they are counted
    bool has_paths;
    uint32_t type_count;
    DiffRow *types; // growth, largest first
    uint32_t path_count;
    DiffRow *paths; // likewise
    uint32_t class_count;
    DiffClass *classes; // ascending, large ones last
    ObjectMoves *moves; // per step, heap_count - 1; zero unless is_one_process
    PageMoves *pages;   // likewise
    uint64_t *numbers;  // holds the arrays of the rows and classes; owned
} HeapDiff;

// The profiles are borrowed and must outlive the diff; two at least. Errors: memory.
// The caller owns `*out` and frees it with heap_diff_free().
NODISCARD bool heap_diff_new(const HeapProfile *const *profiles, uint32_t count, HeapDiff **out,
                             Error *error);
void heap_diff_free(HeapDiff *diff);

#endif
