// The properties of a snapshot file as JSON, schema "rudo-snap/info/1"
// (formats/schemas/info-1.schema.json).

#ifndef FORMATS_JSON_INFO_JSON_H
#define FORMATS_JSON_INFO_JSON_H

#include "formats/json/json_writer.h"
#include "snapshot/file/snapshot_file.h"

#define INFO_SCHEMA "rudo-snap/info/1"

// "2026-11-22T14:03:11Z" and NUL.
#define UTC_TIME_CHARS 32
void format_utc_time(int64_t ns_since_1970, char text[UTC_TIME_CHARS]);

// Errors: those of the sink.
NODISCARD bool info_json_write(JsonSink sink, const SnapshotFileInfo *info, Error *error);

#endif
