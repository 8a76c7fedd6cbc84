// HeapDoubts: the reasons for which limits of a heap, or of its growth since another one, were not
// measured: "no growth" and "not compared" must not look alike.
//
//     HeapIdentity before, after;
//     heap_identity_make(image, report, &before); ...
//     heap_doubts_find(&(DoubtQuestion){.heap = &after, .heap_name = "the heap",
//                                       .baseline = &before, .baseline_name = "the baseline"},
//                      &doubts);

#ifndef ANALYSIS_CHECK_HEAP_DOUBTS_H
#define ANALYSIS_CHECK_HEAP_DOUBTS_H

#include "analysis/reachability_report.h"

// The properties of a heap that decide whether its figures are whole, and comparable with another
// heap's.
typedef struct HeapIdentity {
    bool is_complete;
    bool has_references; // the next one is known
    uint64_t references_overlooked;
    ForeignMode foreign_mode;
    bool has_foreign_share; // much malloc'd memory was taken as roots
    bool has_names;         // some type of it has a name, or it has no objects
    bool knows_sizes;       // of malloc'd blocks without content
    const char *rule;       // static
    char layout[64];
    uint32_t page_size;
    char executable[256];
    uint32_t pid;
    int64_t captured_at_ns;
    char digest[MARK_DIGEST_CHARS];
} HeapIdentity;

void heap_identity_make(const HeapImage *image, const ReachabilityReport *report,
                        HeapIdentity *out);

typedef enum DoubtKind {
    DOUBT_INCOMPLETE,   // parts of a heap are missing
    DOUBT_OVERLOOKED,   // objects have fewer references than they count
    DOUBT_NAMES,        // no type has a name, and a limit names one that was not found
    DOUBT_SIZES,        // sizes of malloc'd blocks were not recorded, and a limit is about them
    DOUBT_FOREIGN_MODE, // malloc'd memory was treated differently
    DOUBT_RULE,         // they were marked by different rules
    DOUBT_LAYOUT,       // they have different layouts
    DOUBT_PROGRAM,      // they are of different programs
    DOUBT_SAME_FILE,    // they are one and the same
    DOUBT_KIND_COUNT,
} DoubtKind;

// "incomplete", "overlooked", ...: as `--allow` takes them.
const char *doubt_kind_name(DoubtKind kind);

typedef struct HeapDoubt {
    DoubtKind kind;
    bool is_allowed;
    char text[700];
} HeapDoubt;

// At most one of each kind about the heap, and one about the baseline.
#define MOST_DOUBTS (2u * DOUBT_KIND_COUNT)

typedef struct HeapDoubts {
    uint32_t count;
    HeapDoubt doubts[MOST_DOUBTS];
} HeapDoubts;

// Bit per DoubtKind.
typedef uint32_t DoubtKinds;

typedef struct DoubtQuestion {
    const HeapIdentity *heap;
    const HeapIdentity *baseline; // NULL: none
    const char *heap_name;        // "the heap"
    const char *baseline_name;
    bool misses_names;       // a limit names a type that occurs in neither
    bool needs_sizes;        // a limit is about the heap's malloc'd memory
    bool needs_sizes_before; // likewise, about the baseline's
    DoubtKinds allowed;
} DoubtQuestion;

void heap_doubts_find(const DoubtQuestion *question, HeapDoubts *out);

// Is one of them not allowed?
bool heap_doubts_matter(const HeapDoubts *doubts);

// Adds the kind that a text names, as `--allow` takes it. Errors: usage (there is no such kind).
NODISCARD bool doubt_kinds_add(DoubtKinds *kinds, const char *text, Error *error);

#endif
