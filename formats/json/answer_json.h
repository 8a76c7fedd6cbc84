// The answers about marked heaps as JSON documents: report, retained, path, what-if and diff. Each
// has its schema in formats/schemas/, and is the same bytes for every run and machine.
//
// A document's struct borrows everything in it. Errors of all: those of the sink.

#ifndef FORMATS_JSON_ANSWER_JSON_H
#define FORMATS_JSON_ANSWER_JSON_H

#include "analysis/check/heap_doubts.h"
#include "analysis/check/limit_finding.h"
#include "analysis/graph/merged_paths.h"
#include "analysis/heap_diff.h"
#include "analysis/heap_report.h"
#include "analysis/reachability_report.h"
#include "analysis/retained_report.h"
#include "analysis/what_if.h"
#include "formats/json/json_writer.h"

#define REPORT_SCHEMA "rudo-snap/report/1"

// left_out: why the parts that need the dominator tree are missing, or NULL.
NODISCARD bool report_json_write(JsonSink sink, const HeapReport *report, const char *left_out,
                                 Error *error);

#define RETAINED_SCHEMA "rudo-snap/retained/1"

typedef struct RetainedJson {
    const RetainedReport *report;
    const ReachabilityReport *reachability;
    const RetainedProof *proofs; // NULL: none were requested
    uint32_t proof_count;
} RetainedJson;

NODISCARD bool retained_json_write(JsonSink sink, const RetainedJson *document, Error *error);

#define PATH_SCHEMA "rudo-snap/path/1"

typedef struct PathJson {
    const NodeTypes *types;
    const ReachabilityReport *reachability;
    const char *asked; // the target as the user named it
    uint32_t avoided_count;
    const char *const *avoided;
    const uint8_t *avoided_roots; // as in PathQuery
    uint64_t objects;             // of the target: of a type, or 1
    uint64_t reachable_objects;   // of them
    const RootPaths *paths;       // may be empty
    const MergedPaths *merged;    // NULL: not requested
    uint32_t most_roots;          // listed for each path
    uint64_t lead_objects;        // of a type, on the route of the first path; 0: not a type
} PathJson;

NODISCARD bool path_json_write(JsonSink sink, const PathJson *document, Error *error);

#define WHAT_IF_SCHEMA "rudo-snap/what-if/1"

typedef struct WhatIfJson {
    const HeapImage *image;
    const ReachabilityReport *reachability;
    const WhatIf *what_if;
    uint32_t cut_count;
    const char *const *cuts; // as the user named them
} WhatIfJson;

NODISCARD bool what_if_json_write(JsonSink sink, const WhatIfJson *document, Error *error);

#define DIFF_SCHEMA "rudo-snap/diff/1"

typedef struct DiffJson {
    const HeapDiff *diff;
    const HeapProfile *const *profiles;
    const HeapIdentity *identities; // of each heap
    const HeapDoubts *doubts;       // about the first heap and the last
    uint32_t limit_count;
    const HeapLimit *limits;
    const LimitFinding *findings;
} DiffJson;

NODISCARD bool diff_json_write(JsonSink sink, const DiffJson *document, Error *error);

#endif
