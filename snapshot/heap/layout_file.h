// Heap layouts from files: the description of a BiBOP heap that is not built in.
//
// The file is a JSON document of schema rudo-snap/layout/1 (formats/schemas/layout-1.schema.json;
// docs/layouts.md explains it, samples/toy-heap has one). Its members are those of HeapLayout.

#ifndef SNAPSHOT_HEAP_LAYOUT_FILE_H
#define SNAPSHOT_HEAP_LAYOUT_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "snapshot/heap/heap_layout.h"

// Reads a layout, which passes heap_layout_check(). Errors: system (cannot be read), memory,
// corrupt (not such a document, a member that is missing, unknown or impossible; the message names
// it).
NODISCARD bool layout_file_read(const char *path, HeapLayout *out, Error *error);

// The same of text in memory; `name` is for messages.
NODISCARD bool layout_file_parse(const char *name, const char *text, size_t length, HeapLayout *out,
                                 Error *error);

// The layout that the user asks for: by the name of one that is built in
// (snapshot/heap/rudo_gc_layouts.h), or else by the path of a file. Errors: as layout_file_read().
NODISCARD bool layout_find(const char *name_or_path, HeapLayout *out, Error *error);

#endif
