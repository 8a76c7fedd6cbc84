// MarkGolden: the recorded result of marking a heap, with which later marks are compared.
//
// It holds totals, the digest, and the mark words of every page with a marked object, in groups of
// pages that have a digest each: so a difference is found page by page, without the original mark.
// It has the heap_fingerprint() of its heap, so that a golden of another heap is not taken for a
// wrong mark.

#ifndef ANALYSIS_REPLAY_MARK_GOLDEN_H
#define ANALYSIS_REPLAY_MARK_GOLDEN_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/replay/mark_difference.h"
#include "marker/mark.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"

// Pages of a group. The last one may have fewer.
#define GOLDEN_GROUP_PAGES 64u
#define GOLDEN_MAX_PAGE_WORDS 64u // 65536-byte pages of 16-byte slots

typedef struct GoldenPage {
    uint64_t address;
    uint64_t first_word; // of `words`
    uint32_t word_count;
} GoldenPage;

// Figures of a golden, in the order of its file.
typedef enum GoldenTotal {
    GOLDEN_OBJECTS,
    GOLDEN_BYTES,
    GOLDEN_BLOCKS,
    GOLDEN_BLOCK_BYTES,
    GOLDEN_ROOTS,
    GOLDEN_INVALID_REFERENCES,
    GOLDEN_TOTAL_COUNT,
} GoldenTotal;

// "reachable_objects", "reachable_bytes", "foreign_blocks", ...
const char *golden_total_name(GoldenTotal total);

typedef struct MarkGolden {
    char heap[MARK_DIGEST_CHARS]; // heap_fingerprint()
    char rule[16];
    char digest[MARK_DIGEST_CHARS];
    uint64_t totals[GOLDEN_TOTAL_COUNT];
    uint64_t page_count;
    uint64_t page_capacity;
    GoldenPage *pages; // ascending by address; owned
    uint64_t word_count;
    uint64_t word_capacity;
    uint64_t *words; // owned
} MarkGolden;

void mark_golden_init(MarkGolden *golden);
void mark_golden_release(MarkGolden *golden);

// Fills in what `result`, a major mark of `image`, found. Errors: memory.
NODISCARD bool mark_golden_take(MarkGolden *golden, const HeapImage *image,
                                const MarkResult *result, Error *error);

// Appends a page; `words` are copied. Errors: memory.
NODISCARD bool mark_golden_add_page(MarkGolden *golden, uint64_t address, const uint64_t *words,
                                    uint32_t word_count, Error *error);

// The digest of the pages, written as mark_result_digest() does: equal to `digest` unless one of
// them was changed.
void mark_golden_digest(const MarkGolden *golden, char digest[MARK_DIGEST_CHARS]);

// A group's own fingerprint: XXH3-128 of addresses and words of its pages.
void mark_golden_group_digest(const MarkGolden *golden, uint64_t group,
                              char digest[MARK_DIGEST_CHARS]);

typedef struct GoldenComparison {
    bool is_other_heap; // the golden is of another heap: nothing else is compared
    bool is_other_rule;
    bool differs[GOLDEN_TOTAL_COUNT];
    MarkDifference marks;
    uint64_t strange_pages; // pages of the golden that the heap does not have
} GoldenComparison;

// Compares `found`, a golden made of `image` and `result`, with the `expected` one. On success
// `*is_same` is whether they agree, and `out` has the differences. Errors: memory.
NODISCARD bool mark_golden_compare(const MarkGolden *expected, const MarkGolden *found,
                                   const HeapImage *image, const MarkResult *result, bool *is_same,
                                   GoldenComparison *out, Error *error);

#endif
