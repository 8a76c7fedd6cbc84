// Limits against a heap: see analysis/check/limit_check.h.

#include "analysis/check/limit_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check/growth_limit.h"
#include "analysis/check/malloc_owners.h"
#include "analysis/check/type_pattern.h"
#include "analysis/check/type_reach.h"
#include "analysis/routes/route_label.h"
#include "analysis/graph/sized_reach.h"
#include "analysis/what_if.h"
#include "base/near_names.h"

unsigned limit_needs(const HeapLimit *limit)
{
    bool is_size = limit->unit == LIMIT_BYTES;

    switch (limit->measure) {
    case LIMIT_MALLOC:
        return LIMIT_NEEDS_GRAPH | LIMIT_NEEDS_TREE | LIMIT_NEEDS_SIZES;
    case LIMIT_RETAINED:
        return LIMIT_NEEDS_PROGRAM | LIMIT_NEEDS_SIZES;
    case LIMIT_REACHABLE:
        return is_size ? LIMIT_NEEDS_SIZES : 0;
    case LIMIT_GROWTH:
        return LIMIT_NEEDS_DIFF | (is_size ? LIMIT_NEEDS_GRAPH | LIMIT_NEEDS_SIZES : 0);
    case LIMIT_SUSPECTS:
        return LIMIT_NEEDS_GRAPH | LIMIT_NEEDS_TREE | LIMIT_NEEDS_FINDINGS;
    case LIMIT_NO_PATH:
        return LIMIT_NEEDS_GRAPH;
    default:
        return 0;
    }
}

// ---- types ----

// The types of a table, and behind them foreign blocks.
static const char *label_at(const void *context, uint64_t type)
{
    const TypeTable *table = context;

    return type < table->type_count ? table->types[type].label : "foreign block";
}

static NameList labels_of(const CheckedHeap *heap)
{
    return (NameList){.count = heap->report->type_table->type_count + UINT64_C(1),
                      .name = label_at,
                      .context = heap->report->type_table};
}

static const char *row_label(const void *context, uint64_t index)
{
    return ((const HeapDiff *)context)->types[index].label;
}

// Does neither the heap nor the baseline have a type of this name?
static bool look_for(const CheckedHeap *heap, const char *pattern, LimitFinding *out)
{
    const HeapDiff *diff = heap->diff;

    for (uint32_t i = 0; diff != NULL && i < diff->type_count; i++)
        if (type_pattern_fit(pattern, diff->types[i].label) != TYPE_FIT_NONE)
            return false;
    out->is_missing = true;
    if (near_names_find(labels_of(heap), pattern, &out->nearest, 1) == 0 && diff != NULL)
        (void)near_names_find(
            (NameList){.count = diff->type_count, .name = row_label, .context = diff}, pattern,
            &out->nearest, 1);
    return true;
}

// Selects the types that a pattern names (NULL: all), with an entry for foreign blocks. The caller
// frees `*is_selected`.
static bool select_types(const CheckedHeap *heap, const char *pattern, bool **is_selected,
                         LimitFinding *out, Error *error)
{
    NameList labels = labels_of(heap);

    *is_selected = calloc(labels.count, sizeof **is_selected);
    if (*is_selected == NULL)
        return error_set_memory(error, labels.count, "types of a limit");
    if (pattern == NULL)
        for (uint64_t i = 0; i < labels.count; i++)
            (*is_selected)[i] = true;
    else if (type_pattern_select(pattern, labels, *is_selected) == 0)
        (void)look_for(heap, pattern, out);
    return true;
}

// The labels of selected types, each once.
static bool list_types(const CheckedHeap *heap, const bool *is_selected, LimitFinding *out,
                       Error *error)
{
    const TypeTable *table = heap->report->type_table;
    uint32_t *unified;
    bool ok = node_types_unify(table, &unified, error);

    out->types = calloc((size_t)table->type_count + 1, sizeof *out->types);
    if (ok && out->types == NULL)
        ok = error_set_memory(error, table->type_count * sizeof *out->types, "types of a limit");
    for (uint32_t type = 0; ok && type <= table->type_count; type++)
        if (is_selected[type] && (type == table->type_count || unified[type] == type))
            out->types[out->type_count++] = label_at(table, type);
    free(unified);
    return ok;
}

// ---- measures of types ----

static void measure_count(const CheckedHeap *heap, const HeapLimit *limit, const bool *is_selected,
                          LimitFinding *out)
{
    const ReachabilityReport *report = heap->report;
    uint64_t count = 0;

    for (uint32_t type = 0; type < report->type_table->type_count; type++)
        if (is_selected[type])
            count += report->heap_type_counts[type].reachable_objects;
    if (is_selected[report->type_table->type_count] && !limit->is_total)
        count += report->reachable_foreign_blocks;
    out->figure = FIGURE_OBJECTS;
    out->measured = count;
    limit_finding_judge(out, limit, count, report->totals.reachable_objects);
}

// All that is reachable: objects and malloc'd blocks.
static bool reachable_bytes(const CheckedHeap *heap, uint64_t *bytes, Error *error)
{
    const ReachabilityReport *report = heap->report;
    SizedReach reach;
    bool ok = sized_reach_make(heap->image, heap->mark, NULL, &reach, error);

    *bytes = report->totals.reachable_bytes + report->reachable_foreign_bytes + reach.bytes;
    sized_reach_release(&reach);
    return ok;
}

static bool measure_retained(const CheckedHeap *heap, const HeapLimit *limit, bool *is_selected,
                             LimitFinding *out, Error *error)
{
    HeapSelection cut = {.kind = SELECTION_TYPES, .is_type = is_selected};
    uint64_t whole;
    WhatIf what_if;

    if (!reachable_bytes(heap, &whole, error))
        return false;
    out->figure = FIGURE_BYTES;
    out->measured = limit->is_total ? whole : 0;
    if (out->type_count > 0) {
        if (!what_if_make(heap->image, heap->mark, heap->report->type_table, &cut, 1, &what_if,
                          error))
            return false;
        out->measured = freed_bytes(&what_if.freed);
        what_if_release(&what_if);
    }
    limit_finding_judge(out, limit, out->measured, whole);
    return true;
}

static bool measure_malloc(const CheckedHeap *heap, const HeapLimit *limit, const bool *is_selected,
                           LimitFinding *out, Error *error)
{
    uint32_t types = heap->report->type_table->type_count, *unified = NULL;
    uint64_t *bytes, whole = 0, all = 0;
    bool ok;

    if (!malloc_owners_find(heap->tree, heap->types, &bytes, error))
        return false;
    ok = reachable_bytes(heap, &all, error) &&
         node_types_unify(heap->report->type_table, &unified, error);
    out->figure = FIGURE_BYTES;
    for (uint32_t type = 0; ok && type < types; type++) {
        // Types of equal labels are selected together, and counted with the first.
        whole += bytes[type];
        if (is_selected[type] && unified[type] == type)
            out->measured += bytes[type];
    }
    limit_finding_judge(out, limit, out->measured, limit->is_of_reachable ? all : whole);
    free(unified);
    free(bytes);
    return ok;
}

static bool measure_type(const CheckedHeap *heap, const HeapLimit *limit, LimitFinding *out,
                         Error *error)
{
    bool *is_selected;
    bool ok = select_types(heap, limit->is_total ? NULL : limit->type, &is_selected, out, error) &&
              (limit->is_total || list_types(heap, is_selected, out, error));

    if (ok && limit->measure == LIMIT_COUNT)
        measure_count(heap, limit, is_selected, out);
    else if (ok && limit->measure == LIMIT_RETAINED)
        ok = measure_retained(heap, limit, is_selected, out, error);
    else if (ok)
        ok = measure_malloc(heap, limit, is_selected, out, error);
    free(is_selected);
    return ok;
}

static bool measure_path(const CheckedHeap *heap, const HeapLimit *limit, LimitFinding *out,
                         Error *error)
{
    bool *from = NULL, *to = NULL;
    TypeReach reach = {.length = 0};
    bool ok = select_types(heap, limit->type, &from, out, error) &&
              select_types(heap, limit->target, &to, out, error) &&
              list_types(heap, from, out, error) &&
              type_reach_find(heap->types, from, to, &reach, error);

    out->figure = FIGURE_PATHS;
    out->measured = out->excess = ok && reach.length > 0;
    out->is_exceeded = out->measured > 0;
    if (out->is_exceeded) {
        uint32_t last = reach.nodes[reach.length - 1];

        out->kept_by = type_reach_text(heap->types, &reach);
        ok = out->kept_by != NULL && asprintf(&out->example, "0x%" PRIx64,
                                              object_graph_address(heap->types->graph, last)) >= 0;
        if (!ok)
            (void)error_set(error, ERROR_MEMORY, "cannot allocate memory for a path");
    }
    type_reach_release(&reach);
    free(from);
    free(to);
    return ok;
}

// ---- measures of the heap ----

static bool measure_reachable(const CheckedHeap *heap, const HeapLimit *limit, LimitFinding *out,
                              Error *error)
{
    const ReachabilityCounts *totals = &heap->report->totals;
    bool is_reachable = limit->measure == LIMIT_REACHABLE;
    uint64_t whole = totals->reachable_bytes + totals->unreachable_bytes;

    out->figure = limit->unit == LIMIT_NUMBER ? FIGURE_OBJECTS : FIGURE_BYTES;
    if (limit->unit == LIMIT_NUMBER)
        out->measured = is_reachable ? totals->reachable_objects : totals->unreachable_objects;
    else if (limit->unit == LIMIT_PERCENT || !is_reachable)
        out->measured = is_reachable ? totals->reachable_bytes : totals->unreachable_bytes;
    else if (!reachable_bytes(heap, &out->measured, error))
        return false;
    if (limit->is_of_reachable && !reachable_bytes(heap, &whole, error))
        return false;
    limit_finding_judge(out, limit, out->measured, whole);
    return true;
}

static void measure_pages(const CheckedHeap *heap, const HeapLimit *limit, LimitFinding *out)
{
    bool is_size = limit->unit == LIMIT_BYTES;

    out->figure = is_size ? FIGURE_BYTES : FIGURE_PAGES;
    out->measured = is_size ? heap->report->heap_bytes : heap->report->totals.pages;
    limit_finding_judge(out, limit, out->measured, 0);
}

static void measure_occupancy(const CheckedHeap *heap, const HeapLimit *limit, LimitFinding *out)
{
    const ReachabilityCounts *totals = &heap->report->totals;

    out->figure = FIGURE_SLOTS;
    out->measured = totals->objects + totals->zombies;
    limit_finding_judge(out, limit, out->measured, totals->slots);
}

static void measure_suspects(const CheckedHeap *heap, const HeapLimit *limit, LimitFinding *out)
{
    out->figure = FIGURE_SUSPECTS;
    for (uint32_t i = 0; i < heap->findings->count; i++)
        out->measured += !heap->findings->findings[i].is_known;
    limit_finding_judge(out, limit, out->measured, 0);
}

bool limit_check(const CheckedHeap *heap, const HeapLimit *limit, LimitFinding *out, Error *error)
{
    *out = (LimitFinding){.figure = FIGURE_NONE};
    switch (limit->measure) {
    case LIMIT_COUNT:
    case LIMIT_RETAINED:
    case LIMIT_MALLOC:
        return measure_type(heap, limit, out, error);
    case LIMIT_GROWTH:
        return growth_limit_check(limit, heap->diff, heap->profiles, out, error);
    case LIMIT_REACHABLE:
    case LIMIT_UNREACHABLE:
        return measure_reachable(heap, limit, out, error);
    case LIMIT_PAGES:
        measure_pages(heap, limit, out);
        break;
    case LIMIT_OCCUPANCY:
        measure_occupancy(heap, limit, out);
        break;
    case LIMIT_SUSPECTS:
        measure_suspects(heap, limit, out);
        break;
    case LIMIT_NO_PATH:
        return measure_path(heap, limit, out, error);
    case LIMIT_COMPLETE:
        out->is_exceeded = !heap->image->details->metadata.is_complete;
        break;
    case LIMIT_MEASURE_COUNT:
        break;
    }
    return true;
}

// ---- what keeps them ----

static int compare_labels(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// By type: is its label one of the finding's? The caller frees `*out`.
static bool find_named(const NodeTypes *types, const LimitFinding *finding, bool **out,
                       Error *error)
{
    const char **labels = calloc((size_t)finding->type_count + 1, sizeof *labels);

    *out = calloc((size_t)types->type_count + 1, sizeof **out);
    if (*out == NULL || labels == NULL) {
        free(labels);
        return error_set_memory(error, types->type_count, "types of a limit");
    }
    memcpy(labels, finding->types, finding->type_count * sizeof *labels);
    qsort(labels, finding->type_count, sizeof *labels, compare_labels);
    for (uint32_t type = 0; type < types->type_count; type++) {
        const char *label = node_types_label(types, type);

        (*out)[type] =
            bsearch(&label, labels, finding->type_count, sizeof *labels, compare_labels) != NULL;
    }
    free(labels);
    return true;
}

bool limit_explain(const CheckedHeap *heap, LimitFinding *finding, Error *error)
{
    const TypeRoutes *routes = heap->routes;
    uint32_t best = NO_INDEX;
    bool *is_named;

    if (finding->type_count == 0)
        return true;
    if (!find_named(heap->types, finding, &is_named, error))
        return false;
    for (uint32_t i = 0; i < routes->count; i++) {
        const TypeRoute *route = &routes->routes[i];

        if (!is_named[route->type])
            continue;
        finding->kept_of += route->objects;
        if (best == NO_INDEX || route->objects > routes->routes[best].objects)
            best = i;
    }
    free(is_named);
    if (best == NO_INDEX)
        return true;
    finding->kept_objects = routes->routes[best].objects;
    finding->kept_by = route_label(routes, best);
    finding->example = strdup(node_types_label(heap->types, routes->routes[best].type));
    return (finding->kept_by != NULL && finding->example != NULL) ||
           error_set(error, ERROR_MEMORY, "cannot allocate memory for a path");
}
