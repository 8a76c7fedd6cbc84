// HeapHistory: older heaps of a program, oldest first, as far as a report compares the heap at hand
// with them: the sizes of their routes and of their types.

#ifndef ANALYSIS_HEAP_HISTORY_H
#define ANALYSIS_HEAP_HISTORY_H

#include "analysis/heap_groups.h"
#include "analysis/routes/route_history.h"

typedef struct TypeSize {
    char *label;      // type_label_without_number(); owned
    uint64_t objects; // reachable
    uint64_t retained_bytes;
} TypeSize;

typedef struct OlderHeap {
    char executable[256];
    uint32_t pid;
    int64_t captured_at_ns;
    char digest[MARK_DIGEST_CHARS];
    uint64_t reachable_objects;
    uint64_t program_bytes; // reachable, and not the collector's own
    uint32_t type_count;
    TypeSize *types; // with reachable objects, ascending by label; owned
} OlderHeap;

// A zeroed struct is valid and empty.
typedef struct HeapHistory {
    uint32_t count;
    uint64_t heap_capacity;
    uint64_t route_capacity;
    OlderHeap *heaps;     // owned
    RouteHistory *routes; // by heap; owned
} HeapHistory;

void heap_history_release(HeapHistory *history);

// Adds a heap, which is newer than those that are there. `groups`: with retained sizes. The history
// keeps no pointer to any of the arguments. Errors: memory.
NODISCARD bool heap_history_add(HeapHistory *history, const ReachabilityReport *reachability,
                                const HeapGroups *groups, const TypeRoutes *routes,
                                uint64_t program_bytes, Error *error);

// The growth of a type that has these figures in the heap at hand.
Growth heap_history_type_growth(const HeapHistory *history, const char *label, uint64_t objects,
                                uint64_t retained_bytes);

#endif
