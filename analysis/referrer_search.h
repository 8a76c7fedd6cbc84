// Referrers: the words of a heap that refer to an object, a block, or any other stretch of memory.
//
// All live objects, all blocks and all root words are searched, reachable or not, in the captured
// bytes: so garbage has referrers, too, and so has a slot that was freed too early. A word counts
// as it does for marking (rule conservative/1): to an object it refers by its start, from a stack
// or a register by any address inside; to a block by any address inside. To memory that is not an
// object any word into it counts.

#ifndef ANALYSIS_REFERRER_SEARCH_H
#define ANALYSIS_REFERRER_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/heap_place.h"
#include "base/error.h"
#include "marker/mark.h"
#include "snapshot/heap/heap_image.h"

// An object or block with words that refer to the place.
typedef struct Referrer {
    uint32_t page; // NO_INDEX: a block
    uint32_t slot;
    uint32_t block;
    bool is_reachable;
    uint64_t offset; // of the first of its words, in the object or block
    uint64_t target; // the value of that word
    uint64_t words;
} Referrer;

// Objects and blocks that are listed at most; all are counted.
#define REFERRERS_LISTED 100000u

typedef struct Referrers {
    uint64_t root_count; // root words
    uint64_t root_capacity;
    uint64_t *roots;        // indices into HeapImage.roots, at most REFERRERS_LISTED; owned
    uint64_t node_count;    // objects and blocks
    uint64_t node_words;    // their words
    uint64_t garbage_count; // objects and blocks among them that are not reachable
    uint64_t listed;
    uint64_t capacity;
    Referrer *nodes; // reachable ones first, objects before blocks, ascending by address; owned
} Referrers;

// `mark` is a mark of `image`. Errors: memory. Released by referrers_release() in any case.
NODISCARD bool referrers_find(const HeapImage *image, const MarkResult *mark,
                              const HeapPlace *place, Referrers *out, Error *error);
void referrers_release(Referrers *referrers);

#endif
