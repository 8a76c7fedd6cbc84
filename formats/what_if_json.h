// What would be freed, as JSON, schema "rudo-snap/what-if/1"
// (formats/schemas/what-if-1.schema.json). The same bytes for every run and machine.

#ifndef FORMATS_WHAT_IF_JSON_H
#define FORMATS_WHAT_IF_JSON_H

#include "analysis/reachability_report.h"
#include "analysis/what_if.h"
#include "formats/json_writer.h"

#define WHAT_IF_SCHEMA "rudo-snap/what-if/1"

typedef struct WhatIfJson {
    const HeapImage *image;
    const ReachabilityReport *reachability;
    const WhatIf *what_if;
    uint32_t cut_count;
    const char *const *cuts; // as they were asked for
} WhatIfJson;

// Errors: those of the sink.
NODISCARD bool what_if_json_write(JsonSink sink, const WhatIfJson *document, Error *error);

#endif
