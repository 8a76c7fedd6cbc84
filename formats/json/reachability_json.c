// The reachability report as JSON: see formats/json/reachability_json.h.

#include "formats/json/reachability_json.h"

#include <string.h>

#include "analysis/names/type_name.h"
#include "formats/json/answer_parts_internal.h"

// The members that totals and every group have in common.
static void write_counts(JsonWriter *writer, const ReachabilityCounts *counts)
{
    json_unsigned_member(writer, "objects", counts->objects);
    json_unsigned_member(writer, "object_bytes", counts->object_bytes);
    json_unsigned_member(writer, "zombies", counts->zombies);
    json_unsigned_member(writer, "zombie_bytes", counts->zombie_bytes);
    json_unsigned_member(writer, "reachable_objects", counts->reachable_objects);
    json_unsigned_member(writer, "reachable_bytes", counts->reachable_bytes);
    json_unsigned_member(writer, "unreachable_objects", counts->unreachable_objects);
    json_unsigned_member(writer, "unreachable_bytes", counts->unreachable_bytes);
}

// A number, or null where it has no upper bound.
static void write_possible(JsonWriter *writer, const char *key, bool is_known, uint64_t value)
{
    json_key(writer, key);
    if (is_known)
        json_unsigned(writer, value);
    else
        json_null(writer);
}

static void write_possible_totals(JsonWriter *writer, const PossibleTotals *possible)
{
    const ReachabilityCounts *counts = &possible->counts;
    const struct {
        const char *key;
        uint64_t value;
    } members[] = {
        {"pages", counts->pages},
        {"heap_bytes", possible->heap_bytes},
        {"slots", counts->slots},
        {"objects", counts->objects},
        {"object_bytes", counts->object_bytes},
        {"zombies", counts->zombies},
        {"zombie_bytes", counts->zombie_bytes},
        {"reachable_objects", counts->reachable_objects},
        {"reachable_bytes", counts->reachable_bytes},
        {"unreachable_objects", counts->unreachable_objects},
        {"unreachable_bytes", counts->unreachable_bytes},
    };

    json_key(writer, "totals_possible");
    json_begin_object(writer);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        write_possible(writer, members[i].key, possible->is_known, members[i].value);
    json_end_object(writer);
}

static void write_totals(JsonWriter *writer, const ReachabilityReport *report,
                         const SnapshotDetails *details)
{
    json_key(writer, "totals");
    json_begin_object(writer);
    json_unsigned_member(writer, "pages", report->totals.pages);
    json_unsigned_member(writer, "heap_bytes", report->heap_bytes);
    json_unsigned_member(writer, "slots", report->totals.slots);
    write_counts(writer, &report->totals);
    json_unsigned_member(writer, "roots", report->roots);
    json_unsigned_member(writer, "invalid_references", report->invalid_references);
    answer_json_residue(writer, report);
    json_unsigned_member(writer, "foreign_blocks", report->foreign_blocks);
    json_unsigned_member(writer, "foreign_bytes", report->foreign_bytes);
    json_unsigned_member(writer, "reachable_foreign_blocks", report->reachable_foreign_blocks);
    json_unsigned_member(writer, "reachable_foreign_bytes", report->reachable_foreign_bytes);
    answer_json_sized(writer, details);
    json_end_object(writer);
}

// Large objects have no size class: null.
static void write_size_class(JsonWriter *writer, uint64_t size_class)
{
    json_key(writer, "size_class");
    if (size_class == LARGE_SIZE_CLASS)
        json_null(writer);
    else
        json_unsigned(writer, size_class);
}

static void write_groups(JsonWriter *writer, const char *key, const GroupTable *groups,
                         void (*write_key)(JsonWriter *writer, uint64_t key))
{
    json_key(writer, key);
    json_begin_array(writer);
    for (uint32_t i = 0; i < groups->group_count; i++) {
        json_begin_object(writer);
        write_key(writer, groups->groups[i].key);
        json_unsigned_member(writer, "pages", groups->groups[i].counts.pages);
        json_unsigned_member(writer, "slots", groups->groups[i].counts.slots);
        write_counts(writer, &groups->groups[i].counts);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_owner_thread(JsonWriter *writer, uint64_t owner_thread)
{
    json_unsigned_member(writer, "owner_thread", owner_thread);
}

static void write_root_kinds(JsonWriter *writer, const ReachabilityReport *report)
{
    // Ascending by name, as the lists of numbers ascend by number.
    static const RootKind order[ROOT_KIND_COUNT] = {
        ROOT_EXPLICIT, ROOT_FOREIGN, ROOT_GLOBAL, ROOT_HANDLE, ROOT_REGISTER, ROOT_STACK, ROOT_TLS,
    };

    json_key(writer, "root_kinds");
    json_begin_array(writer);
    for (int i = 0; i < ROOT_KIND_COUNT; i++) {
        const RootKindCounts *counts = &report->root_kinds[order[i]];

        json_begin_object(writer);
        json_string_member(writer, "kind", root_kind_name(order[i]));
        json_unsigned_member(writer, "roots", counts->roots);
        json_unsigned_member(writer, "words", counts->words);
        json_unsigned_member(writer, "exact_words", counts->exact);
        json_end_object(writer);
    }
    json_end_array(writer);
}

// A function may be that of many types, and have many symbols: those of drop functions are written
// with each type up to this number.
#define MOST_DROP_SYMBOLS 64u

static void write_symbols(JsonWriter *writer, const char *key, const SnapshotType *function,
                          uint32_t most)
{
    json_key(writer, key);
    json_begin_array(writer);
    for (uint32_t i = 0; function != NULL && i < function->symbol_count && i < most; i++)
        json_string(writer, function->symbols[i]);
    json_end_array(writer);
}

static void write_place(JsonWriter *writer, const char *module_key, const char *offset_key,
                        const SnapshotType *function, const SnapshotDetails *details)
{
    const char *module = type_module_name(details, function);

    json_string_member(writer, module_key, module);
    json_key(writer, offset_key);
    if (module != NULL)
        json_address(writer, function->module_offset);
    else
        json_null(writer);
}

// Writes the objects of one type word with the same drop function and the same type: types may
// differ by size, and DEAD objects may have lost theirs. Takes the keys of the first such variant
// from the front of `count` keys, and returns their number.
static uint32_t write_variant(JsonWriter *writer, const ReachabilityReport *report,
                              const uint32_t *keys, uint32_t count, const SnapshotDetails *details)
{
    const TypeTable *table = report->type_table;
    const TypeKey *key = &table->keys[keys[0]];
    const SnapshotType *drop = snapshot_details_find_drop(details, key->drop);
    ReachabilityCounts counts = report->key_counts[keys[0]];
    bool has_one_size = true;
    uint32_t used = 1;

    for (; used < count; used++) {
        const TypeKey *next = &table->keys[keys[used]];

        if (next->type != key->type || next->drop != key->drop)
            break;
        has_one_size = has_one_size && next->block_size == key->block_size;
        reachability_counts_add(&counts, &report->key_counts[keys[used]]);
    }
    json_begin_object(writer);
    json_string_member(writer, "type_label", table->types[key->type].label);
    json_string_member(writer, "name", table->types[key->type].name);
    json_key(writer, "slot_bytes");
    if (has_one_size)
        json_unsigned(writer, key->block_size);
    else
        json_null(writer);
    write_place(writer, "drop_module", "drop_offset", drop, details);
    json_address_member(writer, "drop_word", key->drop);
    write_symbols(writer, "drop_symbols", drop, MOST_DROP_SYMBOLS);
    json_unsigned_member(writer, "drop_symbols_left_out",
                         drop != NULL && drop->symbol_count > MOST_DROP_SYMBOLS
                             ? drop->symbol_count - MOST_DROP_SYMBOLS
                             : 0);
    write_counts(writer, &counts);
    json_end_object(writer);
    return used;
}

// Of all its variants, or NULL: they are of several types.
static const char *common_label(const ReachabilityReport *report, const ReachabilityType *type)
{
    const TypeTable *table = report->type_table;
    uint32_t first = table->keys[type->variants[0]].type;

    for (uint32_t i = 1; i < type->variant_count; i++)
        if (table->keys[type->variants[i]].type != first)
            return NULL;
    return table->types[first].label;
}

static void write_type(JsonWriter *writer, const ReachabilityReport *report,
                       const ReachabilityType *type, const SnapshotDetails *details)
{
    json_begin_object(writer);
    json_string_member(writer, "type", type->label);
    json_string_member(writer, "type_label", common_label(report, type));
    json_string_member(writer, "name", type->name);
    write_place(writer, "module", "module_offset", type->details, details);
    json_key(writer, "type_word");
    if (type->has_header)
        json_address(writer, type->type_word);
    else
        json_null(writer);
    write_symbols(writer, "symbols", type->details, UINT32_MAX);
    write_counts(writer, &type->counts);
    json_key(writer, "variants");
    json_begin_array(writer);
    for (uint32_t i = 0; type->has_header && i < type->variant_count;)
        i += write_variant(writer, report, type->variants + i, type->variant_count - i, details);
    json_end_array(writer);
    json_end_object(writer);
}

static void write_worker(JsonWriter *writer, const MarkWorkerStatistics *worker, bool is_scheduled)
{
    json_begin_object(writer);
    json_unsigned_member(writer, "marked", worker->marked);
    json_unsigned_member(writer, "scanned_words", worker->scanned_words);
    json_unsigned_member(writer, "edges", worker->edges);
    json_unsigned_member(writer, "steals_tried", worker->steals_tried);
    json_unsigned_member(writer, "steals_won", worker->steals_won);
    json_unsigned_member(writer, "overflow_segments", worker->overflow_segments);
    json_unsigned_member(writer, "chunks_sent", worker->chunks_sent);
    json_unsigned_member(writer, "chunks_received", worker->chunks_received);
    if (is_scheduled) {
        json_unsigned_member(writer, "steps", worker->steps);
        json_unsigned_member(writer, "busy_virtual_ns", worker->busy_virtual_ns);
        json_unsigned_member(writer, "idle_virtual_ns", worker->idle_virtual_ns);
    } else {
        json_unsigned_member(writer, "idle_ns", worker->idle_ns);
        json_unsigned_member(writer, "cpu_ns", worker->cpu_ns);
    }
    json_end_object(writer);
}

// All members here must be the same in every run and on every machine.
static void write_schedule(JsonWriter *writer, const ScheduleStatistics *schedule)
{
    json_key(writer, "schedule");
    json_begin_object(writer);
    json_string_member(writer, "policy", schedule->policy);
    json_unsigned_member(writer, "seed", schedule->seed);
    json_unsigned_member(writer, "steps", schedule->steps);
    json_unsigned_member(writer, "virtual_ns", schedule->virtual_ns);
    json_string_member(writer, "digest", schedule->digest);
    json_end_object(writer);
}

static void write_statistics(JsonWriter *writer, const HeapImage *image, const MarkResult *result,
                             const ReachabilityTimings *timings)
{
    const ScheduleStatistics *schedule = &result->statistics.schedule;

    json_key(writer, "statistics");
    json_begin_object(writer);
    if (schedule->is_scheduled) {
        write_schedule(writer, schedule);
    } else {
        json_unsigned_member(writer, "read_ns", timings->read_ns);
        json_unsigned_member(writer, "mark_ns", result->statistics.elapsed_ns);
        json_unsigned_member(writer, "report_ns", timings->report_ns);
        json_boolean_member(writer, "relocated", image->is_relocated);
    }
    json_unsigned_member(writer, "worker_count", result->statistics.worker_count);
    json_key(writer, "workers");
    json_begin_array(writer);
    for (uint32_t i = 0; i < result->statistics.worker_count; i++)
        write_worker(writer, &result->statistics.workers[i], schedule->is_scheduled);
    json_end_array(writer);
    json_end_object(writer);
}

bool reachability_json_write(JsonSink sink, const HeapImage *image,
                             const ReachabilityReport *report, const MarkResult *result,
                             const ReachabilityTimings *timings, Error *error)
{
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", REACHABILITY_SCHEMA);
    answer_json_snapshot(&writer, image);
    answer_json_mark(&writer, report);
    write_totals(&writer, report, image->details);
    write_possible_totals(&writer, &report->possible);
    answer_json_invalid_counts(&writer, image, report);
    write_groups(&writer, "size_classes", &report->size_classes, write_size_class);
    write_groups(&writer, "owner_threads", &report->owner_threads, write_owner_thread);
    write_root_kinds(&writer, report);
    json_key(&writer, "types");
    json_begin_array(&writer);
    for (uint32_t i = 0; i < report->type_count; i++)
        write_type(&writer, report, report->shown_types[i], image->details);
    json_end_array(&writer);
    if (timings != NULL)
        write_statistics(&writer, image, result, timings);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}

static void write_object(JsonWriter *writer, const HeapImage *image, uint32_t page, uint32_t slot,
                         const char *type, const HeapType *known, bool is_reachable)
{
    const HeapPage *record = &image->pages[page];

    json_begin_object(writer);
    json_address_member(writer, "address", heap_image_object_address(image, page, slot));
    write_size_class(writer,
                     heap_image_is_large(image, page) ? LARGE_SIZE_CLASS : record->block_size);
    json_unsigned_member(writer, "bytes", record->block_size);
    json_unsigned_member(writer, "owner_thread", record->owner_thread);
    json_string_member(writer, "type", type);
    json_string_member(writer, "type_label", known->label);
    json_string_member(writer, "name", known->name);
    json_boolean_member(writer, "reachable", is_reachable);
    json_end_object(writer);
}

bool reachability_objects_write(JsonSink sink, const HeapImage *image,
                                const ReachabilityReport *report, const MarkResult *result,
                                Error *error)
{
    const TypeTable *table = report->type_table;
    const ReachabilityType *type = NULL;
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_COMPACT);
    for (uint32_t page = 0; page < image->page_count && !writer.has_failed; page++) {
        bool is_old = result->kind == MARK_MINOR && heap_image_generation(image, page) > 0;

        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++) {
            bool is_reachable = is_old || mark_result_is_marked(result, image, page, slot);
            const HeapType *known;
            TypeKey key;

            if (!heap_image_is_live(image, page, slot))
                continue;
            known = &table->types[type_table_find(table, image, page, slot)];
            key = type_key_of(image, page, slot);
            if (key.block_size == 0) {
                write_object(&writer, image, page, slot, NULL, known, is_reachable);
                continue;
            }
            // Neighbours often have the same type.
            if (type == NULL || type->type_word != key.trace)
                type = reachability_report_find_type(report, key.trace);
            write_object(&writer, image, page, slot, type->label, known, is_reachable);
        }
    }
    return json_writer_finish(&writer, error);
}
