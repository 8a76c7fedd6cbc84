// MergedPaths: see analysis/graph/merged_paths.h.

#include "analysis/graph/merged_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/graph/merged_fields_internal.h"
#include "analysis/names/root_label.h"
#include "base/array.h"
#include "base/hash_index.h"
#include "base/side_table.h"

void merged_paths_free(MergedPaths *paths)
{
    if (paths == NULL)
        return;
    for (uint32_t i = 0; i < paths->label_count; i++)
        free(paths->labels[i]);
    for (uint32_t i = 0; i < paths->field_count; i++)
        free(paths->fields[i]);
    free(paths->fields);
    free(paths->labels);
    free(paths->steps);
    free(paths);
}

typedef struct Merge {
    const PathTree *tree;
    const NodeTypes *types;
    MergedPaths *paths;
    uint64_t step_capacity;
    LabelSet labels; // of groups of roots
    HashIndex index; // of steps, by parent, type, root and field
    MergedFields fields;
    uint32_t *steps_of; // by node
    uint32_t seed;      // nodes below roots that were placed
} Merge;

// ---- groups of roots ----

// Groups have the same labels in every run of a program: no addresses, no thread numbers. Words on
// stacks, in registers and in thread-local storage are grouped by the names of threads.
static char *group_label(const HeapImage *image, const Root *root)
{
    const SnapshotDetails *details = image->details;
    const char *kind = root_kind_name((RootKind)root->kind);
    char *label = NULL;

    if (root->kind == ROOT_FOREIGN)
        return strdup("other memory");
    // Redacted names are empty.
    if (root->thread < details->thread_count && details->threads[root->thread].name[0] == '\0')
        return asprintf(&label, "%s of a thread", kind) < 0 ? NULL : label;
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

// Consumes a label. Returns its index; NO_INDEX when memory is short.
static uint32_t take_label(Merge *merge, char *label, Error *error)
{
    uint32_t index = NO_INDEX;

    if (label == NULL)
        (void)error_set(error, ERROR_MEMORY, "cannot allocate memory for the label of a root");
    else if (!label_set_take(&merge->labels, label, &index, error))
        index = NO_INDEX;
    free(label);
    return index;
}

// ---- steps ----

static uint64_t hash_at(const HashIndex *index, const void *steps, uint32_t position)
{
    const MergedStep *step = (const MergedStep *)steps + position;

    return hash_index_hash(index, (uint64_t)step->parent << 32 | step->type,
                           (uint64_t)step->root << 32 | step->field);
}

static bool is_step_at(const void *steps, uint32_t position, const void *key)
{
    const MergedStep *step = (const MergedStep *)steps + position, *wanted = key;

    return step->parent == wanted->parent && step->type == wanted->type &&
           step->root == wanted->root && step->field == wanted->field;
}

// The step below `parent`; NO_INDEX when memory is short.
static uint32_t take_step(Merge *merge, uint32_t parent, uint32_t type, uint32_t root,
                          uint32_t field, Error *error)
{
    MergedPaths *paths = merge->paths;
    uint64_t wanted = paths->step_count + UINT64_C(1);
    MergedStep step = {
        .parent = parent,
        .type = type,
        .root = root,
        .field = field,
        .depth = parent == NO_INDEX ? 0 : (uint16_t)(paths->steps[parent].depth + 1),
    };
    uint32_t *slot;

    if (!array_reserve(&paths->steps, &merge->step_capacity, wanted, sizeof step, "merged paths",
                       error) ||
        !hash_index_reserve(&merge->index, paths->steps, wanted, hash_at, "merged paths", error))
        return NO_INDEX;
    slot = hash_index_find(&merge->index, paths->steps, hash_at(&merge->index, &step, 0),
                           is_step_at, &step);
    if (*slot == 0) {
        paths->steps[paths->step_count] = step;
        *slot = ++paths->step_count;
    }
    return *slot - 1;
}

// The step of the node's parent.
static uint32_t step_before(Merge *merge, uint32_t index, Error *error)
{
    const PathTree *tree = merge->tree;
    const ObjectGraph *graph = tree->graph;
    uint32_t label;

    if (tree->parents[tree->order[index]] != PATH_ROOT)
        return merge->steps_of[tree->parents[tree->order[index]]];
    label = take_label(
        merge,
        group_label(graph->image,
                    &graph->image->roots[graph->roots[tree->seed_roots[merge->seed++]].root]),
        error);
    if (label == NO_INDEX)
        return NO_INDEX;
    return take_step(merge, NO_INDEX, NO_INDEX, label, NO_INDEX, error);
}

static bool place_node(Merge *merge, uint32_t index, Error *error)
{
    uint32_t node = merge->tree->order[index], type = merge->types->by_node[node];
    uint32_t parent = merge->tree->parents[node], field = NO_INDEX;
    uint32_t before = step_before(merge, index, error), step = before;

    if (before == NO_INDEX ||
        (parent != PATH_ROOT && !merged_fields_find(&merge->fields, parent, node, &field, error)))
        return false;
    if (merge->paths->steps[before].type == type ||
        merge->paths->steps[before].depth == MERGED_DEPTH)
        merge->paths->steps[before].is_repeated = true;
    else
        step = take_step(merge, before, type, NO_INDEX, field, error);
    merge->steps_of[node] = step;
    return step != NO_INDEX;
}

// In the order in which nodes were reached.
static void find_examples(Merge *merge, bool (*is_target)(const void *context, uint32_t node),
                          const void *context)
{
    const PathTree *tree = merge->tree;

    for (uint32_t i = 0; i < merge->paths->step_count; i++)
        merge->paths->steps[i].example = NO_NODE;
    for (uint32_t i = 0; i < tree->reached_count; i++) {
        MergedStep *step = &merge->paths->steps[merge->steps_of[tree->order[i]]];

        if (step->example == NO_NODE && (is_target == NULL || is_target(context, tree->order[i])))
            step->example = tree->order[i];
    }
}

static void count_owned(Merge *merge, bool (*is_target)(const void *context, uint32_t node),
                        const void *context)
{
    const ObjectGraph *graph = merge->tree->graph;
    const SnapshotDetails *details = graph->image->details;

    for (uint32_t block = 0; block < details->sized_block_count; block++) {
        uint32_t node = object_graph_sized_node(graph, block);

        if (node < graph->foreign_end && merge->tree->parents[node] != PATH_UNREACHED &&
            (is_target == NULL || is_target(context, node)))
            merge->paths->steps[merge->steps_of[node]].owned_bytes +=
                sized_block_bytes(&details->sized_blocks[block]);
    }
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
                               ? heap_image_block_bytes(image, cursor.place.block)
                               : image->pages[cursor.place.page].block_size;
    }
    count_owned(merge, is_target, context);
    for (uint32_t i = 0; i < merge->paths->step_count; i++) {
        steps[i].objects = steps[i].own_objects;
        steps[i].bytes = steps[i].own_bytes + steps[i].owned_bytes;
    }
    for (uint32_t i = merge->paths->step_count; i-- > 0;)
        if (steps[i].parent != NO_INDEX) {
            steps[steps[i].parent].objects += steps[i].objects;
            steps[steps[i].parent].bytes += steps[i].bytes;
        }
}

// Drops the steps that lead to no target.
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
    merged_fields_init(&merge.fields, tree->graph, &types->labels);
    merge.steps_of = side_table_new(bytes);
    ok = merge.paths != NULL && merge.steps_of != NULL;
    if (!ok)
        (void)error_set_memory(error, bytes, "merged paths");
    for (uint32_t i = 0; ok && i < tree->reached_count; i++)
        ok = place_node(&merge, i, error);
    if (ok && tree->reached_count > 0) {
        count_targets(&merge, is_target, context);
        find_examples(&merge, is_target, context);
        ok = drop_empty(merge.paths, error);
    }
    if (ok) {
        merge.paths->knows_fields = types->labels.values != NULL;
        merge.paths->labels = label_set_give(&merge.labels, &merge.paths->label_count);
        merge.paths->fields = label_set_give(&merge.fields.names, &merge.paths->field_count);
    }
    label_set_release(&merge.labels);
    label_set_release(&merge.fields.names);
    hash_index_release(&merge.index);
    side_table_free(merge.steps_of, bytes);
    if (ok)
        *out = merge.paths;
    else
        merged_paths_free(merge.paths);
    return ok;
}

// ---- showing ----

// A step, and the types on the way to it as one number.
typedef struct Route {
    uint64_t types;
    uint32_t step;
} Route;

static int compare_routes(const void *left, const void *right)
{
    const Route *a = left, *b = right;

    return a->types != b->types ? (a->types > b->types ? 1 : -1)
                                : (a->step > b->step) - (a->step < b->step);
}

// Routes in order, so that equal ones are neighbours.
static bool list_routes(const MergedPaths *paths, Route **out, Error *error)
{
    const MergedStep *steps = paths->steps;
    uint64_t *types = calloc(paths->step_count + UINT64_C(1), sizeof *types);
    Route *routes = calloc(paths->step_count + UINT64_C(1), sizeof *routes);

    *out = routes;
    if (types == NULL || routes == NULL) {
        free(types);
        return error_set_memory(error, paths->step_count * sizeof *routes, "merged paths");
    }
    // Parents come before their children.
    for (uint32_t i = 0; i < paths->step_count; i++) {
        if (steps[i].parent != NO_INDEX)
            types[i] = hash_mix(types[steps[i].parent] * 31 + steps[i].type + 1 +
                                ((uint64_t)steps[i].field + 1) * 961);
        routes[i] = (Route){types[i], i};
    }
    free(types);
    qsort(routes, paths->step_count, sizeof *routes, compare_routes);
    return true;
}

bool merged_paths_lead(const MergedPaths *paths, uint32_t *step, uint64_t *objects, Error *error)
{
    const MergedStep *steps = paths->steps;
    Route *routes;
    bool ok = list_routes(paths, &routes, error);

    *step = NO_INDEX;
    *objects = 0;
    for (uint32_t first = 0, end; ok && first < paths->step_count; first = end) {
        uint32_t most = routes[first].step;
        uint64_t sum = 0;

        for (end = first; end < paths->step_count && routes[end].types == routes[first].types;
             end++) {
            sum += steps[routes[end].step].own_objects;
            if (steps[routes[end].step].own_objects > steps[most].own_objects)
                most = routes[end].step;
        }
        if (sum > *objects || (sum == *objects && sum > 0 && most < *step)) {
            *objects = sum;
            *step = most;
        }
    }
    free(routes);
    return ok;
}

const char *merged_step_label(const MergedPaths *paths, const NodeTypes *types, uint32_t step)
{
    return paths->steps[step].parent == NO_INDEX ? paths->labels[paths->steps[step].root]
                                                 : node_types_label(types, paths->steps[step].type);
}

const char *merged_step_field(const MergedPaths *paths, uint32_t step)
{
    return paths->steps[step].field == NO_INDEX ? NULL : paths->fields[paths->steps[step].field];
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
    if (order == 0 && steps[a].field != NO_INDEX && steps[b].field != NO_INDEX)
        order =
            strcmp(merged_step_field(comparing->paths, a), merged_step_field(comparing->paths, b));
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
