// AmbiguityLedger: what is alive only because words count as references that may be none.
//
// Words of registers, stacks and memory only look like references. What single words, threads and
// kinds of them alone keep alive stands in the dominator tree. What all words on stacks and in
// registers keep alive together, or all that point inside an object, is found by marking without
// them.
//
// Weak references and stale words of None look like strong ones. Where the heap counts references,
// objects to which more words refer than were counted show how many such words there are at least.
// Which of the words they are nobody can tell; so how much they keep alive is not known.

#ifndef ANALYSIS_AMBIGUITY_LEDGER_H
#define ANALYSIS_AMBIGUITY_LEDGER_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/heap_cut.h"
#include "analysis/graph/node_types.h"

#define LEDGER_WORDS 10u

// What one kind of conservative words alone keeps alive.
typedef struct KindLedger {
    uint64_t words;
    uint64_t interior_words;
    uint64_t retained_bytes;
    uint64_t retained_objects;
} KindLedger;

typedef struct AmbiguityLedger {
    uint64_t exact_words;
    uint64_t conservative_words;
    uint64_t conservative_bytes; // held by conservative words alone
    KindLedger kinds[ROOT_KIND_COUNT];
    FreedCounts stacks_and_registers; // conservative ones, together
    FreedCounts interior;             // words that point inside an object, together
    uint32_t word_count;
    uint32_t words[LEDGER_WORDS]; // nodes of the tree: the conservative words that keep most alive
    bool has_counts;              // the heap counts references
    uint64_t excess_objects;      // with more words referring to them than were counted
    uint64_t excess_words;        // more than were counted
} AmbiguityLedger;

// Errors: as mark_reachable().
NODISCARD bool ambiguity_ledger_make(const DominatorTree *tree, AmbiguityLedger *out, Error *error);

#endif
