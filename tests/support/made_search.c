// MadeSearch: see made_search.h.

#include "tests/support/made_search.h"

#include <stdio.h>
#include <stdlib.h>

HeapSearch *made_search(MadeProcess *process, ForeignMode mode, HeapSearchCounts *counts)
{
    HeapSearchOptions options = {.foreign_mode = mode};
    HeapSearchCounts unwanted;
    HeapSearch *search = NULL;
    Error error = {0};

    if (!heap_search_new(made_process_copy(process), &options, &search,
                         counts != NULL ? counts : &unwanted, &error)) {
        fprintf(stderr, "made search: %s\n", error.message);
        abort();
    }
    return search;
}

uint64_t made_search_roots_of_kind(const HeapSearch *search, RootKind kind)
{
    const SnapshotContents *contents = heap_search_contents(search);
    uint64_t count = 0;

    for (uint64_t i = 0; i < contents->root_count; i++)
        count += contents->roots[i].kind == (uint8_t)kind;
    return count;
}

bool made_search_has_root(const HeapSearch *search, RootKind kind, uint64_t address)
{
    const SnapshotContents *contents = heap_search_contents(search);

    for (uint64_t i = 0; i < contents->root_count; i++)
        if (contents->roots[i].kind == (uint8_t)kind && contents->roots[i].address == address)
            return true;
    return false;
}

const SnapshotBlock *made_search_block(const HeapSearch *search, uint64_t address)
{
    const SnapshotContents *contents = heap_search_contents(search);

    for (uint64_t i = 0; i < contents->block_count; i++)
        if (contents->blocks[i].address == address)
            return &contents->blocks[i];
    return NULL;
}

MadeProcess *made_process_with_stack(void)
{
    MadeProcess *process = made_process_new();

    made_process_map(process, MADE_SEARCH_STACK, 0x4000, "rw-p", "[stack]");
    (void)made_process_thread(process, MADE_SEARCH_STACK + 0x2800, 0);
    return process;
}
