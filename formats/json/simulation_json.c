// Simulated marks as JSON: see formats/json/simulation_json.h.

#include "formats/json/simulation_json.h"

#include "formats/json/answer_parts_internal.h"

// Thousandths; 0 if `whole` is 0.
static uint64_t permille_of(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (uint64_t)((double)part * 1000 / (double)whole + 0.5) : 0;
}

uint64_t simulation_speedup(const SimulationTable *table, const SimulatedMark *mark)
{
    return permille_of(table->single->virtual_ns, mark->virtual_ns);
}

uint64_t simulation_ideal_speedup(const SimulationTable *table, uint32_t workers)
{
    return permille_of(table->shape->objects, mark_shape_ideal_ticks(table->shape, workers));
}

static void write_costs(JsonWriter *writer, const ScheduleCosts *costs)
{
    json_key(writer, "costs");
    json_begin_object(writer);
    for (uint32_t i = 0; i < SCHEDULE_COST_COUNT; i++)
        json_unsigned_member(writer, schedule_cost_name(i), schedule_cost_value(costs, i));
    json_end_object(writer);
}

static void write_mark(JsonWriter *writer, const SimulationTable *table, const SimulatedMark *mark)
{
    uint64_t all = mark->virtual_ns * mark->workers;
    uint64_t ticks = mark_shape_ideal_ticks(table->shape, mark->workers);

    json_begin_object(writer);
    json_unsigned_member(writer, "workers", mark->workers);
    json_unsigned_member(writer, "virtual_ns", mark->virtual_ns);
    json_unsigned_member(writer, "speedup_permille", simulation_speedup(table, mark));
    json_unsigned_member(writer, "utilisation_permille", permille_of(mark->time.marking_ns, all));
    json_unsigned_member(writer, "ideal_ticks", ticks);
    json_unsigned_member(writer, "ideal_speedup_permille",
                         simulation_ideal_speedup(table, mark->workers));
    json_unsigned_member(writer, "ideal_utilisation_permille",
                         permille_of(table->shape->objects, ticks * mark->workers));
    json_key(writer, "worker_time");
    json_begin_object(writer);
    json_unsigned_member(writer, "marking_ns", mark->time.marking_ns);
    json_unsigned_member(writer, "stealing_ns", mark->time.stealing_ns);
    json_unsigned_member(writer, "searching_ns", mark->time.searching_ns);
    json_unsigned_member(writer, "sleeping_ns", mark->time.sleeping_ns);
    json_unsigned_member(writer, "barrier_ns", mark->time.barrier_ns);
    json_end_object(writer);
    json_unsigned_member(writer, "steals_tried", mark->steals_tried);
    json_unsigned_member(writer, "steals_won", mark->steals_won);
    json_unsigned_member(writer, "steps", mark->steps);
    json_string_member(writer, "digest", mark->digest);
    json_string_member(writer, "schedule_digest", mark->schedule_digest);
    json_end_object(writer);
}

bool simulation_json_write(JsonSink sink, const SimulationTable *table, Error *error)
{
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", SIMULATION_SCHEMA);
    answer_json_snapshot(&writer, table->image);
    answer_json_mark(&writer, table->reachability);
    json_string_member(&writer, "policy", mark_policy_name(table->options->policy));
    write_costs(&writer, &table->options->costs);
    json_key(&writer, "shape");
    json_begin_object(&writer);
    json_unsigned_member(&writer, "objects", table->shape->objects);
    json_unsigned_member(&writer, "critical_path", table->shape->depth);
    json_unsigned_member(&writer, "widest", table->shape->widest);
    json_end_object(&writer);
    json_key(&writer, "marks");
    json_begin_array(&writer);
    for (uint32_t i = 0; i < table->mark_count; i++)
        write_mark(&writer, table, &table->marks[i]);
    json_end_array(&writer);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}
