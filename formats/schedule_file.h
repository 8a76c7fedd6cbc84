// Schedule files: a ScheduleRecording as text, a line for each step (docs/format.md, "Schedule
// files").

#ifndef FORMATS_SCHEDULE_FILE_H
#define FORMATS_SCHEDULE_FILE_H

#include <stdbool.h>

#include "formats/json/json_writer.h"
#include "marker/schedule/schedule_recording.h"
#include "base/error.h"

// Writes the recording, and the schedule digest of its steps. Errors: those of the sink.
NODISCARD bool schedule_file_write(JsonSink sink, const ScheduleRecording *recording, Error *error);

// Reads a file; nothing in it is trusted, but the caller compares
// recording->digest with schedule_recording_digest(). On success the caller releases `*recording`
// with schedule_recording_release(). Errors: system, memory, corrupt (with the line), unsupported
// (a newer version).
NODISCARD bool schedule_file_read(const char *path, ScheduleRecording *recording, Error *error);

#endif
