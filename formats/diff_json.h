// What grew, as JSON, schema "rudo-snap/diff/1" (formats/schemas/diff-1.schema.json). The same
// bytes for every run and machine.

#ifndef FORMATS_DIFF_JSON_H
#define FORMATS_DIFF_JSON_H

#include "analysis/growth_limit.h"
#include "formats/json_writer.h"

#define DIFF_SCHEMA "rudo-snap/diff/1"

typedef struct DiffJson {
    const HeapDiff *diff;
    const HeapProfile *const *profiles;
    uint32_t limit_count;
    const GrowthLimit *limits;
    const GrowthFinding *findings;
} DiffJson;

// Errors: those of the sink.
NODISCARD bool diff_json_write(JsonSink sink, const DiffJson *document, Error *error);

#endif
