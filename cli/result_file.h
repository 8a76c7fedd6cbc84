// ResultFile: where a result goes. A regular file appears whole or not at all: it is written
// under another name in the same folder and renamed. Devices, pipes and standard output
// ("-") are written straight.

#ifndef CLI_RESULT_FILE_H
#define CLI_RESULT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "formats/json/json_writer.h"
#include "base/error.h"

// A zeroed struct is valid and means "not asked for".
typedef struct ResultFile {
    FILE *stream;      // NULL: not open
    const char *shown; // the path as the user gave it; borrowed
    char *path;        // with symbolic links followed, for the rename; owned
    char *temporary;   // NULL when written straight; owned
    int interrupt_number;
    bool is_standard_output;
} ResultFile;

// Opens `path` for writing; an existing file is replaced on commit. Errors: system, memory.
NODISCARD bool result_file_open(ResultFile *file, const char *path, Error *error);

// A sink that writes into it, for the writers in formats/.
JsonSink result_file_sink(ResultFile *file);

// Makes what was written visible. Errors: system (the disk is full). Closes the file in any case.
NODISCARD bool result_file_commit(ResultFile *file, Error *error);

// Removes what was not committed. Fine for a file that was committed or never opened.
void result_file_release(ResultFile *file);

#endif
