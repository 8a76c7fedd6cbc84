// RootOrder: see snapshot/file/root_order.h.

#include "snapshot/file/root_order.h"

#include <stdlib.h>
#include <string.h>

// Where runs are shorter than this on average, the roots are copied and sorted.
#define ROOTS_PER_RUN 64u
#define RUNS_WITHOUT_LIMIT 1024u

static const Root *first_root(const StreamPiece *run)
{
    return (const Root *)(const void *)run->bytes;
}

static const Root *last_root(const StreamPiece *run)
{
    return first_root(run) + run->length / sizeof(Root) - 1;
}

static int compare_runs(const void *left, const void *right)
{
    return root_compare(first_root(left), first_root(right));
}

// A run ends where the order does, and with its kind and thread: the stack of one thread and the
// registers of the next ascend, but the next stack belongs between them.
static bool ends_run(const Root *root, const Root *next)
{
    return root->kind != next->kind || root->thread != next->thread || root_compare(root, next) > 0;
}

static uint64_t count_runs(const Root *roots, uint64_t count)
{
    uint64_t runs = count > 0;

    for (uint64_t i = 1; i < count; i++)
        runs += ends_run(&roots[i - 1], &roots[i]);
    return runs;
}

static bool allocate_pieces(RootOrder *order, uint64_t runs, Error *error)
{
    order->pieces = calloc(runs + 1, sizeof *order->pieces);
    order->piece_count = 1;
    return order->pieces != NULL ||
           error_set_memory(error, (runs + 1) * sizeof *order->pieces, "the plan of a snapshot");
}

static void add_piece(RootOrder *order, const Root *roots, uint64_t count)
{
    order->pieces[order->piece_count++] =
        (StreamPiece){.bytes = (const uint8_t *)roots, .length = count * sizeof *roots};
}

// Puts the runs in order. False: they overlap.
static bool order_runs(RootOrder *order, const Root *roots, uint64_t count)
{
    StreamPiece *runs = order->pieces + 1;
    uint64_t first = 0, run_count;

    for (uint64_t i = 1; i <= count; i++)
        if (i == count || ends_run(&roots[i - 1], &roots[i])) {
            add_piece(order, roots + first, i - first);
            first = i;
        }
    run_count = order->piece_count - 1;
    if (run_count > 1)
        qsort(runs, run_count, sizeof *runs, compare_runs);
    for (uint64_t i = 1; i < run_count; i++)
        if (root_compare(last_root(&runs[i - 1]), first_root(&runs[i])) > 0)
            return false;
    return true;
}

static bool sort_copy(RootOrder *order, const Root *roots, uint64_t count, Error *error)
{
    order->sorted = malloc(count * sizeof *roots);
    if (order->sorted == NULL)
        return error_set_memory(error, count * sizeof *roots, "the roots");
    memcpy(order->sorted, roots, count * sizeof *roots);
    qsort(order->sorted, count, sizeof *roots, root_compare);
    order->piece_count = 1;
    add_piece(order, order->sorted, count);
    return true;
}

bool root_order_init(RootOrder *order, const Root *roots, uint64_t count, Error *error)
{
    uint64_t runs = count_runs(roots, count);
    bool has_few_runs = runs <= RUNS_WITHOUT_LIMIT + count / ROOTS_PER_RUN;

    *order = (RootOrder){0};
    if (allocate_pieces(order, has_few_runs ? runs : 1, error) &&
        ((has_few_runs && order_runs(order, roots, count)) ||
         sort_copy(order, roots, count, error)))
        return true;
    root_order_release(order);
    return false;
}

void root_order_release(RootOrder *order)
{
    free(order->pieces);
    free(order->sorted);
    *order = (RootOrder){0};
}
