// Root: a word outside the heap that may refer to an object.

#ifndef SNAPSHOT_HEAP_ROOT_H
#define SNAPSHOT_HEAP_ROOT_H

#include <stdbool.h>
#include <stdint.h>

// Why a word may count as a root; values are those of the snapshot file.
typedef enum RootKind {
    ROOT_STACK = 0,
    ROOT_REGISTER,
    ROOT_GLOBAL,
    ROOT_TLS,
    ROOT_HANDLE,
    ROOT_FOREIGN,
    ROOT_EXPLICIT,
    ROOT_KIND_COUNT,
} RootKind;

// "stack", "register", ...; "unknown" outside the enumeration.
const char *root_kind_name(RootKind kind);

typedef struct Root {
    uint64_t address; // where the word lies; for a register its number (see docs/format.md)
    uint64_t value;
    uint32_t thread; // index into details->threads, or NO_INDEX
    uint8_t kind;    // RootKind
    uint8_t is_exact;
    uint16_t reserved; // 0
} Root;

// The order of roots, for qsort(): by kind, thread, address, value, exactness. Roots that compare
// equal are equal.
int root_compare(const void *left, const void *right);

// Interior pointers to objects count from stacks and registers only (rule conservative/1).
static inline bool root_allows_interior(const Root *root)
{
    return root->kind == ROOT_STACK || root->kind == ROOT_REGISTER;
}

#endif
