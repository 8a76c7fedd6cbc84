// Results: the files that options of commands name. Each goes through OutputFile
// (base/output_file.h), and none replaces a snapshot unless the user asks for it.

#ifndef CLI_RESULT_FILE_H
#define CLI_RESULT_FILE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/output_file.h"
#include "formats/json/json_writer.h"

// Opens `path` for a result; another result of that name is replaced on commit. `option` is the one
// that names the path, for messages. A signal removes the unfinished file, and ends a wait for the
// reader of a pipe.
// Errors: usage (a snapshot is there, unless `replaces_snapshots`), and those of
// output_file_open().
NODISCARD bool result_file_open(const char *option, const char *path, bool replaces_snapshots,
                                OutputFile **out, Error *error);

// A sink that writes into it, for the writers in formats/.
JsonSink result_file_sink(OutputFile *file);

#endif
