// Parts of JSON documents: see formats/json/answer_parts_internal.h.

#include "formats/json/answer_parts_internal.h"

#include <stdlib.h>

#include "analysis/graph/holder_label.h"
#include "analysis/names/root_label.h"
#include "snapshot/heap/snapshot_machine.h"

void answer_json_count_or_null(JsonWriter *writer, const char *name, bool is_known, uint64_t count)
{
    if (is_known) {
        json_unsigned_member(writer, name, count);
        return;
    }
    json_key(writer, name);
    json_null(writer);
}

void answer_json_sized(JsonWriter *writer, const SnapshotDetails *details)
{
    bool is_known = details->metadata.sized_blocks_recorded;
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < details->sized_block_count; i++)
        bytes += sized_block_bytes(&details->sized_blocks[i]);
    answer_json_count_or_null(writer, "blocks_without_content", is_known,
                              details->sized_block_count);
    answer_json_count_or_null(writer, "bytes_without_content", is_known, bytes);
}

void answer_json_account(JsonWriter *writer, const MemoryAccount *account)
{
    json_key(writer, "memory");
    if (!account->is_recorded) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_unsigned_member(writer, "resident_bytes", account->resident);
    json_unsigned_member(writer, "object_bytes", account->objects);
    json_unsigned_member(writer, "zombie_bytes", account->zombies);
    json_unsigned_member(writer, "free_slot_bytes", account->free_slots);
    json_unsigned_member(writer, "page_header_bytes", account->page_headers);
    json_unsigned_member(writer, "malloc_of_objects_bytes", account->owned_blocks);
    json_unsigned_member(writer, "malloc_shared_bytes", account->shared_blocks);
    json_unsigned_member(writer, "malloc_of_roots_bytes", account->rooted_blocks);
    json_unsigned_member(writer, "malloc_other_bytes", account->other_blocks);
    json_unsigned_member(writer, "malloc_free_bytes", account->free_blocks);
    json_unsigned_member(writer, "stack_bytes", account->stacks);
    json_unsigned_member(writer, "variable_bytes", account->variables);
    json_unsigned_member(writer, "file_bytes", account->files);
    json_unsigned_member(writer, "other_bytes", account->other);
    json_unsigned_member(writer, "explained_bytes", memory_account_explained(account));
    json_end_object(writer);
}

void answer_json_references(JsonWriter *writer, const SnapshotMetadata *metadata)
{
    answer_json_count_or_null(writer, "references_overlooked", metadata->references_counted,
                              metadata->references_overlooked);
}

void answer_json_root_memory(JsonWriter *writer, const SnapshotMetadata *metadata)
{
    bool is_known = metadata->roots_measured;

    answer_json_count_or_null(writer, "outside_bytes", is_known, metadata->outside_bytes);
    answer_json_count_or_null(writer, "foreign_root_percent", is_known,
                              snapshot_metadata_foreign_percent(metadata));
    answer_json_count_or_null(writer, "shared_root_bytes", is_known, metadata->shared_root_bytes);
    answer_json_count_or_null(writer, "shared_skipped_bytes", is_known,
                              metadata->shared_skipped_bytes);
    json_string_member(writer, "shared_note", metadata->shared_note);
}

void answer_json_snapshot(JsonWriter *writer, const HeapImage *image)
{
    const SnapshotMetadata *metadata = &image->details->metadata;
    char machine[SNAPSHOT_MACHINE_CHARS];

    json_key(writer, "snapshot");
    json_begin_object(writer);
    json_string_member(writer, "layout", image->layout.name);
    json_unsigned_member(writer, "page_size", image->layout.page_size);
    json_string_member(writer, "machine", snapshot_machine_name(image->details->machine, machine));
    json_string_member(writer, "foreign_mode", foreign_mode_name(metadata->foreign_mode));
    json_string_member(writer, "foreign_requested", foreign_mode_name(metadata->foreign_requested));
    json_unsigned_member(writer, "foreign_root_bytes", metadata->foreign_root_bytes);
    json_string_member(writer, "foreign_note", metadata->foreign_note);
    json_boolean_member(writer, "complete", metadata->is_complete);
    json_string_member(writer, "missing", metadata->missing);
    answer_json_references(writer, metadata);
    answer_json_root_memory(writer, metadata);
    json_end_object(writer);
}

void answer_json_type(JsonWriter *writer, const char *label)
{
    json_string_member(writer, "type", label);
    json_string_member(writer, "type_label", label);
}

void answer_json_invalid(JsonWriter *writer, const HeapImage *image,
                         const ReachabilityReport *report, const InvalidReference *reference,
                         const char *field)
{
    bool is_block = reference->page == NO_INDEX;
    const TypeTable *table = report->type_table;
    const char *type = NULL;
    HeapType known = {.name = NULL};

    if (!is_block) {
        TypeKey key = type_key_of(image, reference->page, reference->slot);

        known = table->types[type_table_find(table, image, reference->page, reference->slot)];
        if (key.block_size != 0)
            type = reachability_report_find_type(report, key.trace)->label;
    }
    json_address_member(writer, "source",
                        is_block
                            ? image->blocks[reference->block].address
                            : heap_image_object_address(image, reference->page, reference->slot));
    json_string_member(writer, "source_kind", is_block ? "foreign block" : "object");
    json_string_member(writer, "type", type);
    json_string_member(writer, "type_label", known.label);
    json_string_member(writer, "name", known.name);
    json_unsigned_member(writer, "offset", reference->offset);
    json_string_member(writer, "field", field);
    json_address_member(writer, "target", reference->target);
    json_string_member(writer, "kind", invalid_kind_name(reference->kind));
}

static void write_invalid_kinds(JsonWriter *writer, const char *key,
                                const uint64_t counts[INVALID_KIND_COUNT])
{
    json_key(writer, key);
    json_begin_object(writer);
    json_unsigned_member(writer, "free_slot", counts[INVALID_FREE_SLOT]);
    json_unsigned_member(writer, "interior", counts[INVALID_INTERIOR]);
    json_unsigned_member(writer, "page_header", counts[INVALID_PAGE_HEADER]);
    json_unsigned_member(writer, "unused_end", counts[INVALID_UNUSED_END]);
    json_end_object(writer);
}

void answer_json_invalid_counts(JsonWriter *writer, const HeapImage *image,
                                const ReachabilityReport *report)
{
    json_key(writer, "invalid");
    if (!report->knows_invalid) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    write_invalid_kinds(writer, "roots", report->invalid.roots);
    write_invalid_kinds(writer, "objects", report->invalid.objects);
    write_invalid_kinds(writer, "foreign_blocks", report->invalid.blocks);
    json_key(writer, "first_proven");
    if (report->has_proven_invalid) {
        json_begin_object(writer);
        answer_json_invalid(writer, image, report, &report->proven_invalid, report->proven_field);
        json_end_object(writer);
    } else {
        json_null(writer);
    }
    json_end_object(writer);
}

void answer_json_residue(JsonWriter *writer, const ReachabilityReport *report)
{
    if (report->knows_residue) {
        json_unsigned_member(writer, "reachable_without_residue_objects",
                             report->without_residue_objects);
        json_unsigned_member(writer, "reachable_without_residue_bytes",
                             report->without_residue_bytes);
        return;
    }
    json_key(writer, "reachable_without_residue_objects");
    json_null(writer);
    json_key(writer, "reachable_without_residue_bytes");
    json_null(writer);
}

void answer_json_mark(JsonWriter *writer, const ReachabilityReport *report)
{
    json_key(writer, "mark");
    json_begin_object(writer);
    json_string_member(writer, "kind", mark_kind_name(report->kind));
    json_string_member(writer, "rule", report->rule);
    json_string_member(writer, "digest", report->digest);
    // References that the rule counts as strong although they may not be.
    json_key(writer, "counted_as_strong");
    json_begin_array(writer);
    if (report->may_have_none)
        json_string(writer, "stale words of None");
    if (report->has_guessed_words)
        json_string(writer, "weak references");
    json_end_array(writer);
    json_end_object(writer);
}

void answer_json_graph(JsonWriter *writer, const ObjectGraph *graph)
{
    const MarkTotals *totals = &graph->mark->totals;

    json_key(writer, "graph");
    json_begin_object(writer);
    json_unsigned_member(writer, "objects", graph->object_count);
    json_unsigned_member(writer, "object_bytes", totals->marked_bytes);
    json_unsigned_member(writer, "foreign_blocks", graph->node_count - graph->object_count);
    json_unsigned_member(writer, "foreign_bytes", totals->marked_block_bytes);
    json_unsigned_member(writer, "references", graph->edge_count);
    json_unsigned_member(writer, "roots", graph->root_count + graph->roots_left_out);
    json_end_object(writer);
}

void answer_json_node(JsonWriter *writer, const NodeTypes *types, uint32_t node)
{
    const ObjectGraph *graph = types->graph;

    json_string_member(writer, "kind",
                       object_graph_is_block(graph, node) ? "foreign block" : "object");
    json_address_member(writer, "address", object_graph_address(graph, node));
    json_string_member(writer, "type", node_types_label(types, types->by_node[node]));
    json_unsigned_member(writer, "bytes", object_graph_bytes_of(graph, node));
}

static void write_no_edge(JsonWriter *writer)
{
    json_key(writer, "offset");
    json_null(writer);
    json_string_member(writer, "field", NULL);
    json_string_member(writer, "reference", NULL);
}

static void write_edge(JsonWriter *writer, const NodeTypes *types, uint32_t node, uint32_t target)
{
    EdgeLabel label;
    uint64_t offset;

    if (!edge_label_between(&types->labels, types->graph, node, target, &label, &offset)) {
        write_no_edge(writer);
        return;
    }
    json_unsigned_member(writer, "offset", offset);
    json_string_member(writer, "field", label.is_named ? label.text : NULL);
    json_string_member(writer, "reference", edge_kind_name(label.kind));
}

uint64_t answer_json_some_steps(JsonWriter *writer, const NodeTypes *types, const RootPath *path,
                                uint32_t most)
{
    uint32_t left_out = most != 0 && path->length > most ? path->length - most : 0;

    json_begin_array(writer);
    for (uint32_t i = 0; i < path->length; i++) {
        json_begin_object(writer);
        if (left_out > 0 && i == most / 2) {
            json_unsigned_member(writer, "left_out", left_out);
            json_end_object(writer);
            json_begin_object(writer);
            i += left_out;
        }
        answer_json_node(writer, types, path->nodes[i]);
        if (i + 1 < path->length)
            write_edge(writer, types, path->nodes[i], path->nodes[i + 1]);
        else
            write_no_edge(writer);
        json_end_object(writer);
    }
    json_end_array(writer);
    return left_out;
}

void answer_json_steps(JsonWriter *writer, const NodeTypes *types, const RootPath *path)
{
    (void)answer_json_some_steps(writer, types, path, 0);
}

void answer_json_root_word(JsonWriter *writer, const HeapImage *image, const Root *root,
                           bool is_interior)
{
    const SnapshotDetails *details = image->details;
    char *label = root_label(details, root);

    json_string_member(writer, "kind", "root");
    json_string_member(writer, "label", label);
    json_string_member(writer, "root_kind", root_kind_name((RootKind)root->kind));
    json_key(writer, "tid");
    if (root->thread < details->thread_count)
        json_unsigned(writer, details->threads[root->thread].tid);
    else
        json_null(writer);
    json_address_member(writer, "address", root->address);
    json_boolean_member(writer, "exact", root->is_exact != 0);
    json_boolean_member(writer, "interior", is_interior);
    free(label);
}

void answer_json_root(JsonWriter *writer, const ObjectGraph *graph, uint64_t graph_root)
{
    const GraphRoot *record = &graph->roots[graph_root];

    answer_json_root_word(writer, graph->image, &graph->image->roots[record->root],
                          record->is_interior);
}

void answer_json_keeper(JsonWriter *writer, const DominatorTree *tree, const NodeTypes *types,
                        uint32_t node)
{
    json_begin_object(writer);
    if (!dominator_tree_is_holder(tree, node)) {
        answer_json_node(writer, types, node);
    } else if (dominator_tree_holder(tree, node)->level == HOLDER_WORD) {
        answer_json_root(writer, tree->graph, dominator_tree_holder(tree, node)->graph_root);
    } else {
        char *label = holder_label(tree, dominator_tree_holder(tree, node));

        json_string_member(writer, "kind", "roots");
        json_string_member(writer, "label", label);
        free(label);
    }
    json_end_object(writer);
}

void answer_json_freed(JsonWriter *writer, const FreedCounts *freed)
{
    json_unsigned_member(writer, "freed_bytes", freed_bytes(freed));
    json_unsigned_member(writer, "freed_objects", freed->objects);
    json_unsigned_member(writer, "freed_object_bytes", freed->object_bytes);
    json_unsigned_member(writer, "freed_foreign_blocks", freed->blocks);
    json_unsigned_member(writer, "freed_foreign_bytes", freed->block_bytes);
    json_unsigned_member(writer, "freed_blocks_without_content", freed->sized_blocks);
    json_unsigned_member(writer, "freed_bytes_without_content", freed->sized_bytes);
}

void answer_json_doubts(JsonWriter *writer, const HeapDoubts *doubts)
{
    json_key(writer, "not_measured");
    json_begin_array(writer);
    for (uint32_t i = 0; i < doubts->count; i++) {
        json_begin_object(writer);
        json_string_member(writer, "reason", doubt_kind_name(doubts->doubts[i].kind));
        json_string_member(writer, "text", doubts->doubts[i].text);
        json_boolean_member(writer, "allowed", doubts->doubts[i].is_allowed);
        json_end_object(writer);
    }
    json_end_array(writer);
}
