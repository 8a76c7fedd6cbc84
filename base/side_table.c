// Side tables: see base/side_table.h.

#include "base/side_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)
// From here on a table gets mappings of its own.
#define LARGE_TABLE_BYTES ((size_t)1 << 20)

static size_t mapped_bytes(size_t bytes)
{
    return (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
}

void *side_table_new(size_t bytes)
{
    size_t wanted = mapped_bytes(bytes);
    uint8_t *mapping;

    if (bytes < LARGE_TABLE_BYTES)
        return calloc(1, bytes > 0 ? bytes : 1);
    if (wanted < bytes || wanted > SIZE_MAX - HUGE_PAGE_BYTES)
        return NULL;
    // One huge page more than needed, so that an aligned piece is in it.
    mapping = mmap(NULL, wanted + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return NULL;
    size_t before = (HUGE_PAGE_BYTES - (uintptr_t)mapping % HUGE_PAGE_BYTES) % HUGE_PAGE_BYTES;
    if (before > 0)
        (void)munmap(mapping, before);
    (void)munmap(mapping + before + wanted, HUGE_PAGE_BYTES - before);
    (void)madvise(mapping + before, wanted, MADV_HUGEPAGE); // only speed is lost without it
    return mapping + before;
}

void side_table_free(const void *table, size_t bytes)
{
    void *memory = (void *)(uintptr_t)table;

    if (table == NULL)
        return;
    if (bytes < LARGE_TABLE_BYTES)
        free(memory);
    else
        (void)munmap(memory, mapped_bytes(bytes));
}
