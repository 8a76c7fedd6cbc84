// OutputFile: a file that gets its name only when it is whole.
//
// The bytes go to an unnamed file in the target's folder (or, where the file
// system has no unnamed files, to a hidden temporary one), which is flushed to
// disk and then linked or renamed to its name. So a crash, a full disk or
// SIGKILL never leave half a file under that name, and with unnamed files not
// even litter. Devices and pipes are written straight.
//
// Files are made readable for their owner only: they hold a process's memory.

#ifndef BASE_OUTPUT_FILE_H
#define BASE_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct OutputFile OutputFile;

// Says early what output_file_open() and output_file_commit() would say: the file exists
// (usage, unless `replaces` or it is a device or pipe), the folder is missing or may not be
// written to (system).
NODISCARD bool output_file_check(const char *path, bool replaces, Error *error);

// The folder in which a file at `path` grows, for other files that are needed meanwhile; NULL: none
// (a device or pipe, or memory is short). To be freed.
char *output_file_folder(const char *path);

// Errors: as output_file_check(), memory. The caller owns `*out` and frees it with
// output_file_free().
NODISCARD bool output_file_open(const char *path, bool replaces, OutputFile **out, Error *error);

// Appends. Errors: system.
NODISCARD bool output_file_write(OutputFile *file, const void *bytes, size_t length, Error *error);

// Gives the file its name, once all of it is on disk. Errors: usage (another program made a file
// of that name meanwhile), system.
NODISCARD bool output_file_commit(OutputFile *file, Error *error);

// Removes the file unless it was committed.
void output_file_free(OutputFile *file);

#endif
