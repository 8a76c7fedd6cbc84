// Simulated marks as a plot (SVG): speed-up over workers, beside the speed-up of ideal workers,
// which the heap's shape limits, and perfect scaling.

#ifndef FORMATS_SIMULATION_SVG_H
#define FORMATS_SIMULATION_SVG_H

#include "formats/json/json_writer.h"
#include "formats/json/simulation_json.h"

// title: any text. Errors: those of the sink.
NODISCARD bool simulation_svg_write(JsonSink sink, const SimulationTable *table, const char *title,
                                    Error *error);

#endif
