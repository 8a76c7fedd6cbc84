// AmbiguityLedger: the memory that is alive only because conservative words count as references.
//
// Words of registers, stacks and memory only look like references. The dominator tree has the size
// that single words, threads and kinds of words alone keep alive. The size that all words on stacks
// and in registers keep alive together, and that of all words that point inside an object, are
// found by marking without them.
//
// Weak references and stale words of None look like strong ones. Where the heap counts references,
// objects to which more words refer than were counted give a lower bound for the number of such
// words. Which of the words they are cannot be distinguished, so the size that they keep alive is
// not known.

#ifndef ANALYSIS_AMBIGUITY_LEDGER_H
#define ANALYSIS_AMBIGUITY_LEDGER_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/heap_cut.h"
#include "analysis/graph/node_types.h"

#define LEDGER_WORDS 10u

// Words of one kind, and the size that they alone keep alive.
typedef struct KindLedger {
    uint64_t words;
    uint64_t interior_words;
    uint64_t retained_bytes;
    uint64_t retained_objects;
} KindLedger;

typedef struct AmbiguityLedger {
    uint64_t exact_words;
    uint64_t conservative_words;
    uint64_t conservative_bytes; // kept alive by conservative words alone
    KindLedger kinds[ROOT_KIND_COUNT];
    FreedCounts stacks_and_registers; // conservative ones, together
    FreedCounts interior;             // words that point inside an object, together
    uint32_t word_count;
    uint32_t words[LEDGER_WORDS]; // nodes of the tree: the conservative words that keep most alive
    bool has_counts;              // the heap counts references
    uint64_t excess_objects;      // objects to which more words refer than their headers count
    uint64_t excess_words;        // the number of words above those counts
} AmbiguityLedger;

// Errors: as mark_reachable().
NODISCARD bool ambiguity_ledger_make(const DominatorTree *tree, AmbiguityLedger *out, Error *error);

#endif
