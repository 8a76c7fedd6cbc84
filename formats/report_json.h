// The report about a heap as JSON, schema "rudo-snap/report/1"
// (formats/schemas/report-1.schema.json). The same bytes for every run and machine.

#ifndef FORMATS_REPORT_JSON_H
#define FORMATS_REPORT_JSON_H

#include "analysis/heap_report.h"
#include "formats/json_writer.h"

#define REPORT_SCHEMA "rudo-snap/report/1"

// left_out: why what needs the dominator tree is not there, or NULL. Errors: those of the sink.
NODISCARD bool report_json_write(JsonSink sink, const HeapReport *report, const char *left_out,
                                 Error *error);

#endif
