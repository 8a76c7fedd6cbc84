// ResultFile: a file that a command writes. A regular file appears complete or not at all: it is
// written under another name in the same folder and renamed. Devices, pipes and standard output
// ("-") are written directly.

#ifndef CLI_RESULT_FILE_H
#define CLI_RESULT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "formats/json/json_writer.h"
#include "base/error.h"

// A zeroed struct is valid: not open.
typedef struct ResultFile {
    FILE *stream;      // NULL: not open
    const char *shown; // the path as the user gave it; borrowed
    char *path;        // with symbolic links followed, for the rename; owned
    char *temporary;   // NULL when written directly; owned
    int interrupt_number;
    bool is_standard_output;
} ResultFile;

// Opens `path` for writing; an existing file is replaced on commit. Errors: system, memory.
NODISCARD bool result_file_open(ResultFile *file, const char *path, Error *error);

// A sink that writes into it, for the writers in formats/.
JsonSink result_file_sink(ResultFile *file);

// Closes the file in any case, and renames it to its path. Errors: system (a full disk).
NODISCARD bool result_file_commit(ResultFile *file, Error *error);

// Removes a file that was not committed. Does nothing for one that was, or was never opened.
void result_file_release(ResultFile *file);

#endif
