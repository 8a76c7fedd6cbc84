// JSON Lines about a replay: see formats/json/replay_json.h.

#include "formats/json/replay_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "marker/mark.h"

const char *replay_verdict_name(ReplayVerdict verdict)
{
    static const char *const names[] = {"equal", "different", "no golden", "failed"};

    return verdict < REPLAY_VERDICT_COUNT ? names[verdict] : "unknown";
}

bool replay_json_write_run(JsonSink sink, const ReplayRunRecord *run, Error *error)
{
    const ReplayPlan *plan = run->plan;
    JsonWriter writer;
    char text[128];
    size_t used = 0;

    json_writer_init(&writer, sink, JSON_COMPACT);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", REPLAY_SCHEMA);
    json_key(&writer, "run");
    json_begin_object(&writer);
    for (uint32_t i = 0; i < plan->worker_count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%u", i > 0 ? "," : "",
                                 plan->workers[i]);
    json_string_member(&writer, "workers", text);
    (void)snprintf(text, sizeof text, "%" PRIu64 "..%" PRIu64, plan->first_seed, plan->last_seed);
    json_string_member(&writer, "seeds", text);
    (void)snprintf(text, sizeof text, "%s%s%s", mark_policy_name(plan->policies[0]),
                   plan->policy_count > 1 ? "," : "",
                   plan->policy_count > 1 ? mark_policy_name(plan->policies[1]) : "");
    json_string_member(&writer, "policies", text);
    json_boolean_member(&writer, "golden", run->has_golden);
    (void)snprintf(text, sizeof text, "%u/%u", run->part, run->parts);
    json_string_member(&writer, "shard", text);
    json_unsigned_member(&writer, "heap_count", run->heaps);
    json_end_object(&writer);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}

static void write_slots(JsonWriter *writer, const char *objects_key, const char *slots_key,
                        const DifferingSlots *slots)
{
    json_unsigned_member(writer, objects_key, slots->objects);
    json_key(writer, slots_key);
    json_begin_array(writer);
    for (uint32_t i = 0; i < slots->shown; i++)
        json_unsigned(writer, slots->slots[i]);
    json_end_array(writer);
}

static void write_way(JsonWriter *writer, const ReplayWay *way)
{
    json_begin_object(writer);
    json_unsigned_member(writer, "workers", way->workers);
    json_string_member(writer, "policy", mark_policy_name(way->policy));
    json_key(writer, "seed");
    if (way->is_scheduled)
        json_unsigned(writer, way->seed);
    else
        json_null(writer);
    json_string_member(writer, "kind", mark_kind_name(way->kind));
    json_unsigned_member(writer, "queue_capacity", way->queue_capacity);
    json_end_object(writer);
}

static void write_page(JsonWriter *writer, const MarkDifference *difference)
{
    json_begin_object(writer);
    json_address_member(writer, "page", difference->page_address);
    json_unsigned_member(writer, "block_size", difference->block_size);
    json_unsigned_member(writer, "owner_thread", difference->owner_thread);
    json_unsigned_member(writer, "pages", difference->pages);
    write_slots(writer, "added_objects", "added_slots", &difference->added);
    write_slots(writer, "missing_objects", "missing_slots", &difference->missing);
    json_end_object(writer);
}

static void write_difference(JsonWriter *writer, const ReplayRecord *record)
{
    json_begin_object(writer);
    json_string_member(writer, "from", record->is_between_marks ? "serial mark" : "golden");
    json_key(writer, "mark");
    if (record->is_between_marks)
        write_way(writer, &record->way);
    else
        json_null(writer);
    json_boolean_member(writer, "other_heap", record->is_other_heap);
    json_boolean_member(writer, "other_rule", record->is_other_rule);
    json_key(writer, "totals");
    json_begin_array(writer);
    for (int total = 0; total < GOLDEN_TOTAL_COUNT; total++) {
        if (!record->differs[total])
            continue;
        json_begin_object(writer);
        json_string_member(writer, "name", golden_total_name((GoldenTotal)total));
        json_unsigned_member(writer, "expected", record->expected[total]);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "marks");
    if (record->marked.pages > 0)
        write_page(writer, &record->marked);
    else
        json_null(writer);
    json_unsigned_member(writer, "blocks", record->marked.blocks);
    json_end_object(writer);
}

static void write_marked(JsonWriter *writer, const ReplayRecord *record)
{
    json_boolean_member(writer, "complete", record->is_complete);
    json_string_member(writer, "rule", record->rule);
    json_string_member(writer, "digest", record->digest);
    for (int total = 0; total < GOLDEN_TOTAL_COUNT; total++)
        json_unsigned_member(writer, golden_total_name((GoldenTotal)total), record->totals[total]);
    json_unsigned_member(writer, "marks", record->marks);
    json_unsigned_member(writer, "steps", record->steps);
}

bool replay_json_write_heap(JsonSink sink, const ReplayRecord *record, Error *error)
{
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_COMPACT);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", REPLAY_SCHEMA);
    json_string_member(&writer, "heap", record->heap);
    json_string_member(&writer, "verdict", replay_verdict_name(record->verdict));
    json_unsigned_member(&writer, "exit_status", record->exit_status);
    json_string_member(&writer, "golden", record->golden);
    json_boolean_member(&writer, "updated", record->is_updated);
    json_key(&writer, "mark");
    if (record->was_marked) {
        json_begin_object(&writer);
        write_marked(&writer, record);
        json_end_object(&writer);
    } else {
        json_null(&writer);
    }
    json_key(&writer, "difference");
    if (record->verdict == REPLAY_DIFFERENT || record->is_updated)
        write_difference(&writer, record);
    else
        json_null(&writer);
    json_string_member(&writer, "text", record->text);
    json_string_member(&writer, "again", record->again);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}
