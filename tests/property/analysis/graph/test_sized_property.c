// Blocks without content against the same blocks with content: in random heaps, blocks that lead to
// no object and to which no root refers are recorded in both ways. Retained sizes, the mark that
// frees, and the blocks that are reached must be equal, and the marks themselves those of the same
// objects.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/heap_cut.h"
#include "analysis/graph/sized_reach.h"
#include "marker/mark.h"
#include "snapshot/file/snapshot_file.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"
#include "tests/support/xorshift.h"

#define CASES 60u
#define MOST_BLOCKS 64u
#define MOST_WORDS 1300u

typedef struct Plan {
    SnapshotContents contents;
    uint32_t count;
    SnapshotBlock blocks[MOST_BLOCKS];
    uint64_t words[MOST_BLOCKS][MOST_WORDS];
    bool is_sized[MOST_BLOCKS];
    SnapshotBlock kept[MOST_BLOCKS]; // those with content
    SnapshotDetails details;         // with the others
    SizedBlock sized[MOST_BLOCKS];
    SizedLink links[MOST_BLOCKS * MOST_BLOCKS];
} Plan;

static uint32_t block_at(const Plan *plan, uint64_t address)
{
    for (uint32_t i = 0; i < plan->count; i++)
        if (address - plan->blocks[i].address < plan->blocks[i].bytes)
            return i;
    return NO_INDEX;
}

// Gives most blocks words that refer to blocks alone.
static void write_blocks(Plan *plan, Xorshift *random)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        memcpy(plan->words[i], plan->blocks[i].data, plan->blocks[i].bytes);
        plan->blocks[i].data = (const uint8_t *)plan->words[i];
        plan->is_sized[i] = xorshift_percent(random, 80);
        for (uint64_t w = 0; plan->is_sized[i] && w < plan->blocks[i].bytes / 8; w++) {
            const SnapshotBlock *target = &plan->blocks[xorshift_below(random, plan->count)];

            plan->words[i][w] = 0;
            if (xorshift_percent(random, w < 4 ? 20 : 1))
                plan->words[i][w] = target->address + xorshift_below(random, target->bytes);
        }
    }
}

// Leaves those to which roots refer, or which refer to blocks with content.
static void choose_sized(Plan *plan)
{
    bool is_changed = true;

    for (uint64_t r = 0; r < plan->contents.root_count; r++) {
        uint32_t block = block_at(plan, plan->contents.roots[r].value);

        if (block != NO_INDEX)
            plan->is_sized[block] = false;
    }
    while (is_changed) {
        is_changed = false;
        for (uint32_t i = 0; i < plan->count; i++)
            for (uint64_t w = 0; plan->is_sized[i] && w < plan->blocks[i].bytes / 8; w++) {
                uint32_t target = block_at(plan, plan->words[i][w]);

                if (target == NO_INDEX || plan->is_sized[target])
                    continue;
                plan->is_sized[i] = false;
                is_changed = true;
            }
    }
}

static int compare_links(const void *left, const void *right)
{
    const SizedLink *a = left, *b = right;

    return a->from != b->from ? (a->from > b->from) - (a->from < b->from)
                              : (a->to > b->to) - (a->to < b->to);
}

static void make_details(Plan *plan)
{
    uint32_t numbers[MOST_BLOCKS];
    uint64_t block_count = 0;

    plan->details = *plan->contents.details;
    plan->details.metadata.sized_blocks_recorded = true;
    plan->details.sized_blocks = plan->sized;
    plan->details.sized_links = plan->links;
    for (uint32_t i = 0; i < plan->count; i++) {
        numbers[i] = plan->details.sized_block_count;
        if (plan->is_sized[i])
            plan->sized[plan->details.sized_block_count++] =
                (SizedBlock){plan->blocks[i].address, plan->blocks[i].bytes};
        else
            plan->kept[block_count++] = plan->blocks[i];
    }
    for (uint32_t i = 0; i < plan->count; i++)
        for (uint64_t w = 0; plan->is_sized[i] && w < plan->blocks[i].bytes / 8; w++) {
            uint32_t target = block_at(plan, plan->words[i][w]);
            SizedLink link = {numbers[i], target == NO_INDEX ? 0 : numbers[target]};
            bool is_known = target == NO_INDEX || target == i;

            for (uint32_t l = 0; l < plan->details.sized_link_count; l++)
                is_known = is_known || compare_links(&plan->links[l], &link) == 0;
            if (!is_known)
                plan->links[plan->details.sized_link_count++] = link;
        }
    qsort(plan->links, plan->details.sized_link_count, sizeof *plan->links, compare_links);
    plan->contents.block_count = block_count;
    plan->contents.blocks = plan->kept;
    plan->contents.details = &plan->details;
}

typedef struct Answers {
    HeapImage *image;
    MarkResult *mark;
    ObjectGraph *graph;
    DominatorTree *tree;
} Answers;

// Written and read, so that the section's codec is in the test.
static void answers_open(Answers *answers, const SnapshotContents *contents, uint32_t threads)
{
    ObjectGraphOptions options = {.threads = threads};
    Bytes stream = snapshot_stream(contents, NULL);
    Error error;

    cr_assert(snapshot_read_stream(stream.bytes, stream.length, NULL, &answers->image, &error),
              "%s", error.message);
    free(stream.bytes);
    cr_assert(mark_reachable_serial(answers->image, MARK_MAJOR, &answers->mark, &error));
    cr_assert(object_graph_new(answers->image, answers->mark, &options, &answers->graph, &error),
              "%s", error.message);
    cr_assert(dominator_tree_new(answers->graph, NULL, &answers->tree, &error));
}

static void answers_close(Answers *answers)
{
    dominator_tree_free(answers->tree);
    object_graph_free(answers->graph);
    mark_result_free(answers->mark);
    heap_image_free(answers->image);
}

static uint32_t node_at(const ObjectGraph *graph, uint64_t address)
{
    for (uint32_t node = 0; node < graph->node_count; node++)
        if (object_graph_address(graph, node) == address)
            return node;
    return NO_NODE;
}

static void check_sizes(const Answers *whole, const Answers *sized, uint64_t seed)
{
    uint64_t blocks, bytes;
    SizedReach reach;
    Error error;

    cr_assert_eq(whole->graph->object_count, sized->graph->object_count);
    for (uint32_t node = 0; node < sized->graph->node_count; node++) {
        uint32_t other = node_at(whole->graph, object_graph_address(sized->graph, node));

        cr_assert_neq(other, NO_NODE, "TEST_SEED=%" PRIu64, seed);
        cr_expect_eq(sized->tree->retained_bytes[node], whole->tree->retained_bytes[other],
                     "node %u, TEST_SEED=%" PRIu64, node, seed);
    }
    cr_expect_eq(sized->tree->retained_bytes[dominator_tree_top(sized->tree)],
                 whole->tree->retained_bytes[dominator_tree_top(whole->tree)], "TEST_SEED=%" PRIu64,
                 seed);
    cr_assert(sized_reach_make(sized->image, sized->mark, NULL, &reach, &error));
    object_graph_count_sized(sized->graph, &blocks, &bytes);
    cr_expect_eq(reach.blocks, blocks);
    cr_expect_eq(reach.bytes, bytes);
    cr_expect_eq(blocks + (sized->graph->foreign_end - sized->graph->object_count),
                 whole->graph->node_count - whole->graph->object_count, "TEST_SEED=%" PRIu64, seed);
    for (uint32_t block = 0; block < sized->image->details->sized_block_count; block++)
        cr_expect_eq(sized_reach_has(&reach, block),
                     object_graph_sized_node(sized->graph, block) != NO_NODE);
    sized_reach_release(&reach);
}

static void check_cuts(const Answers *whole, const Answers *sized, uint64_t seed)
{
    HeapCut *cuts[2];
    Error error;

    cr_assert(heap_cut_new(whole->image, &cuts[0], &error));
    cr_assert(heap_cut_new(sized->image, &cuts[1], &error));
    for (uint32_t node = 0; node < sized->graph->object_count; node++) {
        NodePlace place = object_graph_place(sized->graph, node);
        FreedCounts freed[2];

        for (int i = 0; i < 2; i++) {
            const Answers *answers = i == 0 ? whole : sized;

            heap_cut_reset(cuts[i]);
            heap_cut_object(cuts[i], place.page, place.slot);
            cr_assert(heap_cut_mark(cuts[i], answers->mark, &freed[i], NULL, &error));
        }
        cr_expect_eq(freed_bytes(&freed[0]), freed_bytes(&freed[1]), "node %u, TEST_SEED=%" PRIu64,
                     node, seed);
        cr_expect_eq(freed_bytes(&freed[1]), sized->tree->retained_bytes[node]);
    }
    heap_cut_free(cuts[0]);
    heap_cut_free(cuts[1]);
}

Test(sized_blocks, count_as_if_their_content_were_there)
{
    uint64_t first = test_seed(1), all = 0, nodes = 0;

    for (uint64_t i = 0; i < test_dose(CASES); i++) {
        uint64_t seed = first + i;
        RandomHeapOptions options = random_heap_options(seed, 40);
        Xorshift random = xorshift_seeded(seed);
        Plan *plan = calloc(1, sizeof *plan);
        Answers whole, sized;
        RandomHeap *heap;

        cr_assert_not_null(plan);
        options.blocks = (uint32_t)xorshift_between(&random, 1, MOST_BLOCKS);
        heap = random_heap_new(&options);
        plan->contents = *random_heap_contents(heap);
        plan->count = (uint32_t)plan->contents.block_count;
        memcpy(plan->blocks, plan->contents.blocks, plan->count * sizeof *plan->blocks);
        write_blocks(plan, &random);
        choose_sized(plan);
        plan->contents.blocks = plan->blocks;
        answers_open(&whole, &plan->contents, 1);
        make_details(plan);
        answers_open(&sized, &plan->contents, 1 + (uint32_t)seed % 3);
        all += plan->details.sized_block_count;
        nodes += sized.graph->node_count - sized.graph->foreign_end;
        check_sizes(&whole, &sized, seed);
        if (i % 4 == 0)
            check_cuts(&whole, &sized, seed);
        answers_close(&whole);
        answers_close(&sized);
        random_heap_free(heap);
        free(plan);
    }
    // The test is about something.
    cr_expect_gt(all, first == 1 ? 4 * test_dose(CASES) : 0);
    cr_expect_gt(nodes, first == 1 ? test_dose(CASES) / 6 : 0);
}
