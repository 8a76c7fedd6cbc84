// Parts of the page of a report (formats/html/html_report.h): each writes a member of its JSON
// block. Lists are columns, arrays of the same length, since names of members in each row would be
// most of the page.

#ifndef FORMATS_HTML_PAGE_PARTS_INTERNAL_H
#define FORMATS_HTML_PAGE_PARTS_INTERNAL_H

#include "analysis/graph/root_paths.h"
#include "analysis/heap_report.h"
#include "base/hash_index.h"
#include "formats/json/json_writer.h"

// What a page has at most. A page of a million objects stays below 5 MB with them, and opens within
// a second; with the longest names that a file can have, too.
#define PAGE_STRING_BYTES 256u
#define PAGE_TYPES 1500u
#define PAGE_ROWS 300u // of other lists of the report
#define PAGE_STEPS 64u // of a path
#define PAGE_TREE_NODES 12000u
#define PAGE_TREE_CHILDREN 200u // of one node
#define PAGE_NODES 20000u       // with those on paths only
#define PAGE_ROUTES 2500u
#define PAGE_CELLS 30000u
// Of fields and roots, all together; further ones are left out.
#define PAGE_LABEL_BYTES 600000u

// ---- strings ----

// Strings that rows refer to by their numbers.
typedef struct PageStrings {
    uint32_t count;
    uint64_t capacity;
    char **items; // owned
    HashIndex index;
    uint64_t label_bytes; // of labels so far
    uint64_t labels_left_out;
} PageStrings;

void page_strings_release(PageStrings *strings);
// The number of a text, which is copied. Errors: memory.
NODISCARD bool page_strings_add(PageStrings *strings, const char *text, uint32_t *number,
                                Error *error);
// The same for the label of a field or a root, of which a page has at most PAGE_LABEL_BYTES:
// NO_INDEX once they are full.
NODISCARD bool page_strings_add_label(PageStrings *strings, const char *text, uint32_t *number,
                                      Error *error);

// ---- nodes ----

#define PAGE_NO_ROW UINT32_MAX
#define PAGE_ROOT_ROW (UINT32_MAX - 1)

// A node of the dominator tree, or of a path.
typedef struct PageRow {
    uint32_t node;
    uint32_t before;  // row of the node before it on its path, PAGE_ROOT_ROW, or PAGE_NO_ROW
    uint32_t skipped; // nodes between both that are left out
    uint64_t root;    // of the first node of a path: index into ObjectGraph.roots
} PageRow;

// The nodes that a page shows. The first `tree_count` rows are the dominator tree as far as it is
// shown: each behind its dominator. All rows have paths.
typedef struct PageNodes {
    const HeapReport *report; // borrowed
    PathTree paths;
    uint32_t *depths;  // by node: of its path
    uint32_t *uppers;  // by node: the last one on its path that is near the root
    uint32_t *rows_of; // by node of the tree: its row plus 1; 0: none
    uint32_t tree_count;
    uint32_t count;
    PageRow *rows; // owned
} PageNodes;

// Chooses the nodes that keep most, those of suspects and retainers, and those on the paths to
// them. The report has a tree. Errors: memory. Released by page_nodes_release() in any case.
NODISCARD bool page_nodes_find(const HeapReport *report, PageNodes *out, Error *error);
void page_nodes_release(PageNodes *nodes);

// Adds a node with its path, unless the page is full. Not after page_nodes_finish().
void page_nodes_add(PageNodes *nodes, uint32_t node);
// Adds the paths to the nodes of the tree, and finds the roots of all paths.
void page_nodes_finish(PageNodes *nodes);
// PAGE_NO_ROW: it is not shown.
uint32_t page_nodes_row(const PageNodes *nodes, uint32_t node);

// "nodes". Errors: memory.
NODISCARD bool page_nodes_write(JsonWriter *writer, const PageNodes *nodes, PageStrings *strings,
                                Error *error);

// ---- routes ----

// The routes that a page shows: those with most bytes, each behind its parent.
typedef struct PageRoutes {
    const HeapReport *report; // borrowed
    uint64_t *own_bytes;      // by route: of its nodes
    uint64_t *all_bytes;      // and of those of the routes below it
    uint32_t count;
    uint32_t *shown;   // routes; owned
    uint32_t *rows_of; // by route: its row plus 1; 0: not shown
} PageRoutes;

// The report has routes. Errors: memory. Released by page_routes_release() in any case.
NODISCARD bool page_routes_find(const HeapReport *report, PageRoutes *out, Error *error);
void page_routes_release(PageRoutes *routes);

// "routes". `nodes`: with the examples of the routes. Errors: memory.
NODISCARD bool page_routes_write(JsonWriter *writer, const PageRoutes *routes,
                                 const PageNodes *nodes, PageStrings *strings, Error *error);

// ---- pages ----

// "pages": a cell for each page, or for several next to each other where there are more than
// PAGE_CELLS.
void page_cells_write(JsonWriter *writer, const HeapImage *image, const MarkResult *mark);

// ---- the page itself ----

// The page before and behind its JSON block, as the build put it together (formats/html/page.mk).
extern const char page_head[], page_head_end[], page_tail[], page_tail_end[];

#endif
