// The report, and the origin of its snapshot, as parts of another document: the page
// (formats/html/) holds the members of `report --json` with the same names and values. Lists of a
// page have limits, because a file decides how long they are.

#ifndef FORMATS_JSON_REPORT_PARTS_H
#define FORMATS_JSON_REPORT_PARTS_H

#include "analysis/heap_report.h"
#include "formats/json/json_writer.h"

// 0: no limit.
typedef struct ReportLimits {
    uint32_t types; // those that keep most
    uint32_t rows;  // of any other list: the first ones
    uint32_t steps; // of a path: the first half and the last; { "left_out": N } between them
} ReportLimits;

// Writes the document of report_json_write() as the next value. limits: NULL: none. Returns how
// many rows and steps were left out.
uint64_t report_json_value(JsonWriter *writer, const HeapReport *report, const char *left_out,
                           const ReportLimits *limits);

// The member "capture" of the document about a file (formats/json/info_json.h).
void info_json_capture(JsonWriter *writer, const SnapshotMetadata *metadata);
// Its member "lost": the first `most` missing parts; 0: all. Returns how many were left out.
uint64_t info_json_losses(JsonWriter *writer, const SnapshotDetails *details, uint32_t most);

#endif
