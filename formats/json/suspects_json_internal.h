// The suspects of a report, and growth since older heaps, as members of its JSON document.

#ifndef FORMATS_JSON_SUSPECTS_JSON_INTERNAL_H
#define FORMATS_JSON_SUSPECTS_JSON_INTERNAL_H

#include "analysis/heap_report.h"
#include "formats/json/json_writer.h"

// "suspects". most_steps: as ReportLimits.steps. Returns how many steps were left out.
uint64_t report_json_suspects(JsonWriter *writer, const HeapReport *report, uint32_t most_steps);

// "growth_by_retainer": the first `most` places; null without older heaps.
void report_json_grown(JsonWriter *writer, const HeapReport *report, uint32_t most);

// "growth" since the oldest heap: null where there is none, where it is not known, and for NULL.
void report_json_growth(JsonWriter *writer, const Growth *growth);

#endif
