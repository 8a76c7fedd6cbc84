// PageExplanation: which pages of a process have valid headers by a layout, and which checks the
// others fail, for people who describe a heap of their own. Nothing is written.
//
// Pages that begin with the layout's magic are looked at, as a capture does. Where none does, the
// magic is looked for at other places: then its offset or the page size is likely to be wrong.

#ifndef SNAPSHOT_CAPTURE_FIND_PAGE_EXPLANATION_H
#define SNAPSHOT_CAPTURE_FIND_PAGE_EXPLANATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/find/heap_search.h"
#include "snapshot/heap/heap_layout.h"

// Pages of which the same is said.
typedef struct ExplainedGroup {
    char *text; // "slots of 48 bytes, ..."; or the checks that fail, with "; " between them; owned
    uint64_t page_count;
    uint64_t first_address;
    bool is_valid;
} ExplainedGroup;

typedef struct ExplainedPage {
    uint64_t address;
    uint32_t group;
} ExplainedPage;

// Further pages are of one group, which says so.
#define EXPLAINED_GROUPS_MAX 10000u

typedef struct PageExplanation {
    HeapLayout layout;
    char executable[256];
    int pid;
    uint64_t searched_pages; // places in private writable memory where a page may begin
    uint64_t valid_pages;
    uint64_t page_count; // that begin with the magic
    uint64_t page_capacity;
    ExplainedPage *pages; // ascending by address; owned
    uint32_t group_count;
    uint64_t group_capacity;
    ExplainedGroup *groups; // in the order of their first pages; owned
    // Where no page begins with the magic: how often it occurs elsewhere.
    uint64_t stray_count;
    uint64_t stray_first;     // address of the first
    uint32_t stray_offset;    // from the start of a page, that most of them have
    uint64_t stray_at_offset; // how many have it
} PageExplanation;

// `copy` is borrowed. Errors: unsupported (the program's version of rudo-gc is not known), memory,
// interrupted. The caller owns `*out` and frees it with page_explanation_free().
NODISCARD bool page_explanation_new(const ProcessCopy *copy, const HeapSearchOptions *options,
                                    PageExplanation **out, Error *error);
void page_explanation_free(PageExplanation *explanation);

#endif
