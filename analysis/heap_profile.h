// HeapProfile: the data of a heap that comparing it with others needs, without its image.
//
// Types and paths are kept by their labels, which are the same in every run of a program. Objects
// are kept by page and slot, with the fields that change when a slot is used again: 8 bytes each.

#ifndef ANALYSIS_HEAP_PROFILE_H
#define ANALYSIS_HEAP_PROFILE_H

#include "analysis/graph/merged_paths.h"
#include "analysis/reachability_report.h"

// Identifies a process: equal in two captures of one process, and in no other.
typedef struct ProfileProcess {
    uint32_t pid;
    char executable[256];
    char build_id[64];
    uint64_t base; // load address of the executable: differs each time a program starts
    int64_t captured_at_ns;
} ProfileProcess;

#define PROFILE_BUILD_CHARS 24

typedef struct ProfileType {
    char *label; // owned
    // Of types without names: the beginning of the build id of the module with their trace
    // function. Else "".
    char build[PROFILE_BUILD_CHARS];
    ReachabilityCounts counts;
    uint64_t owned_bytes; // of blocks without content that reachable objects of the type own
} ProfileType;

// Objects whose shortest path from the roots has these steps.
typedef struct ProfilePath {
    // Steps, separated by PROFILE_PATH_SEPARATOR; in front of each the field that refers to it,
    // where it is known, and PROFILE_FIELD_END. Owned.
    char *label;
    uint64_t objects;
    uint64_t bytes;
    uint64_t owned_bytes; // of blocks without content that these own
} ProfilePath;

#define PROFILE_PATH_SEPARATOR '\n'
#define PROFILE_FIELD_END '\t'
// Maximum number of paths: the largest are kept.
#define PROFILE_MAX_PATHS 20000u

typedef struct ProfilePage {
    uint64_t address;
    uint32_t block_size;
    uint32_t owner_thread;
    uint32_t generation;
    uint32_t slot_count;
    uint32_t reachable;    // objects
    uint64_t first_word;   // of its live bits in HeapProfile.live
    uint64_t first_object; // of its live objects
    bool is_large;
} ProfilePage;

// A live object, whose place follows from its index.
typedef struct ProfileObject {
    uint32_t type;            // index into HeapProfile.types
    uint32_t generation : 30; // from its header: the number of uses of its slot, or 0
    uint32_t is_old : 1;      // from its header: it survived a collection
    uint32_t is_reachable : 1;
} ProfileObject;

typedef struct HeapProfile {
    ProfileProcess process;
    char digest[MARK_DIGEST_CHARS];
    ReachabilityCounts totals;
    uint64_t heap_bytes;
    uint64_t foreign_blocks; // reached
    uint64_t foreign_bytes;
    bool knows_owned;     // the next one, and owned_bytes everywhere, are known
    uint64_t sized_bytes; // of blocks without content, reached
    uint32_t type_count;
    ProfileType *types; // ascending by label
    bool has_paths;     // false: left out because of a memory limit
    bool knows_fields;  // steps of paths have the fields that refer to them, where they have names
    uint32_t path_count;
    ProfilePath *paths; // ascending by label
    uint32_t page_count;
    ProfilePage *pages; // ascending by address
    uint64_t *live;
    uint64_t object_count;
    ProfileObject *objects;
} HeapProfile;

// merged: the paths to all objects and blocks, or NULL; types: those of `merged`, or without paths
// those of the heap, or NULL: the bytes that objects own are not known then. The profile keeps no
// pointer to any of them. Errors: memory. The caller owns `*out` and frees it with
// heap_profile_free().
NODISCARD bool heap_profile_new(const HeapImage *image, const MarkResult *mark,
                                const ReachabilityReport *report, const MergedPaths *merged,
                                const NodeTypes *types, HeapProfile **out, Error *error);
void heap_profile_free(HeapProfile *profile);

// Makes the paths of some heaps comparable: leaves fields out where not all of them know them.
void heap_profiles_match(HeapProfile *const *profiles, uint32_t count);

#endif
