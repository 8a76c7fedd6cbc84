// Parts that the JSON documents about a marked heap share.

#ifndef FORMATS_JSON_ANSWER_PARTS_INTERNAL_H
#define FORMATS_JSON_ANSWER_PARTS_INTERNAL_H

#include "analysis/check/heap_doubts.h"
#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/heap_cut.h"
#include "analysis/graph/node_types.h"
#include "analysis/reachability_report.h"
#include "analysis/graph/root_paths.h"
#include "formats/json/json_writer.h"

// "snapshot": the properties of the capture that matter for the figures.
void answer_json_snapshot(JsonWriter *writer, const HeapImage *image);
// "references_overlooked": a number of objects, or null.
void answer_json_references(JsonWriter *writer, const SnapshotMetadata *metadata);
// Members about the memory that was searched for roots; numbers are null where they were not
// counted.
void answer_json_root_memory(JsonWriter *writer, const SnapshotMetadata *metadata);
// A number, or null: it is not known.
void answer_json_count_or_null(JsonWriter *writer, const char *name, bool is_known, uint64_t count);
// "blocks_without_content" and "bytes_without_content": all that are recorded, or null.
void answer_json_sized(JsonWriter *writer, const SnapshotDetails *details);
// "memory": the account of the resident memory, or null: not recorded.
void answer_json_account(JsonWriter *writer, const MemoryAccount *account);
// "mark": the rule of the figures and its digest.
// The members of one invalid reference. field: or NULL.
void answer_json_invalid(JsonWriter *writer, const HeapImage *image,
                         const ReachabilityReport *report, const InvalidReference *reference,
                         const char *field);
// "type" and "type_label", both the label of the type as commands show and take it. (In documents
// about a mark, "type" is the place of the trace function.)
void answer_json_type(JsonWriter *writer, const char *label);

// "invalid": how many there are, by where they are and what they point to, and the first that is
// proven to be in a field that holds a reference; null where they were not counted.
void answer_json_invalid_counts(JsonWriter *writer, const HeapImage *image,
                                const ReachabilityReport *report);
// The members of `totals` that say what is reachable without words that look left over.
void answer_json_residue(JsonWriter *writer, const ReachabilityReport *report);
void answer_json_mark(JsonWriter *writer, const ReachabilityReport *report);
// "graph": the numbers of nodes and references.
void answer_json_graph(JsonWriter *writer, const ObjectGraph *graph);

// Members of an object about a node: kind ("object", "foreign block"), address, type, bytes.
void answer_json_node(JsonWriter *writer, const NodeTypes *types, uint32_t node);
// An array: the nodes of a path, each with the offset of its reference to the next one.
void answer_json_steps(JsonWriter *writer, const NodeTypes *types, const RootPath *path);
// The same of a path with more than `most` (0: any number) steps without those in its middle, which
// {"left_out": N} stands for. Returns N.
uint64_t answer_json_some_steps(JsonWriter *writer, const NodeTypes *types, const RootPath *path,
                                uint32_t most);
// Members of an object about a root word: kind ("root"), label, root kind, thread, address, exact,
// interior.
void answer_json_root(JsonWriter *writer, const ObjectGraph *graph, uint64_t graph_root);
// The same for any root word of an image.
void answer_json_root_word(JsonWriter *writer, const HeapImage *image, const Root *root,
                           bool is_interior);
// An object: a node, a root word or several roots, as what keeps a node alive.
void answer_json_keeper(JsonWriter *writer, const DominatorTree *tree, const NodeTypes *types,
                        uint32_t node);
// "not_measured": the reasons for which limits do not count as measured.
void answer_json_doubts(JsonWriter *writer, const HeapDoubts *doubts);
// Members about the memory that would be freed.
void answer_json_freed(JsonWriter *writer, const FreedCounts *freed);

#endif
