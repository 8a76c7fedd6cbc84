// LabelSet: names, each once, by number.
//
//     if (!label_set_take(&set, ".audit", &number, error)) ...
//     set.names[number]

#ifndef ANALYSIS_GRAPH_LABEL_SET_INTERNAL_H
#define ANALYSIS_GRAPH_LABEL_SET_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash_index.h"

// A zeroed struct is valid and empty.
typedef struct LabelSet {
    uint32_t count;
    uint64_t capacity;
    char **names; // owned
    HashIndex index;
    uint32_t newest; // the name that was asked for last
} LabelSet;

// The number of a name, which is added unless it is there. Errors: memory.
NODISCARD bool label_set_take(LabelSet *set, const char *name, uint32_t *number, Error *error);
void label_set_release(LabelSet *set);

// Gives the names away, as an array of *count; the set is empty afterwards.
char **label_set_give(LabelSet *set, uint32_t *count);

#endif
