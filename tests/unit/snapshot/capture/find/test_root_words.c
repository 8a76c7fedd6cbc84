// Which words are roots.

#include <criterion/criterion.h>

#include "tests/support/made_search.h"

#define HEAP UINT64_C(0x7f0000000000)
#define DATA UINT64_C(0x560000000000)

Test(root_words, dead_stack_and_gc_pages_are_no_roots_and_the_red_zone_is)
{
    MadeProcess *process = made_process_with_stack();
    HeapSearch *search;

    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    // A GC page in the live part of the stack.
    made_process_page(process, MADE_SEARCH_STACK + 0x3000, 64, 1);
    made_process_set(process, made_process_slot(MADE_SEARCH_STACK + 0x3000, 64, 0) + 48,
                     HEAP + 1600);
    made_process_set(process, MADE_SEARCH_STACK + 0x2800 - 136, HEAP + 1600);
    made_process_set(process, MADE_SEARCH_STACK + 0x2800 - 128, HEAP + 1600);
    made_process_set(process, MADE_SEARCH_STACK + 0x2900, HEAP + 1600 + 64);
    made_process_set(process, MADE_SEARCH_STACK + 0x2908, HEAP + 0x1000); // behind the page
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(made_search_roots_of_kind(search, ROOT_STACK), 2u);
    cr_expect(made_search_has_root(search, ROOT_STACK, MADE_SEARCH_STACK + 0x2800 - 128));
    cr_expect(made_search_has_root(search, ROOT_STACK, MADE_SEARCH_STACK + 0x2900));
    cr_expect_eq(heap_search_contents(search)->root_count, 2u);
    heap_search_free(search);
    made_process_free(process);
}

Test(root_words, registers_and_globals_are_roots_when_they_lead_to_the_heap)
{
    MadeProcess *process = made_process_with_stack();
    HeapSearch *search;

    made_process_map(process, DATA, 0x1000, "r-xp", "/bin/made");
    made_process_map(process, DATA + 0x1000, 0x1000, "rw-p", "/bin/made");
    made_process_map(process, DATA + 0x2000, 0x1000, "rw-p", "");
    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    made_process_register(process, 0, 3, HEAP + 1600 + 5);
    made_process_register(process, 0, 4, 12345);
    made_process_set(process, DATA + 0x1008, HEAP + 1600);
    made_process_set(process, DATA + 0x2008, HEAP + 1600); // .bss, guessed: the file is gone
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(made_search_roots_of_kind(search, ROOT_REGISTER), 1u);
    cr_expect(made_search_has_root(search, ROOT_REGISTER, 3));
    cr_expect(made_search_has_root(search, ROOT_GLOBAL, DATA + 0x1008));
    cr_expect(made_search_has_root(search, ROOT_GLOBAL, DATA + 0x2008));
    heap_search_free(search);
    made_process_free(process);
}

// Of two chunks, one holds a reference into the heap: words that point to the other lead nowhere.
Test(root_words, words_that_point_to_other_malloc_chunks_are_not_roots)
{
    const uint64_t sizes[] = {64, 64};
    const uint64_t heap = UINT64_C(0x555555600000), first = heap + 16, second = heap + 64 + 16;
    MadeProcess *process = made_process_with_stack();
    HeapSearch *search;

    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    made_process_map(process, heap, 0x2000, "rw-p", "[heap]");
    made_process_chunks(process, heap, sizes, 2, heap + 0x2000);
    made_process_set(process, first + 8, HEAP + 1600);
    made_process_set(process, MADE_SEARCH_STACK + 0x2900, first + 24);
    made_process_set(process, MADE_SEARCH_STACK + 0x2908, second);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(heap_search_contents(search)->root_count, 1u);
    cr_expect(made_search_has_root(search, ROOT_STACK, MADE_SEARCH_STACK + 0x2900));
    heap_search_free(search);
    made_process_free(process);
}

// The same word in each kind of memory.
Test(root_words, memory_counts_as_the_kind_of_root_that_it_is)
{
    const uint64_t other = HEAP + 0x100000;
    MadeProcess *process = made_process_with_stack();
    HeapSearch *search;

    made_process_map(process, DATA, 0x1000, "r-xp", "/bin/made");
    made_process_map(process, DATA + 0x1000, 0x1000, "rw-p", "/bin/made");
    made_process_map(process, other, 0x1000, "rw-p", "");
    made_process_map(process, other + 0x10000, 0x1000, "rw-s", "");
    made_process_map(process, HEAP, 0x2000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    made_process_set(process, MADE_SEARCH_STACK + 0x2900, HEAP + 1600);
    made_process_set(process, DATA + 0x1100, HEAP + 1600);
    made_process_set(process, other + 0x100, HEAP + 1600);
    made_process_set(process, other + 0x10100, HEAP + 1600); // shared: not read
    made_process_set(process, HEAP + 1648, HEAP + 1600);     // in a GC page: not a root
    made_process_set(process, HEAP + 0x1100, HEAP + 1600);   // behind the page
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect(made_search_has_root(search, ROOT_STACK, MADE_SEARCH_STACK + 0x2900));
    cr_expect(made_search_has_root(search, ROOT_GLOBAL, DATA + 0x1100));
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, other + 0x100));
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, HEAP + 0x1100));
    cr_expect_eq(heap_search_contents(search)->root_count, 4u);
    heap_search_free(search);
    made_process_free(process);
}
