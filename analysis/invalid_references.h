// InvalidReferences: words that point into a page of the heap, but to no allocated slot.
//
// Marking skips and counts them. Most are chance values and words that are left over, on stacks
// above all. One in a field of an object may be a reference to an object that was freed too early.
// So they are told apart by where they are and by what they point to, and those of objects and
// blocks can be listed one by one.

#ifndef ANALYSIS_INVALID_REFERENCES_H
#define ANALYSIS_INVALID_REFERENCES_H

#include "analysis/graph/edge_label.h"
#include "marker/mark.h"

typedef enum InvalidKind {
    INVALID_FREE_SLOT = 0, // any byte of a free slot
    INVALID_INTERIOR,      // the inside of an allocated slot
    INVALID_PAGE_HEADER,
    INVALID_UNUSED_END, // behind the last slot
    INVALID_KIND_COUNT,
} InvalidKind;

// "free slot", "interior", "page header", "unused end".
const char *invalid_kind_name(InvalidKind kind);

// Words by what they point to. The sum is MarkTotals.invalid_references.
typedef struct InvalidCounts {
    uint64_t roots[INVALID_KIND_COUNT];
    uint64_t objects[INVALID_KIND_COUNT];
    uint64_t blocks[INVALID_KIND_COUNT];
} InvalidCounts;

uint64_t invalid_counts_sum(const uint64_t counts[INVALID_KIND_COUNT]);

typedef struct InvalidReference {
    uint32_t page; // of the object; NO_INDEX: a block
    uint32_t slot;
    uint32_t block;
    uint64_t offset; // of the word in the object or block
    uint64_t target; // the word
    InvalidKind kind;
} InvalidReference;

// Calls `visit` for each word of an object or block, ascending by address, objects first, until it
// returns false.
void invalid_references_visit(const HeapImage *image, const MarkResult *mark,
                              bool (*visit)(void *context, const InvalidReference *reference),
                              void *context);

// A word in a field that the program's data types say to be a reference.
typedef struct InvalidProof {
    bool is_found; // false: there is none, as far as was looked, or the snapshot has no data types
    InvalidReference reference;
    EdgeLabel label; // of the field
} InvalidProof;

// `mark` is a mark of `image`. Looks once at all words that it looked at, on several threads; the
// proof is the first one by address, whatever their number. Of 1,024 pages or 4,096 blocks the
// first INVALID_TRIED words are tried. Errors: memory.
#define INVALID_TRIED 100000u
NODISCARD bool invalid_references_count(const HeapImage *image, const MarkResult *mark,
                                        const EdgeLabels *labels, InvalidCounts *out,
                                        InvalidProof *proof, Error *error);

#endif
