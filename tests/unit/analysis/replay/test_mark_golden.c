// Goldens: the recorded result of a mark shows where another mark differs.

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/marked_heap.h"

Test(mark_golden, the_digest_is_that_of_the_mark)
{
    MarkedHeap marked = marked_heap_random(3, 2000);
    char digest[MARK_DIGEST_CHARS];

    mark_golden_digest(&marked.golden, digest);
    cr_expect_str_eq(digest, marked.golden.digest);
    marked_heap_release(&marked);
}

Test(mark_golden, a_difference_is_found_in_its_page)
{
    MarkedHeap marked = marked_heap_with_pages();
    uint64_t index = marked.golden.page_count / 2;
    const GoldenPage *page = &marked.golden.pages[index];
    uint64_t *word = &marked.golden.words[page->first_word], before = *word;
    uint32_t slot = 0;
    GoldenComparison comparison;
    MarkGolden expected = marked.golden;
    uint64_t words[GOLDEN_MAX_PAGE_WORDS];

    // The golden of a mark that had one object less there, and then one more.
    while (slot < 63 && (before >> slot & 1) == 0)
        slot++;
    memcpy(words, word, sizeof *words);
    *word = before ^ UINT64_C(1) << slot;
    cr_expect_not(marked_heap_compare(&marked, &expected, &comparison));
    cr_expect_eq(comparison.marks.pages, 1);
    cr_expect_eq(comparison.marks.page_address, page->address);
    cr_expect_eq(comparison.marks.added.objects + comparison.marks.missing.objects, 1);
    cr_expect_eq((before >> slot & 1) != 0 ? comparison.marks.added.slots[0]
                                           : comparison.marks.missing.slots[0],
                 slot);
    *word = before;
    cr_expect(marked_heap_compare(&marked, &expected, &comparison));
    marked_heap_release(&marked);
}

Test(mark_golden, other_totals_and_other_heaps_are_seen)
{
    MarkedHeap marked = marked_heap_random(6, 1000), other = marked_heap_random(7, 1000);
    MarkGolden expected = marked.golden;
    GoldenComparison comparison;

    expected.totals[GOLDEN_INVALID_REFERENCES]++;
    cr_expect_not(marked_heap_compare(&marked, &expected, &comparison));
    cr_expect(comparison.differs[GOLDEN_INVALID_REFERENCES]);
    cr_expect_not(comparison.differs[GOLDEN_OBJECTS]);
    cr_expect_not(marked_heap_compare(&marked, &other.golden, &comparison));
    cr_expect(comparison.is_other_heap);
    // One with the fingerprint of this heap, but other pages.
    memcpy(other.golden.heap, marked.golden.heap, sizeof other.golden.heap);
    cr_expect_not(marked_heap_compare(&marked, &other.golden, &comparison));
    cr_expect_not(comparison.is_other_heap);
    marked_heap_release(&marked);
    marked_heap_release(&other);
}
