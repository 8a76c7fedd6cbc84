// LabelSet: see analysis/graph/label_set_internal.h.

#include "analysis/graph/label_set_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static uint64_t hash_at(const HashIndex *index, const void *names, uint32_t position)
{
    const char *name = ((char *const *)names)[position];

    return hash_index_text(index, name, strlen(name));
}

static bool is_name_at(const void *names, uint32_t position, const void *key)
{
    return strcmp(((char *const *)names)[position], key) == 0;
}

bool label_set_take(LabelSet *set, const char *name, uint32_t *number, Error *error)
{
    uint64_t wanted = set->count + UINT64_C(1);
    uint32_t *slot;

    // Callers mostly ask for the same name many times in a row.
    if (set->newest < set->count && strcmp(set->names[set->newest], name) == 0) {
        *number = set->newest;
        return true;
    }
    if (!array_reserve(&set->names, &set->capacity, wanted, sizeof *set->names, "names", error) ||
        !hash_index_reserve(&set->index, set->names, wanted, hash_at, "names", error))
        return false;
    slot = hash_index_find(&set->index, set->names,
                           hash_index_text(&set->index, name, strlen(name)), is_name_at, name);
    if (*slot == 0) {
        set->names[set->count] = strdup(name);
        if (set->names[set->count] == NULL)
            return error_set_memory(error, strlen(name) + 1, "a name");
        *slot = ++set->count;
    }
    set->newest = *number = *slot - 1;
    return true;
}

void label_set_release(LabelSet *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        free(set->names[i]);
    free(set->names);
    hash_index_release(&set->index);
    *set = (LabelSet){.count = 0};
}

char **label_set_give(LabelSet *set, uint32_t *count)
{
    char **names = set->names;

    *count = set->count;
    set->names = NULL;
    set->count = 0;
    label_set_release(set);
    return names;
}
