// Simulated marks as JSON, schema "rudo-snap/simulation/1"
// (formats/schemas/simulation-1.schema.json). The same bytes for every run and machine, given the
// costs.

#ifndef FORMATS_JSON_SIMULATION_JSON_H
#define FORMATS_JSON_SIMULATION_JSON_H

#include "analysis/replay/mark_shape.h"
#include "analysis/replay/mark_simulation.h"
#include "analysis/reachability_report.h"
#include "formats/json/json_writer.h"

#define SIMULATION_SCHEMA "rudo-snap/simulation/1"

// The settings and results of a simulation; all of it is borrowed.
typedef struct SimulationTable {
    const HeapImage *image;
    const ReachabilityReport *reachability;
    const SimulationOptions *options;
    const MarkShape *shape;
    const SimulatedMark *single; // with one worker: the base of speed-ups
    const SimulatedMark *marks;
    uint32_t mark_count;
    const char *cost_source; // where the costs come from, as a phrase: "measured on this machine"
} SimulationTable;

// How many times faster than one worker, in thousandths: this mark, and ideal workers.
uint64_t simulation_speedup(const SimulationTable *table, const SimulatedMark *mark);
uint64_t simulation_ideal_speedup(const SimulationTable *table, uint32_t workers);

// Errors: those of the sink.
NODISCARD bool simulation_json_write(JsonSink sink, const SimulationTable *table, Error *error);

#endif
