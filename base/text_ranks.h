// TextRanks: the order of many texts as numbers.
//
// Texts from a file may have long beginnings in common, and one text may stand for many things. So
// texts are compared once: what is sorted or told apart by text after that, is so by number.

#ifndef BASE_TEXT_RANKS_H
#define BASE_TEXT_RANKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// Gives each text its rank: equal texts have the same, others are in the order of strcmp(). Texts
// may be the same pointers; these are compared without looking at them. NULL is "".
// Errors: memory.
NODISCARD bool text_ranks_make(const char *const *texts, uint64_t count, uint32_t *ranks,
                               Error *error);

#endif
