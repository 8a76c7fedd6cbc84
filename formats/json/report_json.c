// The report as JSON: see formats/json/answer_json.h.

#include "formats/json/answer_json.h"

#include <stdlib.h>

#include "formats/json/answer_parts_internal.h"
#include "formats/json/info_json.h"
#include "formats/json/report_parts.h"
#include "formats/json/suspects_json_internal.h"

// The lists of one document: their limits, and what was left out of them.
typedef struct ReportLists {
    const HeapReport *report;
    ReportLimits limits;
    uint64_t left_out;
} ReportLists;

// How many of `count` rows are written: the first ones.
static uint32_t rows_of(ReportLists *lists, uint32_t count)
{
    uint32_t most = lists->limits.rows;

    if (most == 0 || count <= most)
        return count;
    lists->left_out += count - most;
    return most;
}

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
static void write_older(JsonWriter *writer, ReportLists *lists)
{
    const HeapReport *report = lists->report;
    uint32_t count;

    json_key(writer, "older");
    if (report->older == NULL) {
        json_null(writer);
        return;
    }
    json_begin_array(writer);
    count = rows_of(lists, report->older->count);
    for (uint32_t i = 0; i < count; i++) {
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

static bool has_objects(const HeapGroup *group)
{
    return group->counts.objects + group->counts.zombies > 0;
}

// Those that keep most first.
static int compare_kept(const void *left, const void *right)
{
    const HeapGroup *a = *(const HeapGroup *const *)left, *b = *(const HeapGroup *const *)right;

    if (a->retained_bytes != b->retained_bytes)
        return a->retained_bytes > b->retained_bytes ? -1 : 1;
    if (a->counts.object_bytes != b->counts.object_bytes)
        return a->counts.object_bytes > b->counts.object_bytes ? -1 : 1;
    return a < b ? -1 : a > b;
}

// Byte per type: 1 where it is among those that are written. NULL: all are; the caller frees it.
static uint8_t *choose_types(ReportLists *lists)
{
    const HeapGroup *groups = lists->report->groups.groups[GROUP_BY_TYPE];
    uint32_t count = lists->report->groups.counts[GROUP_BY_TYPE], with_objects = 0;
    const HeapGroup **order;
    uint8_t *is_chosen;

    if (lists->limits.types == 0 || count <= lists->limits.types)
        return NULL;
    order = calloc((size_t)count + 1, sizeof *order);
    is_chosen = calloc((size_t)count + 1, 1);
    for (uint32_t i = 0; order != NULL && i < count; i++)
        if (has_objects(&groups[i]))
            order[with_objects++] = &groups[i];
    if (order != NULL)
        qsort(order, with_objects, sizeof(HeapGroup *), compare_kept);
    for (uint32_t i = 0; is_chosen != NULL && i < with_objects && i < lists->limits.types; i++)
        is_chosen[order[i] - groups] = 1;
    if (with_objects > lists->limits.types)
        lists->left_out += with_objects - lists->limits.types;
    free(order);
    return is_chosen;
}

static void write_group(JsonWriter *writer, const HeapReport *report, Grouping grouping,
                        uint32_t index)
{
    const HeapGroup *group = &report->groups.groups[grouping][index];

    json_begin_object(writer);
    write_group_key(writer, report, grouping, group->key);
    write_counts(writer, &group->counts);
    answer_json_count_or_null(writer, "retained_bytes", report->groups.has_retained,
                              group->retained_bytes);
    if (grouping == GROUP_BY_TYPE)
        report_json_growth(writer,
                           report->type_growth != NULL ? &report->type_growth[index] : NULL);
    json_end_object(writer);
}

static void write_types(JsonWriter *writer, ReportLists *lists)
{
    const HeapReport *report = lists->report;
    uint8_t *is_chosen = choose_types(lists);

    json_key(writer, "types");
    json_begin_array(writer);
    for (uint32_t i = 0; i < report->groups.counts[GROUP_BY_TYPE]; i++)
        if (has_objects(&report->groups.groups[GROUP_BY_TYPE][i]) &&
            (is_chosen == NULL || is_chosen[i]))
            write_group(writer, report, GROUP_BY_TYPE, i);
    json_end_array(writer);
    free(is_chosen);
}

static void write_groups(JsonWriter *writer, ReportLists *lists, const char *name,
                         Grouping grouping)
{
    uint32_t count = rows_of(lists, lists->report->groups.counts[grouping]);

    json_key(writer, name);
    json_begin_array(writer);
    for (uint32_t i = 0; i < count; i++)
        write_group(writer, lists->report, grouping, i);
    json_end_array(writer);
}

static void write_retainers(JsonWriter *writer, ReportLists *lists)
{
    const HeapReport *report = lists->report;
    uint32_t count = rows_of(lists, report->retainer_count);
    json_key(writer, "retainers");
    json_begin_array(writer);
    for (uint32_t i = 0; i < count; i++) {
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

static void write_fragmentation(JsonWriter *writer, ReportLists *lists)
{
    const HeapReport *report = lists->report;
    uint32_t classes = rows_of(lists, report->fragmentation.class_count);
    uint32_t keepers = rows_of(lists, report->fragmentation.keeper_count);
    const PageFragmentation *fragmentation = &report->fragmentation;

    json_key(writer, "fragmentation");
    json_begin_object(writer);
    json_unsigned_member(writer, "nearly_empty_percent", NEARLY_EMPTY_SHARE);
    json_key(writer, "size_classes");
    json_begin_array(writer);
    for (uint32_t i = 0; i < classes; i++) {
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
    for (uint32_t i = 0; i < keepers; i++) {
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

static void write_owners(JsonWriter *writer, ReportLists *lists)
{
    const HeapReport *report = lists->report;
    uint32_t count = rows_of(lists, report->groups.owner_count);
    bool knows_sized = report->image->details->metadata.sized_blocks_recorded;

    json_key(writer, "foreign_owners");
    json_begin_array(writer);
    for (uint32_t i = 0; i < count; i++) {
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

static void write_ledger(JsonWriter *writer, ReportLists *lists)
{
    const HeapReport *report = lists->report;
    // Ascending by name, as in the reachability report.
    static const RootKind order[ROOT_KIND_COUNT] = {
        ROOT_EXPLICIT, ROOT_FOREIGN, ROOT_GLOBAL, ROOT_HANDLE, ROOT_REGISTER, ROOT_STACK, ROOT_TLS,
    };
    const AmbiguityLedger *ledger = &report->ledger;
    uint32_t count;

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
    count = rows_of(lists, ledger->word_count);
    for (uint32_t i = 0; i < count; i++) {
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

uint64_t report_json_value(JsonWriter *writer, const HeapReport *report, const char *left_out,
                           const ReportLimits *limits)
{
    ReportLists lists = {.report = report};

    if (limits != NULL)
        lists.limits = *limits;
    json_begin_object(writer);
    json_string_member(writer, "schema", REPORT_SCHEMA);
    answer_json_snapshot(writer, report->image);
    answer_json_mark(writer, report->reachability);
    json_string_member(writer, "left_out", left_out);
    write_older(writer, &lists);
    write_totals(writer, report);
    answer_json_invalid_counts(writer, report->image, report->reachability);
    write_collector(writer, report);
    answer_json_account(writer, &report->image->details->metadata.account);
    lists.left_out += report_json_suspects(writer, report, lists.limits.steps);
    report_json_grown(writer, report, rows_of(&lists, report->grown.kept));
    write_types(writer, &lists);
    write_groups(writer, &lists, "size_classes", GROUP_BY_SIZE_CLASS);
    write_groups(writer, &lists, "owner_threads", GROUP_BY_OWNER_THREAD);
    write_groups(writer, &lists, "generations", GROUP_BY_GENERATION);
    write_retainers(writer, &lists);
    write_fragmentation(writer, &lists);
    write_owners(writer, &lists);
    write_ledger(writer, &lists);
    json_end_object(writer);
    return lists.left_out;
}

bool report_json_write(JsonSink sink, const HeapReport *report, const char *left_out, Error *error)
{
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    (void)report_json_value(&writer, report, left_out, NULL);
    return json_writer_finish(&writer, error);
}
