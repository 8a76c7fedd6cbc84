// The growable array: see base/array.h.

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_CAPACITY 16u

bool array_reserve(void *items, uint64_t *capacity, uint64_t wanted, size_t item_bytes,
                   const char *what, Error *error)
{
    uint64_t room = *capacity + *capacity / 2;
    void *old, *larger = NULL;

    if (wanted <= *capacity)
        return true;
    if (room < wanted)
        room = wanted;
    if (room < LEAST_CAPACITY)
        room = LEAST_CAPACITY;
    // A pointer of any type is read and written as bytes: its type is the caller's.
    memcpy(&old, items, sizeof old);
    // No allocator hands out more than PTRDIFF_MAX bytes.
    if (room <= PTRDIFF_MAX / item_bytes)
        larger = realloc(old, (size_t)room * item_bytes);
    if (larger == NULL)
        return error_set_memory(error, room * item_bytes, what);
    memcpy(items, &larger, sizeof larger);
    *capacity = room;
    return true;
}
