// Pages that are copied more than once: see staged_pages_internal.h.

#include "snapshot/staged_pages_internal.h"

#include "snapshot/page_sets_internal.h"

static void exchange(PageSelection *left, PageSelection *right)
{
    PageSelection before = *left;

    *left = *right;
    *right = before;
}

// Makes room for so many bytes more; all data move along with the staging memory.
static bool make_room(StagedPages *staged, uint64_t more, Error *error)
{
    uint8_t *before = staged->memory.base;

    if (!staging_memory_extend(&staged->memory, staged->used_bytes + more, error))
        return false;
    if (staged->memory.base == before)
        return true;
    for (uint64_t i = 0; i < staged->pages.count; i++) {
        ProcessRange *range = &staged->pages.ranges[i];

        range->data = staged->memory.base + (range->data - before);
    }
    return true;
}

bool staged_pages_place(StagedPages *staged, const PageSelection *wanted, PageSelection *pieces,
                        Error *error)
{
    PageSelection *fresh = &staged->scratch[0], *old = &staged->scratch[1];

    if (!page_set_subtract(wanted, &staged->pages, fresh, error) ||
        !make_room(staged, fresh->bytes, error) ||
        !page_set_intersect(wanted, &staged->pages, old, error))
        return false;
    for (uint64_t i = 0; i < fresh->count; i++) {
        fresh->ranges[i].data = staged->memory.base + staged->used_bytes;
        staged->used_bytes += fresh->ranges[i].bytes;
    }
    return page_set_unite(old, fresh, pieces, error);
}

bool staged_pages_add(StagedPages *staged, const PageSelection *pieces, Error *error)
{
    PageSelection *all = &staged->scratch[0];

    if (!page_set_unite(&staged->pages, pieces, all, error))
        return false;
    exchange(&staged->pages, all);
    return true;
}

bool staged_pages_keep(StagedPages *staged, const PageSelection *kept, Error *error)
{
    PageSelection *rest = &staged->scratch[0];

    if (!page_set_intersect(&staged->pages, kept, rest, error))
        return false;
    exchange(&staged->pages, rest);
    return true;
}

void staged_pages_release(StagedPages *staged)
{
    page_selection_release(&staged->pages);
    page_selection_release(&staged->scratch[0]);
    page_selection_release(&staged->scratch[1]);
}
