// The suspects of a report, and growth since older heaps, as members of its JSON document.

#ifndef FORMATS_JSON_SUSPECTS_JSON_INTERNAL_H
#define FORMATS_JSON_SUSPECTS_JSON_INTERNAL_H

#include "analysis/heap_report.h"
#include "formats/json/json_writer.h"

// "suspects"
void report_json_suspects(JsonWriter *writer, const HeapReport *report);

// "growth" since the oldest heap: null where there is none, where it is not known, and for NULL.
void report_json_growth(JsonWriter *writer, const Growth *growth);

#endif
