// Invalid references of random heaps: their counts by place and target sum up to what the serial
// marker counted, and as many are visited, in majors and minors.

#include <criterion/criterion.h>
#include <inttypes.h>

#include "analysis/invalid_references.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"

#define CASES 60u

static bool count_one(void *context, const InvalidReference *reference)
{
    (void)reference;
    ++*(uint64_t *)context;
    return true;
}

Test(invalid_references, sum_up_to_what_the_marker_counted)
{
    uint64_t first = test_seed(1);

    for (uint64_t i = 0; i < test_dose(CASES); i++) {
        RandomHeapOptions options = random_heap_options(first + i, 150);
        RandomHeap *heap = random_heap_new(&options);
        HeapImage *image = random_heap_image(heap, i % 2 == 0);

        random_heap_free(heap);
        for (int kind = MARK_MAJOR; kind <= MARK_MINOR; kind++) {
            InvalidCounts counts;
            InvalidProof proof;
            EdgeLabels labels;
            uint64_t visited = 0;
            MarkResult *mark;
            Error error;

            cr_assert(mark_reachable_serial(image, (MarkKind)kind, &mark, &error));
            cr_assert(edge_labels_init(&labels, image, &error));
            cr_assert(invalid_references_count(image, mark, &labels, &counts, &proof, &error));
            edge_labels_release(&labels);
            invalid_references_visit(image, mark, count_one, &visited);
            cr_assert_eq(invalid_counts_sum(counts.objects) + invalid_counts_sum(counts.blocks),
                         visited, "kind %d, TEST_SEED=%" PRIu64, kind, first + i);
            cr_assert_eq(invalid_counts_sum(counts.roots) + visited,
                         mark->totals.invalid_references, "kind %d, TEST_SEED=%" PRIu64, kind,
                         first + i);
            mark_result_free(mark);
        }
        heap_image_free(image);
    }
}
