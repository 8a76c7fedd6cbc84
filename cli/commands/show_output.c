// What lies at an address, for people: see cli/commands/show_output.h.

#include "cli/commands/show_output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/graph/holder_label.h"
#include "analysis/graph/root_paths.h"
#include "analysis/names/root_label.h"
#include "cli/commands/show_rows.h"
#include "cli/path_output.h"
#include "cli/terminal.h"
#include "cli/text_table.h"

#define LABEL_COLUMNS 17 // of "referred to by", "page" and the like

// ---- the first lines ----

static void print_retained(const ShowJson *shown)
{
    const DominatorTree *tree = shown->tree;
    uint64_t bytes = tree->retained_bytes[shown->node];
    uint64_t all = tree->retained_bytes[dominator_tree_top(tree)];
    char text[NUMBER_CHARS];

    printf(", reachable, retains %s", format_bytes(text, bytes));
    printf(" (%s)", format_share(text, bytes, all));
    printf(" in %s object%s", format_count(text, tree->retained_objects[shown->node]),
           plural(tree->retained_objects[shown->node]));
}

// The object or block that is the only way to it, or what kind of roots are.
static void print_keeper(const ShowJson *shown)
{
    const DominatorTree *tree = shown->tree;
    uint32_t keeper = tree->dominators[shown->node];
    char *label = NULL;

    printf("%-*s", LABEL_COLUMNS, "kept by");
    if (dominator_tree_is_holder(tree, keeper)) {
        label = holder_label(tree, dominator_tree_holder(tree, keeper));
        path_output_print_root(label, "", LABEL_COLUMNS, LABEL_COLUMNS + 2);
        return;
    }
    print_text(stdout, node_types_label(shown->types, shown->types->by_node[keeper]));
    printf("  0x%" PRIx64 "\n", object_graph_address(tree->graph, keeper));
}

static void print_heading(const ShowJson *shown)
{
    const HeapView *view = shown->view;
    const HeapPlace *place = &view->place;
    char text[NUMBER_CHARS];

    style_begin(stdout, STYLE_STRONG);
    if (place->kind == HEAP_PLACE_ZOMBIE)
        printf("zombie, ");
    print_text(stdout, heap_view_label_of(shown->view, place));
    printf("  0x%" PRIx64, place->address);
    style_end(stdout);
    if (place->kind != HEAP_PLACE_OUTSIDE)
        printf("  %s", format_bytes(text, place->bytes));
    if (view->requested_bytes > 0)
        printf(" (%s requested)", format_bytes(text, view->requested_bytes));
    if (shown->node != NO_NODE)
        print_retained(shown);
    else if (!heap_place_has_content(view->image, place))
        printf(view->is_reachable ? ", reachable; its bytes are not in the snapshot"
                                  : ", garbage; its bytes are not in the snapshot");
    else if (place->kind == HEAP_PLACE_OBJECT || place->kind == HEAP_PLACE_BLOCK)
        printf(", garbage: no root reaches it");
    printf("\n");
    if (place->offset > 0)
        printf("%s is %" PRIu64 " byte%s into it\n", shown->asked, place->offset,
               plural(place->offset));
    if (place->kind == HEAP_PLACE_ZOMBIE)
        printf("the program has dropped it, and the collector has not swept it yet\n");
    if (view->slot.is_under_construction)
        printf("it is under construction: what it holds may not be written yet\n");
}

// ---- who refers to it ----

static void print_label(bool *is_first, const char *label)
{
    printf("%-*s", LABEL_COLUMNS, *is_first ? label : "");
    *is_first = false;
}

static void print_root_referrer(const ShowJson *shown, uint64_t root)
{
    const HeapImage *image = shown->view->image;
    char *label = root_label(image->details, &image->roots[root]);

    path_output_print_root(label,
                           image->roots[root].is_exact ? ""
                           : image->roots[root].value != shown->view->place.address
                               ? "  (conservative, interior pointer)"
                               : "  (conservative)",
                           LABEL_COLUMNS, LABEL_COLUMNS + 2);
}

// " of service::Audit  0x7ffff7d9da00  .subscribers", through blocks that blocks own.
static void print_owners(const HeapView *view, const HeapPlace *place)
{
    HeapPlace block = *place, owner;
    EdgeLabel label;

    for (int depth = 0; depth < 4 && block.kind == HEAP_PLACE_BLOCK &&
                        heap_view_owner_of(view, block.block, &owner, &label);
         depth++) {
        printf("  of ");
        print_text(stdout, heap_view_label_of(view, &owner));
        printf("  0x%" PRIx64 "  ", owner.address);
        print_text(stdout, label.text);
        block = owner;
    }
}

static void print_node_referrer(const ShowJson *shown, const Referrer *referrer)
{
    const HeapView *view = shown->view;
    char text[NUMBER_CHARS];
    EdgeLabel label;
    HeapPlace place;

    if (referrer->page == NO_INDEX)
        place = heap_place_at(view->image, view->image->blocks[referrer->block].address);
    else
        place = heap_place_at(
            view->image, heap_image_object_address(view->image, referrer->page, referrer->slot));
    print_text(stdout, heap_view_label_of(shown->view, &place));
    printf("  0x%" PRIx64 "  ", place.address);
    edge_label_make(view->labels, referrer->page, referrer->slot, referrer->block, referrer->offset,
                    &label);
    print_text(stdout, label.text);
    if (referrer->words > 1)
        printf(" and %s more", format_count(text, referrer->words - 1));
    if (label.kind == EDGE_WEAK || label.kind == EDGE_NONE)
        printf(label.kind == EDGE_WEAK ? "  (weak)" : "  (left over: no value is there)");
    print_owners(view, &place);
    if (place.address == view->place.address)
        printf("  (itself)");
    else if (!referrer->is_reachable)
        printf("  (garbage)");
    printf("\n");
}

// The root of the heading's path first.
static uint64_t best_root(const ShowJson *shown)
{
    const ObjectGraph *graph = shown->tree->graph;
    uint64_t words, best;

    if (shown->node == NO_NODE)
        return NO_INDEX;
    best = path_best_root(graph, NULL, shown->node, &words);
    return best == NO_ROOT ? NO_INDEX : graph->roots[best].root;
}

static void print_referrers(const ShowJson *shown, uint64_t top)
{
    const Referrers *referrers = &shown->view->referrers;
    uint64_t best = best_root(shown), left = top, more;
    bool is_first = true;
    char text[NUMBER_CHARS];

    printf("\n");
    if (referrers->root_count + referrers->node_count == 0)
        printf("%-*snothing\n", LABEL_COLUMNS, "referred to by");
    for (uint64_t i = 0; i < referrers->root_count && i < REFERRERS_LISTED && left > 0;
         i++, left--) {
        // The best one takes the place of the first.
        uint64_t root = i == 0 && best != NO_INDEX ? best : referrers->roots[i];

        if (i > 0 && root == best)
            root = referrers->roots[0];
        print_label(&is_first, "referred to by");
        print_root_referrer(shown, root);
    }
    for (uint64_t i = 0; i < referrers->listed && left > 0; i++, left--) {
        print_label(&is_first, "referred to by");
        print_node_referrer(shown, &referrers->nodes[i]);
    }
    more = referrers->root_count + referrers->node_count - (top - left);
    if (more > 0) {
        print_label(&is_first, "referred to by");
        printf("and %s more: --top N, --json FILE\n", format_count(text, more));
    }
}

// ---- page and bits ----

static void print_slot_bits(const HeapView *view)
{
    const HeapLayout *layout = &view->image->layout;
    const SlotFacts *slot = &view->slot;

    printf(", slot %" PRIu32 " of %" PRIu32, view->place.slot, view->page.slot_count);
    printf(slot->is_allocated ? ", allocated" : ", free");
    if (slot->is_dead)
        printf(", DEAD");
    if (layout->page_header_bytes > 0)
        printf(slot->is_marked ? ", marked" : ", unmarked");
    if (slot->is_dirty)
        printf(", dirty");
}

static void print_page(const ShowJson *shown)
{
    const HeapView *view = shown->view;
    const HeapLayout *layout = &view->image->layout;
    const PageFacts *page = &view->page;
    char text[NUMBER_CHARS];

    if (!heap_place_is_in_page(&view->place))
        return;
    printf("%-*s0x%" PRIx64 ", ", LABEL_COLUMNS, "page", page->address);
    printf(page->is_large ? "large object of %s bytes" : "class %s",
           format_count(text, page->block_size));
    // Only what the collector's pages tell.
    if (layout->owner_thread.width > 0)
        printf(", owner thread %" PRIu32, page->owner_thread);
    if (view->place.slot != NO_INDEX)
        print_slot_bits(view);
    if (layout->generation.width > 0)
        printf(page->generation == 0 ? ", young" : ", old");
    printf("%s%s%s\n", page->is_orphan ? ", orphan" : "", page->needs_sweep ? ", needs sweep" : "",
           page->is_all_dead ? ", all dead" : "");
    if (view->place.slot == NO_INDEX)
        printf("%-*s%" PRIu32 " of %" PRIu32 " hold objects, %" PRIu32 " zombies\n", LABEL_COLUMNS,
               "slots", page->live_count, page->slot_count, page->dead_count);
}

static void print_function(const char *what, const SnapshotDetails *details, uint64_t address,
                           const SnapshotType *function)
{
    printf(", %s ", what);
    if (function != NULL && function->module < details->module_count) {
        print_text(stdout, details->modules[function->module].name);
        printf("+0x%" PRIx64, function->module_offset);
    } else {
        printf("0x%" PRIx64, address);
    }
}

static void print_header(const ShowJson *shown)
{
    const HeapView *view = shown->view;
    const SnapshotDetails *details = view->image->details;
    const SlotFacts *slot = &view->slot;
    char text[NUMBER_CHARS];

    if (!slot->has_header)
        return;
    printf("%-*s", LABEL_COLUMNS, "object header");
    if (slot->counts_uses)
        printf("%s reference%s", format_count(text, slot->references), plural(slot->references));
    printf("%s%s weak", slot->counts_uses ? ", " : "", format_count(text, slot->weak_references));
    if (slot->type_word != 0)
        print_function("trace", details, slot->type_word,
                       snapshot_details_find_type(details, slot->type_word));
    if (slot->drop_function != 0)
        print_function("drop", details, slot->drop_function,
                       snapshot_details_find_drop(details, slot->drop_function));
    printf("\n");
}

// ---- outside ----

static void print_outside(const ShowJson *shown)
{
    const HeapImage *image = shown->view->image;
    const SnapshotDetails *details = image->details;
    uint64_t address = shown->view->place.address;
    bool is_known = false;

    printf("no object, no page and no recorded block of the heap\n");
    for (uint32_t i = 0; i < details->mapping_count; i++) {
        const SnapshotMapping *mapping = &details->mappings[i];

        if (address < mapping->start || address >= mapping->end)
            continue;
        printf("%-*s%s  ", LABEL_COLUMNS, "in the mapping", mapping->permissions);
        print_text(stdout, mapping->name[0] != '\0' ? mapping->name : "anonymous memory");
        printf("  0x%" PRIx64 " to 0x%" PRIx64 "\n", mapping->start, mapping->end);
    }
    for (uint64_t i = 0; i < image->root_count && !is_known; i++) {
        const Root *root = &image->roots[i];
        char *label;

        if (root->address != address || root->kind == ROOT_REGISTER)
            continue;
        is_known = true;
        label = root_label(details, root);
        printf("%-*s", LABEL_COLUMNS, "a root");
        print_text(stdout, label != NULL ? label : "a root");
        free(label);
        printf(", which holds 0x%" PRIx64 "\n", root->value);
    }
}

void show_output_view(const ShowJson *shown, uint64_t top, uint64_t fields)
{
    print_heading(shown);
    if (shown->view->place.kind == HEAP_PLACE_OUTSIDE)
        print_outside(shown);
    show_rows_print(shown, fields);
    print_referrers(shown, top);
    if (shown->node != NO_NODE)
        print_keeper(shown);
    print_page(shown);
    print_header(shown);
}

// ---- types ----

void show_output_type(const ShowJson *shown, uint64_t fields)
{
    const DominatorTree *tree = shown->tree;
    char text[NUMBER_CHARS], number[NUMBER_CHARS];
    TextTable table;

    style_begin(stdout, STYLE_STRONG);
    print_text(stdout, shown->type_label);
    style_end(stdout);
    printf(": %s object%s", format_count(text, shown->objects), plural(shown->objects));
    printf(" (%s)", format_bytes(text, shown->bytes));
    printf(", %s reachable", format_count(text, shown->type->objects));
    printf(", which retain %s", format_bytes(text, shown->type->retained_bytes));
    printf(" in %s object%s\n", format_count(number, shown->type->retained_objects),
           plural(shown->type->retained_objects));
    if (shown->data_type != NULL)
        show_layout_print(shown->data_type, fields);
    if (shown->largest_count == 0)
        return;
    printf("\n");
    text_table_init(&table, "rrl");
    text_table_add(&table, (const char *[]){"retained", "objects", "address"});
    for (uint32_t i = 0; i < shown->largest_count; i++) {
        uint32_t node = shown->largest[i];
        char bytes[NUMBER_CHARS], objects[NUMBER_CHARS], address[NUMBER_CHARS];

        (void)snprintf(address, sizeof address, "0x%" PRIx64,
                       object_graph_address(tree->graph, node));
        text_table_add(&table, (const char *[]){format_bytes(bytes, tree->retained_bytes[node]),
                                                format_count(objects, tree->retained_objects[node]),
                                                address});
    }
    text_table_print(&table, stdout);
    if (shown->type->objects > shown->largest_count)
        printf("  and %s more: --top N\n",
               format_count(text, shown->type->objects - shown->largest_count));
}
