// NameSet: names, each once, by number.
//
//     if (!name_set_take(&set, ".audit", &number, error)) ...
//     set.names[number]

#ifndef ANALYSIS_GRAPH_NAME_SET_INTERNAL_H
#define ANALYSIS_GRAPH_NAME_SET_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash_index.h"

// A zeroed struct is valid and empty.
typedef struct NameSet {
    uint32_t count;
    uint64_t capacity;
    char **names; // owned
    HashIndex index;
    uint32_t newest; // the name that was asked for last
} NameSet;

// The number of a name, which is added unless it is there. Errors: memory.
NODISCARD bool name_set_take(NameSet *set, const char *name, uint32_t *number, Error *error);
void name_set_release(NameSet *set);

// Gives the names away, as an array of *count; the set is empty afterwards.
char **name_set_give(NameSet *set, uint32_t *count);

#endif
