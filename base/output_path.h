// Questions about the path of an output file before it is opened: where its bytes would go, and
// what they would hit. See base/output_file.h for what a path may be.

#ifndef BASE_OUTPUT_PATH_H
#define BASE_OUTPUT_PATH_H

#include <stdbool.h>

// The folder in which a file at `path` grows, for other files that are needed meanwhile; NULL: none
// (a FIFO, device or descriptor, or memory is short). To be freed.
char *output_path_folder(const char *path);

// Does `path` lead to what `descriptor` is open for: to that descriptor, or to another one of the
// same pipe, terminal or file? False for a file that would be replaced, and for /dev/null.
bool output_path_is_stream(const char *path, int descriptor);

// Do both paths lead to one file or stream, so that what is written to one replaces the other or
// mixes with it? False for /dev/null.
bool output_paths_collide(const char *left, const char *right);

// Does writing to `output` change or replace the file at `input`?
bool output_path_hits(const char *output, const char *input);

#endif
