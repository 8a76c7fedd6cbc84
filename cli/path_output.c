// Paths for people: see cli/path_output.h.

#include "cli/path_output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/root_label.h"
#include "cli/shortening.h"
#include "cli/terminal.h"
#include "cli/text_table.h"

// A longer path loses its middle; deeper steps are not indented further.
#define SHOWN_STEPS 24u
#define DEEPEST 12u
#define SHOWN_BRANCHES 32u

// Up to `most` roots in all: the others of a node.
static void print_other_roots(const ObjectGraph *graph, const uint8_t *avoided, uint32_t node,
                              uint32_t most)
{
    uint64_t count = 0, *roots = most > 1 ? path_roots_of(graph, avoided, node, &count) : NULL;

    for (uint64_t i = 1; roots != NULL && i < count && i < most; i++) {
        const GraphRoot *record = &graph->roots[roots[i]];
        const Root *root = &graph->image->roots[record->root];
        char *label = root_label(graph->image->details, root);

        printf("  or ");
        print_text(stdout, label != NULL ? label : "a root");
        free(label);
        if (!root->is_exact)
            printf(record->is_interior ? "  (conservative, interior pointer)" : "  (conservative)");
        printf("\n");
    }
    free(roots);
}

// "frame #3 FUNCTION+0x1c3 (in PLACE, src/lib.rs:229), stack 0x..." -> "frame #3 PLACE,
// src/lib.rs:229, stack 0x...": where there is no room for both, the inlined function says more.
static void drop_outer_function(char *label)
{
    char *place = strstr(label, " (in "), *frame = strstr(label, "frame #"), *end, *function;

    if (place == NULL || frame == NULL || frame > place)
        return;
    end = strstr(place, "), stack 0x");
    function = strchr(frame, ' ');
    function = function != NULL ? strchr(function + 1, ' ') : NULL;
    if (end == NULL || function == NULL || function > place)
        return;
    place += strlen(" (in ");
    memmove(function + 1, place, (size_t)(end - place));
    function += 1 + (end - place);
    memmove(function, end + 1, strlen(end + 1) + 1);
}

void path_output_print_root(char *label, const char *more, unsigned taken, unsigned indent)
{
    // Functions have long names.
    if (label != NULL && taken + text_width(label) + strlen(more) > terminal_columns(stdout)) {
        char *shorter = NULL;

        drop_outer_function(label);
        shorter = name_without_modules(label);
        if (shorter != NULL) {
            free(label);
            label = shorter;
        }
    }
    print_prose_at(stdout, taken, indent, "%s%s", label != NULL ? label : "a root", more);
    free(label);
}

static void print_root(const ObjectGraph *graph, const uint8_t *avoided, uint32_t node)
{
    uint64_t words, index = path_best_root(graph, avoided, node, &words);
    const GraphRoot *record = &graph->roots[index];
    const Root *root = &graph->image->roots[record->root];
    char *label = root_label(graph->image->details, root);
    char text[NUMBER_CHARS], more[64 + 2 * NUMBER_CHARS];

    (void)snprintf(more, sizeof more, "%s",
                   root->is_exact        ? ""
                   : record->is_interior ? "  (conservative, interior pointer)"
                                         : "  (conservative)");
    if (words > 1)
        (void)snprintf(more + strlen(more), sizeof more - strlen(more), "  and %s more root%s",
                       format_count(text, words - 1), plural(words - 1));
    printf("  ");
    path_output_print_root(label, more, 2, 4);
}

static void print_indent(uint32_t depth)
{
    for (uint32_t i = 0; i < depth && i < DEEPEST; i++)
        printf("   ");
}

// Why the reference may keep nothing alive.
static void print_edge_kind(const EdgeLabel *label)
{
    if (label->kind == EDGE_WEAK)
        printf("  (weak)");
    else if (label->kind == EDGE_NONE)
        printf("  (left over: no value is there)");
}

static void print_step(const NodeTypes *types, const RootPath *path, uint32_t step)
{
    const ObjectGraph *graph = types->graph;
    uint32_t node = path->nodes[step];
    bool is_block = object_graph_is_block(graph, node);
    char bytes[NUMBER_CHARS];

    print_indent(step);
    printf("  %s", tree_branch());
    print_text(stdout, node_types_label(types, types->by_node[node]));
    printf("  0x%" PRIx64, object_graph_address(graph, node));
    if (is_block)
        printf("  (%s)", format_bytes(bytes, object_graph_bytes_of(graph, node)));
    if (step + 1 < path->length) {
        EdgeLabel label;
        uint64_t offset;

        if (edge_label_between(&types->labels, graph, node, path->nodes[step + 1], &label,
                               &offset)) {
            printf("  ");
            print_text(stdout, label.text);
            print_edge_kind(&label);
        }
    }
    printf("\n");
}

void path_output_print_tree(const NodeTypes *types, const RootPath *path,
                            const uint8_t *avoided_roots, uint32_t most_roots, uint32_t count,
                            const char *last)
{
    char text[NUMBER_CHARS];
    uint32_t head = count, tail = 0;

    if (count > SHOWN_STEPS) {
        head = SHOWN_STEPS / 2;
        tail = SHOWN_STEPS - head - 1;
    }
    print_root(types->graph, avoided_roots, path->nodes[0]);
    print_other_roots(types->graph, avoided_roots, path->nodes[0], most_roots);
    for (uint32_t step = 0; step < head; step++)
        print_step(types, path, step);
    if (tail > 0) {
        print_indent(head);
        printf("  ... %s more steps: --json FILE has all of them\n",
               format_count(text, count - head - tail));
    }
    for (uint32_t step = count - tail; step < count; step++)
        print_step(types, path, step);
    if (last != NULL) {
        print_indent(count);
        printf("  %s", tree_branch());
        print_text(stdout, last);
        printf("\n");
    }
}

void path_output_print(const NodeTypes *types, const RootPath *path, const uint8_t *avoided_roots,
                       uint32_t index, uint32_t count, uint32_t most_roots)
{
    char text[NUMBER_CHARS];

    if (index == 0)
        printf("reachable in %s step%s%s\n", format_count(text, path->length), plural(path->length),
               count > 1 ? "; the best path, and the shortest others:" : " from this root:");
    if (count > 1)
        printf("\n %" PRIu32 " of %" PRIu32 ", %s step%s\n", index + 1, count,
               format_count(text, path->length), plural(path->length));
    else
        printf("\n");
    path_output_print_tree(types, path, avoided_roots, most_roots, path->length, NULL);
}

// ---- merged ----

typedef struct Branches {
    const MergedPaths *merged;
    const NodeTypes *types;
    TextTable table;
    uint32_t left_out;
} Branches;

static void add_branch(Branches *branches, uint32_t step)
{
    const MergedStep *record = &branches->merged->steps[step];
    const char *field = merged_step_field(branches->merged, step);
    char objects[NUMBER_CHARS], bytes[NUMBER_CHARS], *line;
    unsigned depth = record->depth < DEEPEST ? record->depth : DEEPEST;

    if (asprintf(&line, "%*s%s%s%s%s%s", (int)(3 * (depth > 0 ? depth - 1 : 0)), "",
                 depth > 0 ? tree_branch() : "", field != NULL ? field : "",
                 field != NULL ? " " : "",
                 merged_step_label(branches->merged, branches->types, step),
                 record->is_repeated ? " ..." : "") < 0)
        return;
    text_table_add(&branches->table, (const char *[]){format_count(objects, record->objects),
                                                      format_bytes(bytes, record->bytes), line});
    free(line);
}

// Chooses the steps with the most bytes. A step never has more than its parent, so the parents of
// chosen steps are chosen, too.
static void choose(const MergedPaths *merged, bool *is_shown)
{
    for (uint32_t shown = 0; shown < SHOWN_BRANCHES; shown++) {
        uint32_t best = NO_INDEX;

        for (uint32_t i = 0; i < merged->step_count; i++)
            if (!is_shown[i] &&
                (merged->steps[i].parent == NO_INDEX || is_shown[merged->steps[i].parent]) &&
                (best == NO_INDEX || merged->steps[i].bytes > merged->steps[best].bytes))
                best = i;
        if (best == NO_INDEX)
            return;
        is_shown[best] = true;
    }
}

// Shown steps in order, parents first, without recursion: the children of the newest come next.
static void add_branches(Branches *branches, const bool *is_shown)
{
    const MergedPaths *merged = branches->merged;
    uint32_t stack[2 * SHOWN_BRANCHES], depth = 0, step = NO_INDEX;

    for (;;) {
        uint32_t count, *children = merged_paths_children(merged, branches->types, step, &count);

        for (uint32_t i = count; children != NULL && i-- > 0;)
            if (is_shown[children[i]])
                stack[depth++] = children[i];
        free(children);
        if (depth == 0)
            return;
        step = stack[--depth];
        add_branch(branches, step);
    }
}

void merged_output_print(const MergedPaths *merged, const NodeTypes *types, const char *heading)
{
    Branches branches = {.merged = merged, .types = types};
    bool *is_shown = calloc((size_t)merged->step_count + 1, sizeof *is_shown);

    if (merged->step_count == 0)
        printf("\nno object refers to it\n");
    if (is_shown == NULL || merged->step_count == 0) {
        free(is_shown);
        return;
    }
    choose(merged, is_shown);
    printf("\n%s\n\n", heading);
    text_table_init(&branches.table, "rrl");
    text_table_add(&branches.table, (const char *[]){"objects", "bytes", "path"});
    add_branches(&branches, is_shown);
    text_table_print_fitting(&branches.table, 1u << 2, stdout);
    print_left_out(merged->step_count, SHOWN_BRANCHES, "steps");
    free(is_shown);
}
