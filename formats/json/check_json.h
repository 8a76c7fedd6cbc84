// The verdict of `rudo-snap check` as JSON, schema "rudo-snap/check/1"
// (formats/schemas/check-1.schema.json): the same bytes for every run and machine.

#ifndef FORMATS_JSON_CHECK_JSON_H
#define FORMATS_JSON_CHECK_JSON_H

#include "analysis/check/heap_doubts.h"
#include "analysis/check/leak_findings.h"
#include "analysis/check/limit_finding.h"
#include "analysis/reachability_report.h"
#include "formats/json/json_writer.h"

#define CHECK_SCHEMA "rudo-snap/check/1"

// A limit, where it comes from, and its finding.
typedef struct CheckedLimit {
    const HeapLimit *limit; // borrowed
    uint32_t line;          // of the budget; 0: of the command line
    const char *reason;     // "": none; borrowed
    LimitFinding finding;
} CheckedLimit;

// A known leak of the budget.
typedef struct CheckedLeak {
    const char *fingerprint;
    const char *reason; // "": none
    uint32_t line;
    bool is_found;
} CheckedLeak;

typedef struct CheckJson {
    const HeapImage *image;
    const ReachabilityReport *reachability;
    const HeapIdentity *baseline; // NULL: none
    const HeapDoubts *doubts;
    bool is_exceeded; // the verdict
    uint32_t limit_count;
    const CheckedLimit *limits;
    const LeakFindings *findings; // NULL: they were not looked for
    uint32_t known_count;
    const CheckedLeak *known;
} CheckJson;

// Errors: those of the sink.
NODISCARD bool check_json_write(JsonSink sink, const CheckJson *document, Error *error);

#endif
