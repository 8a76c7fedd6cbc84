// Word filters: the first test of payload words of a conservatively scanned object.
//
// A filter copies, in their order, the words that may refer to this heap: those whose page is in
// the window, and those in the far range (pages outside the window, foreign blocks). It reads
// no table, so it costs no cache; the words that pass are tested again. All filters give
// equal results; the fastest that the CPU has is chosen at run time.

#ifndef MARKER_WORD_FILTER_H
#define MARKER_WORD_FILTER_H

#include <stdint.h>

typedef struct WordRange {
    uint64_t window_first; // bucket of the first page of the window
    uint64_t window_count; // buckets
    uint32_t page_shift;
    uint64_t far_low;  // first address of the far range
    uint64_t far_span; // its bytes; 0: no far range
} WordRange;

// Reads `count` words at `bytes`, writes those that pass to `out`, returns their number. `out`
// needs room for `count` words and WORD_FILTER_SLACK more.
#define WORD_FILTER_SLACK 8u
typedef uint32_t WordFilter(const WordRange *range, const uint8_t *bytes, uint32_t count,
                            uint64_t *out);

// Plain C. The others are tested against it.
uint32_t word_filter_plain(const WordRange *range, const uint8_t *bytes, uint32_t count,
                           uint64_t *out);

// The best for this CPU.
WordFilter *word_filter_best(void);

typedef struct NamedWordFilter {
    const char *name; // "plain", "avx2", "avx512"
    WordFilter *filter;
} NamedWordFilter;

// All filters that this CPU can run, "plain" first, the best last. Returns their number.
#define WORD_FILTER_MAX 3u
uint32_t word_filter_list(NamedWordFilter filters[WORD_FILTER_MAX]);

static inline int word_is_in_window(const WordRange *range, uint64_t word)
{
    return (word >> range->page_shift) - range->window_first < range->window_count;
}

static inline int word_is_in_range(const WordRange *range, uint64_t word)
{
    return word_is_in_window(range, word) | (word - range->far_low < range->far_span);
}

#endif
