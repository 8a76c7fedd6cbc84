// What the names in a snapshot say about the language of its program.

#ifndef ANALYSIS_NAMES_HEAP_LANGUAGE_H
#define ANALYSIS_NAMES_HEAP_LANGUAGE_H

#include <stdbool.h>

#include "snapshot/heap/heap_image.h"

// May values of the program keep a reference after its last use, as an Option<Gc<T>> of Rust that
// became None? True of the layouts of rudo-gc unless the functions of the types are named and none
// is Rust's; of other layouts, if one of them is.
bool heap_language_has_none(const HeapImage *image);

#endif
