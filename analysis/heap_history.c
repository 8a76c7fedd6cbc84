// HeapHistory: see analysis/heap_history.h.

#include "analysis/heap_history.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static void older_heap_release(OlderHeap *heap)
{
    for (uint32_t i = 0; i < heap->type_count; i++)
        free(heap->types[i].label);
    free(heap->types);
}

void heap_history_release(HeapHistory *history)
{
    for (uint32_t i = 0; i < history->count; i++) {
        older_heap_release(&history->heaps[i]);
        route_history_release(&history->routes[i]);
    }
    free(history->heaps);
    free(history->routes);
    *history = (HeapHistory){.count = 0};
}

static int compare_types(const void *left, const void *right)
{
    return strcmp(((const TypeSize *)left)->label, ((const TypeSize *)right)->label);
}

static bool take_types(OlderHeap *heap, const TypeTable *table, const HeapGroups *groups,
                       Error *error)
{
    uint32_t count = groups->counts[GROUP_BY_TYPE];

    heap->types = calloc((size_t)count + 1, sizeof *heap->types);
    if (heap->types == NULL)
        return error_set_memory(error, count * sizeof *heap->types, "types");
    for (uint32_t i = 0; i < count; i++) {
        const HeapGroup *group = &groups->groups[GROUP_BY_TYPE][i];
        TypeSize *size = &heap->types[heap->type_count];

        if (group->counts.reachable_objects == 0)
            continue;
        *size =
            (TypeSize){.label = strdup(type_label_without_number(table->types[group->key].label)),
                       .objects = group->counts.reachable_objects,
                       .retained_bytes = group->retained_bytes};
        if (size->label == NULL)
            return error_set_memory(error, 64, "a type's label");
        heap->type_count++;
    }
    qsort(heap->types, heap->type_count, sizeof *heap->types, compare_types);
    return true;
}

bool heap_history_add(HeapHistory *history, const ReachabilityReport *reachability,
                      const HeapGroups *groups, const TypeRoutes *routes, uint64_t program_bytes,
                      Error *error)
{
    const SnapshotMetadata *metadata = &routes->tree->graph->image->details->metadata;
    uint64_t wanted = history->count + UINT64_C(1);
    RouteHistory *sizes;
    OlderHeap *heap;

    if (!array_reserve(&history->heaps, &history->heap_capacity, wanted, sizeof *history->heaps,
                       "older heaps", error) ||
        !array_reserve(&history->routes, &history->route_capacity, wanted, sizeof *history->routes,
                       "older heaps", error))
        return false;
    heap = &history->heaps[history->count];
    sizes = &history->routes[history->count];
    *heap = (OlderHeap){.pid = metadata->pid,
                        .captured_at_ns = metadata->captured_at_ns,
                        .reachable_objects = reachability->totals.reachable_objects,
                        .program_bytes = program_bytes};
    memcpy(heap->executable, metadata->executable, sizeof heap->executable);
    memcpy(heap->digest, reachability->digest, sizeof heap->digest);
    *sizes = (RouteHistory){.count = 0};
    history->count++;
    return take_types(heap, reachability->type_table, groups, error) &&
           route_history_make(routes, program_bytes, sizes, error);
}

// The sizes of a type in an older heap: zero where it is not there. False: several types have the
// label.
static bool find_type(const OlderHeap *heap, const char *label, TypeSize *size)
{
    TypeSize key = {.label = (char *)(uintptr_t)label};
    const TypeSize *found = heap->type_count == 0 ? NULL
                                                  : bsearch(&key, heap->types, heap->type_count,
                                                            sizeof key, compare_types);

    *size = found != NULL ? *found : key;
    return found == NULL ||
           ((found == heap->types || compare_types(found - 1, &key) != 0) &&
            (found + 1 == heap->types + heap->type_count || compare_types(found + 1, &key) != 0));
}

Growth heap_history_type_growth(const HeapHistory *history, const char *label, uint64_t objects,
                                uint64_t retained_bytes)
{
    Growth growth = {.knowledge = GROWTH_NOT_COMPARED};
    uint64_t last = 0;

    label = type_label_without_number(label);
    for (uint32_t i = 0; i < history->count; i++) {
        TypeSize size;

        if (!find_type(&history->heaps[i], label, &size))
            return (Growth){.knowledge = GROWTH_NOT_KNOWN};
        growth_add(&growth, &last, size.objects, size.retained_bytes);
    }
    if (history->count > 0)
        growth_add(&growth, &last, objects, retained_bytes);
    return growth;
}
