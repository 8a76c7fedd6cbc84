// The page of a report: one HTML file that needs neither a network nor a server.
//
// The page is a fixed text with one JSON block, so it is the same bytes in every run. The block has
// the members of `report --json` and what a viewer needs beside them. Names come from files of
// unknown origin: in the block no character can begin markup, the page's script writes text only,
// and its Content-Security-Policy allows no other script or style, and nothing from elsewhere.

#ifndef FORMATS_HTML_HTML_REPORT_H
#define FORMATS_HTML_HTML_REPORT_H

#include "analysis/heap_report.h"
#include "formats/json/json_writer.h"

// left_out: why the parts that need the dominator tree are missing, or NULL. Errors: memory, and
// those of the sink.
NODISCARD bool html_report_write(JsonSink sink, const HeapReport *report, const char *left_out,
                                 Error *error);

#endif
