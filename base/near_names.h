// Which names somebody may have meant who wrote one that there is not.

#ifndef BASE_NEAR_NAMES_H
#define BASE_NEAR_NAMES_H

#include <stdint.h>

// The names that there are; `name` gives the i-th.
typedef struct NameList {
    uint64_t count;
    const char *(*name)(const void *context, uint64_t index);
    const void *context;
} NameList;

// Fills `near` with at most `most` names, the likeliest first: those that contain `wrong`, letter
// case aside, then those that fewest edits turn into it. Returns how many; names that have nothing
// to do with it are left out. The strings are the list's.
unsigned near_names_find(NameList list, const char *wrong, const char **near, unsigned most);

#endif
