// Limits of growth: see analysis/check/growth_limit.h.

#include "analysis/check/growth_limit.h"

#include <stdlib.h>

#include "analysis/check/type_pattern.h"
#include "base/near_names.h"

static bool is_in_objects(const HeapLimit *limit)
{
    return limit->unit == LIMIT_NUMBER || (limit->unit == LIMIT_PERCENT && !limit->is_in_bytes);
}

static const char *row_label(const void *context, uint64_t index)
{
    return ((const HeapDiff *)context)->types[index].label;
}

static void judge(const HeapLimit *limit, uint64_t before, uint64_t after, LimitFinding *out)
{
    out->before = before;
    out->measured = after;
    limit_finding_judge(out, limit, (WideValue)after - (WideValue)before, before);
}

// ---- all types ----

static uint64_t total_of(const HeapLimit *limit, const HeapDiff *diff, const HeapProfile *profile)
{
    if (is_in_objects(limit))
        return profile->totals.reachable_objects;
    return profile->totals.reachable_bytes + profile->foreign_bytes +
           (diff->knows_owned ? profile->sized_bytes : 0);
}

static void check_total(const HeapLimit *limit, const HeapDiff *diff,
                        const HeapProfile *const *profiles, LimitFinding *out)
{
    judge(limit, total_of(limit, diff, profiles[0]),
          total_of(limit, diff, profiles[diff->heap_count - 1]), out);
    out->label = "total";
    out->exceeded_by = out->is_exceeded;
}

// ---- some types ----

static uint64_t figure_of(const HeapLimit *limit, const HeapDiff *diff, const DiffRow *row,
                          bool is_last)
{
    return (is_in_objects(limit) ? row->objects : row->bytes)[is_last ? diff->heap_count - 1 : 0];
}

// The one that grew most over the limit, or else least under it.
static void check_row(const HeapLimit *limit, const HeapDiff *diff, const DiffRow *row,
                      LimitFinding *out)
{
    LimitFinding one = {.figure = out->figure};

    judge(limit, figure_of(limit, diff, row, false), figure_of(limit, diff, row, true), &one);
    out->exceeded_by += one.is_exceeded;
    // Rows are sorted by growth, largest first.
    if (out->label != NULL && (out->is_exceeded || !one.is_exceeded))
        return;
    one.label = row->label;
    one.exceeded_by = out->exceeded_by;
    one.type_count = out->type_count;
    one.types = out->types;
    *out = one;
}

static void check_sum(const HeapLimit *limit, const HeapDiff *diff, const bool *is_selected,
                      LimitFinding *out)
{
    uint64_t before = 0, after = 0;

    for (uint32_t i = 0; i < diff->type_count; i++)
        if (is_selected[i]) {
            before += figure_of(limit, diff, &diff->types[i], false);
            after += figure_of(limit, diff, &diff->types[i], true);
        }
    judge(limit, before, after, out);
    out->exceeded_by = out->is_exceeded;
}

static void check_types(const HeapLimit *limit, const HeapDiff *diff, const bool *is_selected,
                        LimitFinding *out)
{
    for (uint32_t i = 0; i < diff->type_count; i++) {
        if (!is_selected[i])
            continue;
        out->types[out->type_count++] = diff->types[i].label;
        if (limit->is_each)
            check_row(limit, diff, &diff->types[i], out);
    }
    if (!limit->is_each || out->type_count == 0)
        check_sum(limit, diff, is_selected, out);
    if (out->label == NULL)
        out->label = out->type_count == 1 ? out->types[0] : limit->type;
}

bool growth_limit_check(const HeapLimit *limit, const HeapDiff *diff,
                        const HeapProfile *const *profiles, LimitFinding *out, Error *error)
{
    NameList labels = {.count = diff->type_count, .name = row_label, .context = diff};
    bool *is_selected;

    *out = (LimitFinding){.figure = is_in_objects(limit) ? FIGURE_OBJECTS : FIGURE_BYTES};
    if (limit->is_total) {
        check_total(limit, diff, profiles, out);
        return true;
    }
    is_selected = calloc((size_t)diff->type_count + 1, sizeof *is_selected);
    out->types = calloc((size_t)diff->type_count + 1, sizeof *out->types);
    if (is_selected == NULL || out->types == NULL) {
        free(is_selected);
        return error_set_memory(error, (uint64_t)diff->type_count * 9, "types of a limit");
    }
    // Without a type: of each of all.
    if (limit->type == NULL) {
        for (uint32_t i = 0; i < diff->type_count; i++)
            is_selected[i] = true;
    } else if (type_pattern_select(limit->type, labels, is_selected) == 0) {
        out->is_missing = true;
        (void)near_names_find(labels, limit->type, &out->nearest, 1);
    }
    check_types(limit, diff, is_selected, out);
    free(is_selected);
    return true;
}
