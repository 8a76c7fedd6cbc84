// The reachability report as JSON, schema "rudo-snap/reachability/1", and the objects
// themselves as JSON Lines, one object a line.
//
// Both are the same bytes for every worker count, run and machine: addresses are the
// captured ones, lists ascend by key, and no path, time, relocation or CPU count shows.
// Only the optional `statistics` differ from run to run, and those of a scheduled mark do not.
//
// The schemas are formats/schemas/reachability-1.schema.json and objects-1.schema.json.

#ifndef FORMATS_JSON_REACHABILITY_JSON_H
#define FORMATS_JSON_REACHABILITY_JSON_H

#include "analysis/reachability_report.h"
#include "formats/json/json_writer.h"

#define REACHABILITY_SCHEMA "rudo-snap/reachability/1"

// Times in `statistics`, beside those that the mark itself measured.
typedef struct ReachabilityTimings {
    uint64_t read_ns;   // file to image
    uint64_t report_ns; // mark result to report
} ReachabilityTimings;

// Writes the whole document. `result` and `timings` are for `statistics`; a NULL `timings`
// leaves them out. Errors: those of the sink.
NODISCARD bool reachability_json_write(JsonSink sink, const HeapImage *image,
                                       const ReachabilityReport *report, const MarkResult *result,
                                       const ReachabilityTimings *timings, Error *error);

// Writes one line for each object that is allocated and not DEAD, ascending by address, in
// constant memory. In a minor mark, objects of old pages count as live, so they are written as
// reachable. Errors: those of the sink.
NODISCARD bool reachability_objects_write(JsonSink sink, const HeapImage *image,
                                          const ReachabilityReport *report,
                                          const MarkResult *result, Error *error);

#endif
