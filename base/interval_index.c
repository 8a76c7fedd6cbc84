// IntervalIndex: see base/interval_index.h.
//
// One sweep over the places where intervals begin or end. Those that have begun are in a binary
// heap with the one that counts on top; one that has ended leaves it when it comes to the top.

#include "base/interval_index.h"

#include <stdlib.h>

#include "base/search.h"

typedef struct Sweep {
    const Interval *intervals; // ascending by start
    uint32_t *open;            // a heap of indices
    uint32_t open_count;
} Sweep;

static int compare_starts(const void *left, const void *right)
{
    const Interval *a = left, *b = right;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int compare_places(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static bool counts_before(const Sweep *sweep, uint32_t left, uint32_t right)
{
    const Interval *a = &sweep->intervals[left], *b = &sweep->intervals[right];

    return a->rank != b->rank ? a->rank < b->rank : a->number < b->number;
}

static void open_interval(Sweep *sweep, uint32_t index)
{
    uint32_t at = sweep->open_count++;

    for (; at > 0 && counts_before(sweep, index, sweep->open[(at - 1) / 2]); at = (at - 1) / 2)
        sweep->open[at] = sweep->open[(at - 1) / 2];
    sweep->open[at] = index;
}

static void drop_first(Sweep *sweep)
{
    uint32_t last = sweep->open[--sweep->open_count], at = 0;

    while (2 * at + 1 < sweep->open_count) {
        uint32_t child = 2 * at + 1;

        if (child + 1 < sweep->open_count &&
            counts_before(sweep, sweep->open[child + 1], sweep->open[child]))
            child++;
        if (!counts_before(sweep, sweep->open[child], last))
            break;
        sweep->open[at] = sweep->open[child];
        at = child;
    }
    sweep->open[at] = last;
}

static void sweep_places(Sweep *sweep, uint32_t count, const uint64_t *places, IntervalIndex *index)
{
    uint32_t next = 0, last = INTERVAL_NONE;

    for (uint64_t i = 0; i < 2 * (uint64_t)count; i++) {
        uint32_t number;

        if (i > 0 && places[i] == places[i - 1])
            continue;
        for (; next < count && sweep->intervals[next].start == places[i]; next++)
            open_interval(sweep, next);
        while (sweep->open_count > 0 && sweep->intervals[sweep->open[0]].end <= places[i])
            drop_first(sweep);
        number = sweep->open_count > 0 ? sweep->intervals[sweep->open[0]].number : INTERVAL_NONE;
        if (number != last)
            index->stretches[index->count++] = (IntervalStretch){places[i], number};
        last = number;
    }
}

bool interval_index_init(IntervalIndex *index, Interval *intervals, uint32_t count, Error *error)
{
    uint64_t bound = 2 * (uint64_t)count + 1;
    uint64_t *places = malloc(bound * sizeof *places);
    Sweep sweep = {.intervals = intervals, .open = malloc(bound * sizeof *sweep.open)};
    bool ok;

    *index = (IntervalIndex){.stretches = malloc(bound * sizeof *index->stretches)};
    ok = places != NULL && sweep.open != NULL && index->stretches != NULL;
    if (ok && count > 0) {
        qsort(intervals, count, sizeof *intervals, compare_starts);
        for (uint32_t i = 0; i < count; i++) {
            places[2 * i] = intervals[i].start;
            places[2 * i + 1] = intervals[i].end;
        }
        qsort(places, 2 * (size_t)count, sizeof *places, compare_places);
        sweep_places(&sweep, count, places, index);
    }
    free(places);
    free(sweep.open);
    if (ok)
        return true;
    interval_index_release(index);
    return error_set_memory(error, bound * sizeof *index->stretches, "an index of addresses");
}

void interval_index_release(IntervalIndex *index)
{
    free(index->stretches);
    *index = (IntervalIndex){.stretches = NULL};
}

uint32_t interval_index_find(const IntervalIndex *index, uint64_t address)
{
    uint64_t next = search_above(index->stretches, index->count, start, address);

    return next > 0 ? index->stretches[next - 1].number : INTERVAL_NONE;
}
