// HeapGroups: see analysis/heap_groups.h.
//
// Counts come from the reachability report. Retained sizes of all groupings come from one walk
// through the dominator tree, which counts the objects of each group above the present node.

#include "analysis/heap_groups.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/slot_counts_internal.h"
#include "base/parallel_for.h"
#include "base/search.h"
#include "base/side_table.h"

void heap_groups_release(HeapGroups *groups)
{
    for (int i = 0; i < GROUPING_COUNT; i++) {
        free(groups->groups[i]);
        groups->groups[i] = NULL;
    }
    free(groups->owners);
    groups->owners = NULL;
}

static bool new_groups(HeapGroups *out, Grouping grouping, uint32_t count, Error *error)
{
    out->counts[grouping] = count;
    out->groups[grouping] = calloc((size_t)count + 1, sizeof *out->groups[grouping]);
    return out->groups[grouping] != NULL ||
           error_set_memory(error, count * sizeof *out->groups[grouping], "groups of objects");
}

static bool copy_table(HeapGroups *out, Grouping grouping, const GroupTable *table, Error *error)
{
    if (!new_groups(out, grouping, table->group_count, error))
        return false;
    for (uint32_t i = 0; i < table->group_count; i++)
        out->groups[grouping][i] =
            (HeapGroup){.key = table->groups[i].key, .counts = table->groups[i].counts};
    return true;
}

static void count_page(const HeapImage *image, const MarkResult *mark, uint32_t page,
                       ReachabilityCounts *counts)
{
    counts->pages++;
    counts->slots += image->pages[page].slot_count;
    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
        SlotBits bits = slot_bits(image, mark, page, word);

        slot_counts_add(counts, &bits, image->pages[page].block_size);
    }
}

static bool count_generations(HeapGroups *out, const HeapImage *image, const MarkResult *mark,
                              Error *error)
{
    HeapGroup *groups;
    uint32_t count = image->layout.max_generation + 1, kept = 0;

    if (!new_groups(out, GROUP_BY_GENERATION, count, error))
        return false;
    groups = out->groups[GROUP_BY_GENERATION];
    for (uint32_t generation = 0; generation < count; generation++)
        groups[generation].key = generation;
    for (uint32_t page = 0; page < image->page_count; page++)
        count_page(image, mark, page, &groups[heap_image_generation(image, page)].counts);
    for (uint32_t generation = 0; generation < count; generation++)
        if (groups[generation].counts.pages > 0)
            groups[kept++] = groups[generation];
    out->counts[GROUP_BY_GENERATION] = kept;
    return true;
}

static bool count_types(HeapGroups *out, const ReachabilityReport *report, Error *error)
{
    uint32_t count = report->type_table->type_count, *unified;

    if (!new_groups(out, GROUP_BY_TYPE, count, error))
        return false;
    if (!node_types_unify(report->type_table, &unified, error))
        return false;
    for (uint32_t type = 0; type < count; type++) {
        HeapGroup *group = &out->groups[GROUP_BY_TYPE][unified[type]];

        out->groups[GROUP_BY_TYPE][type].key = type;
        reachability_counts_add(&group->counts, &report->heap_type_counts[type]);
    }
    free(unified);
    return true;
}

// ---- one walk ----

// Subtrees right below holders are walked independently of each other, on several threads.
#define WALK_PIECES 256u

// The counts of one thread.
typedef struct GroupWorker {
    uint32_t *open[GROUPING_COUNT];     // by group: objects above the present one
    uint64_t *retained[GROUPING_COUNT]; // by group
    ForeignOwner *owners;               // by type
} GroupWorker;

typedef struct GroupWalk {
    const DominatorTree *tree;
    const NodeTypes *types;
    HeapGroups *out;
    uint32_t *pages;                       // by object: its page
    uint32_t *page_groups[GROUPING_COUNT]; // by page: its group; NULL for types
    uint32_t *owners;                      // by block: the type of its owner
    uint32_t *cursors;                     // of the walk
    uint32_t subtree_count;
    uint32_t *subtrees; // nodes whose dominator is a holder
    uint32_t thread_count;
    GroupWorker workers[PARALLEL_FOR_MAX_THREADS];
} GroupWalk;

// A walk and its thread.
typedef struct Walker {
    GroupWalk *walk;
    GroupWorker *worker;
} Walker;

static uint32_t group_of(const GroupWalk *walk, Grouping grouping, uint32_t object)
{
    return grouping == GROUP_BY_TYPE ? walk->types->by_node[object]
                                     : walk->page_groups[grouping][walk->pages[object]];
}

static void enter_block(const Walker *walker, uint32_t node)
{
    GroupWalk *walk = walker->walk;
    const ObjectGraph *graph = walk->tree->graph;
    uint32_t above = walk->tree->dominators[node];
    uint32_t owner = walk->types->table->type_count;

    if (!dominator_tree_is_holder(walk->tree, above))
        owner = object_graph_is_block(graph, above) ? walk->owners[above - graph->object_count]
                                                    : walk->types->by_node[above];
    walk->owners[node - graph->object_count] = owner;
    walker->worker->owners[owner].blocks++;
    walker->worker->owners[owner].bytes += object_graph_bytes_of(graph, node);
}

static void enter_node(const Walker *walker, uint32_t node)
{
    const DominatorTree *tree = walker->walk->tree;
    GroupWorker *worker = walker->worker;

    if (object_graph_is_block(tree->graph, node)) {
        enter_block(walker, node);
        return;
    }
    for (int grouping = 0; grouping < GROUPING_COUNT; grouping++) {
        uint32_t group = group_of(walker->walk, (Grouping)grouping, node);

        if (worker->open[grouping][group]++ == 0)
            worker->retained[grouping][group] += tree->retained_bytes[node];
    }
}

static void leave_node(void *context, uint32_t node)
{
    const Walker *walker = context;

    if (object_graph_is_block(walker->walk->tree->graph, node))
        return;
    for (int grouping = 0; grouping < GROUPING_COUNT; grouping++)
        walker->worker->open[grouping][group_of(walker->walk, (Grouping)grouping, node)]--;
}

static bool walk_subtrees(void *context, uint32_t worker, uint64_t item, Error *error)
{
    Walker walker = {.walk = context};
    GroupWalk *walk = walker.walk;
    uint64_t begin = item * walk->subtree_count / WALK_PIECES;
    uint64_t end = (item + 1) * walk->subtree_count / WALK_PIECES;

    (void)error;
    walker.worker = &walk->workers[worker];
    for (uint64_t i = begin; i < end; i++) {
        uint32_t top = walk->subtrees[i];

        for (uint32_t node = top; node != NO_NODE;
             node = dominator_tree_next(walk->tree, walk->cursors, top, node, leave_node, &walker))
            enter_node(&walker, node);
    }
    return true;
}

// The group with this key, which there must be.
static uint32_t find_group(const HeapGroups *groups, Grouping grouping, uint64_t key)
{
    return (uint32_t)search_from(groups->groups[grouping], groups->counts[grouping], key, key);
}

static void place_pages(GroupWalk *walk)
{
    const HeapImage *image = walk->tree->graph->image;
    NodeCursor cursor = node_cursor(walk->tree->graph);

    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t size =
            heap_image_is_large(image, page) ? LARGE_SIZE_CLASS : image->pages[page].block_size;

        walk->page_groups[GROUP_BY_SIZE_CLASS][page] =
            find_group(walk->out, GROUP_BY_SIZE_CLASS, size);
        walk->page_groups[GROUP_BY_OWNER_THREAD][page] =
            find_group(walk->out, GROUP_BY_OWNER_THREAD, image->pages[page].owner_thread);
        walk->page_groups[GROUP_BY_GENERATION][page] =
            find_group(walk->out, GROUP_BY_GENERATION, heap_image_generation(image, page));
    }
    while (node_cursor_next(&cursor) && cursor.place.page != NO_INDEX)
        walk->pages[cursor.node] = cursor.place.page;
}

static int compare_owners(const void *left, const void *right)
{
    const ForeignOwner *a = left, *b = right;

    if (a->bytes + a->sized_bytes != b->bytes + b->sized_bytes)
        return a->bytes + a->sized_bytes > b->bytes + b->sized_bytes ? -1 : 1;
    return a->type < b->type ? -1 : a->type > b->type;
}

// The walk does not come to blocks without content that are not nodes.
static void add_sized(GroupWalk *walk)
{
    const ObjectGraph *graph = walk->tree->graph;
    const SnapshotDetails *details = graph->image->details;

    for (uint32_t block = 0; block < details->sized_block_count; block++) {
        uint32_t node = object_graph_sized_node(graph, block);
        ForeignOwner *owner;

        if (node >= graph->foreign_end)
            continue;
        owner = &walk->out->owners[object_graph_is_block(graph, node)
                                       ? walk->owners[node - graph->object_count]
                                       : walk->types->by_node[node]];
        owner->sized_blocks++;
        owner->sized_bytes += sized_block_bytes(&details->sized_blocks[block]);
    }
}

static bool allocate_workers(GroupWalk *walk)
{
    uint32_t types = walk->types->table->type_count;

    for (uint32_t i = 0; i < walk->thread_count; i++) {
        GroupWorker *worker = &walk->workers[i];

        worker->owners = calloc((size_t)types + 1, sizeof *worker->owners);
        if (worker->owners == NULL)
            return false;
        for (int grouping = 0; grouping < GROUPING_COUNT; grouping++) {
            size_t count = (size_t)walk->out->counts[grouping] + 1;

            worker->open[grouping] = calloc(count, sizeof *worker->open[grouping]);
            worker->retained[grouping] = calloc(count, sizeof *worker->retained[grouping]);
            if (worker->open[grouping] == NULL || worker->retained[grouping] == NULL)
                return false;
        }
    }
    return true;
}

static bool allocate(GroupWalk *walk, Error *error)
{
    const ObjectGraph *graph = walk->tree->graph;
    uint64_t nodes = walk->tree->node_count, objects = graph->object_count;
    bool ok;

    walk->cursors = side_table_new(nodes * sizeof *walk->cursors);
    walk->pages = side_table_new(objects * sizeof *walk->pages);
    walk->subtrees = side_table_new(nodes * sizeof *walk->subtrees);
    walk->owners = calloc(graph->node_count - objects + 1, sizeof *walk->owners);
    walk->out->owners =
        calloc((size_t)walk->types->table->type_count + 1, sizeof *walk->out->owners);
    ok = walk->cursors != NULL && walk->pages != NULL && walk->subtrees != NULL &&
         walk->owners != NULL && walk->out->owners != NULL && allocate_workers(walk);
    for (int grouping = 0; ok && grouping < GROUPING_COUNT; grouping++)
        if (grouping != GROUP_BY_TYPE) {
            walk->page_groups[grouping] =
                calloc((size_t)graph->image->page_count + 1, sizeof *walk->page_groups[grouping]);
            ok = walk->page_groups[grouping] != NULL;
        }
    return ok || error_set_memory(error, nodes * 12, "the retained sizes of groups");
}

static void release(GroupWalk *walk)
{
    uint64_t nodes = walk->tree->node_count;

    side_table_free(walk->cursors, nodes * sizeof *walk->cursors);
    side_table_free(walk->subtrees, nodes * sizeof *walk->subtrees);
    side_table_free(walk->pages, walk->tree->graph->object_count * sizeof *walk->pages);
    free(walk->owners);
    for (int grouping = 0; grouping < GROUPING_COUNT; grouping++)
        free(walk->page_groups[grouping]);
    for (uint32_t i = 0; i < walk->thread_count; i++) {
        free(walk->workers[i].owners);
        for (int grouping = 0; grouping < GROUPING_COUNT; grouping++) {
            free(walk->workers[i].open[grouping]);
            free(walk->workers[i].retained[grouping]);
        }
    }
}

// The sums are the same however the threads have divided the work.
static void add_workers(GroupWalk *walk)
{
    HeapGroups *out = walk->out;
    uint32_t types = walk->types->table->type_count;

    for (uint32_t i = 0; i < walk->thread_count; i++) {
        for (int grouping = 0; grouping < GROUPING_COUNT; grouping++)
            for (uint32_t group = 0; group < out->counts[grouping]; group++)
                out->groups[grouping][group].retained_bytes +=
                    walk->workers[i].retained[grouping][group];
        for (uint32_t type = 0; type <= types; type++) {
            out->owners[type].blocks += walk->workers[i].owners[type].blocks;
            out->owners[type].bytes += walk->workers[i].owners[type].bytes;
        }
    }
    add_sized(walk);
    for (uint32_t type = 0; type <= types; type++) {
        out->owners[type].type = type;
        if (out->owners[type].blocks + out->owners[type].sized_blocks > 0)
            out->owners[out->owner_count++] = out->owners[type];
    }
    qsort(out->owners, out->owner_count, sizeof *out->owners, compare_owners);
    out->has_retained = true;
}

static bool walk_tree(GroupWalk *walk, Error *error)
{
    const DominatorTree *tree = walk->tree;
    bool ok;

    walk->thread_count = parallel_for_threads(0, WALK_PIECES);
    ok = allocate(walk, error);
    if (ok) {
        place_pages(walk);
        for (uint32_t node = 0; node < tree->graph->node_count; node++)
            if (dominator_tree_is_holder(tree, tree->dominators[node]))
                walk->subtrees[walk->subtree_count++] = node;
        ok = parallel_for(WALK_PIECES, walk->thread_count, walk_subtrees, walk, error);
    }
    if (ok)
        add_workers(walk);
    release(walk);
    return ok;
}

bool heap_groups_make(const HeapImage *image, const MarkResult *mark,
                      const ReachabilityReport *report, DominatorTree *tree, const NodeTypes *types,
                      HeapGroups *out, Error *error)
{
    GroupWalk walk = {.tree = tree, .types = types, .out = out};

    *out = (HeapGroups){.has_retained = false};
    if (!count_types(out, report, error) ||
        !copy_table(out, GROUP_BY_SIZE_CLASS, &report->size_classes, error) ||
        !copy_table(out, GROUP_BY_OWNER_THREAD, &report->owner_threads, error) ||
        !count_generations(out, image, mark, error))
        return false;
    return tree == NULL || (dominator_tree_add_children(tree, error) && walk_tree(&walk, error));
}
