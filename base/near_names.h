// Near names: the names that a user may have meant by a name that does not exist.

#ifndef BASE_NEAR_NAMES_H
#define BASE_NEAR_NAMES_H

#include <stddef.h>
#include <stdint.h>

// The longest text that edit_distance() takes.
#define EDIT_DISTANCE_MAX 96u

// How many edits (insert, delete or replace a letter, swap two neighbours) turn one text into the
// other; letter case is ignored. Both have at most EDIT_DISTANCE_MAX bytes.
uint32_t edit_distance(const char *from, size_t from_length, const char *to, size_t to_length);

// The names that exist; `name` gives the i-th.
typedef struct NameList {
    uint64_t count;
    const char *(*name)(const void *context, uint64_t index);
    const void *context;
} NameList;

// Fills `near` with at most `most` names, the likeliest first: names whose last part is that of
// `wrong` ("session" of "service::Session<u64>"; letter case is ignored), names that have it as a
// word among their type parameters, names that contain `wrong`, and names within few edits of it.
// All others are left out. Returns the number of names, whose strings are the list's.
unsigned near_names_find(NameList list, const char *wrong, const char **near, unsigned most);

#endif
