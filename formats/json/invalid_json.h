// Invalid references of objects and blocks as JSON Lines, one reference a line: the schema is
// formats/schemas/invalid-1.schema.json.

#ifndef FORMATS_JSON_INVALID_JSON_H
#define FORMATS_JSON_INVALID_JSON_H

#include "analysis/invalid_references.h"
#include "analysis/reachability_report.h"
#include "formats/json/json_writer.h"

// Writes one line for each word of an object or block that points into a page of the heap, but to
// no allocated slot: objects first, ascending by address, in constant memory. Errors: memory, those
// of the sink.
NODISCARD bool invalid_json_write(JsonSink sink, const HeapImage *image,
                                  const ReachabilityReport *report, const MarkResult *mark,
                                  Error *error);

#endif
