// ResidueWords: references that look left over from values that are gone.
//
// A `Vec` that was truncated, an emptied bucket of a hash table, the free part of a ring buffer and
// an `Option` that became `None` keep the words that they held, and a conservative mark follows
// them. No word by itself proves that it is residue. Two things together are strong evidence:
//
// 1. its place says so: it lies behind the length of a {capacity, pointer, length}, in a bucket
//    whose control byte says empty, outside of a ring's window, or behind a tag of zero;
// 2. its object does not need it: as many other words in marked objects and blocks refer to the
//    object as its reference count and its weak count say.
//
// So words are skipped in a second mark, whose figures stand beside those of the first; the rule
// and the digest never change. The second mark finds everything that is really reachable as long as
// reference counts are kept; it may find more.

#ifndef ANALYSIS_GRAPH_RESIDUE_WORDS_H
#define ANALYSIS_GRAPH_RESIDUE_WORDS_H

#include "marker/mark.h"
#include "snapshot/heap/heap_image.h"

typedef struct ResidueWords ResidueWords; // analysis/graph/object_graph.h, too

// An 8-aligned word of a marked object, or of a block (page is NO_INDEX).
typedef struct ResidueWord {
    uint32_t page;
    uint32_t slot_or_block;
    uint32_t word; // number among the words that may refer: see graph_object_words()
} ResidueWord;

struct ResidueWords {
    // False: nothing can be said, because objects do not count references, parts of the heap or of
    // its data are missing, or the mark is not a major one.
    bool is_known;
    uint64_t count;
    ResidueWord *words; // owned; objects ascending by address, then blocks, words ascending
};

// The residue among the references of `mark`, a mark of `image`. Errors: memory. The caller frees
// it with residue_words_release(), which takes a zeroed struct, too.
NODISCARD bool residue_words_find(const HeapImage *image, const MarkResult *mark, ResidueWords *out,
                                  Error *error);
void residue_words_release(ResidueWords *residue);

// Marks without these words. They are zero while this runs, so nothing else may read the image
// meanwhile; afterwards it is as before. `before` is the mark that they were found in: where there
// is none, the counts are its own. Errors: as mark_reachable().
NODISCARD bool residue_words_mark(const ResidueWords *residue, HeapImage *image,
                                  const MarkResult *before, MarkTotals *totals, Error *error);

#endif
