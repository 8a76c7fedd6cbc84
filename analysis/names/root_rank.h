// RootRanks: how well each root explains why an object is alive.
//
// Of several words that refer to an object, the one is shown that a person can act on: a variable
// or a frame of the program's own code before one of a library, memory before registers, the start
// of an object before its inside, and last those behind which lie unused parts of buffers, or words
// that the collector keeps for itself.
//
//     RootRanks ranks;
//     root_ranks_init(&ranks, image);
//     RootRank rank = root_ranks_of(&ranks, &image->roots[i], is_interior);
//     root_ranks_release(&ranks);

#ifndef ANALYSIS_NAMES_ROOT_RANK_H
#define ANALYSIS_NAMES_ROOT_RANK_H

#include "snapshot/heap/heap_image.h"

// The better ones first.
typedef enum RootRank {
    ROOT_RANK_EXACT = 0, // known to be a reference
    ROOT_RANK_TOLD,      // of a handle, or told by the program
    ROOT_RANK_VARIABLE,  // a variable of the program
    ROOT_RANK_FRAME,     // a frame of the program's own code, or of the executable's unnamed code
    ROOT_RANK_OTHER_FRAME,
    ROOT_RANK_REGISTER,
    ROOT_RANK_VECTOR_REGISTER,
    ROOT_RANK_MEMORY, // malloc'd memory that was taken as roots
    ROOT_RANK_INTERIOR,
    ROOT_RANK_OTHER_VARIABLE, // of a library: behind it are buffers with unused parts
    ROOT_RANK_COLLECTOR,      // a variable of the collector
    ROOT_RANK_COUNT,
} RootRank;

// Roots of one tier explain about as well: among them, the shortest path counts.
#define ROOT_TIER_COUNT 6u
unsigned root_rank_tier(RootRank rank);

// The frames of one stack, for finding them by address.
typedef struct RankedFrame {
    uint64_t start;
    uint64_t end;
    RootRank rank;
} RankedFrame;

typedef struct RootRanks {
    const SnapshotDetails *details; // borrowed
    const char *collector;          // the prefix of its names; NULL: not known
    uint32_t executable;            // index into modules; NO_INDEX: not known
    uint64_t executable_limit;      // where the module behind it begins
    // The frames of the stack that was asked about last; ascending by start.
    const SnapshotStack *stack;
    uint32_t frame_count;
    RankedFrame *frames; // owned
    uint64_t frame_capacity;
} RootRanks;

// `image` is borrowed and must outlive the ranks. Roots are best asked about in their order.
void root_ranks_init(RootRanks *ranks, const HeapImage *image);
void root_ranks_release(RootRanks *ranks);

// is_interior: the root points inside an object, not to its start. Where memory is short, frames
// are not told apart.
RootRank root_ranks_of(RootRanks *ranks, const Root *root, bool is_interior);

// Does the root lie in a variable of the collector?
bool root_ranks_is_collector(const RootRanks *ranks, const Root *root);

// Is a function or variable of this name one of the standard library, or of the crate or namespace
// `prefix`, such as "rudo_gc::" (NULL: none)? "<alloc::vec::Vec<T> as Drop>::drop" is.
bool name_is_of_library(const char *name, const char *prefix);

#endif
