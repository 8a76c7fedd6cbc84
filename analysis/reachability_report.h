// ReachabilityReport: how much of a heap is reachable, and of which sizes, owners and types.
//
// Computed from an image and a mark result alone, so it is the same for every worker
// count, run and machine. Weak references and the stale pointer that an `Option<Gc<T>>`
// keeps after it became `None` count as strong: rule conservative/1 cannot tell them from
// strong references.

#ifndef ANALYSIS_REACHABILITY_REPORT_H
#define ANALYSIS_REACHABILITY_REPORT_H

#include "analysis/graph/residue_words.h"
#include "analysis/group_table.h"
#include "analysis/invalid_references.h"
#include "analysis/possible_totals.h"
#include "analysis/names/type_table.h"
#include "marker/mark.h"
#include "snapshot/heap/heap_image.h"

// The size class under which all large objects are counted.
#define LARGE_SIZE_CLASS UINT64_MAX

// The root words of one kind.
typedef struct RootKindCounts {
    uint64_t words; // in the snapshot
    uint64_t exact; // of them, known to be references
    uint64_t roots; // of them, resolving to an object (DEAD or not) or a foreign block
} RootKindCounts;

// Objects with one type word.
typedef struct ReachabilityType {
    bool has_header; // false: the one group of all objects without an object header
    uint64_t type_word;
    const SnapshotType *details; // its entry in the snapshot, or NULL; borrowed from the image
    char *label;                 // "shop+0x1f40", "type 0x55d0c0001f40", "no object header"; owned
    // All types that it may be: "shop::Order", or NULL; borrowed from type_table.
    const char *name;
    ReachabilityCounts counts; // pages and slots are 0: types share pages
    // Its keys, which differ by drop function and size: a part of type_table->shown_keys.
    uint32_t variant_count;
    const uint32_t *variants;
} ReachabilityType;

typedef struct ReachabilityReport {
    MarkKind kind;
    const char *rule;       // mark_rule_name()
    bool has_guessed_words; // the layout of some live object's type is not known
    bool may_have_none;     // of those words: they may be left over (heap_language_has_none())
    char digest[MARK_DIGEST_CHARS];
    ReachabilityCounts totals;
    uint64_t heap_bytes;     // of all pages, tails of large objects included
    PossibleTotals possible; // upper bounds, where parts of the heap are missing
    uint64_t roots;          // of all kinds
    uint64_t invalid_references;
    // The same by place and target, filled by reachability_report_add_invalid().
    bool knows_invalid;
    InvalidCounts invalid;
    bool
        has_proven_invalid; // one is in a field that holds a reference, by the program's data types
    InvalidReference proven_invalid;
    char proven_field[EDGE_LABEL_CHARS];
    // Reachable without words that look left over (analysis/graph/residue_words.h), as far as that
    // is known; it is filled by reachability_report_add_residue().
    bool knows_residue;
    uint64_t without_residue_objects;
    uint64_t without_residue_bytes;
    uint64_t foreign_blocks;
    uint64_t foreign_bytes;
    uint64_t reachable_foreign_blocks;
    uint64_t reachable_foreign_bytes;
    RootKindCounts root_kinds[ROOT_KIND_COUNT];
    GroupTable size_classes;  // key: slot size in bytes, or LARGE_SIZE_CLASS; ascending
    GroupTable owner_threads; // key: owner thread; ascending
    uint32_t type_count;
    ReachabilityType *types; // ascending by (has_header, type_word)
    // The same in the order in which they are shown: by module name and offset, then those without
    // a known module by type word, objects without a header last.
    const ReachabilityType **shown_types;
    TypeTable *type_table;          // owned
    ReachabilityCounts *key_counts; // of each key of type_table; owned
    // Of each type of type_table; dropped objects that may have lost their type are included.
    // Owned.
    ReachabilityCounts *heap_type_counts;
} ReachabilityReport;

// `image` is borrowed and must outlive the report; `result` is one of its marks.
// Errors: memory. The caller owns `*out` and frees it with reachability_report_free().
NODISCARD bool reachability_report_new(const HeapImage *image, const MarkResult *result,
                                       ReachabilityReport **out, Error *error);
void reachability_report_free(ReachabilityReport *report);

// Counts the invalid references of the report's mark by place and target. Errors: memory.
NODISCARD bool reachability_report_add_invalid(ReachabilityReport *report, const HeapImage *image,
                                               const MarkResult *result, Error *error);

// Finds the words that look left over among the references of the report's mark, which the caller
// releases with residue_words_release(), and counts what is reachable without them. The image is
// changed meanwhile, and as before afterwards. Errors: as mark_reachable().
NODISCARD bool reachability_report_add_residue(ReachabilityReport *report, HeapImage *image,
                                               const MarkResult *result, ResidueWords *residue,
                                               Error *error);

// The type with this type word; not NULL for the type word of an object of the image.
const ReachabilityType *reachability_report_find_type(const ReachabilityReport *report,
                                                      uint64_t type_word);

#endif
