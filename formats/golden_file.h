// Golden files: a MarkGolden as text, a line for each page (docs/format.md, "Golden files").

#ifndef FORMATS_GOLDEN_FILE_H
#define FORMATS_GOLDEN_FILE_H

#include "analysis/replay/mark_golden.h"
#include "formats/json/json_writer.h"
#include "base/error.h"

// Errors: those of the sink.
NODISCARD bool golden_file_write(JsonSink sink, const MarkGolden *golden, Error *error);

// Reads a file; nothing in it is trusted, and its contents are checked against its digests. On
// success the caller releases `*golden` with mark_golden_release(). Errors: system, memory, corrupt
// (with the line), unsupported (a newer version).
NODISCARD bool golden_file_read(const char *path, MarkGolden *golden, Error *error);

#endif
