// StagedPages: see staged_pages.h.

#include "snapshot/capture/copy/staged_pages.h"

#include "snapshot/capture/copy/page_sets.h"

// Grows the staging memory for `more` bytes; the data of all pages move along with it.
static bool grow_memory(StagedPages *staged, uint64_t more, Error *error)
{
    uint8_t *before = staged->area.memory.base;

    if (!staging_memory_extend(&staged->area.memory, staged->used_bytes + more, error))
        return false;
    if (staged->area.memory.base == before)
        return true;
    for (uint64_t i = 0; i < staged->pages.count; i++) {
        ProcessRange *range = &staged->pages.ranges[i];

        range->data = staged->area.memory.base + (range->data - before);
    }
    return true;
}

bool staged_pages_place(StagedPages *staged, const PageSelection *wanted, PageSelection *pieces,
                        Error *error)
{
    PageSelection *fresh = &staged->scratch[0], *old = &staged->scratch[1];

    if (!page_set_subtract(wanted, &staged->pages, fresh, error) ||
        !grow_memory(staged, fresh->bytes, error) ||
        !page_set_intersect(wanted, &staged->pages, old, error))
        return false;
    for (uint64_t i = 0; i < fresh->count; i++) {
        fresh->ranges[i].data = staged->area.memory.base + staged->used_bytes;
        staged->used_bytes += fresh->ranges[i].bytes;
    }
    return page_set_unite(old, fresh, pieces, error);
}

bool staged_pages_add(StagedPages *staged, const PageSelection *pieces, Error *error)
{
    return page_set_add_set(&staged->pages, pieces, &staged->scratch[0], error);
}

bool staged_pages_pack(StagedPages *staged, PageSelection *written, int pid, int tid,
                       const Cancel *cancel, PageSelection *unread, Error *error)
{
    PageSelection *rest = &staged->scratch[0];

    if (!packed_pages_add(staged->area.packed, written, pid, tid, cancel, unread, error) ||
        !page_set_subtract(&staged->pages, written, rest, error))
        return false;
    page_set_swap(&staged->pages, rest);
    // If no page has its latest version there, the memory is free again.
    if (staged->pages.count == 0)
        staged->used_bytes = 0;
    return page_set_add_set(&staged->packed, written, rest, error);
}

uint64_t staged_pages_bytes(const StagedPages *staged)
{
    return staged->pages.bytes + staged->packed.bytes;
}

bool staged_pages_unite(StagedPages *staged, Error *error)
{
    PageSelection *all = &staged->scratch[0];

    if (staged->packed.count == 0)
        return true;
    if (!page_set_unite(&staged->packed, &staged->pages, all, error))
        return false;
    page_set_swap(&staged->pages, all);
    page_set_clear(&staged->packed);
    return true;
}

bool staged_pages_keep(StagedPages *staged, const PageSelection *kept, Error *error)
{
    PageSelection *rest = &staged->scratch[0];

    if (!page_set_intersect(&staged->pages, kept, rest, error))
        return false;
    page_set_swap(&staged->pages, rest);
    return true;
}

void staged_pages_release(StagedPages *staged)
{
    page_selection_release(&staged->pages);
    page_selection_release(&staged->packed);
    page_selection_release(&staged->scratch[0]);
    page_selection_release(&staged->scratch[1]);
}
