// Simulated marks as a plot (SVG): speed-up over workers, against what ideal workers could do with
// the heap's shape, and against as many times as there are workers.

#ifndef FORMATS_SIMULATION_SVG_H
#define FORMATS_SIMULATION_SVG_H

#include "formats/json/json_writer.h"
#include "formats/json/simulation_json.h"

// title: for people, any text. Errors: those of the sink.
NODISCARD bool simulation_svg_write(JsonSink sink, const SimulationTable *table, const char *title,
                                    Error *error);

#endif
