// MergedPaths: see analysis/graph/merged_paths.h.

#include "analysis/graph/merged_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/root_label.h"
#include "base/side_table.h"

void merged_paths_free(MergedPaths *paths)
{
    if (paths == NULL)
        return;
    for (uint32_t i = 0; i < paths->label_count; i++)
        free(paths->labels[i]);
    free(paths->labels);
    free(paths->steps);
    free(paths);
}

typedef struct Merge {
    const PathTree *tree;
    const NodeTypes *types;
    MergedPaths *paths;
    uint32_t step_capacity;
    uint32_t label_capacity;
    // Step + 1 by parent and type, open addressing; likewise labels by text.
    uint32_t slot_count;
    uint32_t *slots;
    uint32_t *steps_of; // by node
} Merge;

// ---- groups of roots ----

// Groups have the same labels in every run of a program: no addresses, no thread numbers. Words on
// stacks, in registers and in thread-local storage are told apart by the names of threads.
static char *group_label(const HeapImage *image, const Root *root)
{
    const SnapshotDetails *details = image->details;
    const char *kind = root_kind_name((RootKind)root->kind);
    char *label = NULL;

    if (root->kind == ROOT_FOREIGN)
        return strdup("other memory");
    if (root->thread < details->thread_count)
        return asprintf(&label, "%s of '%s'", kind, details->threads[root->thread].name) < 0
                   ? NULL
                   : label;
    label = root_label(details, root);
    if (label != NULL && strstr(label, " 0x") != NULL) {
        free(label);
        return strdup(kind);
    }
    return label;
}

// The index of a label that is given away; NO_INDEX when memory is short.
static uint32_t take_label(Merge *merge, char *label)
{
    MergedPaths *paths = merge->paths;

    if (label == NULL)
        return NO_INDEX;
    // The newest are the likeliest: roots come sorted.
    for (uint32_t i = paths->label_count; i-- > 0;)
        if (strcmp(paths->labels[i], label) == 0) {
            free(label);
            return i;
        }
    if (paths->label_count == merge->label_capacity) {
        uint32_t capacity = 2 * merge->label_capacity + 16;
        char **labels = reallocarray(paths->labels, capacity, sizeof *labels);

        if (labels == NULL) {
            free(label);
            return NO_INDEX;
        }
        paths->labels = labels;
        merge->label_capacity = capacity;
    }
    paths->labels[paths->label_count] = label;
    return paths->label_count++;
}

// ---- steps ----

static uint32_t find_slot(const Merge *merge, uint32_t parent, uint32_t type, uint32_t root)
{
    uint64_t key = ((uint64_t)parent << 32 | type) ^ (uint64_t)root << 17;
    uint32_t slot = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (merge->slot_count - 1);

    for (; merge->slots[slot] != 0; slot = (slot + 1) & (merge->slot_count - 1)) {
        const MergedStep *step = &merge->paths->steps[merge->slots[slot] - 1];

        if (step->parent == parent && step->type == type && step->root == root)
            break;
    }
    return slot;
}

static bool grow(Merge *merge, Error *error)
{
    uint32_t capacity = merge->step_capacity == 0 ? 256 : 2 * merge->step_capacity;
    MergedStep *steps;
    uint32_t *slots;

    if (capacity > UINT32_MAX / 4)
        return error_set(error, ERROR_UNSUPPORTED, "too many different paths to merge");
    steps = reallocarray(merge->paths->steps, capacity, sizeof *steps);
    if (steps == NULL)
        return error_set_memory(error, capacity * sizeof *steps, "merged paths");
    merge->paths->steps = steps;
    slots = calloc((size_t)capacity * 2, sizeof *slots);
    if (slots == NULL)
        return error_set_memory(error, capacity * 2 * sizeof *slots, "merged paths");
    free(merge->slots);
    merge->slots = slots;
    merge->slot_count = 2 * capacity;
    merge->step_capacity = capacity;
    for (uint32_t i = 0; i < merge->paths->step_count; i++)
        slots[find_slot(merge, steps[i].parent, steps[i].type, steps[i].root)] = i + 1;
    return true;
}

// The step below `parent`; NO_INDEX when memory is short.
static uint32_t take_step(Merge *merge, uint32_t parent, uint32_t type, uint32_t root, Error *error)
{
    MergedPaths *paths = merge->paths;
    uint32_t slot;

    if (paths->step_count == merge->step_capacity && !grow(merge, error))
        return NO_INDEX;
    slot = find_slot(merge, parent, type, root);
    if (merge->slots[slot] == 0) {
        paths->steps[paths->step_count] = (MergedStep){
            .parent = parent,
            .type = type,
            .root = root,
            .depth = parent == NO_INDEX ? 0 : (uint16_t)(paths->steps[parent].depth + 1),
        };
        merge->slots[slot] = ++paths->step_count;
    }
    return merge->slots[slot] - 1;
}

// The step of the node's parent.
static uint32_t step_before(Merge *merge, uint32_t index, Error *error)
{
    const PathTree *tree = merge->tree;
    const ObjectGraph *graph = tree->graph;
    uint32_t label;

    if (index >= tree->seed_count)
        return merge->steps_of[tree->parents[tree->order[index]]];
    label = take_label(
        merge, group_label(graph->image,
                           &graph->image->roots[graph->roots[tree->seed_roots[index]].root]));
    if (label == NO_INDEX) {
        (void)error_set(error, ERROR_MEMORY, "cannot allocate memory for the label of a root");
        return NO_INDEX;
    }
    return take_step(merge, NO_INDEX, NO_INDEX, label, error);
}

static bool place_node(Merge *merge, uint32_t index, Error *error)
{
    uint32_t node = merge->tree->order[index], type = merge->types->by_node[node];
    uint32_t before = step_before(merge, index, error), step = before;

    if (before == NO_INDEX)
        return false;
    if (merge->paths->steps[before].type == type ||
        merge->paths->steps[before].depth == MERGED_DEPTH)
        merge->paths->steps[before].is_repeated = true;
    else
        step = take_step(merge, before, type, NO_INDEX, error);
    merge->steps_of[node] = step;
    return step != NO_INDEX;
}

static void count_targets(Merge *merge, bool (*is_target)(const void *context, uint32_t node),
                          const void *context)
{
    const ObjectGraph *graph = merge->tree->graph;
    const HeapImage *image = graph->image;
    MergedStep *steps = merge->paths->steps;
    NodeCursor cursor = node_cursor(graph);

    while (node_cursor_next(&cursor)) {
        MergedStep *step = &steps[merge->steps_of[cursor.node]];

        if (merge->tree->parents[cursor.node] == PATH_UNREACHED ||
            (is_target != NULL && !is_target(context, cursor.node)))
            continue;
        step->own_objects++;
        step->own_bytes += cursor.place.page == NO_INDEX
                               ? image->blocks[cursor.place.block].bytes
                               : image->pages[cursor.place.page].block_size;
    }
    for (uint32_t i = 0; i < merge->paths->step_count; i++) {
        steps[i].objects = steps[i].own_objects;
        steps[i].bytes = steps[i].own_bytes;
    }
    for (uint32_t i = merge->paths->step_count; i-- > 0;)
        if (steps[i].parent != NO_INDEX) {
            steps[steps[i].parent].objects += steps[i].objects;
            steps[steps[i].parent].bytes += steps[i].bytes;
        }
}

// Steps that lead to no target go away.
static bool drop_empty(MergedPaths *paths, Error *error)
{
    uint32_t *moved = calloc((size_t)paths->step_count + 1, sizeof *moved), kept = 0;

    if (moved == NULL)
        return error_set_memory(error, paths->step_count * sizeof *moved, "merged paths");
    for (uint32_t i = 0; i < paths->step_count; i++) {
        if (paths->steps[i].objects == 0)
            continue;
        moved[i] = kept;
        paths->steps[kept] = paths->steps[i];
        if (paths->steps[kept].parent != NO_INDEX)
            paths->steps[kept].parent = moved[paths->steps[kept].parent];
        kept++;
    }
    paths->step_count = kept;
    free(moved);
    return true;
}

bool merged_paths_new(const PathTree *tree, const NodeTypes *types,
                      bool (*is_target)(const void *context, uint32_t node), const void *context,
                      MergedPaths **out, Error *error)
{
    Merge merge = {.tree = tree, .types = types, .paths = calloc(1, sizeof *merge.paths)};
    uint64_t bytes = (uint64_t)tree->graph->node_count * sizeof *merge.steps_of;
    bool ok;

    *out = NULL;
    merge.steps_of = side_table_new(bytes);
    ok = merge.paths != NULL && merge.steps_of != NULL;
    if (!ok)
        (void)error_set_memory(error, bytes, "merged paths");
    ok = ok && (tree->reached_count == 0 || grow(&merge, error));
    for (uint32_t i = 0; ok && i < tree->reached_count; i++)
        ok = place_node(&merge, i, error);
    if (ok && tree->reached_count > 0) {
        count_targets(&merge, is_target, context);
        ok = drop_empty(merge.paths, error);
    }
    free(merge.slots);
    side_table_free(merge.steps_of, bytes);
    if (ok)
        *out = merge.paths;
    else
        merged_paths_free(merge.paths);
    return ok;
}

// ---- for those who show them ----

const char *merged_step_label(const MergedPaths *paths, const NodeTypes *types, uint32_t step)
{
    return paths->steps[step].parent == NO_INDEX ? paths->labels[paths->steps[step].root]
                                                 : node_types_label(types, paths->steps[step].type);
}

typedef struct Comparing {
    const MergedPaths *paths;
    const NodeTypes *types;
} Comparing;

static int compare_steps(const void *left, const void *right, void *context)
{
    const Comparing *comparing = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    const MergedStep *steps = comparing->paths->steps;
    int order;

    if (steps[a].bytes != steps[b].bytes)
        return steps[a].bytes > steps[b].bytes ? -1 : 1;
    order = strcmp(merged_step_label(comparing->paths, comparing->types, a),
                   merged_step_label(comparing->paths, comparing->types, b));
    return order != 0 ? order : (a > b) - (a < b);
}

uint32_t *merged_paths_children(const MergedPaths *paths, const NodeTypes *types, uint32_t step,
                                uint32_t *count)
{
    Comparing comparing = {paths, types};
    uint32_t *children;

    *count = 0;
    for (uint32_t i = 0; i < paths->step_count; i++)
        *count += paths->steps[i].parent == step;
    children = malloc((*count + UINT64_C(1)) * sizeof *children);
    if (children == NULL)
        return NULL;
    *count = 0;
    for (uint32_t i = 0; i < paths->step_count; i++)
        if (paths->steps[i].parent == step)
            children[(*count)++] = i;
    qsort_r(children, *count, sizeof *children, compare_steps, &comparing);
    return children;
}
