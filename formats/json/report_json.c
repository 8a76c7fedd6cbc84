// The report as JSON: see formats/json/answer_json.h.

#include "formats/json/answer_json.h"

#include "formats/json/answer_parts_internal.h"
#include "formats/json/info_json.h"
#include "formats/json/suspects_json_internal.h"

static void write_counts(JsonWriter *writer, const ReachabilityCounts *counts)
{
    json_unsigned_member(writer, "objects", counts->objects);
    json_unsigned_member(writer, "bytes", counts->object_bytes);
    json_unsigned_member(writer, "reachable_objects", counts->reachable_objects);
    json_unsigned_member(writer, "reachable_bytes", counts->reachable_bytes);
    json_unsigned_member(writer, "unreachable_objects", counts->unreachable_objects);
    json_unsigned_member(writer, "unreachable_bytes", counts->unreachable_bytes);
    json_unsigned_member(writer, "zombies", counts->zombies);
    json_unsigned_member(writer, "zombie_bytes", counts->zombie_bytes);
}

static void write_reachable_sized(JsonWriter *writer, const HeapReport *report)
{
    bool is_known = report->tree != NULL && report->image->details->metadata.sized_blocks_recorded;
    uint64_t blocks = 0, bytes = 0;

    if (is_known)
        object_graph_count_sized(report->tree->graph, &blocks, &bytes);
    answer_json_count_or_null(writer, "reachable_blocks_without_content", is_known, blocks);
    answer_json_count_or_null(writer, "reachable_bytes_without_content", is_known, bytes);
}

static void write_totals(JsonWriter *writer, const HeapReport *report)
{
    const ReachabilityReport *reachability = report->reachability;

    json_key(writer, "totals");
    json_begin_object(writer);
    write_counts(writer, &reachability->totals);
    json_unsigned_member(writer, "pages", reachability->totals.pages);
    json_unsigned_member(writer, "slots", reachability->totals.slots);
    json_unsigned_member(writer, "heap_bytes", reachability->heap_bytes);
    json_unsigned_member(writer, "roots", reachability->roots);
    json_unsigned_member(writer, "invalid_references", reachability->invalid_references);
    answer_json_residue(writer, reachability);
    json_unsigned_member(writer, "foreign_blocks", reachability->foreign_blocks);
    json_unsigned_member(writer, "foreign_bytes", reachability->foreign_bytes);
    json_unsigned_member(writer, "reachable_foreign_blocks",
                         reachability->reachable_foreign_blocks);
    json_unsigned_member(writer, "reachable_foreign_bytes", reachability->reachable_foreign_bytes);
    answer_json_sized(writer, report->image->details);
    write_reachable_sized(writer, report);
    json_end_object(writer);
}

// The collector's own memory, which is not the program's; null without retained sizes.
static void write_collector(JsonWriter *writer, const HeapReport *report)
{
    const CollectorMemory *collector = report->collector;

    json_key(writer, "collector");
    if (report->tree == NULL) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_unsigned_member(writer, "foreign_blocks", collector->block_count);
    json_unsigned_member(writer, "foreign_bytes", collector->block_bytes);
    json_unsigned_member(writer, "kept_objects", collector->kept_objects);
    json_unsigned_member(writer, "kept_bytes", collector->kept_bytes);
    json_end_object(writer);
}

// The older heaps that the report is compared with, oldest first.
static void write_older(JsonWriter *writer, const HeapReport *report)
{
    json_key(writer, "older");
    if (report->older == NULL) {
        json_null(writer);
        return;
    }
    json_begin_array(writer);
    for (uint32_t i = 0; i < report->older->count; i++) {
        const OlderHeap *heap = &report->older->heaps[i];
        char time[UTC_TIME_CHARS];

        json_begin_object(writer);
        json_string_member(writer, "executable", heap->executable);
        json_unsigned_member(writer, "pid", heap->pid);
        format_utc_time(heap->captured_at_ns, time);
        json_string_member(writer, "captured_at", time);
        json_unsigned_member(writer, "reachable_objects", heap->reachable_objects);
        json_unsigned_member(writer, "retained_bytes", heap->program_bytes);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_group_key(JsonWriter *writer, const HeapReport *report, Grouping grouping,
                            uint64_t key)
{
    switch (grouping) {
    case GROUP_BY_TYPE:
        answer_json_type(writer, report->reachability->type_table->types[key].label);
        return;
    case GROUP_BY_SIZE_CLASS:
        json_key(writer, "size_class");
        if (key == LARGE_SIZE_CLASS)
            json_null(writer);
        else
            json_unsigned(writer, key);
        return;
    case GROUP_BY_OWNER_THREAD:
        json_unsigned_member(writer, "owner_thread", key);
        return;
    case GROUP_BY_GENERATION:
        json_unsigned_member(writer, "generation", key);
        return;
    case GROUPING_COUNT:
        return;
    }
}

static void write_groups(JsonWriter *writer, const HeapReport *report, const char *name,
                         Grouping grouping)
{
    json_key(writer, name);
    json_begin_array(writer);
    for (uint32_t i = 0; i < report->groups.counts[grouping]; i++) {
        const HeapGroup *group = &report->groups.groups[grouping][i];

        if (group->counts.objects + group->counts.zombies == 0 && grouping == GROUP_BY_TYPE)
            continue;
        json_begin_object(writer);
        write_group_key(writer, report, grouping, group->key);
        write_counts(writer, &group->counts);
        json_key(writer, "retained_bytes");
        if (report->groups.has_retained)
            json_unsigned(writer, group->retained_bytes);
        else
            json_null(writer);
        if (grouping == GROUP_BY_TYPE)
            report_json_growth(writer,
                               report->type_growth != NULL ? &report->type_growth[i] : NULL);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_retainers(JsonWriter *writer, const HeapReport *report)
{
    json_key(writer, "retainers");
    json_begin_array(writer);
    for (uint32_t i = 0; i < report->retainer_count; i++) {
        uint32_t node = report->retainers[i];

        json_begin_object(writer);
        answer_json_node(writer, report->types, node);
        json_unsigned_member(writer, "retained_bytes", report->tree->retained_bytes[node]);
        json_unsigned_member(writer, "retained_objects", report->tree->retained_objects[node]);
        json_key(writer, "dominator");
        answer_json_keeper(writer, report->tree, report->types, report->tree->dominators[node]);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static const char *keeper_label(const HeapReport *report, uint32_t type)
{
    return type < report->types->type_count ? node_types_label(report->types, type) : "roots";
}

static void write_fragmentation(JsonWriter *writer, const HeapReport *report)
{
    const PageFragmentation *fragmentation = &report->fragmentation;

    json_key(writer, "fragmentation");
    json_begin_object(writer);
    json_unsigned_member(writer, "nearly_empty_percent", NEARLY_EMPTY_SHARE);
    json_key(writer, "size_classes");
    json_begin_array(writer);
    for (uint32_t i = 0; i < fragmentation->class_count; i++) {
        const ClassPages *class = &fragmentation->classes[i];

        json_begin_object(writer);
        json_unsigned_member(writer, "size_class", class->block_size);
        json_unsigned_member(writer, "pages", class->pages);
        json_unsigned_member(writer, "nearly_empty_pages", class->nearly_empty);
        json_unsigned_member(writer, "pages_without_reachable", class->without_reachable);
        json_unsigned_member(writer, "free_bytes", class->free_bytes);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "kept_by");
    json_begin_array(writer);
    for (uint32_t i = 0; i < fragmentation->keeper_count; i++) {
        const PageKeeper *keeper = &fragmentation->keepers[i];

        json_begin_object(writer);
        json_string_member(writer, "type", node_types_label(report->types, keeper->type));
        json_string_member(writer, "dominator_type", keeper_label(report, keeper->kept_by));
        json_unsigned_member(writer, "pages", keeper->pages);
        json_unsigned_member(writer, "objects", keeper->objects);
        json_unsigned_member(writer, "free_bytes", keeper->free_bytes);
        json_address_member(writer, "example",
                            object_graph_address(report->tree->graph, keeper->example));
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}

static void write_owners(JsonWriter *writer, const HeapReport *report)
{
    bool knows_sized = report->image->details->metadata.sized_blocks_recorded;

    json_key(writer, "foreign_owners");
    json_begin_array(writer);
    for (uint32_t i = 0; i < report->groups.owner_count; i++) {
        const ForeignOwner *owner = &report->groups.owners[i];
        const TypeTable *table = report->reachability->type_table;

        json_begin_object(writer);
        json_string_member(writer, "type",
                           owner->type < table->type_count ? table->types[owner->type].label
                                                           : "roots");
        json_unsigned_member(writer, "foreign_blocks", owner->blocks);
        json_unsigned_member(writer, "foreign_bytes", owner->bytes);
        answer_json_count_or_null(writer, "blocks_without_content", knows_sized,
                                  owner->sized_blocks);
        answer_json_count_or_null(writer, "bytes_without_content", knows_sized, owner->sized_bytes);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_freed_member(JsonWriter *writer, const char *key, const FreedCounts *freed)
{
    json_key(writer, key);
    json_begin_object(writer);
    answer_json_freed(writer, freed);
    json_end_object(writer);
}

static void write_ledger(JsonWriter *writer, const HeapReport *report)
{
    // Ascending by name, as in the reachability report.
    static const RootKind order[ROOT_KIND_COUNT] = {
        ROOT_EXPLICIT, ROOT_FOREIGN, ROOT_GLOBAL, ROOT_HANDLE, ROOT_REGISTER, ROOT_STACK, ROOT_TLS,
    };
    const AmbiguityLedger *ledger = &report->ledger;

    json_key(writer, "ambiguity");
    if (report->tree == NULL) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_unsigned_member(writer, "exact_words", ledger->exact_words);
    json_unsigned_member(writer, "conservative_words", ledger->conservative_words);
    json_unsigned_member(writer, "retained_bytes", ledger->conservative_bytes);
    write_freed_member(writer, "stacks_and_registers", &ledger->stacks_and_registers);
    write_freed_member(writer, "interior", &ledger->interior);
    json_key(writer, "kinds");
    json_begin_array(writer);
    for (int i = 0; i < ROOT_KIND_COUNT; i++) {
        const KindLedger *kind = &ledger->kinds[order[i]];

        json_begin_object(writer);
        json_string_member(writer, "kind", root_kind_name(order[i]));
        json_unsigned_member(writer, "words", kind->words);
        json_unsigned_member(writer, "interior_words", kind->interior_words);
        json_unsigned_member(writer, "retained_bytes", kind->retained_bytes);
        json_unsigned_member(writer, "retained_objects", kind->retained_objects);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "words");
    json_begin_array(writer);
    for (uint32_t i = 0; i < ledger->word_count; i++) {
        const RootHolder *holder = dominator_tree_holder(report->tree, ledger->words[i]);
        uint32_t node = report->tree->graph->roots[holder->graph_root].node;

        json_begin_object(writer);
        answer_json_root(writer, report->tree->graph, holder->graph_root);
        json_unsigned_member(writer, "retained_bytes",
                             report->tree->retained_bytes[ledger->words[i]]);
        json_key(writer, "refers_to");
        answer_json_keeper(writer, report->tree, report->types, node);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "uncounted");
    if (ledger->has_counts) {
        json_begin_object(writer);
        json_unsigned_member(writer, "objects", ledger->excess_objects);
        json_unsigned_member(writer, "words", ledger->excess_words);
        json_end_object(writer);
    } else {
        json_null(writer);
    }
    json_end_object(writer);
}

bool report_json_write(JsonSink sink, const HeapReport *report, const char *left_out, Error *error)
{
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", REPORT_SCHEMA);
    answer_json_snapshot(&writer, report->image);
    answer_json_mark(&writer, report->reachability);
    json_string_member(&writer, "left_out", left_out);
    write_older(&writer, report);
    write_totals(&writer, report);
    answer_json_invalid_counts(&writer, report->image, report->reachability);
    write_collector(&writer, report);
    answer_json_account(&writer, &report->image->details->metadata.account);
    report_json_suspects(&writer, report);
    write_groups(&writer, report, "types", GROUP_BY_TYPE);
    write_groups(&writer, report, "size_classes", GROUP_BY_SIZE_CLASS);
    write_groups(&writer, report, "owner_threads", GROUP_BY_OWNER_THREAD);
    write_groups(&writer, report, "generations", GROUP_BY_GENERATION);
    write_retainers(&writer, report);
    write_fragmentation(&writer, report);
    write_owners(&writer, report);
    write_ledger(&writer, report);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}
