// PageFragmentation: see analysis/page_fragmentation.h.

#include "analysis/page_fragmentation.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/hash_index.h"

typedef struct KeeperTable {
    PageFragmentation *out;
    uint64_t capacity;
    HashIndex index;
} KeeperTable;

void page_fragmentation_release(PageFragmentation *fragmentation)
{
    free(fragmentation->classes);
    free(fragmentation->keepers);
    fragmentation->classes = NULL;
    fragmentation->keepers = NULL;
}

// ---- classes ----

static uint32_t reachable_in(const HeapImage *image, const MarkResult *mark, uint32_t page)
{
    const uint64_t *words = mark->marked + heap_image_first_word(image, page);
    uint32_t count = 0;

    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
        count += (uint32_t)__builtin_popcountll(words[word]);
    return count;
}

static int compare_classes(const void *left, const void *right)
{
    const ClassPages *a = left, *b = right;

    return (a->block_size > b->block_size) - (a->block_size < b->block_size);
}

static ClassPages *class_of(PageFragmentation *out, uint32_t block_size)
{
    for (uint32_t i = 0; i < out->class_count; i++)
        if (out->classes[i].block_size == block_size)
            return &out->classes[i];
    out->classes[out->class_count].block_size = block_size;
    return &out->classes[out->class_count++];
}

// Slots of a page are multiples of 8 bytes.
#define MOST_CLASSES (LAYOUT_MAX_PAGE_SIZE / 8 + 1)

static bool count_classes(const HeapImage *image, const MarkResult *mark, PageFragmentation *out,
                          Error *error)
{
    out->classes = calloc(MOST_CLASSES, sizeof *out->classes);
    if (out->classes == NULL)
        return error_set_memory(error, MOST_CLASSES * sizeof *out->classes, "size classes");
    for (uint32_t page = 0; page < image->page_count; page++) {
        const HeapPage *record = &image->pages[page];
        uint32_t reachable;
        ClassPages *class;

        if (heap_image_is_large(image, page))
            continue;
        class = class_of(out, record->block_size);
        reachable = reachable_in(image, mark, page);
        class->pages++;
        class->without_reachable += reachable == 0;
        if (page_is_nearly_empty(reachable, record->slot_count)) {
            class->nearly_empty++;
            class->free_bytes += (uint64_t)(record->slot_count - reachable) * record->block_size;
        }
    }
    qsort(out->classes, out->class_count, sizeof *out->classes, compare_classes);
    return true;
}

// ---- keepers ----

static uint64_t hash_at(const HashIndex *index, const void *keepers, uint32_t position)
{
    const PageKeeper *keeper = (const PageKeeper *)keepers + position;

    return hash_index_hash(index, keeper->type, keeper->kept_by);
}

static bool is_keeper_at(const void *keepers, uint32_t position, const void *key)
{
    const PageKeeper *keeper = (const PageKeeper *)keepers + position, *wanted = key;

    return keeper->type == wanted->type && keeper->kept_by == wanted->kept_by;
}

// The keeper of this type and dominator, empty when it is new. NULL when memory is short.
static PageKeeper *keeper_of(KeeperTable *table, const PageKeeper *wanted, Error *error)
{
    PageFragmentation *out = table->out;
    uint64_t count = out->keeper_count + UINT64_C(1);
    uint32_t *slot;

    if (!array_reserve(&out->keepers, &table->capacity, count, sizeof *out->keepers,
                       "types on nearly empty pages", error) ||
        !hash_index_reserve(&table->index, out->keepers, count, hash_at,
                            "types on nearly empty pages", error))
        return NULL;
    slot = hash_index_find(&table->index, out->keepers, hash_at(&table->index, wanted, 0),
                           is_keeper_at, wanted);
    if (*slot == 0) {
        out->keepers[out->keeper_count] = *wanted;
        *slot = ++out->keeper_count;
    }
    return &out->keepers[*slot - 1];
}

// Adds the objects of one page. Its free bytes count once for each kind of keeper.
static bool add_page(KeeperTable *table, const DominatorTree *tree, const NodeTypes *types,
                     uint32_t page, Error *error)
{
    const ObjectGraph *graph = tree->graph;
    const HeapPage *record = &graph->image->pages[page];
    uint32_t first = graph->page_nodes[page], end = graph->page_nodes[page + 1];

    for (uint32_t node = first; node < end; node++) {
        uint32_t above = tree->dominators[node], type = types->by_node[node];
        uint32_t kept_by =
            dominator_tree_is_holder(tree, above) ? types->type_count : types->by_node[above];
        bool is_counted = false;
        PageKeeper *keeper = keeper_of(
            table, &(PageKeeper){.type = type, .kept_by = kept_by, .example = node}, error);

        if (keeper == NULL)
            return false;
        keeper->objects++;
        // The page has few objects, so comparing with those before is cheap.
        for (uint32_t other = first; other < node && !is_counted; other++) {
            uint32_t other_above = tree->dominators[other];

            is_counted =
                types->by_node[other] == type && (dominator_tree_is_holder(tree, other_above)
                                                      ? types->type_count
                                                      : types->by_node[other_above]) == kept_by;
        }
        if (is_counted)
            continue;
        keeper->pages++;
        keeper->free_bytes += (uint64_t)(record->slot_count - (end - first)) * record->block_size;
    }
    return true;
}

static int compare_keepers(const void *left, const void *right)
{
    const PageKeeper *a = left, *b = right;

    if (a->pages != b->pages)
        return a->pages > b->pages ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return a->kept_by < b->kept_by ? -1 : a->kept_by > b->kept_by;
}

static bool find_keepers(const DominatorTree *tree, const NodeTypes *types, PageFragmentation *out,
                         Error *error)
{
    const ObjectGraph *graph = tree->graph;
    KeeperTable table = {.out = out};
    bool ok = true;

    for (uint32_t page = 0; ok && page < graph->image->page_count; page++) {
        uint32_t reachable = graph->page_nodes[page + 1] - graph->page_nodes[page];

        if (!heap_image_is_large(graph->image, page) &&
            page_is_nearly_empty(reachable, graph->image->pages[page].slot_count))
            ok = add_page(&table, tree, types, page, error);
    }
    hash_index_release(&table.index);
    if (out->keeper_count > 0)
        qsort(out->keepers, out->keeper_count, sizeof *out->keepers, compare_keepers);
    out->has_keepers = ok;
    return ok;
}

bool page_fragmentation_find(const HeapImage *image, const MarkResult *mark,
                             const DominatorTree *tree, const NodeTypes *types,
                             PageFragmentation *out, Error *error)
{
    *out = (PageFragmentation){.class_count = 0};
    return count_classes(image, mark, out, error) &&
           (tree == NULL || find_keepers(tree, types, out, error));
}
