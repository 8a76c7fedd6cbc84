// SnapshotLookup: see snapshot/heap/snapshot_lookup.h.

#include "snapshot/heap/snapshot_lookup.h"

#include <stdlib.h>

#include "base/search.h"
#include "base/text_ranks.h"

void snapshot_lookup_free(SnapshotLookup *lookup)
{
    if (lookup == NULL)
        return;
    for (uint32_t i = 0; lookup->frames != NULL && i < lookup->stack_count; i++)
        interval_index_release(&lookup->frames[i]);
    interval_index_release(&lookup->code);
    free(lookup->modules);
    free(lookup->frames);
    free(lookup->has_namesake);
    free(lookup);
}

// ---- making ----

static bool index_code(SnapshotLookup *lookup, const SnapshotDetails *details, Interval *intervals,
                       Error *error)
{
    uint32_t count = details->module_count;

    for (uint32_t i = 0; i < count; i++)
        intervals[i] = (Interval){details->modules[i].base, details->modules[i].end,
                                  UINT64_MAX - details->modules[i].base, i};
    if (!interval_index_init(&lookup->code, intervals, count, error))
        return false;
    // The intervals are ascending by start, of equal ones by number, since these have equal ranks.
    for (uint32_t i = 0; i < count; i++)
        lookup->modules[i] = intervals[i].number;
    return true;
}

static bool index_frames(SnapshotLookup *lookup, const SnapshotDetails *details,
                         Interval *intervals, Error *error)
{
    for (uint32_t s = 0; s < details->stack_count; s++) {
        const SnapshotStack *stack = &details->stacks[s];

        for (uint32_t i = 0; i < stack->frame_count; i++)
            intervals[i] = (Interval){stack->frames[i].start, stack->frames[i].end, i, i};
        if (!interval_index_init(&lookup->frames[s], intervals, stack->frame_count, error))
            return false;
        lookup->stack_count++;
    }
    return true;
}

static bool find_namesakes(SnapshotLookup *lookup, const SnapshotDetails *details, Error *error)
{
    uint32_t count = details->thread_count;
    const char **names = calloc((size_t)count + 1, sizeof *names);
    uint32_t *ranks = malloc(((size_t)count + 1) * sizeof *ranks);
    uint32_t *owners = calloc((size_t)count + 1, sizeof *owners);
    bool ok = (names != NULL && ranks != NULL && owners != NULL) ||
              error_set_memory(error, count * sizeof *names, "threads");

    for (uint32_t i = 0; ok && i < count; i++)
        names[i] = details->threads[i].name;
    ok = ok && text_ranks_make(names, count, ranks, error);
    for (uint32_t i = 0; ok && i < count; i++) {
        uint32_t *owner = &owners[ranks[i]];

        if (*owner != 0)
            lookup->has_namesake[i] = lookup->has_namesake[*owner - 1] = 1;
        *owner = i + 1;
    }
    free(names);
    free(ranks);
    free(owners);
    return ok;
}

static uint64_t most_intervals(const SnapshotDetails *details)
{
    uint64_t most = details->module_count;

    for (uint32_t i = 0; i < details->stack_count; i++)
        if (details->stacks[i].frame_count > most)
            most = details->stacks[i].frame_count;
    return most;
}

bool snapshot_details_index(SnapshotDetails *details, Error *error)
{
    uint64_t most = most_intervals(details);
    SnapshotLookup *lookup;
    Interval *intervals;
    bool ok;

    if (details->lookup != NULL)
        return true;
    lookup = calloc(1, sizeof *lookup);
    intervals = malloc((most + 1) * sizeof *intervals);
    if (lookup != NULL) {
        lookup->modules = malloc(((size_t)details->module_count + 1) * sizeof *lookup->modules);
        lookup->frames = calloc((size_t)details->stack_count + 1, sizeof *lookup->frames);
        lookup->has_namesake = calloc((size_t)details->thread_count + 1, 1);
    }
    ok = (lookup != NULL && intervals != NULL && lookup->modules != NULL &&
          lookup->frames != NULL && lookup->has_namesake != NULL) ||
         error_set_memory(error, most * sizeof *intervals, "modules and frames");
    ok = ok && index_code(lookup, details, intervals, error) &&
         index_frames(lookup, details, intervals, error) && find_namesakes(lookup, details, error);
    free(intervals);
    if (ok)
        details->lookup = lookup;
    else
        snapshot_lookup_free(lookup);
    return ok;
}

// ---- finding ----

typedef struct ModuleSearch {
    const SnapshotModule *modules;
    uint64_t base;
} ModuleSearch;

static bool begins_before(const void *order, uint64_t index, const void *key)
{
    const ModuleSearch *search = key;

    return search->modules[((const uint32_t *)order)[index]].base < search->base;
}

static bool begins_at_or_before(const void *order, uint64_t index, const void *key)
{
    const ModuleSearch *search = key;

    return search->modules[((const uint32_t *)order)[index]].base <= search->base;
}

const SnapshotModule *snapshot_lookup_module(const SnapshotDetails *details, uint64_t address)
{
    const uint32_t *order = details->lookup->modules;
    ModuleSearch search = {details->modules, address};
    uint64_t next = search_first(order, details->module_count, begins_at_or_before, &search);

    if (next == 0)
        return NULL;
    search.base = details->modules[order[next - 1]].base;
    return &details->modules[order[search_first(order, next, begins_before, &search)]];
}

const SnapshotModule *snapshot_lookup_code(const SnapshotDetails *details, uint64_t address)
{
    uint32_t number = interval_index_find(&details->lookup->code, address);

    return number == INTERVAL_NONE ? NULL : &details->modules[number];
}

uint32_t snapshot_lookup_frame(const SnapshotDetails *details, const SnapshotStack *stack,
                               uint64_t address)
{
    return interval_index_find(&details->lookup->frames[stack - details->stacks], address);
}

bool snapshot_lookup_has_namesake(const SnapshotDetails *details, uint32_t thread)
{
    return details->lookup->has_namesake[thread] != 0;
}
