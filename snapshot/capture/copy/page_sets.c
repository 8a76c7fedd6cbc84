// Sets of pages: see page_sets.h. The operations walk both sets once, in the order of addresses.

#include "snapshot/capture/copy/page_sets.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"

void page_set_clear(PageSelection *set)
{
    set->count = 0;
    set->bytes = 0;
}

static uint64_t end_of(const ProcessRange *range)
{
    return range->address + range->bytes;
}

static bool continues(const ProcessRange *last, const ProcessRange *next)
{
    return end_of(last) == next->address &&
           (last->data == NULL ? next->data == NULL : next->data == last->data + last->bytes);
}

bool page_set_add_data(PageSelection *set, const ProcessRange *range, Error *error)
{
    ProcessRange *last = set->count == 0 ? NULL : &set->ranges[set->count - 1];

    set->bytes += range->bytes;
    if (last != NULL && continues(last, range)) {
        last->bytes += range->bytes;
        return true;
    }
    if (!array_reserve(&set->ranges, &set->capacity, set->count + 1, sizeof *set->ranges,
                       "page ranges", error))
        return false;
    set->ranges[set->count++] = *range;
    return true;
}

bool page_set_add(PageSelection *set, uint64_t start, uint64_t end, Error *error)
{
    const ProcessRange range = {.address = start, .bytes = end - start};

    if (end <= start)
        return true;
    if (set->count > 0 && end_of(&set->ranges[set->count - 1]) > start)
        return error_set(error, ERROR_SYSTEM, "pages are listed out of order");
    return page_set_add_data(set, &range, error);
}

static int compare_ranges(const void *left, const void *right)
{
    const ProcessRange *a = left, *b = right;

    return a->address < b->address ? -1 : a->address > b->address;
}

void page_set_sort(PageSelection *set)
{
    uint64_t kept = 0;

    if (set->count == 0)
        return;
    qsort(set->ranges, set->count, sizeof *set->ranges, compare_ranges);
    for (uint64_t i = 1; i < set->count; i++) {
        if (continues(&set->ranges[kept], &set->ranges[i]))
            set->ranges[kept].bytes += set->ranges[i].bytes;
        else
            set->ranges[++kept] = set->ranges[i];
    }
    set->count = kept + 1;
}

static bool ends_at_or_below(const void *ranges, uint64_t index, const void *address)
{
    return end_of((const ProcessRange *)ranges + index) <= *(const uint64_t *)address;
}

uint64_t page_set_find(const PageSelection *set, uint64_t address)
{
    return search_first(set->ranges, set->count, ends_at_or_below, &address);
}

// Adds [start, end) of `range`.
static bool add_part(PageSelection *out, const ProcessRange *range, uint64_t start, uint64_t end,
                     Error *error)
{
    const ProcessRange part = {
        .address = start,
        .bytes = end - start,
        .data = range->data == NULL ? NULL : range->data + (start - range->address)};

    return end <= start || page_set_add_data(out, &part, error);
}

// As page_set_find(), for an address behind range `at`: tries a few steps, then searches.
static uint64_t find_from(const PageSelection *set, uint64_t at, uint64_t address)
{
    for (unsigned step = 0; step < 4; step++, at++)
        if (at == set->count || end_of(&set->ranges[at]) > address)
            return at;
    return page_set_find(set, address);
}

// Adds the parts of `range` that `set` has (`of_both`), or that it does not have. The ranges of
// `set` before index `*at` lie lower; `*at` moves on.
static bool add_parts(PageSelection *out, const ProcessRange *range, const PageSelection *set,
                      uint64_t *at, bool of_both, Error *error)
{
    uint64_t position = range->address, end = end_of(range);

    *at = find_from(set, *at, position);
    for (; *at < set->count && set->ranges[*at].address < end; (*at)++) {
        const ProcessRange *other = &set->ranges[*at];
        uint64_t from = other->address > position ? other->address : position;
        uint64_t to = end_of(other) < end ? end_of(other) : end;

        if (!(of_both ? add_part(out, range->data != NULL ? range : other, from, to, error)
                      : add_part(out, range, position, from, error)))
            return false;
        position = to;
        if (end_of(other) > end)
            break;
    }
    return of_both || add_part(out, range, position, end, error);
}

bool page_set_intersect(const PageSelection *left, const PageSelection *right, PageSelection *out,
                        Error *error)
{
    uint64_t at = 0;

    page_set_clear(out);
    for (uint64_t i = 0; i < left->count; i++)
        if (!add_parts(out, &left->ranges[i], right, &at, true, error))
            return false;
    return true;
}

bool page_set_subtract(const PageSelection *left, const PageSelection *right, PageSelection *out,
                       Error *error)
{
    uint64_t at = 0;

    page_set_clear(out);
    for (uint64_t i = 0; i < left->count; i++)
        if (!add_parts(out, &left->ranges[i], right, &at, false, error))
            return false;
    return true;
}

bool page_set_unite(const PageSelection *left, const PageSelection *right, PageSelection *out,
                    Error *error)
{
    PageSelection rest = {0};
    uint64_t i = 0, j = 0;
    bool is_ok = page_set_subtract(left, right, &rest, error);

    page_set_clear(out);
    while (is_ok && (i < rest.count || j < right->count)) {
        bool is_left = j == right->count ||
                       (i < rest.count && rest.ranges[i].address < right->ranges[j].address);

        is_ok = page_set_add_data(out, is_left ? &rest.ranges[i++] : &right->ranges[j++], error);
    }
    free(rest.ranges);
    return is_ok;
}

void page_set_swap(PageSelection *left, PageSelection *right)
{
    PageSelection before = *left;

    *left = *right;
    *right = before;
}

bool page_set_add_set(PageSelection *set, const PageSelection *more, PageSelection *scratch,
                      Error *error)
{
    if (more->count == 0)
        return true;
    if (!page_set_unite(set, more, scratch, error))
        return false;
    page_set_swap(set, scratch);
    return true;
}
