// Operations on PageSelections as sets of pages: ascending disjoint ranges, with or without data.

#ifndef SNAPSHOT_CAPTURE_COPY_PAGE_SETS_H
#define SNAPSHOT_CAPTURE_COPY_PAGE_SETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/page_selection.h"

void page_set_clear(PageSelection *set);

// Adds a range behind all others. Errors: memory.
NODISCARD bool page_set_add(PageSelection *set, uint64_t start, uint64_t end, Error *error);

// The same for a range with data: neighbours are one range when their data are neighbours, too.
NODISCARD bool page_set_add_data(PageSelection *set, const ProcessRange *range, Error *error);

// Sorts ranges without data that were added in any order by page_set_add_data(); they are disjoint.
void page_set_sort(PageSelection *set);

// Clears `out`, which is neither `left` nor `right`, and fills it with
// - intersect: the pages that are in both, with the data of `left`, or of `right` if `left` has
// none;
// - subtract: the pages of `left` that are not in `right`;
// - unite: the pages of both, with the data of `right` where a page is in both.
// Errors: memory.
NODISCARD bool page_set_intersect(const PageSelection *left, const PageSelection *right,
                                  PageSelection *out, Error *error);
NODISCARD bool page_set_subtract(const PageSelection *left, const PageSelection *right,
                                 PageSelection *out, Error *error);
NODISCARD bool page_set_unite(const PageSelection *left, const PageSelection *right,
                              PageSelection *out, Error *error);

// Adds the pages of `more` to `set`, with the data of `more` where a page is in both. Overwrites
// `scratch`, a third set. Errors: memory (`set` is as it was).
NODISCARD bool page_set_add_set(PageSelection *set, const PageSelection *more,
                                PageSelection *scratch, Error *error);

void page_set_swap(PageSelection *left, PageSelection *right);

// The index of the first range that ends behind `address`; `count` when there is none.
uint64_t page_set_find(const PageSelection *set, uint64_t address);

#endif
