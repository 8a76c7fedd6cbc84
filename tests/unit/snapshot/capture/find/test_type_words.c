// The functions that tell types.

#include <criterion/criterion.h>

#include "tests/support/made_search.h"

#define HEAP UINT64_C(0x7f0000000000)
#define DATA UINT64_C(0x560000000000)

Test(type_words, types_are_distinct_words_of_objects_with_module_and_offset)
{
    MadeProcess *process = made_process_with_stack();
    const SnapshotDetails *details;
    HeapSearchCounts counts;
    HeapSearch *search;

    made_process_map(process, DATA, 0x5000, "r-xp", "/bin/made (deleted)");
    made_process_map(process, HEAP, 0x2000, "rw-p", "");
    made_process_page(process, HEAP, 64, 0x3f);
    made_process_page(process, HEAP + 0x1000, 32, 3); // smaller than an object header
    for (uint32_t slot = 0; slot < 6; slot++)
        made_process_set(process, made_process_slot(HEAP, 64, slot) + 24,
                         slot < 3   ? DATA + 0x1230
                         : slot < 5 ? DATA + 0x10
                                    : 0x1234);
    made_process_set(process, made_process_slot(HEAP, 64, 5) + 8, UINT64_C(1) << 63); // DEAD
    search = made_search(process, FOREIGN_BLOCKS, &counts);
    details = heap_search_contents(search)->details;
    cr_expect_eq(counts.object_count, 7u);
    cr_assert_eq(details->type_count, 3u);
    cr_expect_eq(details->types[0].type_word, 0x1234u);
    cr_expect_eq(details->types[0].module, UINT32_MAX);
    cr_expect_eq(details->types[1].type_word, DATA + 0x10);
    cr_expect_eq(details->types[2].module_offset, 0x1230u);
    cr_expect_eq(details->types[2].symbol_count, 0u);
    cr_expect_str_eq(details->modules[details->types[2].module].name, "made");
    heap_search_free(search);
    made_process_free(process);
}
