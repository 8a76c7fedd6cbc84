// NameSets: the sets of types that objects may have, by the functions in their headers, as text:
// see Note [Sets of names] in analysis/names/type_name.h.
//
// A function may have 100,000 symbols and be that of 100,000 types. So the symbols of a function
// are looked at once, each text is kept once, and a text has at most NAME_SET_BYTES.

#ifndef ANALYSIS_NAMES_NAME_SETS_H
#define ANALYSIS_NAMES_NAME_SETS_H

#include "analysis/names/type_name.h"
#include "base/error.h"

// A text that would be longer ends with the number of names that it leaves out and a hash of all of
// them, or, of one long name, lacks its middle and ends with the hash.
#define NAME_SET_BYTES 4096u

typedef struct NameSets NameSets;

typedef struct NameSet {
    const char *text; // borrowed from the NameSets; NULL: no symbol gives a name
    // Of types in the set: TYPE_NAMES_OPEN when the text does not have all of them, 0 when no
    // symbol gives a type (a plain function's name is not one).
    uint32_t count;
} NameSet;

// details: borrowed until name_sets_free(). Errors: memory. The caller owns `*out`.
NODISCARD bool name_sets_new(const SnapshotDetails *details, NameSets **out, Error *error);
void name_sets_free(NameSets *sets);

// The set of types that an object with these two functions can have; they are entries of `types`
// and of `drops` of the details, or NULL, where the snapshot has no entry. Errors: memory.
NODISCARD bool name_sets_find(NameSets *sets, const SnapshotType *trace, const SnapshotType *drop,
                              NameSet *out, Error *error);

// The meanings of the symbols of a function, a bit for each (1 << SYMBOL_TYPE and so on). 0 for
// NULL.
unsigned name_sets_meanings(NameSets *sets, const SnapshotType *function);
// After these: false when memory was short for one of them.
NODISCARD bool name_sets_are_complete(const NameSets *sets, Error *error);

// A copy of the text, of which equal ones are kept once; borrowed. NULL: memory is short, and
// `error` is set.
const char *name_sets_keep(NameSets *sets, const char *text, Error *error);

#endif
