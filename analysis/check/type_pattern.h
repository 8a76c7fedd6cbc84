// TypePattern: the types that a limit names.
//
//     shop::Order      a type: by its label, one of the names in it ("i64" of "i64 | u64"), or its
//                      last parts ("Order"); of several kinds of fits the best one counts
//     shop::*          all types whose whole name fits: '*' stands for any characters, '?' for one;
//                      a backslash takes their meaning. "no type" and "foreign block" are not types
//                      here; their names alone select them

#ifndef ANALYSIS_CHECK_TYPE_PATTERN_H
#define ANALYSIS_CHECK_TYPE_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/names/type_fit.h"
#include "base/near_names.h"

// Does the text hold a '*' or a '?' that stands for other characters?
bool type_pattern_is_glob(const char *pattern);

TypeFit type_pattern_fit(const char *pattern, const char *label);

// Sets `is_selected`, by index, for the labels that fit, and clears it for the others: of a glob
// all that fit, of a name those that fit best. Returns their number.
uint64_t type_pattern_select(const char *pattern, NameList labels, bool *is_selected);

#endif
