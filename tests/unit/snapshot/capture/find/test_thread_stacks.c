// Thread stacks, their dead parts and thread-local storage, in processes that are made to mislead.

#include <criterion/criterion.h>

#include "tests/support/made_search.h"

#define HEAP UINT64_C(0x7f0000000000)

// The layout of glibc: guard, stack, static TLS, descriptor, and GC pages merged in behind.
Test(thread_stacks, a_thread_stack_with_pages_merged_into_its_mapping)
{
    MadeProcess *process = made_process_with_stack();
    const uint64_t base = HEAP + 0x100000, descriptor = base + 0x66c0;
    HeapSearch *search;

    made_process_map(process, base - 0x1000, 0x1000, "---p", "");
    made_process_map(process, base, 0x9000, "rw-p", "");
    (void)made_process_thread(process, base + 0x4000, descriptor);
    made_process_page(process, base + 0x7000, 64, 7);
    made_process_page(process, base + 0x8000, 64, 7);
    const uint64_t object = made_process_slot(base + 0x7000, 64, 1);
    made_process_set(process, base + 0x1000, object);             // dead
    made_process_set(process, base + 0x5000, object + 4);         // live
    made_process_set(process, descriptor - 16, object);           // static TLS: stack
    made_process_set(process, descriptor + 0x300, object);        // thread descriptor: TLS
    made_process_set(process, object + 48, base + 0x8000 + 1600); // in a page: no root
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect(made_search_has_root(search, ROOT_STACK, base + 0x5000));
    cr_expect(made_search_has_root(search, ROOT_STACK, descriptor - 16));
    cr_expect(made_search_has_root(search, ROOT_TLS, descriptor + 0x300));
    cr_expect_eq(heap_search_contents(search)->root_count, 3u);
    heap_search_free(search);
    made_process_free(process);
}

Test(thread_stacks, without_a_guard_nothing_below_the_stack_pointer_is_dead)
{
    MadeProcess *process = made_process_with_stack();
    const uint64_t base = HEAP + 0x100000;
    HeapSearch *search;

    made_process_map(process, base, 0x4000, "rw-p", "");
    (void)made_process_thread(process, base + 0x2000, base + 0x36c0);
    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    made_process_set(process, base + 0x1000, HEAP + 1600);
    made_process_set(process, base + 0x2800, HEAP + 1600);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, base + 0x1000));
    cr_expect(made_search_has_root(search, ROOT_STACK, base + 0x2800));
    heap_search_free(search);
    made_process_free(process);
}

// A stack that the program gave to the thread: the descriptor says where it begins.
Test(thread_stacks, a_recorded_stack_is_dead_below_the_stack_pointer)
{
    MadeProcess *process = made_process_with_stack();
    const uint64_t base = HEAP + 0x100000, block = base + 0x1000, descriptor = base + 0x36c0;
    HeapSearch *search;

    made_process_map(process, base, 0x5000, "rw-p", "");
    (void)made_process_thread(process, base + 0x2800, descriptor);
    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    // Other words: a small number, and a pointer to a little behind the descriptor.
    made_process_set(process, descriptor + 0x300, 2);
    made_process_set(process, descriptor + 0x308, descriptor + 0x500);
    made_process_set(process, base + 8, HEAP + 1600);
    made_process_set(process, block + 8, HEAP + 1600);
    made_process_set(process, base + 0x2900, HEAP + 1600);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, base + 8));
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, block + 8));
    cr_expect(made_search_has_root(search, ROOT_STACK, base + 0x2900));
    heap_search_free(search);

    made_process_set(process, descriptor + 0x690, block);
    made_process_set(process, descriptor + 0x698, base + 0x4000 - block);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, base + 8));
    cr_expect_not(made_search_has_root(search, ROOT_FOREIGN, block + 8));
    cr_expect(made_search_has_root(search, ROOT_STACK, base + 0x2900));
    heap_search_free(search);
    made_process_free(process);
}

Test(thread_stacks, a_thread_that_runs_elsewhere_keeps_its_whole_stack)
{
    MadeProcess *process = made_process_new();
    const uint64_t base = HEAP + 0x100000, other = HEAP + 0x200000;
    HeapSearch *search;

    made_process_map(process, MADE_SEARCH_STACK, 0x4000, "rw-p", "[stack]");
    made_process_map(process, base - 0x1000, 0x1000, "---p", "");
    made_process_map(process, base, 0x4000, "rw-p", "");
    made_process_map(process, other, 0x8000, "rw-p", "");
    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    (void)made_process_thread(process, other + 0x2000, 0);
    (void)made_process_thread(process, other + 0x6000, base + 0x36c0);
    made_process_set(process, MADE_SEARCH_STACK + 8, HEAP + 1600);
    made_process_set(process, base + 8, HEAP + 1600);
    made_process_set(process, other + 0x1000, HEAP + 1600);
    made_process_set(process, other + 0x3000, HEAP + 1600);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect(made_search_has_root(search, ROOT_STACK, MADE_SEARCH_STACK + 8));
    cr_expect(made_search_has_root(search, ROOT_STACK, base + 8));
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, other + 0x1000));
    cr_expect(made_search_has_root(search, ROOT_STACK, other + 0x3000));
    heap_search_free(search);
    made_process_free(process);
}

Test(thread_stacks, static_tls_of_the_main_thread_is_found_by_its_vector)
{
    MadeProcess *process = made_process_new();
    const uint64_t base = HEAP + 0x100000, descriptor = base + 0x2740, vector = base + 0x100;
    HeapSearch *search;

    made_process_map(process, MADE_SEARCH_STACK, 0x4000, "rw-p", "[stack]");
    made_process_map(process, base, 0x4000, "rw-p", "");
    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    (void)made_process_thread(process, MADE_SEARCH_STACK + 0x2800, descriptor);
    made_process_set(process, descriptor, descriptor);
    made_process_set(process, descriptor + 8, vector);
    made_process_set(process, vector - 16, 3);
    made_process_set(process, vector + 16, descriptor - 0x80);
    made_process_set(process, vector + 32, descriptor - 0x100);
    made_process_set(process, vector + 48, base + 0x1000); // loaded later: to be freed
    made_process_set(process, vector + 56, base + 0x1000);
    made_process_set(process, descriptor - 0x100, HEAP + 1600);
    made_process_set(process, descriptor - 0x108, HEAP + 1600);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect(made_search_has_root(search, ROOT_TLS, descriptor - 0x100));
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, descriptor - 0x108));
    heap_search_free(search);
    made_process_free(process);
}
