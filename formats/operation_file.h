// Operation files: a case, and every choice of one run of it, as text (docs/format.md, "Schedule
// files"). `explore` writes one for a violation that it has found.

#ifndef FORMATS_OPERATION_FILE_H
#define FORMATS_OPERATION_FILE_H

#include <stdbool.h>

#include "formats/json/json_writer.h"
#include "marker/explore/explore_search.h"
#include "marker/mark.h"
#include "base/error.h"

typedef struct OperationFile {
    SimModel model;
    bool is_queue;
    QueueCase queue;              // or
    char heap[MARK_DIGEST_CHARS]; // heap_fingerprint() of the heap that was marked
    uint32_t workers;
    MarkKind kind;
    MarkPolicy policy;
    uint32_t queue_capacity;
    ViolationKind violation; // of the run
    ChoiceList choices;      // owned
} OperationFile;

void operation_file_release(OperationFile *file);

// Writes the case and the choices of a finding. Errors: those of the sink.
NODISCARD bool operation_file_write(JsonSink sink, const ExploreFinding *finding, Error *error);

// True for a file of this kind, by its first line. False as well when it cannot be read.
bool operation_file_is(const char *path);

// Reads a file; nothing in it is trusted. The caller releases `*file`. Errors: system, memory,
// corrupt (with the line), unsupported.
NODISCARD bool operation_file_read(const char *path, OperationFile *file, Error *error);

#endif
