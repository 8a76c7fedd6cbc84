// OutputFile: the one way in which bytes reach a path that a user named.
//
// A regular file gets its name only when it is whole. The bytes go to an unnamed file in the
// target's folder (or, where the file system has no unnamed files, to a hidden one with a name that
// cannot be guessed), which is flushed to disk and then linked or renamed to its name. So a crash,
// a full disk or SIGKILL never leave half a file under that name, and with unnamed files not even
// litter. FIFOs and devices are written straight. "-", /dev/stdout, /dev/stderr and /dev/fd/N are
// descriptors of this process and are written to as they are: at their offset, appending, in a
// pipe. Links and FIFOs that another user planted in a folder that all may write to are refused.

#ifndef BASE_OUTPUT_FILE_H
#define BASE_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cancel.h"
#include "base/error.h"

typedef struct OutputFile OutputFile;

// Is told of a hidden name while a file has one, so that a signal can remove it.
typedef struct OutputWatch {
    int (*began)(const char *path); // returns a number for `ended`
    void (*ended)(int number);
} OutputWatch;

typedef struct OutputOptions {
    bool replaces; // a regular file that is there is replaced; else it is an error
    // A new file may be read as far as the umask allows, and one that is replaced keeps its mode.
    // Else it is for its owner only: it holds a process's memory.
    bool is_shared;
    Cancel cancel;            // ends a wait for the reader of a FIFO or pipe
    const OutputWatch *watch; // NULL: none; borrowed until the file is freed
} OutputOptions;

// Says early what output_file_open() and output_file_commit() would say: the file exists
// (usage, unless `replaces` or it is a FIFO, device or descriptor), the folder is missing or may
// not be written to, another user made the link or FIFO (system).
NODISCARD bool output_file_check(const char *path, bool replaces, Error *error);

// Waits for a reader, if `path` is a FIFO. `options` NULL: all false.
// Errors: as output_file_check(), memory, interrupted. The caller owns `*out` and frees it with
// output_file_free().
NODISCARD bool output_file_open(const char *path, const OutputOptions *options, OutputFile **out,
                                Error *error);

// Appends; small pieces are gathered. Errors: system, interrupted.
NODISCARD bool output_file_write(OutputFile *file, const void *bytes, size_t length, Error *error);

// Writes what was gathered, a regular file to disk: output_file_commit() has but to name it then.
// For several results of which either all or none are wanted. Errors: system, interrupted.
NODISCARD bool output_file_flush(OutputFile *file, Error *error);

// Flushes, and gives a regular file its name. Errors: usage (another program made a file of that
// name meanwhile), system, interrupted.
NODISCARD bool output_file_commit(OutputFile *file, Error *error);

// Removes the file unless it was committed. Accepts NULL.
void output_file_free(OutputFile *file);

#endif
