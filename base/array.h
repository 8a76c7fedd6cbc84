// The growable array: a malloc'd block of items, with a count and a capacity that its owner keeps.
//
//     if (!array_reserve(&list->items, &list->capacity, list->count + 1, sizeof *list->items,
//                        "the list of pages", error))
//         return false;
//     list->items[list->count++] = item;

#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// Makes room for `wanted` items in all. The capacity grows by half at least, so that adding N items
// one at a time takes time proportional to N.
//
// items: the address of the pointer to the items, which may be NULL as long as *capacity is 0. The
// caller owns the items and frees them with free(). `what` names them in the error message.
// Errors: memory (items and *capacity are as they were).
NODISCARD bool array_reserve(void *items, uint64_t *capacity, uint64_t wanted, size_t item_bytes,
                             const char *what, Error *error);

#endif
