// MarkedHeap: see tests/support/marked_heap.h.

#include "tests/support/marked_heap.h"

#include <stdio.h>
#include <stdlib.h>

static void must(bool is_ok, const Error *error)
{
    if (is_ok)
        return;
    fprintf(stderr, "marked_heap: %s\n", error->message);
    abort();
}

MarkedHeap marked_heap_random(uint64_t seed, uint32_t objects)
{
    RandomHeapOptions options = random_heap_options(seed, objects);
    MarkedHeap marked = {.heap = random_heap_new(&options)};
    Error error = {.code = ERROR_NONE};

    marked.image = random_heap_image(marked.heap, false);
    must(mark_reachable_serial(marked.image, MARK_MAJOR, &marked.result, &error), &error);
    mark_golden_init(&marked.golden);
    must(mark_golden_take(&marked.golden, marked.image, marked.result, &error), &error);
    return marked;
}

MarkedHeap marked_heap_with_pages(void)
{
    // Not every random heap has a root that leads anywhere.
    for (uint64_t seed = 1;; seed++) {
        MarkedHeap marked = marked_heap_random(seed, 300);
        if (marked.golden.page_count > 2)
            return marked;
        marked_heap_release(&marked);
    }
}

void marked_heap_release(MarkedHeap *marked)
{
    mark_golden_release(&marked->golden);
    mark_result_free(marked->result);
    heap_image_free(marked->image);
    random_heap_free(marked->heap);
}

bool marked_heap_compare(const MarkedHeap *marked, const MarkGolden *expected,
                         GoldenComparison *out)
{
    bool is_same;
    Error error = {.code = ERROR_NONE};

    must(mark_golden_compare(expected, &marked->golden, marked->image, marked->result, &is_same,
                             out, &error),
         &error);
    return is_same;
}
