// Retained sizes as JSON, schema "rudo-snap/retained/1" (formats/schemas/retained-1.schema.json).
// The same bytes for every run and machine.

#ifndef FORMATS_RETAINED_JSON_H
#define FORMATS_RETAINED_JSON_H

#include "analysis/reachability_report.h"
#include "analysis/retained_report.h"
#include "formats/json_writer.h"

#define RETAINED_SCHEMA "rudo-snap/retained/1"

typedef struct RetainedJson {
    const RetainedReport *report;
    const ReachabilityReport *reachability;
    const RetainedProof *proofs; // NULL: none were asked for
    uint32_t proof_count;
} RetainedJson;

// Errors: those of the sink.
NODISCARD bool retained_json_write(JsonSink sink, const RetainedJson *document, Error *error);

#endif
