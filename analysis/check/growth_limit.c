// GrowthLimit: see analysis/growth_limit.h.

#include "analysis/growth_limit.h"

#include <string.h>

#include "base/near_names.h"
#include "analysis/names/type_fit.h"

// Doubles are exact enough for hundredths of a per cent of terabytes.
static bool is_over(const GrowthLimit *limit, uint64_t before, uint64_t after)
{
    uint64_t growth = after > before ? after - before : 0;

    if (limit->unit != GROWTH_PERCENT)
        return growth > limit->amount;
    return growth > 0 && (double)growth * 10000 > (double)before * (double)limit->amount;
}

static const char *row_label(const void *context, uint64_t index)
{
    return ((const HeapDiff *)context)->types[index].label;
}

static bool no_such_type(const GrowthLimit *limit, const HeapDiff *diff, Error *error)
{
    const char *near[3];
    unsigned count =
        near_names_find((NameList){.count = diff->type_count, .name = row_label, .context = diff},
                        limit->name, near, 3);

    (void)error_set(error, ERROR_USAGE, "no heap has a type '%s'", limit->name);
    for (unsigned i = 0; i < count; i++)
        (void)error_add_hint(error, "a similar name is '%s'", near[i]);
    return false;
}

static void check_row(const GrowthLimit *limit, const HeapDiff *diff, const DiffRow *row,
                      GrowthFinding *out)
{
    const uint64_t *figures = limit->unit == GROWTH_OBJECTS ? row->objects : row->bytes;
    uint64_t before = figures[0], after = figures[diff->heap_count - 1];
    bool is_exceeded = is_over(limit, before, after);

    out->exceeded_count += is_exceeded;
    // Rows are sorted by growth, largest first.
    if (out->label != NULL && (out->is_exceeded || !is_exceeded))
        return;
    out->label = row->label;
    out->before = before;
    out->after = after;
    out->is_exceeded = is_exceeded;
}

static uint64_t total_of(const GrowthLimit *limit, const HeapDiff *diff, const HeapProfile *profile)
{
    if (limit->unit == GROWTH_OBJECTS)
        return profile->totals.reachable_objects;
    return profile->totals.reachable_bytes + profile->foreign_bytes +
           (diff->knows_owned ? profile->sized_bytes : 0);
}

static void check_total(const GrowthLimit *limit, const HeapDiff *diff,
                        const HeapProfile *const *profiles, GrowthFinding *out)
{
    const HeapProfile *first = profiles[0], *last = profiles[diff->heap_count - 1];

    out->label = "total";
    out->before = total_of(limit, diff, first);
    out->after = total_of(limit, diff, last);
    out->is_exceeded = is_over(limit, out->before, out->after);
    out->exceeded_count = out->is_exceeded;
}

bool growth_limit_check(const GrowthLimit *limit, const HeapDiff *diff,
                        const HeapProfile *const *profiles, GrowthFinding *out, Error *error)
{
    bool is_any = strcmp(limit->name, "any") == 0;
    TypeFit best = TYPE_FIT_NONE;

    *out = (GrowthFinding){.label = NULL};
    if (strcmp(limit->name, "total") == 0) {
        check_total(limit, diff, profiles, out);
        return true;
    }
    for (uint32_t i = 0; i < diff->type_count && !is_any; i++) {
        TypeFit fit = type_fit(diff->types[i].label, limit->name);

        best = fit > best ? fit : best;
    }
    if (best == TYPE_FIT_NONE && !is_any)
        return no_such_type(limit, diff, error);
    for (uint32_t i = 0; i < diff->type_count; i++)
        if (is_any || type_fit(diff->types[i].label, limit->name) == best)
            check_row(limit, diff, &diff->types[i], out);
    return true;
}
